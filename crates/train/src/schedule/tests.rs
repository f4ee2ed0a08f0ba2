use std::path::Path;

use super::*;
use crate::EpochRecord;

fn factor(schedule: impl Schedule, epochs_done: f64, epochs: f64, history: &[EpochRecord]) -> f64 {
    schedule.factor(&SchedulePosition { epochs_done, epochs, history })
}

#[test]
fn every_file_of_a_built_in_schedule_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schedule");
    let table = include_str!("mod.rs");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.starts_with("impl BuiltIn for ")) {
            let name = line.trim_start_matches("impl BuiltIn for ").trim_end_matches(" {");
            assert!(table.contains(&format!("=> {name},\n")), "{name} is not in the table");
            found += 1;
        }
    }
    assert_eq!(found, 10);
}

#[test]
fn schedules_are_written_as_in_older_files() {
    for (words, written) in [
        ("constant", r#"{"type":"constant"}"#),
        ("linear=0.5", r#"{"type":"linear","to":0.5}"#),
        ("cosine", r#"{"type":"cosine","to":0.0}"#),
        ("one-cycle", r#"{"type":"one_cycle"}"#),
        ("step=3,0.5", r#"{"type":"step","epochs":3,"factor":0.5}"#),
        ("exponential=0.5", r#"{"type":"exponential","factor":0.5}"#),
        ("plateau=0.5,2", r#"{"type":"plateau","factor":0.5,"patience":2}"#),
        ("polynomial=2,0.5", r#"{"type":"polynomial","power":2.0,"to":0.5}"#),
        ("cosine-restarts=5,2", r#"{"type":"cosine_restarts","epochs":5,"multiplier":2}"#),
        ("multi-step=3:7,0.5", r#"{"type":"multi_step","milestones":[3,7],"factor":0.5}"#),
    ] {
        let schedule: BuiltInSchedule = words.parse().unwrap();
        assert_eq!(serde_json::to_string(&schedule).unwrap(), written);
        assert_eq!(serde_json::from_str::<BuiltInSchedule>(written).unwrap(), schedule);
        let unknown = written.replace('}', r#","more":1}"#);
        let message = serde_json::from_str::<BuiltInSchedule>(&unknown).unwrap_err().to_string();
        assert!(message.contains("more"), "{message}");
    }
}

#[test]
fn a_schedule_is_read_as_it_is_written() {
    for text in [
        "constant",
        "linear",
        "linear=0.1",
        "cosine",
        "cosine=0.05",
        "one-cycle",
        "step=10,0.1",
        "exponential=0.95",
        "plateau=0.5,2",
        "polynomial=0.9",
        "polynomial=2,0.1",
        "cosine-restarts=10",
        "cosine-restarts=10,2",
        "multi-step=10,0.1",
        "multi-step=10:20:30,0.1",
    ] {
        assert_eq!(text.parse::<BuiltInSchedule>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "cosin",
        "linear=2",
        "step=0,0.1",
        "step=3",
        "exponential=-1",
        "plateau=1,2",
        "cosine=x",
        "polynomial",
        "polynomial=0",
        "polynomial=2,1.5",
        "cosine-restarts=0",
        "cosine-restarts=5,0",
        "cosine-restarts=5,1.5",
        "multi-step=,0.1",
        "multi-step=0:3,0.1",
        "multi-step=5:5,0.1",
        "multi-step=3:5",
        "multi-step=3:5,0",
    ] {
        let message = text.parse::<BuiltInSchedule>().unwrap_err().to_string();
        assert!(message.contains("one-cycle") && message.contains(text), "{message}");
    }
}

#[test]
fn one_cycle_rises_for_three_tenths_and_ends_where_pytorchs_does() {
    let factor = |position| factor(OneCycle {}, position, 10.0, &[]);
    // A 25th, halfway up, the top, halfway down, a 250,000th.
    for (position, expected) in [(0.0, 0.04), (1.5, 0.52), (3.0, 1.0), (6.5, 0.500_002), (10.0, 4e-6)] {
        assert!((factor(position) - expected).abs() < 1e-12, "{position}");
    }
}

#[test]
fn steps_and_exponentials_change_between_epochs_only() {
    let step = Step::new(2, 0.1);
    let factors = [0.0, 1.9, 2.0, 3.99, 4.0].map(|position| factor(step, position, 9.0, &[]));
    for (found, expected) in factors.iter().zip([1.0, 1.0, 0.1, 0.1, 0.01]) {
        assert!((found - expected).abs() < 1e-12);
    }
    assert_eq!(factor(Exponential::new(0.5), 2.7, 9.0, &[]), 0.25);
}

/// Values of PyTorch's schedulers at learning rate 1, which are called once an epoch: `PolynomialLR(total_iters=10)`,
/// `CosineAnnealingWarmRestarts` and `MultiStepLR(milestones=[3, 5, 6], gamma=0.1)`.
#[test]
fn schedules_agree_with_pytorchs() {
    let cases = [
        ("polynomial=2", [1.0, 0.81, 0.64, 0.49, 0.36, 0.25, 0.16, 0.09, 0.04, 0.01]),
        (
            "polynomial=0.9",
            [1.0, 0.909533, 0.818052, 0.725418, 0.631446, 0.535887, 0.438383, 0.338383, 0.234924, 0.125893],
        ),
        ("cosine-restarts=4", [1.0, 0.853553, 0.5, 0.146447, 1.0, 0.853553, 0.5, 0.146447, 1.0, 0.853553]),
        ("cosine-restarts=2,2", [1.0, 0.5, 1.0, 0.853553, 0.5, 0.146447, 1.0, 0.96194, 0.853553, 0.691342]),
        ("multi-step=3:5:6,0.1", [1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.001, 0.001, 0.001, 0.001]),
    ];
    let cases = cases.map(|(words, expected)| (words.parse::<BuiltInSchedule>().unwrap(), expected));
    let factor = |schedule: &BuiltInSchedule, epochs_done| {
        schedule.factor(&SchedulePosition { epochs_done, epochs: 10.0, history: &[] })
    };
    for (schedule, expected) in cases {
        let found = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0].map(|done| factor(&schedule, done));
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{schedule}: {found} and not {expected}");
        }
    }
}

#[test]
fn restarts_are_found_between_epochs_and_far_into_a_run() {
    let schedule = CosineRestarts::new(2).multiplier(3);
    // Periods begin at 0, 2, 8, 26, 80, ...
    for (position, expected) in
        [(0.5, 1.0 / 4.0), (7.0, 5.0 / 6.0), (25.5, 17.5 / 18.0), (53.0, 0.5), (80.0, 0.0)]
    {
        let expected = (1.0 + (std::f64::consts::PI * expected).cos()) / 2.0;
        assert!((factor(schedule, position, 100.0, &[]) - expected).abs() < 1e-12, "{position}");
    }
    assert_eq!(factor(CosineRestarts::new(7), 7e6, 1e7, &[]), 1.0);
}

#[test]
fn a_plateau_is_counted_by_the_validation_loss() {
    let epoch = |val_loss: f64| EpochRecord {
        epoch: 1,
        values: vec![("loss".into(), 0.0), ("val_loss".into(), val_loss)],
        seconds: 1.0,
        samples_per_s: 1.0,
    };
    let history: Vec<EpochRecord> = [3.0, 2.0, 2.0, 2.1, 2.2, 2.3, 1.9].map(epoch).into();
    let plateau = Plateau::new(0.5, 1);
    let factors: Vec<f64> =
        (0..=history.len()).map(|done| factor(plateau, done as f64, 9.0, &history[..done])).collect();
    assert_eq!(factors, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
}
