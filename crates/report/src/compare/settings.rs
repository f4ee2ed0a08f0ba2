//! Settings that differ.

use maud::html;

use super::ComparedRun;
use crate::page::{Section, scroll};

/// A setting with its value in each run; `None` in runs that do not have it.
pub struct Differing {
    pub name: String,
    pub values: Vec<Option<String>>,
}

/// The settings, and what else a run was given, that are not the same in all runs.
pub fn differing(runs: &[ComparedRun]) -> Vec<Differing> {
    let all: Vec<Vec<(String, String, String)>> = runs.iter().map(given).collect();
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for (group, name, _) in all.iter().flatten() {
        if !keys.contains(&(group, name)) {
            keys.push((group, name));
        }
    }
    let row = |(group, name): (&str, &str)| {
        let value = |given: &Vec<(String, String, String)>| {
            given.iter().find(|known| known.0 == group && known.1 == name).map(|known| known.2.clone())
        };
        Differing { name: name.into(), values: all.iter().map(value).collect() }
    };
    keys.into_iter()
        .map(row)
        .filter(|setting| setting.values.iter().any(|value| *value != setting.values[0]))
        .collect()
}

fn given(run: &ComparedRun) -> Vec<(String, String, String)> {
    let report = &run.report;
    let settings = report.settings.iter().flat_map(|group| {
        group.settings.iter().map(|(name, value)| (group.name.clone(), name.clone(), value.clone()))
    });
    let environment = report.environment.as_ref();
    let others = [
        ("network", report.verdict.network.clone()),
        ("data", report.dataset.as_ref().map(|data| data.name.clone())),
        ("seed", environment.and_then(|environment| environment.seed).map(|seed| seed.to_string())),
        (
            "threads",
            environment.and_then(|environment| environment.threads).map(|threads| threads.to_string()),
        ),
        ("device", environment.and_then(|environment| environment.device.clone())),
        ("git commit", environment.and_then(|environment| environment.git_commit.clone())),
    ];
    let others =
        others.into_iter().filter_map(|(name, value)| Some((String::new(), name.to_string(), value?)));
    settings.chain(others).collect()
}

pub fn section(runs: &[ComparedRun]) -> Option<Section> {
    let differing = differing(runs);
    if differing.is_empty() {
        return None;
    }
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Setting" }
                    @for run in runs {
                        th scope="col" { (run.name) }
                    }
                }
            }
            tbody {
                @for setting in &differing {
                    tr {
                        th scope="row" { (setting.name) }
                        @for value in &setting.values {
                            td {
                                @if let Some(value) = value { (value) } @else {
                                    em { "not given" }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let body = html! {
        p { "All other settings that are known are the same." }
        (scroll("Settings that differ", table))
    };
    Some(Section::new("settings", "What differs", body))
}
