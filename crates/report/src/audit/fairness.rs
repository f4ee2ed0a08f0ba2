//! Measures of the groups that a column makes, and how far they are apart.

use maud::{Markup, html};

use super::words::{between, of_hundred};
use crate::charts::{Dot, dots, figure};
use crate::data::{Disparity, FairnessAudit, GroupMeasures};
use crate::format::{count, number, number_like, precise_percent};
use crate::page::{Section, scroll};
use crate::words::{capitalised, shortened, spoken};

/// The table has no more rows, and the figures show no more groups.
const ROWS: usize = 200;
const DRAWN: usize = 30;
/// A table of more rows scrolls by itself.
const TALL: usize = 20;
/// Groups of fewer samples are marked.
const FEW: usize = 100;

/// The sentence of the opening: the best and the worst group.
pub fn finding(audit: &FairnessAudit) -> Markup {
    let first = |group: &GroupMeasures| group.measures.first().and_then(|measure| measure.1);
    let mut known: Vec<(f64, &str)> =
        audit.groups.iter().filter_map(|group| Some((first(group)?, group.name.as_str()))).collect();
    known.sort_by(|one, other| other.0.total_cmp(&one.0));
    let measure = names(audit).first().map(|name| spoken(name)).unwrap_or_default();
    let column = shortened(&audit.column, 40);
    match known.as_slice() {
        [best, .., worst] if measure == "accuracy" => html! {
            "By “" (column) "”: of a hundred samples it gets "
            strong { (of_hundred(best.0)) }
            " right in the group “" (shortened(best.1, 40)) "”, and "
            strong { (of_hundred(worst.0)) }
            " in “" (shortened(worst.1, 40)) "”."
        },
        [highest, .., lowest] => html! {
            "By “" (column) "”: " (shortened(&measure, 40)) ", of a hundred samples: "
            strong { (of_hundred(highest.0)) }
            " in the group “" (shortened(highest.1, 40)) "”, and "
            strong { (of_hundred(lowest.0)) }
            " in “" (shortened(lowest.1, 40)) "”."
        },
        _ => html! { "By “" (column) "”: there are no two groups that can be compared." },
    }
}

pub fn section(audit: &FairnessAudit) -> Section {
    let body = html! {
        p {
            "Is it as good for one group as for another? The groups are the values of “"
            (shortened(&audit.column, 60))
            "”. "
            @if let Some(positive) = &audit.positive {
                "A positive is the answer “"
                (shortened(positive, 60))
                "”: a true one where it is right, a false one where it is wrong. "
            }
            "It does not show why groups differ, nor which difference is just: demographic parity (each group gets the answer as often) and \
             equalised odds (the answer is right and wrong as often in each group) in general cannot both hold."
        }
        @if audit.groups.is_empty() {
            p { "There are no groups, so that there is nothing to compare." }
        } @else {
            (table(audit))
            div.figures {
                @for at in 0..names(audit).len() { (measure(audit, at)) }
            }
            @if audit.groups.len() > DRAWN {
                p.caption { "The figures show the first " (DRAWN) " groups." }
            }
        }
        (differences(&audit.differences))
    };
    Section::new("fairness", "Fairness", body)
}

fn names(audit: &FairnessAudit) -> Vec<&str> {
    let first = audit.groups.first();
    first.map(|group| group.measures.iter().map(|measure| measure.0.as_str()).collect()).unwrap_or_default()
}

/// The name of a measure as a heading.
fn heading(name: &str) -> String {
    shortened(&capitalised(&spoken(name)), 60)
}

fn table(audit: &FairnessAudit) -> Markup {
    let names = names(audit);
    let shown = &audit.groups[..audit.groups.len().min(ROWS)];
    let table = html! {
        table.stacks {
            thead {
                tr {
                    th scope="col" { "Group" }
                    th.number scope="col" { "Samples" }
                    @for name in &names {
                        th.number scope="col" { (heading(name)) }
                    }
                }
            }
            tbody {
                @for group in shown {
                    tr {
                        th scope="row" { (shortened(&group.name, 60)) }
                        td.number data-name="Samples" {
                            (count(group.samples as u64))
                            @if group.samples < FEW {
                                span.mark title="few samples" { "†" }
                            }
                        }
                        @for (name, value, interval) in &group.measures {
                            td.number data-name=(heading(name)) { (cell(*value, *interval)) }
                        }
                    }
                }
            }
        }
    };
    let undefined = shown.iter().flat_map(|group| &group.measures).any(|measure| measure.1.is_none());
    html! {
        div.tall[shown.len() > TALL] { (scroll("Measures of each group", table)) }
        p.caption {
            "In small print 95\u{a0}% intervals: where they overlap, the difference may be chance."
            @if shown.iter().any(|group| group.samples < FEW) {
                " † Fewer than "
                (FEW)
                " samples: a few others could change these values much."
            }
            @if undefined { " Not defined: the group has no samples that the measure counts." }
            @if audit.groups.len() > ROWS { " The first " (ROWS) " of " (audit.groups.len()) " groups." }
        }
    }
}

fn cell(value: Option<f64>, interval: Option<[f64; 2]>) -> Markup {
    let Some(value) = value else {
        return html! {
            em { "not defined" }
        };
    };
    html! {
        strong { (precise_percent(value)) }
        @if let Some(interval) = interval {
            " "
            small { (between(interval, value)) }
        }
    }
}

/// The figure of a measure.
fn measure(audit: &FairnessAudit, at: usize) -> Markup {
    let of = |group: &GroupMeasures| {
        let (_, value, interval) = group.measures[at];
        Some(Dot { name: group.name.clone(), value: value?, interval: interval.map(Into::into) })
    };
    let groups: Vec<Dot> = audit.groups.iter().take(DRAWN).filter_map(of).collect();
    if groups.is_empty() {
        return html! {};
    }
    let name = heading(names(audit)[at]);
    figure(&name, dots(format!("{name} of each group, with intervals"), &groups), html! {}, "")
}

fn differences(differences: &[Disparity]) -> Markup {
    if differences.is_empty() {
        return html! {};
    }
    let table = html! {
        table.stacks {
            thead {
                tr {
                    th scope="col" { "Measure" }
                    th.number scope="col" { "Value" }
                    th.number scope="col" { "95\u{a0}% interval" }
                    th scope="col" { "What it is" }
                }
            }
            tbody {
                @for difference in differences {
                    tr {
                        th scope="row" { (shortened(&capitalised(&difference.name), 60)) }
                        td.number data-name="Value" {
                            @match difference.value {
                                Some(value) => {
                                    strong { (number(value)) }
                                }
                                None => {
                                    em { "not defined" }
                                }
                            }
                        }
                        td.number data-name="95\u{a0}% interval" {
                            @if let Some([lower, upper]) = difference.interval {
                                @let like = difference.value.unwrap_or(lower);
                                (number_like(lower, like))
                                " to "
                                (number_like(upper, like))
                            }
                        }
                        td.words { (shortened(&difference.meaning, 400)) }
                    }
                }
            }
        }
    };
    html! {
        h3 { "How far the groups are apart" }
        (scroll("How far the groups are apart", table))
    }
}
