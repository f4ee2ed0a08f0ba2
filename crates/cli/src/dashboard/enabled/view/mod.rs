//! From a training's state to what is on the screen: a pure function of state, view, lines and size.

mod axis;
mod chart;
mod header;
mod messages;
mod text;
mod theme;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::state::TrainingState;
pub use theme::Theme;

/// What the user has chosen to see, and how.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Which chart, counted on and on in both directions.
    pub chart: i32,
    /// Whether its vertical axis is logarithmic.
    pub logarithmic: bool,
    /// How often the horizontal axis was halved, so that its end is seen closely.
    pub zoom: u32,
    /// Seconds since the training began.
    pub elapsed: f64,
    /// The colours.
    pub theme: Theme,
}

impl View {
    /// The end of a thousand times as much.
    pub const MOST_ZOOM: u32 = 10;
}

/// Rows from which on there are frames around the parts, and lines below the chart.
const ROOMY: u16 = 16;

/// Draws a training; `lines` is what was printed of it.
pub fn draw(state: &TrainingState, view: &View, lines: &[String], area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let width = usize::from(area.width);
    let mut header = header::progress(state, view, width);
    let room = usize::from(area.height / 3).saturating_sub(header.len()).max(1);
    header.extend(header::values(state, view, width, room));
    header.truncate(usize::from(area.height));
    let footer = u16::from(area.height > 5);
    let rest = area.height.saturating_sub(header.len() as u16 + footer);
    let of_messages = messages::height(state, lines, width, area.height).min(rest / 2);
    let [of_header, of_chart, of_messages, of_footer] = Layout::vertical([
        Constraint::Length(header.len() as u16),
        Constraint::Fill(1),
        Constraint::Length(of_messages),
        Constraint::Length(footer),
    ])
    .areas(area);
    for (line, row) in header.into_iter().zip(of_header.rows()) {
        line.render(row, buffer);
    }
    chart::draw(state, view, of_chart, buffer);
    messages::draw(state, view, lines, of_messages, buffer);
    keys(state, view, width).render(of_footer, buffer);
}

/// The last row: what keys do.
fn keys(state: &TrainingState, view: &View, width: usize) -> Line<'static> {
    if state.is_ending {
        let words = ["ending after this step; Ctrl-C again ends at once", "ending after this step"];
        let fits = words.into_iter().find(|words| words.len() <= width).unwrap_or("ending");
        return Line::styled(fits, view.theme.warning);
    }
    let long = "Tab chart   l logarithmic   + - zoom   q end after this step";
    let words = [long, "Tab chart  l log  + - zoom  q end", "Tab l + - q"];
    Line::raw(words.into_iter().find(|words| words.len() <= width).unwrap_or("q end"))
}

#[cfg(test)]
mod tests;
