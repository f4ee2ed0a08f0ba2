//! Whether probabilities can be taken at their word, and how sure answers are.

use maud::{Markup, html};

use super::frame::scroll;
use crate::charts::{figure, legend, reliability, shapes};
use crate::data::{CalibrationBin, Classification};
use crate::format::{count, counted, percent};
use crate::statistics::{Calibration, Histogram};

/// Bins of the reliability diagram.
const BINS: usize = 15;

/// Both figures, and the numbers of answers behind them.
pub fn calibration(task: &Classification, scores: &[Option<Vec<f64>>]) -> Markup {
    let samples = task.truth.iter().zip(&task.predicted).zip(scores);
    let answers: Vec<(f64, bool)> = samples
        .filter_map(|((truth, predicted), row)| {
            Some((row.as_ref()?[*predicted].clamp(0.0, 1.0), truth == predicted))
        })
        .collect();
    let Some(calibration) = Calibration::new(&answers, BINS) else { return html! {} };
    let histogram = |right: bool| {
        let of = answers.iter().filter(move |answer| answer.1 == right).map(|answer| answer.0);
        Histogram::new(of, 0.0, 1.0, 20)
    };
    let (right, wrong) = (histogram(true), histogram(false));
    let mut shown = Vec::new();
    let mut names = Vec::new();
    for (name, style, histogram) in [("right", 0, &right), ("wrong", 1, &wrong)] {
        if histogram.total() > 0 {
            shown.push((name, style, histogram));
            names.push((style, format!("{name} answers"), count(histogram.total() as u64)));
        }
    }
    let confidences = shapes("How sure right and wrong answers are".into(), "confidence", &shown);
    let sure = answers.iter().filter(|(confidence, right)| !right && *confidence > 0.9).count();
    let mut caption = "How sure the network is where it is right, and where it is wrong; each line shows the shares of its own answers.".to_string();
    if wrong.total() > 0 {
        caption += &format!(
            " Of {}, {} had a confidence above 90\u{a0}%.",
            counted(wrong.total(), "mistake"),
            count(sure as u64)
        );
    }
    let few =
        if task.truth.len() < 100 { " There are few samples, so that the whiskers are long." } else { "" };
    let how = format!(
        "On the dashes the network is right as often as it says; below them it is too sure of itself, above them not sure enough. The expected calibration error over \
         {BINS} bins is {}. Whiskers are 95\u{a0}% intervals; a hollow point stands for fewer than 10 answers.{few}",
        percent(calibration.error)
    );
    html! {
        div.figures {
            (figure("Calibration", reliability(&calibration.bins, calibration.samples, calibration.error), html! {}, how))
            (figure("Confidence", confidences, legend(&names), caption))
        }
        (bins(&calibration.bins))
    }
}

/// The numbers of answers by their confidence.
pub fn bins(bins: &[CalibrationBin]) -> Markup {
    let table = html! {
        table.compact {
            thead {
                tr {
                    th scope="col" { "Confidence" }
                    th.number scope="col" { "Answers" }
                    th.number scope="col" { "Mean confidence" }
                    th.number scope="col" { "Right" }
                }
            }
            tbody {
                @for bin in bins.iter().filter(|bin| bin.samples > 0) {
                    tr {
                        th scope="row" { (format!("{:.0}–{:.0}\u{a0}%", bin.low * 100.0, bin.high * 100.0)) }
                        td.number { (count(bin.samples as u64)) }
                        td.number { (percent(bin.confidence)) }
                        td.number { (percent(bin.accuracy)) }
                    }
                }
            }
        }
    };
    scroll("Answers by confidence", table)
}
