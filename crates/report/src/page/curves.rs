//! ROC and precision-recall curves, of classes and of labels.

use maud::{Markup, html};

use crate::charts::{Axis, Curves, Plot, Series, Style, figure, legend};
use crate::format::{area, number};
use crate::statistics::{Points, Ranking, macro_average};

/// With more classes, their mean is drawn.
const SINGLE: usize = 10;

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
fn thinned(points: &[(f64, f64)]) -> Points {
    const APART: f64 = 1.0 / 300.0;
    let mut kept: Points = Vec::new();
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
