//! What is on the screen, as text.

use fireclay::train::Event;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::super::state::tests::{begin, record, step};
use super::*;
use crate::dashboard::DashboardInfo;

fn drawn(
    state: &TrainingState,
    view: &View,
    lines: &[String],
    (width, height): (u16, u16),
) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, view, lines, frame.area(), frame.buffer_mut())).unwrap();
    terminal
}

/// The screen, row by row.
fn screen(state: &TrainingState, view: &View, lines: &[String], size: (u16, u16)) -> String {
    let terminal = drawn(state, view, lines, size);
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(size.0.max(1)));
    rows.map(|row| {
        let mut text = String::new();
        let mut covered = 0;
        for cell in row {
            // A wide letter covers the cell behind it.
            if covered == 0 {
                text.push_str(cell.symbol());
                covered = text::width(cell.symbol()).saturating_sub(1);
            } else {
                covered -= 1;
            }
        }
        text.trim_end().to_owned() + "\n"
    })
    .collect()
}

fn new(title: &str) -> TrainingState {
    TrainingState::new(DashboardInfo {
        title: title.into(),
        device: "flex with 2 threads".into(),
        monitor: Some("val_accuracy".into()),
        ..DashboardInfo::default()
    })
}

fn at_start() -> TrainingState {
    let mut state = new("cnn on MNIST");
    begin(&mut state, (1, 0));
    state
}

/// So many epochs, and two steps.
fn after(epochs: usize) -> TrainingState {
    let mut state = at_start();
    let loss = |number: usize| 2.4 / (1.0 + number as f64);
    for epoch in 1..=epochs + 1 {
        state.event(&Event::EpochStarted { epoch }, 2.0 * epoch as f64);
        let steps = if epoch > epochs { 2 } else { 4 };
        for number in 1..=steps {
            let all = 4 * (epoch - 1) + number;
            state.event(&step(epoch, number, loss(all)), 0.5 * all as f64);
        }
        if epoch <= epochs {
            let accuracy = 1.0 - loss(4 * epoch) / 4.0;
            let values = [
                ("loss", loss(4 * epoch)),
                ("accuracy", accuracy),
                ("val_loss", 1.2 * loss(4 * epoch)),
                ("val_accuracy", accuracy - 0.05),
            ];
            state.event(&Event::EpochEnded(&record(epoch, &values)), 2.0 * epoch as f64);
        }
    }
    state
}

fn view() -> View {
    View { elapsed: 7.0, ..View::default() }
}

fn lines() -> Vec<String> {
    (1..=3).map(|epoch| format!("epoch {epoch}/5  loss 0.4800  64 samples/s  2.0 s")).collect()
}

#[test]
fn a_screen_of_usual_size() {
    let found = screen(&after(3), &view(), &lines(), (80, 24));
    assert_eq!(found, include_str!("fixtures/80x24.txt"), "\n{found}");
}

#[test]
fn a_small_screen_has_what_matters() {
    let found = screen(&after(3), &view(), &lines(), (40, 12));
    assert_eq!(found, include_str!("fixtures/40x12.txt"), "\n{found}");
}

#[test]
fn another_chart_with_warnings_on_a_wide_screen() {
    let mut state = after(3);
    state.event(
        &Event::Warning("the gradients exploded: their norm is 1.000e5; try a lower learning rate"),
        7.0,
    );
    state.is_ending = true;
    let view = View { chart: 1, logarithmic: true, zoom: 1, ..view() };
    let found = screen(&state, &view, &lines(), (110, 30));
    assert_eq!(found, include_str!("fixtures/110x30.txt"), "\n{found}");
}

#[test]
fn before_the_first_step_and_the_first_epoch_it_says_so() {
    let found = screen(&at_start(), &view(), &[], (80, 24));
    assert!(found.contains("epoch 1/5") && found.contains("starting"), "{found}");
    assert!(found.contains("loss: no value yet"), "{found}");
    let found = screen(&at_start(), &View { chart: 1, ..view() }, &[], (80, 24));
    assert!(found.contains("accuracy: no epoch is done yet"), "{found}");
    assert!(screen(&new("cnn on MNIST"), &view(), &[], (80, 24)).contains("cnn on MNIST"));
}

