//! The confusion matrix, and the pairs of classes that are confused most.

use maud::{Markup, html};

use super::frame::scroll;
use crate::data::Classification;
use crate::format::{count, counted, percent};
use crate::statistics::Confusion;
use crate::words::shortened;

/// With more classes the matrix shows those of the most mistakes alone.
const ALL: usize = 30;
const MOST_CONFUSED: usize = 20;

pub fn matrix(task: &Classification, confusion: &Confusion) -> Markup {
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
        div.beside { (scroll("Confusion matrix", table)) (pairs(task, confusion)) }
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
    let shade = if right { 0.12 + share * share * 0.78 } else { share.sqrt() };
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
