//! How often values occur.

use maud::{Markup, html};

use super::curves::{Curves, Series, Style};
use super::plot::unit;
use super::{Axis, Plot};
use crate::format::{counted, number};
use crate::statistics::Histogram;

/// Counts as bars.
pub struct Bars<'a> {
    pub description: String,
    pub histogram: &'a Histogram,
    pub x: Axis,
    pub x_label: String,
    /// Where a vertical line stands.
    pub mark: Option<f64>,
}

impl Bars<'_> {
    pub fn draw(self) -> Markup {
        let histogram = self.histogram;
        let y = Axis::linear(histogram.counts.iter().map(|count| *count as f64).chain([0.0]), 4);
        let plot = Plot::new(self.description, self.x, y).labels(self.x_label, "samples");
        let bottom = plot.down().1;
        let marks = html! {
            @for (bin, count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let (lower, upper) = histogram.edges(bin);
                @let (left, right, top) = (
                    plot.at_x(lower),
                    plot.at_x(upper),
                    plot.at_y(*count as f64),
                );
                rect
                    .bar
                    x=(unit(left + 0.5))
                    width=(unit((right - left - 1.0).max(0.5)))
                    y=(unit(top))
                    height=(unit((bottom - top).max(0.5)))
                {
                    title { (number(lower)) " to " (number(upper)) ": " (counted(*count, "sample")) }
                }
            }
            @if let Some(x) = self.mark {
                @if plot.x.holds(x) {
                    line.mark x1=(unit(plot.at_x(x))) x2=(unit(plot.at_x(x))) y1=(unit(plot.down().0)) y2=(unit(bottom)) {}
                }
            }
        };
        plot.draw(marks)
    }
}

/// The shapes of several histograms of fractions over each other, each as shares of its own values.
pub fn shapes(description: String, x_label: &str, histograms: &[(&str, usize, &Histogram)]) -> Markup {
    let outline = |histogram: &Histogram| {
        let total = histogram.total().max(1) as f64;
        let shares = histogram.counts.iter().enumerate();
        let steps = shares.flat_map(|(bin, count)| {
            let (lower, upper) = histogram.edges(bin);
            [(lower, *count as f64 / total), (upper, *count as f64 / total)]
        });
        steps.collect::<Vec<_>>()
    };
    let series: Vec<Series> = histograms
        .iter()
        .map(|(name, style, histogram)| Series {
            name: (*name).into(),
            points: outline(histogram),
            style: Style::Line(*style),
        })
        .collect();
    let (lower, upper) = histograms.first().map_or((0.0, 1.0), |first| (first.2.lower, first.2.upper));
    let shares = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
    let y = Axis::linear(shares.chain([0.0]).collect::<Vec<_>>(), 4).in_percent();
    let plot = Plot::new(description, Axis::between(lower, upper, 5).in_percent(), y)
        .labels(x_label, "share of the answers");
    Curves::new(plot, series).draw()
}
