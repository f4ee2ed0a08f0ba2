//! Which classes are recognised, and which are taken for others.

use maud::{Markup, html};

use super::cells::{bar, score, undefined};
use super::confusion::matrix;
use super::frame::{Section, scroll};
use super::scored::Scored;
use crate::data::Classification;
use crate::format::{area, count};
use crate::statistics::Confusion;
use crate::words::shortened;

/// The table of classes has no more rows.
const ROWS: usize = 200;
/// Classes of fewer samples are marked.
const FEW: u64 = 20;

pub fn section(task: &Classification, scored: Option<&Scored>) -> Option<Section> {
    if task.truth.is_empty() || task.classes.is_empty() {
        return None;
    }
    let confusion = Confusion::new(task.classes.len(), &task.truth, &task.predicted);
    let body = html! {
        (matrix(task, &confusion))
        (table(task, &confusion, scored))
    };
    Some(Section::new("classes", "Where it is right and wrong", body))
}

fn table(task: &Classification, confusion: &Confusion, scored: Option<&Scored>) -> Markup {
    let rankings = scored.and_then(|scored| scored.rankings.as_ref());
    let mut classes: Vec<_> =
        (0..confusion.classes()).map(|class| (class, confusion.of_class(class))).collect();
    let hidden = classes.len() > ROWS;
    if hidden {
        classes.sort_by(|left, right| {
            let [left, right] = [left, right].map(|class| class.1.f1().unwrap_or(f64::INFINITY));
            left.total_cmp(&right)
        });
        classes.truncate(ROWS);
    }
    let few = classes.iter().any(|(_, counts)| (1..FEW).contains(&counts.support()));
    let unknown: Vec<usize> =
        classes.iter().filter(|(_, counts)| counts.support() == 0).map(|(class, _)| *class).collect();
    let unpredicted = classes.iter().any(|(_, counts)| counts.precision().is_none());
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Class" }
                    th.number scope="col" { "Precision" }
                    th.number scope="col" { "Recall" }
                    th.number scope="col" { "F1" }
                    @if rankings.is_some() {
                        th.number scope="col" { "ROC area" }
                    }
                    th.number scope="col" { "Samples" }
                }
            }
            tbody {
                @for (class, counts) in &classes {
                    tr {
                        th scope="row" { (shortened(&task.classes[*class], 60)) }
                        (bar(counts.precision()))
                        (bar(counts.recall()))
                        (score(counts.f1()))
                        @if let Some(rankings) = rankings {
                            td.number {
                                @if let Some(ranking) = &rankings[*class] { (area(ranking.auc)) } @else { (undefined()) }
                            }
                        }
                        td.number {
                            (count(counts.support()))
                            @if (1..FEW).contains(&counts.support()) {
                                span.mark title="few samples" { "†" }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Class by class" }
        p {
            "Precision: of the samples that it called so, how many were. Recall: of the samples that are so, how many it found. F1: their \
             harmonic mean."
            @if rankings.is_some() {
                " ROC area: how surely its score tells the class from all others, from 0.5 for guessing to 1."
            }
            @if hidden {
                " Of "
                (count(confusion.classes() as u64))
                " classes these are the "
                (ROWS)
                " with the lowest F1."
            }
        }
        div.tall { (scroll("Measures of each class", table)) }
        @if few {
            p.caption { "† Fewer than " (FEW) " samples: a few others could change these values much." }
        }
        @if !unknown.is_empty() || unpredicted {
            p.caption {
                "n. d.: not defined. "
                @if !unknown.is_empty() {
                    "There are no test samples of "
                    @if let [class] = unknown.as_slice() { "class “" (shortened(&task.classes[*class], 60)) "”" } @else {
                        (unknown.len())
                        " classes"
                    }
                    ", so that their recall and ROC area do not exist. "
                }
                @if unpredicted { "Precision does not exist where a class was never predicted." }
            }
        }
    }
}
