//! What a newcomer reads first: two or three sentences, and the numbers that matter most.

use maud::{Markup, html};

use super::measures::{better, ends, value_in, value_like};
use crate::data::{Measure, RunReport, Task};
use crate::format::{area, count, counted, duration, number, percent};
use crate::statistics::{ClassCounts, Confusion, Residuals};
use crate::words::{capitalised, list, shortened, spoken};

pub fn opening(report: &RunReport) -> Markup {
    let sentences: Vec<String> =
        [trained(report), main_measure(report).map(good), failing(report)].into_iter().flatten().collect();
    html! {
        @if !sentences.is_empty() {
            p.lead { (sentences.join(" ")) }
        }
        (tiles(report))
    }
}

/// The measure that the opening names.
pub fn main_measure(report: &RunReport) -> Option<&Measure> {
    let named = report.verdict.measure.as_ref();
    let found = named.and_then(|name| report.measures.iter().find(|measure| measure.name == *name));
    found.or(report.measures.first())
}

fn parameters(report: &RunReport) -> u64 {
    report.layers.iter().map(|layer| layer.parameters).fold(0, u64::saturating_add)
}

fn trained(report: &RunReport) -> Option<String> {
    let dataset = report.dataset.as_ref();
    if report.verdict.network.is_none() && dataset.is_none() && report.epochs.is_empty() {
        return None;
    }
    let network = report.verdict.network.clone().unwrap_or_else(|| "a network".into());
    let mut text = capitalised(&network);
    if parameters(report) > 0 {
        text += &format!(" with {} parameters", count(parameters(report)));
    }
    text += " was trained";
    if let Some(dataset) = dataset {
        let training = dataset.parts.iter().find(|part| part.name.starts_with("train"));
        match (training, dataset.name.is_empty()) {
            (Some(part), false) => {
                text += &format!(" on {} of {}", counted(part.samples, "sample"), dataset.name);
            }
            (Some(part), true) => text += &format!(" on {}", counted(part.samples, "sample")),
            (None, false) => text += &format!(" on {}", dataset.name),
            (None, true) => {}
        }
    }
    if let Some(purpose) = &report.verdict.purpose {
        text += &format!(" {purpose}");
    }
    Some(text + ".")
}

fn good(measure: &Measure) -> String {
    let name = spoken(&measure.name);
    let place = match (measure.samples, measure.part.as_str()) {
        (Some(samples), "") => format!("On {}", counted(samples, "sample")),
        (Some(samples), part) => {
            format!("On {} {part}\u{a0}sample{}", count(samples as u64), if samples == 1 { "" } else { "s" })
        }
        (None, "") => "There".into(),
        (None, part) => format!("On the {part} part"),
    };
    let Some(value) = measure.value.filter(|value| value.is_finite()) else {
        let reason = measure.undefined.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
        return format!("{place}, its {name} is not defined{reason}.");
    };
    let mut text = format!("{place}, its {name} is {}", value_in(&measure.unit, value));
    if let Some(interval) =
        measure.interval.filter(|interval| interval.lower.is_finite() && interval.upper.is_finite())
    {
        text += &format!(" (95\u{a0}% interval {})", ends(measure, interval));
    }
    let baselines: Vec<(&str, f64)> = measure
        .baselines
        .iter()
        .filter_map(|baseline| {
            Some((baseline.name.as_str(), baseline.value.filter(|value| value.is_finite())?))
        })
        .collect();
    if baselines.is_empty() {
        return text + ".";
    }
    let against: Vec<String> = baselines
        .iter()
        .map(|(name, other)| format!("{} for {name}", value_like(&measure.unit, *other, value)))
        .collect();
    text += &format!(", against {}.", list(&against));
    let best = baselines
        .iter()
        .copied()
        .reduce(|best, next| if better(measure.direction, next.1, best.1) { next } else { best });
    let Some((name, best)) = best else { return text };
    let within = measure.interval.is_some_and(|interval| (interval.lower..=interval.upper).contains(&best));
    let verdict = match (better(measure.direction, value, best), within, measure.interval.is_some()) {
        (_, true, _) if value != best => {
            format!(" The interval holds the value of {name}, so that the difference may be chance.")
        }
        (true, _, true) => format!(" That is better than {name}."),
        (true, ..) => String::new(),
        (false, false, true) => format!(" That is worse than {name}."),
        (false, ..) => format!(" That is no better than {name}."),
    };
    text + &verdict
}

