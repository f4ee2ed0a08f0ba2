//! Which columns of a table matter to the network.

use maud::{Markup, html};

use super::frame::{Section, scroll};
use super::measures::value_in;
use crate::data::{Direction, Importance, ImportanceMethod, Interval, RunReport, Unit};
use crate::format::{count, counted, fixed, number, number_like};
use crate::words::{shortened, spoken};

/// The table has no more rows.
const ROWS: usize = 30;

pub fn section(report: &RunReport) -> Option<Section> {
    let known = report.importance.iter().filter(|importance| importance.value.is_finite());
    let mut columns: Vec<&Importance> = known.collect();
    columns.sort_by(|left, right| right.value.total_cmp(&left.value));
    let all = columns.len();
    columns.truncate(ROWS);
    let most = columns.first()?.value;
    let method = report.importance_method.as_ref();
    let body = html! {
        p {
            @match method {
                Some(method) => (how(method)),
                None => "How much worse the predictions become where a column's values are shuffled.",
            }
            " A value around 0 means that the network does not need the column; columns that say the same share their importance. \
             This is what the network relies on, and no proof that a column is the cause of anything."
        }
        (scroll("Importance of columns", table(&columns, most, method)))
        @if columns.iter().any(|column| column.spread.is_some()) {
            p.caption { "±: the standard deviation over the shuffles." }
        }
        @if all > ROWS {
            p.caption { "The " (ROWS) " most important of " (all) " columns." }
        }
        @if let Some(left_out) = method.map(|method| method.left_out).filter(|left_out| *left_out > 0) {
            p.caption { "There was no time to measure " (counted(left_out, "column")) " more." }
        }
    };
    Some(Section::new("importance", "Which columns matter", body))
}

/// What was done, on which rows.
fn how(method: &ImportanceMethod) -> String {
    let falls = match method.direction {
        Direction::HigherIsBetter => "falls",
        Direction::LowerIsBetter => "rises",
    };
    let rows = match method.samples < method.of_samples {
        true => format!(
            "{} of {} {} rows, spread evenly",
            count(method.samples as u64),
            count(method.of_samples as u64),
            method.part
        ),
        false => format!("{} {} rows", count(method.samples as u64), method.part),
    };
    let times = match method.repeats {
        1 => "once".to_owned(),
        repeats => format!("{repeats} times"),
    };
    format!(
        "How far {} {falls} from {} where a column's values are shuffled among the rows, so that they say nothing of their own row any more: \
         {times} for each column, on {rows}.",
        spoken(&method.measure),
        value_in(&method.unit, method.value),
    )
}

fn table(columns: &[&Importance], most: f64, method: Option<&ImportanceMethod>) -> Markup {
    let intervals = columns.iter().any(|column| column.interval.is_some());
    let unit = method.map(|method| &method.unit);
    let bar = |value: f64| if most > 0.0 { (value / most).clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Column" }
                    th.number scope="col" {
                        @match method.map(|method| method.direction) {
                            Some(Direction::HigherIsBetter) => "Falls by",
                            Some(Direction::LowerIsBetter) => "Rises by",
                            None => "Importance",
                        }
                    }
                    @if intervals {
                        th.number scope="col" { "95\u{a0}% interval" }
                    }
                }
            }
            tbody {
                @for column in columns {
                    tr {
                        th scope="row" { (shortened(&column.column, 60)) }
                        td.number.bar style={ "--v:" (format!("{:.1}%", bar(column.value))) } {
                            (difference(unit, column.value, most))
                            @if let Some(spread) = column.spread.filter(|spread| spread.is_finite()) {
                                " "
                                small { "± " (difference(unit, spread, most)) }
                            }
                        }
                        @if intervals {
                            td.number {
                                @if let Some(Interval { lower, upper }) = column.interval {
                                    (difference(unit, lower, most))
                                    " to "
                                    (difference(unit, upper, most))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A difference of two values of the measure, with as many decimals as the greatest; of fractions in percentage points.
fn difference(unit: Option<&Unit>, value: f64, most: f64) -> String {
    match unit {
        Some(Unit::Fraction) => format!("{}\u{a0}points", fixed(value * 100.0, 2)),
        Some(Unit::Of(unit)) => format!("{}\u{a0}{unit}", number_like(value, most)),
        Some(Unit::Number) | None if most == 0.0 => number(value),
        Some(Unit::Number) | None => number_like(value, most),
    }
}
