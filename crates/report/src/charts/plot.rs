//! The frame of a figure: axes, their ticks and labels, and places in it.

use maud::{Markup, html};

use super::Axis;

/// The size of a letter in units of the figure.
pub const LETTER: f64 = 12.0;
const WIDTH: f64 = 400.0;

/// A figure with two axes.
pub struct Plot {
    /// What somebody hears who does not see it.
    pub description: String,
    pub x: Axis,
    pub y: Axis,
    pub x_label: String,
    pub y_label: String,
    pub height: f64,
    /// Room on the right, for words at the ends of curves.
    pub right: f64,
}

impl Plot {
    pub fn new(description: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            description: description.into(),
            x,
            y,
            x_label: String::new(),
            y_label: String::new(),
            height: 250.0,
            right: 10.0,
        }
    }

    pub fn labels(mut self, x: impl Into<String>, y: impl Into<String>) -> Self {
        (self.x_label, self.y_label) = (x.into(), y.into());
        self
    }

    /// A figure whose axes are as long as each other.
    pub fn square(mut self) -> Self {
        self.height = WIDTH - self.left() - self.right + self.top() + self.bottom();
        self
    }

    fn left(&self) -> f64 {
        let longest = self.y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        longest as f64 * LETTER * 0.58 + 12.0
    }

    fn top(&self) -> f64 {
        if self.y_label.is_empty() { 8.0 } else { 26.0 }
    }

    fn bottom(&self) -> f64 {
        if self.x_label.is_empty() { 22.0 } else { 40.0 }
    }

    /// The left and the right end of the x axis.
    pub fn across(&self) -> (f64, f64) {
        (self.left(), WIDTH - self.right)
    }

    /// The upper and the lower end of the y axis.
    pub fn down(&self) -> (f64, f64) {
        (self.top(), self.height - self.bottom())
    }

    pub fn at_x(&self, value: f64) -> f64 {
        let (left, right) = self.across();
        left + self.x.place(value) * (right - left)
    }

    pub fn at_y(&self, value: f64) -> f64 {
        let (top, bottom) = self.down();
        bottom - self.y.place(value) * (bottom - top)
    }

    /// A path through points, as far as they lie between the axes; it has a gap where one is not finite.
    pub fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        let mut pen: Option<(f64, f64)> = None;
        for (x, y) in points {
            let place = (self.x.place(x), self.y.place(y));
            if !(place.0.is_finite() && place.1.is_finite()) {
                last = None;
                continue;
            }
            if let Some((from, to)) = last.and_then(|last| clipped(last, place)) {
                if pen != Some(from) {
                    self.push(&mut path, 'M', from);
                }
                self.push(&mut path, 'L', to);
                pen = Some(to);
            }
            last = Some(place);
        }
        path
    }

    fn push(&self, path: &mut String, command: char, (x, y): (f64, f64)) {
        let ((left, right), (top, bottom)) = (self.across(), self.down());
        path.push(command);
        path.push_str(&unit(left + x * (right - left)));
        path.push(' ');
        path.push_str(&unit(bottom - y * (bottom - top)));
    }

    /// The figure with marks in it.
    pub fn draw(&self, marks: Markup) -> Markup {
        let ((left, right), bottom) = (self.across(), self.down().1);
        html! {
            svg.plot viewBox={ "0 0 " (WIDTH) " " (unit(self.height)) } role="img" aria-label=(self.description) {
                @for (value, label) in self.y.ticks.iter().filter(|tick| self.y.holds(tick.0)) {
                    line.grid x1=(unit(left)) x2=(unit(right)) y1=(unit(self.at_y(*value))) y2=(unit(self.at_y(*value))) {}
                    text.tick.end x=(unit(left - 6.0)) y=(unit(self.at_y(*value) + 4.0)) { (label) }
                }
                line.axis x1=(unit(left)) x2=(unit(right)) y1=(unit(bottom)) y2=(unit(bottom)) {}
                @for (value, label) in self.x.ticks.iter().filter(|tick| self.x.holds(tick.0)) {
                    line
                        .axis
                        x1=(unit(self.at_x(*value)))
                        x2=(unit(self.at_x(*value)))
                        y1=(unit(bottom))
                        y2=(unit(bottom + 4.0)) {}
                    text.tick.middle x=(unit(self.at_x(*value))) y=(unit(bottom + 17.0)) { (label) }
                }
                (marks)
                @if !self.y_label.is_empty() {
                    text.label x="0" y="12" { (self.y_label) }
                }
                @if !self.x_label.is_empty() {
                    text.label.end x=(unit(right)) y=(unit(self.height - 4.0)) { (self.x_label) }
                }
            }
        }
    }
}

/// The part of a segment that lies in the unit square (Liang and Barsky 1984).
fn clipped(from: (f64, f64), to: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (step, room) in [(-dx, from.0), (dx, 1.0 - from.0), (-dy, from.1), (dy, 1.0 - from.1)] {
        // Places at the bounds may lie a rounding outside.
        let room = room + 1e-9;
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            enter = enter.max(room / step);
        } else {
            leave = leave.min(room / step);
        }
    }
    let at = |part: f64| match part {
        0.0 => from,
        1.0 => to,
        part => (from.0 + part * dx, from.1 + part * dy),
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}

/// A figure with its heading and a sentence that says how to read it.
pub fn figure(title: &str, plot: Markup, legend: Markup, caption: impl AsRef<str>) -> Markup {
    html! {
        figure {
            figcaption {
                h3 { (title) }
            }
            (plot)
            (legend)
            @if !caption.as_ref().is_empty() {
                p.caption { (caption.as_ref()) }
            }
        }
    }
}

/// A length with one decimal at most, to keep pages small.
pub fn unit(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded == rounded.trunc() { format!("{}", rounded as i64) } else { format!("{rounded:.1}") }
}