fn failing(report: &RunReport) -> Option<String> {
    match report.task.as_ref()? {
        Task::Classification(task) => {
            let name = |class: usize| format!("“{}”", shortened(&task.classes[class], 40));
            let confusion = Confusion::new(task.classes.len(), &task.truth, &task.predicted);
            if task.truth.is_empty() {
                return None;
            }
            if confusion.mistakes() == 0 {
                return Some("It made no mistake there.".into());
            }
            let (worst, recall) = confusion.worst()?;
            let (truth, predicted, times) = *confusion.confused(1).first()?;
            let support = confusion.support(worst);
            let times = if times == 1 { "once".into() } else { format!("{} times", count(times)) };
            Some(format!(
                "It fails most on {}, of which it finds {} of {} ({}); most often, it takes {} for {} ({times}).",
                name(worst),
                count(confusion.of_class(worst).true_positives),
                count(support),
                percent(recall),
                name(truth),
                name(predicted),
            ))
        }
        Task::MultiLabel(task) => {
            let labels = task.labels.len();
            let of = |label: usize, list: &[bool]| {
                list.iter().copied().skip(label).step_by(labels).collect::<Vec<_>>()
            };
            let f1 = |label| {
                let counts = ClassCounts::new(
                    of(label, &task.truth).into_iter(),
                    of(label, &task.predicted).into_iter(),
                );
                counts.f1().filter(|_| counts.support() > 0)
            };
            let scored = (0..labels).filter_map(|label| Some((label, f1(label)?)));
            let (worst, value) = scored.min_by(|left, right| left.1.total_cmp(&right.1))?;
            Some(format!(
                "It fails most on “{}”, with an F1 of {}.",
                shortened(&task.labels[worst], 40),
                area(value)
            ))
        }
        Task::Regression(task) => {
            let target = task.targets.first()?;
            let mut errors: Vec<f64> = Residuals::new(target).residuals().map(f64::abs).collect();
            errors.sort_by(f64::total_cmp);
            let unit = target.unit.as_ref().map_or_else(String::new, |unit| format!("\u{a0}{unit}"));
            let of = if task.targets.len() > 1 { format!(" of {}", target.name) } else { String::new() };
            Some(format!(
                "Half of its predictions{of} are off by {}{unit} at most, and the worst one by {}{unit}.",
                number(*errors.get(errors.len().checked_sub(1)? / 2)?),
                number(*errors.last()?),
            ))
        }
        Task::Language(task) => {
            let loss = task.loss.filter(|loss| loss.is_finite())?;
            let token = if task.token.is_empty() { "token" } else { &task.token };
            Some(format!(
                "It is as unsure of the next {token} as if it chose among {} equally likely ones.",
                number(loss.exp())
            ))
        }
    }
}

fn tiles(report: &RunReport) -> Markup {
    let mut tiles: Vec<(String, String, String)> = Vec::new();
    if let Some(measure) = main_measure(report) {
        if let Some(value) = measure.value.filter(|value| value.is_finite()) {
            let interval = measure.interval.map_or_else(String::new, |interval| ends(measure, interval));
            tiles.push((capitalised(&spoken(&measure.name)), value_in(&measure.unit, value), interval));
        }
        if let Some(samples) = measure.samples {
            tiles.push((
                format!("{} samples", capitalised(&measure.part)),
                count(samples as u64),
                String::new(),
            ));
        }
    }
    if parameters(report) > 0 {
        let layers = counted(report.layers.len(), "layer");
        tiles.push(("Parameters".into(), count(parameters(report)), layers));
    }
    if let Some(last) = report.epochs.last() {
        let best = report.training.best_epoch.map_or_else(String::new, |best| format!("best: {best}"));
        tiles.push(("Epochs".into(), count(last.epoch as u64), best));
    }
    let times = report.timings.iter().map(|timing| timing.seconds).filter(|seconds| seconds.is_finite());
    let seconds: f64 = if report.timings.is_empty() {
        report.epochs.iter().filter_map(|epoch| epoch.seconds).filter(|seconds| seconds.is_finite()).sum()
    } else {
        times.sum()
    };
    let training = report.timings.iter().find(|timing| timing.name.starts_with("training"));
    match training.map(|timing| timing.seconds).filter(|training| *training > 0.0 && seconds.is_finite()) {
        Some(training) if training < 0.99 * seconds => {
            let all = format!("{} with all else", duration(seconds));
            tiles.push(("Time of training".into(), duration(training), all));
        }
        _ if seconds > 0.0 => tiles.push(("Time".into(), duration(seconds), String::new())),
        _ => {}
    }
    html! {
        @if !tiles.is_empty() {
            dl.tiles {
                @for (name, value, note) in tiles {
                    div {
                        dt { (name) }
                        dd {
                            strong { (value) }
                            @if !note.is_empty() {
                                small { (note) }
                            }
                        }
                    }
                }
            }
        }
    }
}
