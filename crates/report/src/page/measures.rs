//! How good the network is, beside simpler answers.

use maud::{Markup, html};

use super::frame::{Section, scroll};
use crate::charts::{Strip, strip};
use crate::data::{Direction, Interval, Measure, RunReport, Unit};
use crate::format::{count, number, number_like, percent_like, precise_percent};
use crate::words::{capitalised, spoken};

/// Below this many samples a page says that they are few.
const FEW: usize = 100;

pub fn section(report: &RunReport) -> Option<Section> {
    if report.measures.is_empty() {
        return None;
    }
    let measures = &report.measures;
    // Baselines in the order in which they are named first.
    let mut baselines: Vec<&str> = Vec::new();
    for baseline in measures.iter().flat_map(|measure| &measure.baselines) {
        if !baselines.contains(&baseline.name.as_str()) {
            baselines.push(&baseline.name);
        }
    }
    let few = measures.iter().filter_map(|measure| measure.samples).min().filter(|samples| *samples < FEW);
    let intervals = measures.iter().any(|measure| measure.interval.is_some());
    let table = html! {
        table.stacks {
            thead {
                tr {
                    th scope="col" { "Measure" }
                    th scope="col" { "Part" }
                    th.number scope="col" { "Value" }
                    @if intervals {
                        th.number scope="col" { "95\u{a0}% interval" }
                    }
                    @for name in &baselines {
                        th.number scope="col" { (capitalised(name)) }
                    }
                    @if intervals || !baselines.is_empty() {
                        th scope="col" { "Side by side" }
                    }
                }
            }
            tbody {
                @for measure in measures { (row(measure, &baselines, intervals)) }
            }
        }
    };
    let body = html! {
        p {
            "What the network reaches"
            @if !baselines.is_empty() { ", beside what simpler answers reach on the same samples" }
            ". An arrow says which values are good: ↑ high ones, ↓ low ones."
        }
        (scroll("Measures", table))
        @if intervals || !baselines.is_empty() {
            p.caption {
                "Side by side: the dot is the network"
                @if !baselines.is_empty() { ", the ticks are the simpler answers" }
                @if intervals {
                    ", the bar is the 95\u{a0}% interval, which is how much the value could differ on other samples of the same kind"
                }
                ". Each row has a scale of its own."
            }
        }
        @let meanings = meanings(measures);
        @if !meanings.is_empty() {
            p.caption { (meanings.join(" ")) }
        }
        @if let Some(samples) = few {
            p.notice {
                "Measured on only "
                (count(samples as u64))
                " samples: a few other samples could change these values much."
            }
        }
    };
    Some(Section::new("measures", "How good it is", body))
}

/// What measures are, for those who do not know their names; a sentence for each that is known.
fn meanings(measures: &[Measure]) -> Vec<String> {
    let mut found = Vec::new();
    for measure in measures {
        let name = spoken(&measure.name);
        if let Some(meaning) = meaning(&name.to_lowercase()) {
            found.push(format!("{}: {meaning}.", capitalised(&name)));
        }
    }
    found.dedup();
    found
}

fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "accuracy" => "the share of right answers",
        "balanced accuracy" => "the mean over the classes of the share that is found of each",
        "f1" | "macro f1" => {
            "the harmonic mean of precision and recall, of each class alike; 1 is perfect, and rare classes count as much as others"
        }
        "micro f1" => "the harmonic mean of precision and recall over all labels together; 1 is perfect",
        "log loss" => "how surprised the probabilities are by the truth; 0 is perfect",
        "roc auc" => {
            "how often a sample of one class gets a higher score than one of the other; 1 is perfect, 0.5 is guessing"
        }
        "pr auc" => "precision averaged over all recalls; 1 is perfect",
        "r²" | "r2" => {
            "the share of the variance that predictions explain; 1 is perfect, 0 is no better than the mean"
        }
        "rmse" => "the root of the mean square error, in the unit of the target; large errors weigh more",
        "mae" | "mean absolute error" => "how far off predictions are on average, in the unit of the target",
        "median absolute error" => "half of the predictions are off by less",
        "perplexity" => "among how many equally likely next tokens the network seems to choose; 1 is perfect",
        "all labels right" => "the share of samples with no label wrong or missing",
        "labels wrong" => "the share of labels that are wrong or missing",
        _ => return None,
    })
}

