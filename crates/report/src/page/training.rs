//! How the training went: curves over epochs and steps.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::frame::Section;
use super::measures::unit_of;
use crate::charts::{Axis, Curves, Plot, Series, Style, figure};
use crate::data::{Epoch, RunReport, Step, Task, Unit};
use crate::format::{counted, number, percent};
use crate::statistics::{Points, downsample, moving_average};
use crate::words::{capitalised, spoken};

/// No more points are drawn of a curve.
const POINTS: usize = 1000;

pub fn section(report: &RunReport) -> Option<Section> {
    let training = &report.training;
    let nothing = report.epochs.is_empty() && report.steps.is_empty() && training.stopped.is_none();
    if nothing && training.warnings.is_empty() {
        return None;
    }
    let mut sentences = Vec::new();
    if let Some(method) = &training.method {
        sentences.push(format!("The network was trained {method}."));
    }
    if let Some(reason) = &training.stopped {
        sentences.push(format!("The training ended because {reason}."));
    }
    if let Some(best) = training.best_epoch {
        sentences.push(format!("The weights of epoch {best} were kept."));
    }
    let validated =
        report.epochs.iter().any(|epoch| epoch.values.keys().any(|name| name.starts_with("val_")));
    if validated {
        sentences.push(
            "Where the training curve goes on to improve and the validation curve does not, the network learns its training \
             samples by heart."
                .into(),
        );
    }
    let body = html! {
        @if !sentences.is_empty() {
            p { (sentences.join(" ")) }
        }
        @for warning in &training.warnings {
            p.notice { (warning) }
        }
        div.figures {
            @for family in families(&report.epochs).into_iter().filter(|family| !is_elsewhere(report, &family.name)) {
                (over_epochs(report, &family))
            }
            @if {
                report.epochs.iter().any(|epoch| epoch.samples_per_s.is_some())
                    && !report.steps.iter().any(|step| step.samples_per_s.is_some())
            } { (speed(report)) }
            (over_steps(&report.steps, "Loss of each step", "loss", |step| step.loss))
            ({
                over_steps(
                    &report.steps,
                    "Learning rate",
                    "learning rate",
                    |step| step.learning_rate,
                )
            })
            ({
                over_steps(
                    &report.steps,
                    "Gradient norm",
                    "norm",
                    |step| step.gradient_norm,
                )
            })
            ({
                over_steps(
                    &report.steps,
                    "Speed",
                    "samples per second",
                    |step| step.samples_per_s,
                )
            })
        }
    };
    Some(Section::new("training", "How it was trained", body))
}

/// Whether the section about the task has this curve: that of a language model shows its perplexity.
fn is_elsewhere(report: &RunReport, name: &str) -> bool {
    name == "perplexity" && matches!(report.task, Some(Task::Language(_)))
}

/// Up to so many lines are named where they end; more have a legend.
pub const NAMED: usize = 4;

/// Values of one name on training and validation samples.
pub struct Family {
    pub name: String,
    pub training: Option<Points>,
    pub validation: Option<Points>,
}

impl Family {
    /// Both parts with their names and styles; what validation says is the more important.
    pub fn parts(&self) -> [(&'static str, usize, &Option<Points>); 2] {
        let training = usize::from(self.validation.is_some());
        [("training", training, &self.training), ("validation", 0, &self.validation)]
    }
}

/// The values of epochs by their names, the loss first.
pub fn families(epochs: &[Epoch]) -> Vec<Family> {
    let mut found: BTreeMap<(bool, &str), ()> = BTreeMap::new();
    for name in epochs.iter().flat_map(|epoch| epoch.values.keys()) {
        let name = name.strip_prefix("val_").unwrap_or(name);
        found.insert((name != "loss", name), ());
    }
    let curve = |name: &str| {
        let known = epochs.iter().any(|epoch| epoch.values.contains_key(name));
        let value = |epoch: &Epoch| epoch.values.get(name).copied().unwrap_or(f64::NAN);
        known.then(|| epochs.iter().map(|epoch| (epoch.epoch as f64, value(epoch))).collect::<Vec<_>>())
    };
    let family = |(_, name): (bool, &str)| Family {
        name: name.into(),
        training: curve(name),
        validation: curve(&format!("val_{name}")),
    };
    found.into_keys().map(family).collect()
}

/// Curves with their names where they end.
pub fn named_curves(
    description: String,
    labels: (&str, &str),
    mut series: Vec<Series>,
    unit: &Unit,
    mark: Option<(f64, String)>,
) -> Markup {
    for series in &mut series {
        series.points = downsample(&series.points, POINTS);
    }
    let xs: Vec<f64> = series.iter().flat_map(|series| series.points.iter().map(|point| point.0)).collect();
    let ys: Vec<f64> = series.iter().flat_map(|series| series.points.iter().map(|point| point.1)).collect();
    let (first, last) =
        xs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (x.min(low), x.max(high)));
    let x = if first.is_finite() { Axis::whole(first, last) } else { Axis::whole(0.0, 1.0) };
    let plot = Plot::new(description, x, y_axis(&ys, unit)).labels(labels.0, labels.1);
    let value = if *unit == Unit::Fraction { percent } else { number };
    let lines = series.iter().filter(|series| matches!(series.style, Style::Line(_))).count();
    let named = (2..=NAMED).contains(&lines);
    Curves { mark, named, points: Some(value), ..Curves::new(plot, series) }.draw()
}

