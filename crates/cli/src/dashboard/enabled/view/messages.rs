//! The lower part: warnings, and below them the last lines that were printed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Widget};

use super::super::state::TrainingState;
use super::text::{fit, wrapped};
use super::{ROOMY, View};

/// Lines of warnings, and of what was printed, at most.
const MOST_WARNINGS: usize = 6;
const MOST_LINES: usize = 5;

/// The rows that it asks for on a screen of a height.
pub fn height(state: &TrainingState, lines: &[String], columns: usize, height: u16) -> u16 {
    let of_warnings = warnings(state, columns.saturating_sub(2)).len().min(MOST_WARNINGS) as u16;
    match height < ROOMY {
        true => of_warnings.min(2),
        false => 2 + (of_warnings + others(lines).len().clamp(1, MOST_LINES) as u16).min(height / 3),
    }
}

/// Draws it: warnings stay while lines move on.
pub fn draw(state: &TrainingState, view: &View, lines: &[String], area: Rect, buffer: &mut Buffer) {
    let inner = if area.height > 2 {
        let block = Block::bordered().title(" messages ");
        let inner = block.inner(area);
        block.render(area, buffer);
        inner
    } else {
        area
    };
    let (rows, columns) = (usize::from(inner.height), usize::from(inner.width));
    let warnings = warnings(state, columns);
    let others = others(lines);
    let of_lines = others.len().min(rows / 2).max(rows.saturating_sub(warnings.len())).min(others.len());
    let of_warnings = warnings.len().min(rows - of_lines);
    let shown = warnings.into_iter().take(of_warnings).map(|line| Line::styled(line, view.theme.warning));
    let last = others.iter().skip(others.len() - of_lines).map(|line| Line::raw(fit(line, columns)));
    for (line, row) in shown.chain(last).zip(inner.rows()) {
        line.render(row, buffer);
    }
}

/// What was printed besides warnings, which have been shown.
fn others(lines: &[String]) -> Vec<&String> {
    let is_other =
        |line: &&String| !line.starts_with("warning: ") && !line.starts_with("note: these parameters");
    lines.iter().filter(is_other).collect()
}

/// Warnings, the last first, since the first were seen already.
fn warnings(state: &TrainingState, columns: usize) -> Vec<String> {
    let of = |warning: &String| wrapped(&format!("warning: {warning}"), columns);
    state.warnings.iter().rev().flat_map(of).collect()
}
