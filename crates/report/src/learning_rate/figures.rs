//! The loss over the learning rate, and how fast it falls.

use maud::{Markup, html};

use crate::charts::{Axis, Curves, Plot, Series, Style, figure};
use crate::data::{LearningRateReport, LearningRateStep};
use crate::format::number;
use crate::page::Section;
use crate::statistics::{Points, downsample};

/// No more points are drawn of a curve.
const POINTS: usize = 1000;

/// The highest loss that has room, in heights of the stretch from the first loss down to the lowest: what diverges goes further.
const ROOM: f64 = 1.5;

pub fn section(report: &LearningRateReport) -> Option<Section> {
    let steps: Vec<&LearningRateStep> =
        report.steps.iter().filter(|step| step.smoothed_loss.is_finite()).collect();
    if steps.len() < 2 {
        return None;
    }
    let body = html! {
        @if let Some(reason) = &report.ended {
            p { "The sweep ended because " (reason) "." }
        }
        div.figures {
            (losses(report, &steps)?)
            (slopes(report, &steps)?)
        }
    };
    Some(Section::new("curve", "Loss over the learning rate", body))
}

fn rates(report: &LearningRateReport) -> Option<Axis> {
    Axis::log(report.steps.iter().map(|step| step.learning_rate)).map(Axis::in_powers)
}

fn mark(report: &LearningRateReport) -> Option<(f64, String)> {
    report.suggestion.map(|rate| (rate, format!("suggested {}", number(rate))))
}

fn losses(report: &LearningRateReport, steps: &[&LearningRateStep]) -> Option<Markup> {
    let smooth: Points = steps.iter().map(|step| (step.learning_rate, step.smoothed_loss)).collect();
    let single: Points = report.steps.iter().map(|step| (step.learning_rate, step.loss)).collect();
    let lowest = smooth.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let before = smooth.iter().take_while(|point| point.1 > lowest);
    let highest = before.map(|point| point.1).fold(smooth[0].1, f64::max);
    let top = lowest + ROOM * (highest - lowest);
    let shown = smooth.iter().map(|point| point.1.min(top));
    let ring = report
        .suggestion
        .and_then(|rate| {
            let distance = |point: &&(f64, f64)| (point.0 / rate).ln().abs();
            smooth.iter().min_by(|left, right| distance(left).total_cmp(&distance(right)))
        })
        .copied();
    let ends = format!(
        "Loss over the learning rate: smoothed from {} to {}, lowest {}",
        number(smooth[0].1),
        number(smooth[smooth.len() - 1].1),
        number(lowest)
    );
    let plot = Plot::new(ends, rates(report)?, Axis::linear(shown, 4)).labels("learning rate", "loss");
    let line = |points: &Points, style| Series {
        name: "smoothed loss".into(),
        points: downsample(points, POINTS),
        style,
    };
    let series = vec![line(&single, Style::Faint), line(&smooth, Style::Line(0))];
    let curves =
        Curves { mark: mark(report), ring, points: Some(number), ..Curves::new(plot, series) }.draw();
    let caption = "Faint: single batches. Bold: their exponential mean. Where the loss is flat the rate is too small to learn; where it \
        rises it is too large.";
    Some(figure("Loss", curves, html! {}, caption))
}

fn slopes(report: &LearningRateReport, steps: &[&LearningRateStep]) -> Option<Markup> {
    let slope = |at: usize| {
        let (left, right) = (steps[at.saturating_sub(1)], steps[(at + 1).min(steps.len() - 1)]);
        let across = (right.learning_rate / left.learning_rate).log10();
        (steps[at].learning_rate, (right.smoothed_loss - left.smoothed_loss) / across)
    };
    let slopes: Points = (0..steps.len()).map(slope).filter(|point| point.1.is_finite()).collect();
    // The first means are those of few losses, and what diverges climbs out of all proportion.
    let settled = slopes.iter().skip(slopes.len() / 10).map(|point| point.1);
    let steepest = settled.fold(0.0, f64::min);
    let Some(at) = slopes.iter().rposition(|point| point.1 == steepest).filter(|_| steepest < 0.0) else {
        return Some(html! {});
    };
    let after = slopes[at..].iter().position(|point| point.1 > -steepest);
    let slopes = &slopes[..after.map_or(slopes.len(), |after| at + after + 1)];
    let shown = slopes.iter().map(|point| point.1.clamp(steepest, -steepest));
    let description = format!(
        "Slope of the smoothed loss over the learning rate: at its steepest it falls by {} in a factor of ten",
        number(-steepest)
    );
    let plot = Plot::new(description, rates(report)?, Axis::linear(shown.chain([0.0]), 4))
        .labels("learning rate", "change in a factor of ten");
    let zero = Series {
        name: "no change".into(),
        points: vec![(plot.x.low, 0.0), (plot.x.high, 0.0)],
        style: Style::Reference,
    };
    let series = Series { name: "slope".into(), points: downsample(slopes, POINTS), style: Style::Line(0) };
    let curves =
        Curves { mark: mark(report), points: Some(number), ..Curves::new(plot, vec![zero, series]) }.draw();
    let caption =
        "How the smoothed loss changes where the learning rate grows tenfold: below the line it falls.";
    Some(figure("Slope of the smoothed loss", curves, html! {}, caption))
}