/// A logarithmic axis where values differ by their size rather than by their difference.
fn y_axis(values: &[f64], unit: &Unit) -> Axis {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) =
        finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (y.min(low), y.max(high)));
    match unit {
        Unit::Fraction => Axis::linear(values.iter().copied(), 4).in_percent(),
        _ if low > 0.0 && high / low > 30.0 => {
            Axis::log(finite()).unwrap_or_else(|| Axis::linear(finite(), 4))
        }
        _ => Axis::linear(values.iter().copied(), 4),
    }
}

fn over_epochs(report: &RunReport, family: &Family) -> Markup {
    let unit = unit_of(report, &family.name);
    let parts = family.parts();
    let series: Vec<Series> = parts
        .into_iter()
        .filter_map(|(name, style, points)| {
            Some(Series { name: name.into(), points: points.clone()?, style: Style::Line(style) })
        })
        .collect();
    let title = capitalised(&spoken(&family.name));
    let missing = missing(&series);
    let only = match series.as_slice() {
        [only] => format!("On {} samples.", only.name),
        _ => String::new(),
    };
    let mark = report
        .training
        .best_epoch
        .filter(|_| report.epochs.len() > 1)
        .map(|best| (best as f64, format!("epoch {best} kept")));
    let description = describe(&title, "epochs", &series, &unit);
    let curves = named_curves(description, ("epoch", ""), series, &unit, mark);
    let caption = [only, missing].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    figure(&title, curves, html! {}, caption)
}

/// What is said of values that are not finite.
fn missing(series: &[Series]) -> String {
    let missing = |series: &Series| series.points.iter().filter(|point| !point.1.is_finite()).count();
    match series.iter().map(missing).sum::<usize>() {
        0 => String::new(),
        1 => "One value is missing or not finite, where the curve has a gap.".into(),
        many => format!("{} are missing or not finite, where curves have gaps.", counted(many, "value")),
    }
}

/// What somebody hears who does not see the curves.
fn describe(title: &str, over: &str, series: &[Series], unit: &Unit) -> String {
    let ends = series.iter().filter_map(|series| {
        let mut known = series.points.iter().map(|point| point.1).filter(|value| value.is_finite());
        let first = known.next()?;
        let last = known.next_back().unwrap_or(first);
        let [first, last] = [first, last].map(|value| super::measures::value_in(unit, value));
        Some(format!("{} from {first} to {last}", series.name))
    });
    let ends: Vec<String> = ends.collect();
    if ends.is_empty() {
        format!("{title} over {over}: no finite values")
    } else {
        format!("{title} over {over}: {}", ends.join(", "))
    }
}

fn speed(report: &RunReport) -> Markup {
    let points =
        report.epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.samples_per_s.unwrap_or(f64::NAN)));
    let series = vec![Series { name: "speed".into(), points: points.collect(), style: Style::Line(0) }];
    let description = describe("Speed", "epochs", &series, &Unit::Number);
    let curves = named_curves(description, ("epoch", "samples per second"), series, &Unit::Number, None);
    figure("Speed", curves, html! {}, "Training samples per second.")
}

fn over_steps(steps: &[Step], title: &str, label: &str, value: fn(&Step) -> Option<f64>) -> Markup {
    let points: Vec<(f64, f64)> =
        steps.iter().filter_map(|step| Some((step.step as f64, value(step)?))).collect();
    if points.is_empty() {
        return html! {};
    }
    let noisy = points.len() > 100 && label != "learning rate";
    let smooth = if noisy { moving_average(&points, points.len() / 40) } else { points.clone() };
    let mut series = vec![Series { name: label.into(), points: smooth, style: Style::Line(0) }];
    if noisy {
        series.insert(0, Series { name: label.into(), points: points.clone(), style: Style::Faint });
    }
    let mut caption = missing(&[Series { name: String::new(), points, style: Style::Faint }]);
    if noisy {
        caption = format!("Faint: single steps. Bold: their moving average. {caption}");
    }
    let description = describe(title, "steps", &series[series.len() - 1..], &Unit::Number);
    let label = if title == "Speed" { label } else { "" };
    figure(
        title,
        named_curves(description, ("step", label), series, &Unit::Number, None),
        html! {},
        caption.trim(),
    )
}
