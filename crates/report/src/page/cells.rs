//! Cells of tables of measures.

use maud::{Markup, html};

use crate::format::{area, percent};

/// What stands where a measure does not exist; the text below the table says why.
pub fn undefined() -> Markup {
    html! {
        em title="not defined" { "n. d." }
    }
}

/// A share with a bar behind it, in percent.
pub fn bar(share: Option<f64>) -> Markup {
    filled(share, percent)
}

/// A score from 0 to 1 that is no share of anything, with a bar behind it.
pub fn score(score: Option<f64>) -> Markup {
    filled(score, area)
}

fn filled(value: Option<f64>, written: fn(f64) -> String) -> Markup {
    match value {
        Some(value) => html! {
            td.number.bar style={ "--v:" (format!("{:.1}%", value.clamp(0.0, 1.0) * 100.0)) } { (written(value)) }
        },
        None => html! {
            td.number { (undefined()) }
        },
    }
}
