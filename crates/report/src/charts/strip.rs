//! A value with its interval and what it is compared with, on one line.

use maud::{Markup, html};

use super::Axis;
use super::axis::bounds;
use super::plot::unit;

const WIDTH: f64 = 180.0;

/// What stands on a line.
pub struct Strip {
    pub description: String,
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
    /// Values to compare with, which are ticks.
    pub others: Vec<f64>,
    /// Further values that the line has room for, so that several lines have one scale.
    pub span: Vec<f64>,
}

/// The line; nothing where there is no value.
pub fn strip(strip: &Strip) -> Markup {
    let Some(value) = strip.value.filter(|value| value.is_finite()) else { return html! {} };
    let (low, high) = strip.interval.unwrap_or((value, value));
    let all = strip.others.iter().chain(&strip.span).copied().chain([value, low, high]);
    let (least, most) = bounds(all).unwrap_or((0.0, 1.0));
    let margin = if most > least { (most - least) * 0.08 } else { most.abs().max(1.0) };
    let axis = Axis::between(least - margin, most + margin, 2);
    let at = |value: f64| unit(6.0 + axis.place(value).clamp(0.0, 1.0) * (WIDTH - 12.0));
    html! {
        svg.strip viewBox={ "0 0 " (WIDTH) " 20" } role="img" aria-label=(strip.description) {
            line.axis x1="6" x2=(WIDTH - 6.0) y1="10" y2="10" {}
            @for other in strip.others.iter().filter(|other| other.is_finite()) {
                path.other d={ "M" (at(*other)) " 3V17" } {}
            }
            @if strip.interval.is_some() {
                line.interval x1=(at(low)) x2=(at(high)) y1="10" y2="10" {}
            }
            circle.value cx=(at(value)) cy="10" r="4.5" {}
        }
    }
}