#[test]
fn one_epoch_is_a_point() {
    let found = screen(&after(1), &View { chart: 1, ..view() }, &[], (80, 24));
    assert!(found.contains('•') && found.contains("val_accuracy 83.00 %"), "{found}");
}

#[test]
fn tab_goes_around() {
    let chosen = |chart| {
        let found = screen(&after(1), &View { chart, ..view() }, &[], (80, 24));
        let line = found.lines().find(|line| line.starts_with('┌')).unwrap().to_owned();
        line.split(['[', ']']).nth(1).unwrap().to_owned()
    };
    let all = [0, 1, 2, 3, 4, 5, -1].map(chosen);
    assert_eq!(all, ["loss", "accuracy", "learning rate", "gradient norm", "samples/s", "loss", "samples/s"]);
}

#[test]
fn values_that_do_not_exist_are_named_and_not_drawn() {
    let mut state = at_start();
    state.event(&Event::EpochStarted { epoch: 1 }, 0.0);
    (1..=4).for_each(|number| state.event(&step(1, number, f64::NAN), 0.0));
    let values = [("loss", f64::NAN), ("val_loss", f64::INFINITY), ("val_accuracy", f64::NAN)];
    state.event(&Event::EpochEnded(&record(1, &values)), 0.0);
    for logarithmic in [false, true] {
        let found = screen(&state, &View { logarithmic, ..view() }, &[], (80, 24));
        assert!(found.contains("loss NaN") && found.contains("val_loss inf"), "{found}");
        assert!(found.contains("loss: no value yet"), "{found}");
    }
}

/// Names come from files; a terminal must not obey them, and they may be of any length and script.
#[test]
fn names_are_cut_and_not_obeyed() {
    let mut state = at_start();
    state.title = format!("cnn on {}\u{1b}[2J\n手書き数字の認識", "x".repeat(200));
    state.device = "d".repeat(90);
    let found = screen(&state, &view(), &["\u{1b}[31mred".into()], (60, 20));
    assert!(found.lines().next().unwrap().contains("…") && !found.contains('\u{1b}'), "{found}");
    state.title = "手書き数字の認識".into();
    state.device = "flex".into();
    let found = screen(&state, &view(), &[], (40, 12));
    assert!(
        found.starts_with("手書き数字の認識") && found.lines().next().unwrap().ends_with("flex"),
        "{found}"
    );
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let mut hostile = after(2);
    hostile.title = "é".repeat(300);
    hostile.warnings = vec!["手書き ".repeat(50), "x".repeat(500)];
    hostile.measured.iter_mut().for_each(|measured| measured.name.push_str(&"ü".repeat(60)));
    for state in [new(""), at_start(), after(1), after(4), hostile] {
        for width in [0, 1, 2, 9, 10, 20, 40, 80, 200] {
            for height in (0..9).chain([11, 12, 15, 16, 24, 60]) {
                for chart in [0, 1] {
                    let view = View { chart, logarithmic: height % 2 == 0, zoom: chart as u32, ..view() };
                    drawn(&state, &view, &lines(), (width, height));
                }
            }
        }
    }
}

#[test]
fn training_and_validation_differ_in_colour_and_without_colours_in_shape() {
    let colours = |theme| -> std::collections::BTreeSet<String> {
        let terminal = drawn(&after(3), &View { theme, ..view() }, &lines(), (80, 24));
        terminal.backend().buffer().content().iter().map(|cell| format!("{:?}", cell.fg)).collect()
    };
    assert_eq!(colours(Theme::default()), [format!("{:?}", Color::Reset)].into());
    assert_eq!(colours(Theme::coloured()).len(), 3);
    let found = screen(&after(3), &view(), &[], (80, 24));
    assert!(found.contains("⠒⠒ loss") && found.contains("• val_loss"), "{found}");
}
