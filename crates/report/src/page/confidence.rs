//! What probabilities are worth: ROC and precision-recall curves, calibration, and how sure answers are.

use maud::{Markup, html};

use super::frame::{Section, scroll};
use super::scored::{RANKED, Scored};
use super::words::{list, shortened};
use crate::charts::{Axis, Curves, Plot, Series, Style, figure, legend, reliability, shapes};
use crate::data::Classification;
use crate::format::{area, count, counted, number, percent};
use crate::statistics::{Calibration, Histogram, Ranking, macro_average};

/// With more classes, their mean is drawn.
const SINGLE: usize = 10;
/// Bins of the reliability diagram.
const BINS: usize = 15;

pub fn section(task: &Classification, scored: &Scored) -> Section {
    let unusable = scored.probabilities.iter().filter(|row| row.is_none()).count();
    let body = html! {
        p {
            "A network gives each class a probability. These figures show how well the probabilities put samples in order, and whether they \
             can be taken at their word."
        }
        @if unusable > 0 {
            p.notice {
                "The scores of "
                (counted(unusable, "sample"))
                " are not finite; these samples are left out here."
            }
        }
        @match &scored.rankings {
            Some(all) => (rankings(task, all)),
            None => p.caption { "ROC and precision-recall curves are left out with more than " (RANKED) " classes." },
        }
        (calibration(task, &scored.probabilities))
    };
    Section::new("confidence", "How far to trust its probabilities", body)
}

fn rankings(task: &Classification, all: &[Option<Ranking>]) -> Markup {
    let classes = task.classes.len();
    // Of two classes the curves of one say what those of the other would.
    let asked: Vec<usize> = if classes == 2 { vec![1] } else { (0..classes).collect() };
    let missing: Vec<String> = asked
        .iter()
        .filter(|class| all[**class].is_none())
        .map(|class| format!("“{}”", shortened(&task.classes[*class], 40)))
        .collect();
    let known: Vec<(String, &Ranking)> = asked
        .iter()
        .filter_map(|class| Some((shortened(&task.classes[*class], 24), all[*class].as_ref()?)))
        .collect();
    let of_two = if classes == 2 { " The class to be found is the second one." } else { "" };
    html! {
        @if !known.is_empty() { (curves(&known, task.threshold.filter(|_| classes == 2), of_two)) }
        @if !missing.is_empty() {
            p.caption {
                "ROC and precision-recall curves are not defined for "
                @if missing.len() > 5 { (missing.len()) " classes" } @else { (list(&missing)) }
                ": test samples both of a class and of others are needed."
            }
        }
    }
}

