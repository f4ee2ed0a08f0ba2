//! What probabilities are worth: ROC and precision-recall curves, calibration, and how sure answers are.

use maud::{Markup, html};

use super::calibration::calibration;
use super::curves::curves;
use super::frame::Section;
use super::scored::{RANKED, Scored};
use crate::data::Classification;
use crate::format::counted;
use crate::statistics::Ranking;
use crate::words::{list, shortened};

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
