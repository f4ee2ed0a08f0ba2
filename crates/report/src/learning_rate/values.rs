//! The losses as a table, for those who do not see figures or want to copy numbers.

use maud::html;

use crate::data::LearningRateReport;
use crate::format::{count, number};
use crate::page::{Section, scroll};

/// No more rows are shown.
const ROWS: usize = 200;

pub fn section(report: &LearningRateReport) -> Option<Section> {
    if report.steps.is_empty() {
        return None;
    }
    let every = report.steps.len().div_ceil(ROWS);
    let table = html! {
        table {
            thead {
                tr {
                    th.number { "Step" }
                    th.number { "Learning rate" }
                    th.number { "Loss" }
                    th.number { "Smoothed loss" }
                }
            }
            tbody {
                @for (at, step) in report.steps.iter().enumerate().step_by(every) {
                    tr {
                        td.number { (count(at as u64 + 1)) }
                        td.number { (number(step.learning_rate)) }
                        td.number { (number(step.loss)) }
                        td.number { (number(step.smoothed_loss)) }
                    }
                }
            }
        }
    };
    let body = html! {
        @if every > 1 {
            p { "One of " (count(every as u64)) " steps is shown." }
        }
        div.tall { (scroll("Losses by learning rate", table)) }
    };
    Some(Section::new("values", "All values", body))
}
