//! Settings, the machine, and the command that makes the run again.

use maud::{Markup, html};

use super::frame::Section;
use crate::data::{Environment, RunReport, SettingGroup};
use crate::format::count;
use crate::words::{capitalised, shortened};

pub fn section(report: &RunReport) -> Option<Section> {
    if report.settings.is_empty() && report.environment.is_none() && report.command.is_none() {
        return None;
    }
    let body = html! {
        @if let Some(command) = &report.command {
            p { "This command makes the run again:" }
            pre.command tabindex="0" {
                code { (shortened(command, 4000)) }
            }
        }
        (settings(&report.settings, report.environment.as_ref()))
    };
    Some(Section::new("settings", "How to make it again", body))
}

/// Settings and the machine, side by side.
pub fn settings(groups: &[SettingGroup], environment: Option<&Environment>) -> Markup {
    html! {
        div.groups {
            @for group in groups { (facts(&capitalised(&group.name), &group.settings)) }
            @if let Some(environment) = environment { (facts("Environment", &lines(environment))) }
        }
    }
}

fn facts(title: &str, facts: &[(String, String)]) -> Markup {
    html! {
        div {
            h3 { (if title.is_empty() { "Settings" } else { title }) }
            dl.facts {
                @for (name, value) in facts {
                    div {
                        dt { (name) }
                        dd { (shortened(value, 1000)) }
                    }
                }
            }
        }
    }
}

fn lines(environment: &Environment) -> Vec<(String, String)> {
    let mut lines = environment.versions.clone();
    let commit = environment.git_commit.as_ref().map(|commit| {
        if environment.git_dirty {
            format!("{commit}, with changes that are not in it")
        } else {
            commit.clone()
        }
    });
    let others = [
        ("system", environment.system.clone()),
        ("device", environment.device.clone()),
        ("CPU", environment.cpu.clone()),
        ("GPU", environment.gpu.clone()),
        ("threads", environment.threads.map(|threads| count(threads as u64))),
        ("seed", environment.seed.map(|seed| seed.to_string())),
        ("git commit", commit),
    ];
    lines.extend(others.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))));
    lines
}
