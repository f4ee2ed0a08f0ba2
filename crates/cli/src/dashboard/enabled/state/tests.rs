//! What a state makes of events.

use fireclay::report::Step;

use super::*;

/// A step of an epoch of 4 steps of 32 samples, each of which takes half a second.
pub fn step<'a>(epoch: usize, step: usize, loss: f64) -> Event<'a> {
    Event::StepEnded {
        epoch,
        step,
        steps: 4,
        samples: 32 * step,
        seconds: 0.5 * step as f64,
        loss: Some(loss),
        step_loss: Some(loss),
        accuracy: Some(1.0 - loss / 4.0),
        learning_rate: 1e-3,
        gradient_norm: Some(2.0 * loss),
    }
}

pub fn record(epoch: usize, values: &[(&str, f64)]) -> EpochRecord {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    EpochRecord { epoch, values, seconds: 2.0, samples_per_s: 64.0 }
}

pub fn measured() -> Vec<Measured> {
    let of = |name: &str| Measured {
        name: name.into(),
        direction: match name.ends_with("loss") {
            true => Direction::Minimize,
            false => Direction::Maximize,
        },
    };
    ["loss", "accuracy", "val_loss", "val_accuracy"].map(of).to_vec()
}

pub fn begin(state: &mut TrainingState, start: (usize, usize)) {
    let measured = measured();
    let started = Event::FitStarted {
        epochs: 5,
        steps_per_epoch: 4,
        samples: 128,
        validation_samples: 16,
        start,
        measured: &measured,
    };
    state.event(&started, 0.0);
}

fn info() -> DashboardInfo {
    DashboardInfo { monitor: Some("val_accuracy".into()), ..DashboardInfo::default() }
}

#[test]
fn events_say_how_far_it_is_and_how_long_it_takes() {
    let mut state = TrainingState::new(info());
    assert_eq!(state.phase, Phase::Starting);
    begin(&mut state, (1, 0));
    state.event(&Event::EpochStarted { epoch: 1 }, 0.0);
    state.event(&step(1, 1, 2.0), 1.0);
    assert_eq!((state.steps_done(), state.steps()), (1, 20));
    // Three steps of half a second are left of the epoch, 19 of a whole second of the run: its clock counts all.
    assert_eq!((state.epoch_left, state.run_left), (Some(1.5), Some(19.0)));
    assert_eq!(state.samples_per_s, Some(64.0));
    (2..=4).for_each(|number| state.event(&step(1, number, 1.0), number as f64));
    assert_eq!(state.phase, Phase::Measuring);
    assert_eq!(state.losses.points(), [(1.0, 2.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0)]);
    state.event(&Event::EpochEnded(&record(1, &[("loss", 1.2), ("val_accuracy", 0.5)])), 5.0);
    state.event(&Event::EpochStarted { epoch: 2 }, 5.0);
    assert_eq!((state.epoch, state.step, state.loss), (2, 0, None));
    state.event(&Event::EpochEnded(&record(2, &[("val_accuracy", f64::NAN)])), 9.0);
    state.event(&Event::EpochEnded(&record(3, &[("val_accuracy", 0.25)])), 9.0);
    assert_eq!(state.best(), Some((1, 0.5)));
    assert_eq!(state.course("val_accuracy"), [(1.0, 0.5), (3.0, 0.25)]);
}

#[test]
fn a_training_that_goes_on_has_its_history_and_no_step_twice() {
    let step_of = |number| Step { step: number, loss: Some(number as f64), ..Step::default() };
    let before = DashboardInfo {
        epochs: vec![record(1, &[("val_accuracy", 0.5)])],
        // It was killed after its tenth step, and goes on after its sixth.
        steps: (1..=10).map(step_of).collect(),
        ..info()
    };
    let mut state = TrainingState::new(before);
    begin(&mut state, (2, 2));
    state.event(&Event::EpochStarted { epoch: 2 }, 0.0);
    assert_eq!((state.steps_done(), state.step), (6, 2));
    state.event(&step(2, 3, 7.0), 2.0);
    let steps: Vec<f64> = state.losses.points().iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    // The one step that this run made took 2 seconds, and 13 are left.
    assert_eq!(state.run_left, Some(26.0));
    assert_eq!(state.best(), Some((1, 0.5)));
}

#[test]
fn what_goes_wrong_is_kept_once() {
    let mut state = TrainingState::new(info());
    state.event(&Event::Warning("'dense_1' is dead"), 0.0);
    state.event(&Event::Warning("'dense_1' is dead"), 0.0);
    state.event(&Event::UnusedParameters(&["a.weight".into()]), 0.0);
    assert_eq!(state.warnings.len(), 2);
    assert!(state.warnings[1].contains("a.weight"));
}
