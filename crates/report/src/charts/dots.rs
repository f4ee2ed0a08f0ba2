//! Values with their intervals, one below the other: a measure of several groups.

use maud::{Markup, html};

use super::axis::bounds;
use super::plot::unit;
use super::{Axis, Plot};
use crate::format::percent;
use crate::words::shortened;

/// The height of a row.
const ROW: f64 = 26.0;
/// Letters of a name; more would leave no room for the figure.
const LETTERS: usize = 16;

/// A share with its interval.
pub struct Dot {
    pub name: String,
    pub value: f64,
    pub interval: Option<(f64, f64)>,
}

/// The figure, with the first dot at the top.
pub fn dots(description: String, dots: &[Dot]) -> Markup {
    let ends = |dot: &Dot| dot.interval.unwrap_or((dot.value, dot.value));
    let values = || dots.iter().flat_map(|dot| [dot.value, ends(dot).0, ends(dot).1]);
    let x = match bounds(values()) {
        Some((low, high)) if high - low > 1e-6 => Axis::linear(values(), 4),
        _ => Axis::between(0.0, 1.0, 4),
    };
    let names: Vec<String> = dots.iter().map(|dot| shortened(&dot.name, LETTERS)).collect();
    let mut plot = Plot::new(description, x.in_percent(), Axis::names(&names));
    plot.height = ROW * dots.len() as f64 + 30.0;
    // The last label of the axis reaches beyond its end.
    plot.right = 20.0;
    let marks = html! {
        @for (dot, (place, _)) in dots.iter().zip(&plot.y.ticks) {
            @let y = unit(plot.at_y(*place));
            @if let Some((lower, upper)) = dot.interval {
                line.whisker.s0 x1=(unit(plot.at_x(lower))) x2=(unit(plot.at_x(upper))) y1=(y) y2=(y) {}
            }
            circle.point.s0 cx=(unit(plot.at_x(dot.value))) cy=(y) r="4" {
                title {
                    (shortened(&dot.name, 60))
                    ": "
                    (percent(dot.value))
                    @if let Some((lower, upper)) = dot.interval { ", " (percent(lower)) " to " (percent(upper)) }
                }
            }
        }
    };
    html! {
        div.dots { (plot.draw(marks)) }
    }
}
