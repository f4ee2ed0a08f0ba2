//! What the network learnt from.

use maud::{Markup, html};

use super::frame::{Section, scroll};
use crate::data::{DatasetInfo, RunReport};
use crate::format::count;
use crate::words::{capitalised, shortened};

/// With more classes a sentence says how many samples they have.
const CLASSES: usize = 30;

pub fn section(report: &RunReport) -> Option<Section> {
    let data = report.dataset.as_ref()?;
    let facts = [
        ("Name", (!data.name.is_empty()).then_some(&data.name)),
        ("Source", data.source.as_ref()),
        ("One sample", data.sample.as_ref()),
        ("Split", data.split.as_ref()),
    ];
    let body = html! {
        dl.facts {
            @for (name, value) in facts {
                @if let Some(value) = value {
                    div {
                        dt { (name) }
                        dd { (value) }
                    }
                }
            }
        }
        @if !data.parts.is_empty() { (parts(data)) }
        @if !data.notes.is_empty() {
            h3 { "What a check of the data found" }
            ul {
                @for note in &data.notes {
                    li { (note) }
                }
            }
        }
    };
    Some(Section::new("data", "What it learnt from", body))
}

fn parts(data: &DatasetInfo) -> Markup {
    let mut classes: Vec<&str> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for (class, _) in data.parts.iter().flat_map(|part| &part.classes) {
        if known.insert(class.as_str()) {
            classes.push(class);
        }
    }
    let samples = |part: usize, class: &str| {
        let found = data.parts[part].classes.iter().find(|(name, _)| name == class);
        found.map(|(_, samples)| *samples)
    };
    let most = data
        .parts
        .iter()
        .map(|part| part.classes.iter().map(|class| class.1).max().unwrap_or(0))
        .collect::<Vec<_>>();
    let cell = |part: usize, class: &str| match samples(part, class) {
        Some(samples) => {
            let share = samples as f64 / most[part].max(1) as f64 * 100.0;
            html! {
                td.number.bar style={ "--v:" (format!("{share:.1}%")) } { (count(samples as u64)) }
            }
        }
        None => html! {
            td.number {}
        },
    };
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" {
                        @if !classes.is_empty() { "Class" }
                    }
                    @for part in &data.parts {
                        th.number scope="col" { (capitalised(&part.name)) }
                    }
                }
            }
            tbody {
                @if classes.len() <= CLASSES {
                    @for class in &classes {
                        tr {
                            th scope="row" { (shortened(class, 60)) }
                            @for part in 0..data.parts.len() { (cell(part, class)) }
                        }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "all samples" }
                    @for part in &data.parts {
                        td.number { (count(part.samples as u64)) }
                    }
                }
            }
        }
    };
    html! {
        (scroll("Samples of each part", table))
        @if classes.len() > CLASSES {
            @for part in data.parts.iter().filter(|part| !part.classes.is_empty()) {
                @let smallest = part.classes.iter().min_by_key(|class| class.1);
                @let largest = part.classes.iter().max_by_key(|class| class.1);
                @if let (Some(smallest), Some(largest)) = (smallest, largest) {
                    p {
                        "The "
                        (part.name)
                        " part has "
                        (part.classes.len())
                        " classes, from "
                        (count(smallest.1 as u64))
                        " samples of “"
                        (shortened(&smallest.0, 40))
                        "” to "
                        (count(largest.1 as u64))
                        " of “"
                        (shortened(&largest.0, 40))
                        "”."
                    }
                }
            }
        }
    }
}
