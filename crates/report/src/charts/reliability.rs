//! Accuracy against confidence: on the diagonal a network is right as often as it says.

use maud::{Markup, html};

use super::plot::unit;
use super::{Axis, Plot};
use crate::data::CalibrationBin;
use crate::format::{counted, percent};

/// Bins of fewer samples are drawn hollow.
const FEW: usize = 10;

/// The reliability diagram; bins without samples are left out.
pub fn reliability(bins: &[CalibrationBin], samples: usize, error: f64) -> Markup {
    let axis = || Axis::between(0.0, 1.0, 5).in_percent();
    let description = format!(
        "Reliability diagram of {}: expected calibration error {}",
        counted(samples, "answer"),
        percent(error)
    );
    let plot = Plot::new(description, axis(), axis()).labels("confidence", "share of right answers").square();
    let filled = || bins.iter().filter(|bin| bin.samples > 0);
    let marks = html! {
        path.line.reference d=(plot.path([(0.0, 0.0), (1.0, 1.0)])) {}
        path.line.s0 d=(plot.path(filled().map(|bin| (bin.confidence, bin.accuracy)))) {}
        @for bin in filled() {
            @let x = unit(plot.at_x(bin.confidence));
            @if let Some([lower, upper]) = bin.interval {
                line.whisker.s0 x1=(x) x2=(x) y1=(unit(plot.at_y(lower))) y2=(unit(plot.at_y(upper))) {}
            }
            circle.point.s0.hollow[bin.samples < FEW] cx=(x) cy=(unit(plot.at_y(bin.accuracy))) r="3.4" {
                title {
                    (counted(bin.samples, "answer"))
                    " with a confidence of "
                    (percent(bin.low))
                    " to "
                    (percent(bin.high))
                    ": "
                    (percent(bin.accuracy))
                    " right"
                }
            }
        }
    };
    plot.draw(marks)
}
