//! The curves of all runs over each other.

use maud::html;

use super::ComparedRun;
use crate::charts::{Series, Style, figure, legend};
use crate::page::{NAMED, Section, families, named_curves, unit_of};
use crate::words::spoken;

pub fn section(runs: &[ComparedRun]) -> Option<Section> {
    let of_runs: Vec<_> = runs.iter().map(|run| families(&run.report.epochs)).collect();
    let mut names: Vec<&str> = Vec::new();
    for family in of_runs.iter().flatten() {
        if !names.contains(&family.name.as_str()) {
            names.push(&family.name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let of_name = |name: &str| {
        let validated =
            of_runs.iter().flatten().any(|family| family.name == name && family.validation.is_some());
        let mut series = Vec::new();
        for (style, (run, families)) in runs.iter().zip(&of_runs).enumerate() {
            let family = families.iter().find(|family| family.name == name);
            let points =
                family.and_then(
                    |family| if validated { family.validation.clone() } else { family.training.clone() },
                );
            if let Some(points) = points {
                series.push(Series { name: run.name.clone(), points, style: Style::Line(style) });
            }
        }
        (validated, series)
    };
    let entries: Vec<(usize, String, String)> =
        runs.iter().enumerate().map(|(style, run)| (style, run.name.clone(), String::new())).collect();
    let series_are_named = runs.len() <= NAMED;
    let body = html! {
        div.figures {
            @for name in names {
                @let (validated, series) = of_name(name);
                @let spoken = spoken(name);
                @let title = format!(
                    "{} {spoken}",
                    if validated { "Validation" } else { "Training" },
                );
                ({
                    figure(
                        &title,
                        named_curves(
                            format!("{title} of all runs"),
                            ("epoch", ""),
                            series,
                            &unit_of(&runs[0].report, name),
                            None,
                        ),
                        if series_are_named {
                            html! {}
                        } else {
                            legend(&entries)
                        },
                        "",
                    )
                })
            }
        }
    };
    Some(Section::new("curves", "How they were trained", body))
}
