//! Cells of tables of measures.

use maud::{Markup, html};

use crate::format::percent;

/// What stands where a measure does not exist; the text below the table says why.
pub fn undefined() -> Markup {
    html! {
        em title="not defined" { "n. d." }
    }
}

/// A fraction with a bar behind it.
pub fn bar(fraction: Option<f64>) -> Markup {
    match fraction {
        Some(fraction) => html! {
            td.number.bar style={ "--v:" (format!("{:.1}%", fraction.clamp(0.0, 1.0) * 100.0)) } { (percent(fraction)) }
        },
        None => html! {
            td.number { (undefined()) }
        },
    }
}