fn row(measure: &Measure, baselines: &[&str], intervals: bool) -> Markup {
    let value = measure.value.filter(|value| value.is_finite());
    let interval =
        measure.interval.filter(|interval| interval.lower.is_finite() && interval.upper.is_finite());
    let baseline = |name: &str| {
        let found = measure.baselines.iter().find(|baseline| baseline.name == name);
        found.and_then(|baseline| baseline.value).filter(|value| value.is_finite())
    };
    let line = Strip {
        description: format!("{} beside the others", measure.name),
        value,
        interval: interval.map(|interval| (interval.lower, interval.upper)),
        others: baselines.iter().filter_map(|name| baseline(name)).collect(),
        span: Vec::new(),
    };
    html! {
        tr {
            th scope="row" { (spoken(&measure.name)) " " (arrow(measure.direction)) }
            td data-name="Part" {
                (measure.part)
                @if let Some(samples) = measure.samples {
                    small { " " (count(samples as u64)) }
                }
            }
            @if let Some(value) = value {
                td.number data-name="Value" {
                    strong { (value_in(&measure.unit, value)) }
                }
            } @else {
                td data-name="Value" {
                    em {
                        "not defined"
                        @if let Some(reason) = &measure.undefined { ": " (reason) }
                    }
                }
            }
            @if intervals {
                td.number data-name="95\u{a0}% interval" {
                    @if let Some(interval) = interval { (ends(measure, interval)) }
                }
            }
            @for name in baselines {
                td.number data-name=(capitalised(name)) {
                    @if let Some(other) = baseline(name) { (value_like(&measure.unit, other, value.unwrap_or(other))) }
                }
            }
            @if intervals || !baselines.is_empty() {
                td {
                    // A dot alone says nothing.
                    @if line.interval.is_some() || !line.others.is_empty() { (strip(&line)) }
                }
            }
        }
    }
}

/// An arrow towards the good values, with the words for it.
fn arrow(direction: Direction) -> Markup {
    let (arrow, words) = match direction {
        Direction::HigherIsBetter => ("↑", "higher is better"),
        Direction::LowerIsBetter => ("↓", "lower is better"),
    };
    html! {
        span.arrow role="img" aria-label=(words) title=(words) { (arrow) }
    }
}

pub fn better(direction: Direction, left: f64, right: f64) -> bool {
    match direction {
        Direction::HigherIsBetter => left > right,
        Direction::LowerIsBetter => left < right,
    }
}

/// A value as its measure writes it.
pub fn value_in(unit: &Unit, value: f64) -> String {
    match unit {
        Unit::Fraction => precise_percent(value),
        Unit::Number => number(value),
        Unit::Of(unit) => format!("{}\u{a0}{unit}", number(value)),
    }
}

/// A value with as many decimals as another one, of whose interval it is an end.
pub fn value_like(unit: &Unit, value: f64, like: f64) -> String {
    match unit {
        Unit::Fraction => percent_like(value, like),
        Unit::Number => number_like(value, like),
        Unit::Of(unit) => format!("{}\u{a0}{unit}", number_like(value, like)),
    }
}

/// Both ends of an interval; the unit stands behind the second alone.
pub fn ends(measure: &Measure, interval: Interval) -> String {
    let like = measure.value.filter(|value| value.is_finite()).unwrap_or(interval.lower);
    let [lower, upper] = [interval.lower, interval.upper].map(|end| value_like(&measure.unit, end, like));
    let lower = match &measure.unit {
        Unit::Number => lower.as_str(),
        Unit::Fraction => lower.trim_end_matches("\u{a0}%"),
        Unit::Of(unit) => lower.strip_suffix(unit.as_str()).unwrap_or(&lower).trim_end_matches('\u{a0}'),
    };
    format!("{lower} to {upper}")
}

/// The unit of a value of epochs, which is that of the measure of the same name.
pub fn unit_of(report: &RunReport, name: &str) -> Unit {
    let found = report.measures.iter().find(|measure| measure.name == name);
    found.map_or(Unit::Number, |measure| measure.unit.clone())
}
