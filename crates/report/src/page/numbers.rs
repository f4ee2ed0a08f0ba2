//! Predictions of numbers: how far off they are, and where.

use maud::{Markup, html};

use super::frame::Section;
use crate::charts::{Axis, Bars, Plot, Scatter, figure};
use crate::data::RegressionTarget;
use crate::format::{count, counted, number, percent};
use crate::statistics::{Histogram, Residuals, coverage, wilson};
use crate::words::shortened;

/// More points are drawn of no figure.
const POINTS: usize = 3000;

pub fn section(target: &RegressionTarget, number: usize) -> Option<Section> {
    if target.truth.is_empty() {
        return None;
    }
    let residuals = Residuals::new(target);
    let name = if target.name.is_empty() { "the target".into() } else { shortened(&target.name, 60) };
    let body = html! {
        @if residuals.pairs.is_empty() {
            p.notice { "None of the predictions is finite, so that there is nothing to measure." }
        } @else {
            (summary(target, &residuals))
            @if residuals.left_out > 0 {
                p.notice {
                    (counted(residuals.left_out, "sample"))
                    " without a finite truth and prediction are left out."
                }
            }
            (figures(target, &residuals))
        }
    };
    Some(Section::new(format!("target-{number}"), format!("How close it comes to {name}"), body))
}

fn summary(target: &RegressionTarget, residuals: &Residuals) -> Markup {
    let with_unit = |value: f64| match &target.unit {
        Some(unit) => format!("{}\u{a0}{unit}", number(value)),
        None => number(value),
    };
    let values = [
        ("Mean absolute error", residuals.mean_absolute()),
        ("Root mean square error", residuals.root_mean_square()),
        ("Bias", residuals.bias()),
    ];
    html! {
        dl.tiles.small {
            @for (name, value) in values {
                @if let Some(value) = value {
                    div {
                        dt { (name) }
                        dd {
                            strong { (with_unit(value)) }
                        }
                    }
                }
            }
            div {
                dt { "R²" }
                dd {
                    @if let Some(value) = residuals.r_squared() {
                        strong { (number(value)) }
                    } @else { "not defined: all true values are equal" }
                }
            }
        }
        p {
            "A residual is a prediction less the truth, so that it is above 0 where the prediction is too high; the bias is its mean. R² is the \
             share of the variance that the predictions explain."
        }
        @if residuals.pairs.len() < 100 {
            p.notice {
                "There are only "
                (residuals.pairs.len())
                " samples: a few others could change these values much."
            }
        }
        @if let Some(intervals) = &target.intervals {
            @let (inside, of) = coverage(&target.truth, intervals);
            @if of > 0 {
                @let (lower, upper) = wilson(inside, of);
                p {
                    @if let Some(folds) = intervals.folds {
                        "The model answers with intervals, which it was given after the training, from how far its predictions for these \
                         samples were off. So that they are not measured on the samples that they were made from, the samples were dealt out to "
                        (folds)
                        " parts, and the intervals of each part were made from the others. "
                    }
                    "The intervals should hold the truth of "
                    (percent(intervals.level))
                    " of the samples; they hold it for "
                    b { (percent(inside as f64 / of as f64)) }
                    " ("
                    (count(inside as u64))
                    " of "
                    (count(of as u64))
                    ")"
                    @if (lower..=upper).contains(&intervals.level) { ", as well as so many samples can tell." } @else if upper < intervals.level {
                        ", which is too few: the intervals are too narrow."
                    } @else { ", which is more than needed: the intervals are wider than they need to be." }
                }
            }
        }
    }
}

fn figures(target: &RegressionTarget, residuals: &Residuals) -> Markup {
    let unit = target.unit.as_ref().map_or_else(String::new, |unit| format!(" / {}", shortened(unit, 12)));
    // Every so many of them, so that the figure is the same each time.
    let every = residuals.pairs.len().div_ceil(POINTS);
    let points: Vec<(f64, f64)> = residuals.pairs.iter().copied().step_by(every).collect();
    let shown = if every > 1 { format!(" One sample in {every} is drawn.") } else { String::new() };
    let axis = Axis::linear(points.iter().flat_map(|(truth, predicted)| [*truth, *predicted]), 4);
    let ends = [(axis.low, axis.low), (axis.high, axis.high)];
    let plot = Plot::new("Predicted against true values", axis.clone(), axis)
        .labels(format!("truth{unit}"), format!("predicted{unit}"))
        .square();
    let predicted = Scatter { plot, points: &points, perfect: ends }.draw();

    let off: Vec<(f64, f64)> =
        points.iter().map(|(truth, predicted)| (*predicted, predicted - truth)).collect();
    let x = Axis::linear(off.iter().map(|point| point.0), 4);
    let y = Axis::linear(off.iter().map(|point| point.1).chain([0.0]), 4);
    let zero = [(x.low, 0.0), (x.high, 0.0)];
    let plot = Plot::new("Residuals against predictions", x, y)
        .labels(format!("predicted{unit}"), format!("residual{unit}"))
        .square();
    let over_predictions = Scatter { plot, points: &off, perfect: zero }.draw();

    let x = Axis::linear(residuals.residuals().chain([0.0]), 6);
    let bins = (residuals.pairs.len() as f64).sqrt().clamp(5.0, 40.0) as usize;
    let histogram = Histogram::new(residuals.residuals(), x.low, x.high, bins);
    let bars = Bars {
        description: "Histogram of the residuals".into(),
        histogram: &histogram,
        x,
        x_label: format!("residual{unit}"),
        mark: Some(0.0),
    };
    html! {
        div.figures {
            ({
                figure(
                    "Predicted and true",
                    predicted,
                    html! {},
                    format!(
                        "A perfect prediction lies on the dashes. Darker means more samples.{shown}",
                    ),
                )
            })
            ({
                figure(
                    "Residuals by prediction",
                    over_predictions,
                    html! {},
                    format!(
                        "A band of one width around 0 is best; a bend or a funnel tells where the network is wrong in the same way again and again.{shown}",
                    ),
                )
            })
            ({
                figure(
                    "Residuals",
                    bars.draw(),
                    html! {},
                    "How often predictions are off by how much. Best is a narrow hill around 0.",
                )
            })
        }
    }
}
