//! Where the time went.

use maud::html;

use super::frame::{Section, scroll};
use crate::data::{Exchange, RunReport};
use crate::format::{bytes, count, duration, percent};

pub fn section(report: &RunReport) -> Option<Section> {
    let known = report.timings.iter().filter(|timing| timing.seconds.is_finite() && timing.seconds >= 0.0);
    let timings: Vec<_> = known.collect();
    let total: f64 = timings.iter().map(|timing| timing.seconds).sum();
    if timings.is_empty() {
        return None;
    }
    let share = |seconds: f64| if total > 0.0 { seconds / total } else { 0.0 };
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "What" }
                    th.number scope="col" { "Time" }
                    th.number scope="col" { "Share" }
                }
            }
            tbody {
                @for timing in &timings {
                    tr {
                        th scope="row" { (timing.name) }
                        td.number { (duration(timing.seconds)) }
                        td.number.bar style={ "--v:" (format!("{:.1}%", share(timing.seconds) * 100.0)) } {
                            (percent(share(timing.seconds)))
                        }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "all" }
                    td.number { (duration(total)) }
                    td {}
                }
            }
        }
    };
    let content = html! {
        (scroll("Timings", table))
        @if let Some(exchange) = &report.exchange {
            p { (in_words(exchange)) }
        }
    };
    Some(Section::new("timings", "Where the time went", content))
}

/// What a step of several processes exchanged.
fn in_words(exchange: &Exchange) -> String {
    let Exchange { ranks, steps, step_seconds, exchange_seconds, sent_bytes, received_bytes } = exchange;
    let share = if *step_seconds > 0.0 { exchange_seconds / step_seconds } else { 0.0 };
    format!(
        "{ranks} processes trained together. In a step, the mean of {}, each computed for {} and exchanged for {} ({}, waiting for the \
         others included); it sent {} and received {}.",
        count(*steps),
        duration((step_seconds - exchange_seconds).max(0.0)),
        duration(*exchange_seconds),
        percent(share),
        bytes(*sent_bytes),
        bytes(*received_bytes),
    )
}