/// Both curves of classes or labels.
pub fn curves(known: &[(String, &Ranking)], threshold: Option<f64>, words: &str) -> Markup {
    let mean = |value: fn(&Ranking) -> f64| {
        known.iter().map(|(_, ranking)| value(ranking)).sum::<f64>() / known.len() as f64
    };
    let (auc, precision) = (mean(|ranking| ranking.auc), mean(|ranking| ranking.average_precision));
    let mut roc: Vec<Series> = Vec::new();
    let mut precision_recall: Vec<Series> = Vec::new();
    let mut names = [Vec::new(), Vec::new()];
    if known.len() <= SINGLE {
        for (style, (name, ranking)) in known.iter().enumerate() {
            let series = |points| Series { name: name.clone(), points, style: Style::Line(style) };
            let first = ranking.precision_recall.first().map(|point| (0.0, point.1));
            roc.push(series(thinned(&ranking.roc)));
            precision_recall.push(series(thinned(
                &first.into_iter().chain(ranking.precision_recall.iter().copied()).collect::<Vec<_>>(),
            )));
            names[0].push((style, name.clone(), area(ranking.auc)));
            names[1].push((style, name.clone(), area(ranking.average_precision)));
        }
    } else {
        let rankings: Vec<&Ranking> = known.iter().map(|(_, ranking)| *ranking).collect();
        let means = macro_average(&rankings);
        let name = format!("mean of {} classes", known.len());
        let series = |points| Series { name: name.clone(), points, style: Style::Line(0) };
        roc.push(series(means.0));
        precision_recall.push(series(means.1));
        names[0].push((0, name.clone(), area(auc)));
        names[1].push((0, name.clone(), area(precision)));
    }
    roc.insert(
        0,
        Series { name: "guessing".into(), points: vec![(0.0, 0.0), (1.0, 1.0)], style: Style::Reference },
    );
    let only = known.first().filter(|_| known.len() == 1).map(|(_, ranking)| *ranking);
    if let Some(only) = only {
        let guessing = vec![(0.0, only.prevalence), (1.0, only.prevalence)];
        precision_recall
            .insert(0, Series { name: "guessing".into(), points: guessing, style: Style::Reference });
    }
    let chosen = threshold.zip(only).map(|(threshold, ranking)| (threshold, ranking.at(threshold)));
    let note = chosen.map_or_else(String::new, |(threshold, _)| {
        format!(" The ring marks the chosen threshold, {}.", number(threshold))
    });
    // Curves that hug a corner are told apart there alone.
    let corner = |least: f64| {
        [(0.995, 0.1), (0.98, 0.2)].into_iter().find(|(area, _)| least >= *area).map(|(_, size)| size)
    };
    let lowest =
        |value: fn(&Ranking) -> f64| known.iter().map(|(_, ranking)| value(ranking)).fold(1.0, f64::min);
    let zoom = [corner(lowest(|ranking| ranking.auc)), corner(lowest(|ranking| ranking.average_precision))];
    let said =
        zoom.map(|zoom| if zoom.is_some() { " Only the corner where the curves bend is drawn." } else { "" });
    let draw = |series,
                labels: (&str, &str),
                description: String,
                ring: Option<(f64, f64)>,
                x: (f64, f64),
                y: (f64, f64)| {
        let axis = |(low, high)| Axis::between(low, high, 5);
        let plot = Plot::new(description, axis(x), axis(y)).labels(labels.0, labels.1).square();
        let mut curves = Curves::new(plot, series);
        curves.ring = ring;
        curves.draw()
    };
    let roc = draw(
        roc,
        ("false positive rate", "true positive rate"),
        format!("ROC curves; mean area {}", area(auc)),
        chosen.map(|(_, (point, _))| point),
        (0.0, zoom[0].unwrap_or(1.0)),
        (1.0 - zoom[0].unwrap_or(1.0), 1.0),
    );
    let precision_recall = draw(
        precision_recall,
        ("recall", "precision"),
        format!("Precision-recall curves; mean average precision {}", area(precision)),
        chosen.and_then(|(_, (_, point))| point),
        (1.0 - zoom[1].unwrap_or(1.0), 1.0),
        (1.0 - zoom[1].unwrap_or(1.0), 1.0),
    );
    html! {
        div.figures {
            ({
                figure(
                    "ROC",
                    roc,
                    legend(&names[0]),
                    format!(
                        "Over all thresholds: how many of the samples sought are found, and how many others are taken for them. The upper left corner is perfect; guessing lies on the dashes. Numbers are areas under the curves.{words}{note}{}",
                        said[0],
                    ),
                )
            })
            ({
                figure(
                    "Precision and recall",
                    precision_recall,
                    legend(&names[1]),
                    format!(
                        "Over all thresholds: how many are found, and how many of those found are right. The upper right corner is perfect. Numbers are average precisions.{note}{}",
                        said[1],
                    ),
                )
            })
        }
    }
}

/// The points that can be told apart in a figure.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const APART: f64 = 1.0 / 300.0;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let near = kept
            .last()
            .is_some_and(|last| (last.0 - point.0).abs() < APART && (last.1 - point.1).abs() < APART);
        if !near || at + 1 == points.len() {
            kept.push(*point);
        }
    }
    kept
}

fn calibration(task: &Classification, scores: &[Option<Vec<f64>>]) -> Markup {
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
            (figure("Calibration", reliability(&calibration), html! {}, how))
            (figure("Confidence", confidences, legend(&names), caption))
        }
        (bins(&calibration))
    }
}

fn bins(calibration: &Calibration) -> Markup {
    let filled = || calibration.bins.iter().filter(|bin| bin.samples > 0);
    let table = html! {
        table.compact {
            thead {
                tr {
                    th scope="col" { "Confidence" }
                    @for bin in filled() {
                        th.number scope="col" { ({
                            format!(
                                "{:.0}–{:.0}\u{a0}%",
                                bin.lower * 100.0,
                                bin.upper * 100.0,
                            )
                        }) }
                    }
                }
            }
            tbody {
                tr {
                    th scope="row" { "answers" }
                    @for bin in filled() {
                        td.number { (count(bin.samples as u64)) }
                    }
                }
                tr {
                    th scope="row" { "mean confidence" }
                    @for bin in filled() {
                        td.number { (percent(bin.confidence())) }
                    }
                }
                tr {
                    th scope="row" { "right" }
                    @for bin in filled() {
                        td.number { (percent(bin.accuracy())) }
                    }
                }
            }
        }
    };
    scroll("Answers by confidence", table)
}
