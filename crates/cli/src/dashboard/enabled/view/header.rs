//! The upper rows: what is trained, how far it is, and the values of the step and of the last epoch.

use ratatui::text::Line;

use super::super::state::{Phase, TrainingState};
use super::View;
use super::text::{bar, fit, number, side_by_side, width};
use crate::format::{count, percent, seconds};
use crate::objective::measure;

/// Columns of a bar at least; with fewer there is none.
const SHORTEST_BAR: usize = 8;

/// What is trained, and how far epoch and run are.
pub fn progress(state: &TrainingState, view: &View, columns: usize) -> Vec<Line<'static>> {
    let of_epoch = format!("epoch {}/{}", state.epoch.min(state.epochs), state.epochs);
    let of_run = format!("{:<width$}", "run", width = of_epoch.len());
    let share = |done: usize, all: usize| done as f64 / all.max(1) as f64;
    let done = share(state.steps_done(), state.steps());
    let left = |left: Option<f64>| left.map_or(String::new(), |left| format!("  {} left", seconds(left)));
    let epoch_tail = match state.phase {
        Phase::Starting => "starting".into(),
        Phase::Training => format!("{}/{}{}", state.step, state.steps_per_epoch, left(state.epoch_left)),
        Phase::Measuring => format!("{}/{}  measuring", state.step, state.steps_per_epoch),
    };
    let mut run_tail = format!("{:.0} %{}", 100.0 * done, left(state.run_left));
    let so_far = format!("  {} so far", seconds(view.elapsed));
    if width(&of_run) + width(&run_tail) + width(&so_far) + 2 + SHORTEST_BAR <= columns {
        run_tail.push_str(&so_far);
    }
    // As long as each other, so that the bars end in one column.
    let tail = width(&epoch_tail).max(width(&run_tail));
    vec![
        Line::styled(title(state, columns), view.theme.strong),
        Line::raw(row(&of_epoch, share(state.step, state.steps_per_epoch), &epoch_tail, tail, columns)),
        Line::raw(row(&of_run, done, &run_tail, tail, columns)),
    ]
}

/// What is trained at the left, where at the right.
fn title(state: &TrainingState, columns: usize) -> String {
    let device = fit(&state.device, columns / 2);
    let room = columns.saturating_sub(width(&device) + 2);
    let title = fit(&state.title, room);
    let between = columns.saturating_sub(width(&title) + width(&device));
    format!("{title}{}{device}", " ".repeat(between))
}

fn row(label: &str, share: f64, tail: &str, longest: usize, columns: usize) -> String {
    let room = columns.saturating_sub(width(label) + longest + 2);
    match room < SHORTEST_BAR {
        true => fit(&format!("{label} {tail}"), columns),
        false => format!("{label} {} {tail}", bar(share, room)),
    }
}

/// The values of the step, and of the last epoch, in at most so many lines of each.
pub fn values(state: &TrainingState, view: &View, columns: usize, most: usize) -> Vec<Line<'static>> {
    let now = [
        state.loss.map(|loss| format!("loss {}", number(loss))),
        state.accuracy.map(|accuracy| format!("accuracy {}", percent(accuracy))),
        state.learning_rate.map(|rate| format!("learning rate {}", number(rate))),
        state.gradient_norm.map(|norm| format!("gradient norm {}", number(norm))),
        state.samples_per_s.map(|speed| format!("{} samples/s", count(speed.round() as u64))),
    ];
    let now: Vec<String> = now.into_iter().flatten().collect();
    let mut lines: Vec<Line> = side_by_side(&now, columns).into_iter().take(most).map(Line::raw).collect();
    if let Some(record) = state.history.last() {
        let value = |name: &str, value: f64| match value.is_finite() {
            true => measure(name, value),
            false => value.to_string(),
        };
        let unseen = record.values.iter().filter(|(name, _)| name.starts_with("val_"));
        let mut parts: Vec<String> =
            unseen.map(|(name, of)| format!("{name} {}", value(name, *of))).collect();
        if parts.is_empty() {
            parts = record.values.iter().map(|(name, of)| format!("{name} {}", value(name, *of))).collect();
        }
        if let (Some((epoch, best)), Some(monitor)) = (state.best(), &state.monitor) {
            parts.push(format!("best {} in epoch {epoch}", value(monitor, best)));
        }
        if let Some(first) = parts.first_mut() {
            first.insert_str(0, &format!("epoch {}: ", record.epoch));
        }
        let of_epoch = side_by_side(&parts, columns).into_iter().take(most);
        lines.extend(of_epoch.map(|line| Line::styled(line, view.theme.validation)));
    }
    lines
}
