//! Where the time went.

use maud::html;

use super::frame::{Section, scroll};
use crate::data::RunReport;
use crate::format::{duration, percent};

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
    Some(Section::new("timings", "Where the time went", scroll("Timings", table)))
}
