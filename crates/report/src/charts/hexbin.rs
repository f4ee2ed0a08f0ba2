//! Many points as hexagons that are darker where more of them lie; few points as themselves.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Plot;
use super::plot::unit;
use crate::format::{counted, number};

/// Up to this many points are drawn one by one.
const SINGLE: usize = 400;
/// Half the width of a hexagon.
const RADIUS: f64 = 5.0;

/// Points in a plot.
pub struct Scatter<'a> {
    pub plot: Plot,
    pub points: &'a [(f64, f64)],
    /// A line where a perfect prediction lies, from one point to another.
    pub perfect: [(f64, f64); 2],
}

impl Scatter<'_> {
    pub fn draw(&self) -> Markup {
        let plot = &self.plot;
        let shown = || self.points.iter().filter(|(x, y)| plot.x.holds(*x) && plot.y.holds(*y));
        let marks = html! {
            path.line.reference d=(plot.path(self.perfect)) {}
            @if self.points.len() <= SINGLE {
                @for (x, y) in shown() {
                    circle.dot cx=(unit(plot.at_x(*x))) cy=(unit(plot.at_y(*y))) r="2.4" {
                        title { (number(*x)) ", " (number(*y)) }
                    }
                }
            } @else { (hexagons(shown().map(|(x, y)| (plot.at_x(*x), plot.at_y(*y))))) }
        };
        plot.draw(marks)
    }
}

fn hexagons(points: impl Iterator<Item = (f64, f64)>) -> Markup {
    let (across, down) = (RADIUS * 3f64.sqrt(), RADIUS * 1.5);
    let mut counts: BTreeMap<(i64, i64), usize> = BTreeMap::new();
    for (x, y) in points {
        // The nearest centre is in one of the two rows that the point lies between.
        let row = (y / down).floor() as i64;
        let centre = |row: i64| {
            let shift = if row.rem_euclid(2) == 1 { across / 2.0 } else { 0.0 };
            let column = ((x - shift) / across).round();
            let distance = (column * across + shift - x).powi(2) + (row as f64 * down - y).powi(2);
            (distance, (row, column as i64))
        };
        let (above, below) = (centre(row), centre(row + 1));
        *counts.entry(if above.0 <= below.0 { above.1 } else { below.1 }).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(1) as f64;
    html! {
        @for ((row, column), count) in &counts {
            @let shift = if row.rem_euclid(2) == 1 { across / 2.0 } else { 0.0 };
            @let (x, y) = (*column as f64 * across + shift, *row as f64 * down);
            // The root keeps single points visible beside crowds.
            @let share = (*count as f64 / most).sqrt();
            path
                .hexagon
                d={ "M" (unit(x)) " " (unit(y - RADIUS)) "l" (HEXAGON) }
                fill-opacity=(format!("{:.2}", 0.12 + 0.88 * share))
            {
                title { (counted(*count, "sample")) }
            }
        }
    }
}

/// The outline of a hexagon from its top.
const HEXAGON: &str = "4.3 2.5v5l-4.3 2.5l-4.3-2.5v-5z";
