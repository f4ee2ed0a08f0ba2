//! Labels, each of which a sample may have or not.

use maud::{Markup, html};

use super::cells::{bar, score, undefined};
use super::curves::curves;
use super::frame::{Section, scroll};
use crate::data::MultiLabel;
use crate::format::{area, count, percent};
use crate::statistics::{ClassCounts, Ranking, label_probabilities};
use crate::words::shortened;

/// The table has no more rows.
const ROWS: usize = 200;
/// Labels that fewer samples have are marked.
const FEW: u64 = 20;

pub fn section(task: &MultiLabel) -> Option<Section> {
    let labels = task.labels.len();
    if labels == 0 || task.truth.is_empty() {
        return None;
    }
    let samples = task.truth.len() / labels;
    let scores = task.scores.as_ref().map(label_probabilities);
    let column =
        |list: &[bool], label: usize| list.iter().copied().skip(label).step_by(labels).collect::<Vec<bool>>();
    let counts: Vec<ClassCounts> = (0..labels)
        .map(|label| {
            ClassCounts::new(
                column(&task.truth, label).into_iter(),
                column(&task.predicted, label).into_iter(),
            )
        })
        .collect();
    let rankings: Vec<Option<Ranking>> = (0..labels)
        .map(|label| {
            let scores = scores.as_ref()?.iter().copied().skip(label).step_by(labels);
            Ranking::new(column(&task.truth, label).into_iter().zip(scores))
        })
        .collect();
    let known: Vec<(String, &Ranking)> = rankings
        .iter()
        .enumerate()
        .filter_map(|(label, ranking)| Some((shortened(&task.labels[label], 24), ranking.as_ref()?)))
        .collect();
    let right = task
        .truth
        .chunks(labels)
        .zip(task.predicted.chunks(labels))
        .filter(|(truth, predicted)| truth == predicted);
    let body = html! {
        p {
            "A sample may have any number of these labels. All labels are right for "
            (percent(right.count() as f64 / samples as f64))
            " of "
            (count(samples as u64))
            " samples. Precision: of the samples that got the label, how many have it. Recall: of those that have it, how \
             many got it."
        }
        div.tall { ({
            scroll(
                "Measures of each label",
                table(task, &counts, scores.is_some().then_some(&rankings)),
            )
        }) }
        @if labels > ROWS {
            p.caption { "The first " (ROWS) " of " (labels) " labels." }
        }
        @if counts.iter().any(|counts| (1..FEW).contains(&counts.support())) {
            p.caption { "† Fewer than " (FEW) " samples have the label: a few others could change these values much." }
        }
        @if {
            counts
                .iter()
                .any(|counts| counts.support() == 0 || counts.precision().is_none())
        } {
            p.caption {
                "n. d.: not defined. Recall does not exist where no test sample has a label, precision where it was never predicted."
            }
        }
        @if !known.is_empty() { (curves(&known, None, "")) }
        (how_many(task, samples))
    };
    Some(Section::new("labels", "Where it is right and wrong", body))
}

fn table(task: &MultiLabel, counts: &[ClassCounts], rankings: Option<&Vec<Option<Ranking>>>) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Label" }
                    th.number scope="col" { "Precision" }
                    th.number scope="col" { "Recall" }
                    th.number scope="col" { "F1" }
                    @if rankings.is_some() {
                        th.number scope="col" { "ROC area" }
                    }
                    th.number scope="col" { "Samples" }
                    th.number scope="col" { "Predicted" }
                }
            }
            tbody {
                @for (label, counts) in counts.iter().enumerate().take(ROWS) {
                    tr {
                        th scope="row" { (shortened(&task.labels[label], 60)) }
                        (bar(counts.precision()))
                        (bar(counts.recall()))
                        (score(counts.f1()))
                        @if let Some(rankings) = rankings {
                            td.number {
                                @if let Some(ranking) = &rankings[label] { (area(ranking.auc)) } @else { (undefined()) }
                            }
                        }
                        td.number {
                            (count(counts.support()))
                            @if (1..FEW).contains(&counts.support()) {
                                span.mark title="few samples" { "†" }
                            }
                        }
                        td.number { (count(counts.true_positives + counts.false_positives)) }
                    }
                }
            }
        }
    }
}

/// How many labels samples have, and how many they got.
fn how_many(task: &MultiLabel, samples: usize) -> Markup {
    let labels = task.labels.len();
    let counts = |list: &[bool]| {
        let mut counts = vec![0usize; labels + 1];
        for sample in list.chunks(labels) {
            counts[sample.iter().filter(|has| **has).count()] += 1;
        }
        counts
    };
    let (truth, predicted) = (counts(&task.truth), counts(&task.predicted));
    let most = (0..=labels).rev().find(|number| truth[*number] + predicted[*number] > 0).unwrap_or(0);
    html! {
        h3 { "Labels of a sample" }
        ({
            scroll(
                "Labels of a sample",
                html! {
                    table.compact { thead { tr { th scope = "col" { "Number of labels" }
                    th.number scope = "col" { "Truth" } th.number scope = "col" {
                    "Predicted" } } } tbody { @ for number in 0..= most.min(20) { tr { th
                    scope = "row" { (number) } (bar_of(truth[number], samples))
                    (bar_of(predicted[number], samples)) } } } }
                },
            )
        })
    }
}

fn bar_of(part: usize, whole: usize) -> Markup {
    let share = part as f64 / whole as f64 * 100.0;
    html! {
        td.number.bar style={ "--v:" (format!("{share:.1}%")) } { (count(part as u64)) }
    }
}
