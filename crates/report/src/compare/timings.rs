//! How long the runs took.

use maud::html;

use super::ComparedRun;
use crate::data::RunReport;
use crate::format::{count, duration};
use crate::page::{Section, scroll};

pub fn section(runs: &[ComparedRun]) -> Option<Section> {
    let mut names: Vec<&str> = Vec::new();
    for timing in runs.iter().flat_map(|run| &run.report.timings) {
        if !names.contains(&timing.name.as_str()) {
            names.push(&timing.name);
        }
    }
    let in_epochs = |report: &RunReport| {
        let known =
            report.epochs.iter().filter_map(|epoch| epoch.seconds).filter(|seconds| seconds.is_finite());
        known.reduce(|sum, seconds| sum + seconds)
    };
    let parameters =
        |report: &RunReport| report.layers.iter().map(|layer| layer.parameters).fold(0, u64::saturating_add);
    let seconds = |report: &RunReport, name: &str| {
        report.timings.iter().find(|timing| timing.name == name).map(|timing| timing.seconds)
    };
    let epochs = runs.iter().any(|run| in_epochs(&run.report).is_some());
    if names.is_empty() && !epochs {
        return None;
    }
    let total = |report: &RunReport| report.timings.iter().map(|timing| timing.seconds).sum::<f64>();
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "What" }
                    @for run in runs {
                        th.number scope="col" { (run.name) }
                    }
                }
            }
            tbody {
                @if runs.iter().any(|run| parameters(&run.report) > 0) {
                    tr {
                        th scope="row" { "parameters" }
                        @for run in runs {
                            td.number {
                                @if parameters(&run.report) > 0 { (count(parameters(&run.report))) }
                            }
                        }
                    }
                }
                @if epochs {
                    tr {
                        th scope="row" { "all epochs" }
                        @for run in runs {
                            td.number {
                                @if let Some(seconds) = in_epochs(&run.report) { (duration(seconds)) }
                            }
                        }
                    }
                }
                @for name in &names {
                    tr {
                        th scope="row" { (name) }
                        @for run in runs {
                            td.number {
                                @if let Some(seconds) = seconds(&run.report, name) { (duration(seconds)) }
                            }
                        }
                    }
                }
            }
            @if !names.is_empty() {
                tfoot {
                    tr {
                        th scope="row" { "all the time" }
                        @for run in runs {
                            td.number {
                                @if !run.report.timings.is_empty() { (duration(total(&run.report))) }
                            }
                        }
                    }
                }
            }
        }
    };
    Some(Section::new("timings", "What they cost", scroll("Timings of all runs", table)))
}
