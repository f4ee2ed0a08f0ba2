//! Which classes are recognised, and which are taken for others.

use maud::{Markup, html};

use super::frame::{Section, scroll};
use super::scored::Scored;
use super::words::shortened;
use crate::data::Classification;
use crate::format::{area, count, counted, percent};
use crate::statistics::Confusion;

/// With more classes the matrix shows those of the most mistakes alone.
const ALL: usize = 30;
const MOST_CONFUSED: usize = 20;
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
        (matrix(task, &confusion, pairs(task, &confusion)))
        (table(task, &confusion, scored))
    };
    Some(Section::new("classes", "Where it is right and wrong", body))
}

fn matrix(task: &Classification, confusion: &Confusion, pairs: Markup) -> Markup {
    let classes = confusion.classes();
    let shown =
        if classes > ALL { confusion.most_confused_classes(MOST_CONFUSED) } else { (0..classes).collect() };
    let hidden = shown.len() < classes;
    let name = |class: usize| shortened(&task.classes[class], 14);
    let others = |truth: usize| {
        confusion.support(truth) - shown.iter().map(|class| confusion.count(truth, *class)).sum::<u64>()
    };
    let table = html! {
        table.confusion.turned[
                shown.len() > 5
                    && shown.iter().any(|class| task.classes[*class].chars().count() > 4)
            ] {
            thead {
                tr {
                    td {}
                    th.over colspan=(shown.len() + usize::from(hidden)) scope="colgroup" { "predicted" }
                }
                tr {
                    th.corner scope="col" { "truth" }
                    @for class in &shown {
                        th.class scope="col" title=(shortened(&task.classes[*class], 60)) {
                            span { (name(*class)) }
                        }
                    }
                    @if hidden {
                        th.class scope="col" {
                            span { "others" }
                        }
                    }
                }
            }
            tbody {
                @for truth in &shown {
                    tr {
                        th scope="row" title=(shortened(&task.classes[*truth], 60)) { (name(*truth)) }
                        @for predicted in &shown { (cell(task, confusion, *truth, *predicted)) }
                        @if hidden {
                            td.rest { (count(others(*truth))) }
                        }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Confusion matrix" }
        p {
            "Each row is a true class, each column what the network said. Right answers lie on the diagonal, in blue; mistakes are \
             orange, darker where a larger share of the row's samples went there. Numbers count samples."
            @if hidden { " Of " (classes) " classes these are the " (shown.len()) " that take part in the most mistakes." }
        }
        div.beside { (scroll("Confusion matrix", table)) (pairs) }
    }
}

fn cell(task: &Classification, confusion: &Confusion, truth: usize, predicted: usize) -> Markup {
    let (samples, support) = (confusion.count(truth, predicted), confusion.support(truth));
    if samples == 0 {
        return html! {
            td {
                span.none { "·" }
            }
        };
    }
    let share = samples as f64 / support as f64;
    let right = truth == predicted;
    // The root lets a few mistakes be seen beside hundreds of right answers.
    let shade = if right { share * share * 0.9 } else { share.sqrt() };
    let words = format!(
        "{} of {} “{}” were taken for “{}” ({})",
        count(samples),
        count(support),
        shortened(&task.classes[truth], 60),
        shortened(&task.classes[predicted], 60),
        percent(share)
    );
    html! {
        td  .right[right]
            .wrong[!right]
            .strong[shade > if right { 0.8 } else { 0.6 }]
            style={ "--v:" (format!("{:.0}%", shade * 100.0)) }
            title=(words)
        { (count(samples)) }
    }
}

fn pairs(task: &Classification, confusion: &Confusion) -> Markup {
    let pairs = confusion.confused(5);
    let mistakes = confusion.mistakes();
    if pairs.is_empty() {
        return html! {
            p { "There is no mistake on these " (counted(task.truth.len(), "sample")) "." }
        };
    }
    html! {
        div {
            h3 { "Most confused" }
            ol.pairs {
                @for (truth, predicted, samples) in pairs {
                    li {
                        b { (shortened(&task.classes[truth], 60)) }
                        " taken for "
                        b { (shortened(&task.classes[predicted], 60)) }
                        ", "
                        @if samples == 1 { "once" } @else { (count(samples)) " times" }
                        small { " " (percent(samples as f64 / mistakes as f64)) " of all mistakes" }
                    }
                }
            }
        }
    }
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
                        (bar(counts.f1()))
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

pub fn undefined() -> Markup {
    html! {
        em title="not defined" { "n. d." }
    }
}

/// A fraction with a bar behind it.
pub fn bar(fraction: Option<f64>) -> Markup {
    match fraction {
        Some(fraction) => html! {
            td.number.bar style={ "--v:" (format!("{:.1}%", fraction.clamp(0.0, 1.0) * 100.0)) } { (percent(fraction)) }
        },
        None => html! {
            td.number { (undefined()) }
        },
    }
}
