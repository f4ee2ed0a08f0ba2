//! Rates and intervals in words.

use maud::{Markup, html};

use crate::format::{counted, percent, percent_like, precise_percent};

/// Below this many samples a page says that they are few.
const FEW: usize = 100;

/// A rate as a number of a hundred, such as `97.1`.
pub fn of_hundred(rate: f64) -> String {
    percent(rate).trim_end_matches("\u{a0}%").into()
}

/// An interval of a rate with the decimals of the rate, such as `96.1 to 97.9 %`.
pub fn between([lower, upper]: [f64; 2], rate: f64) -> String {
    let lower = percent_like(lower, rate);
    format!("{} to {}", lower.trim_end_matches("\u{a0}%"), percent_like(upper, rate))
}

/// A rate with its interval, where there is one.
pub fn rate(rate: f64, interval: Option<[f64; 2]>) -> Markup {
    html! {
        (precise_percent(rate))
        @if let Some(interval) = interval { " (95\u{a0}% interval " (between(interval, rate)) ")" }
    }
}

/// What is said where samples are few; nothing where they are not.
pub fn few(samples: usize) -> Markup {
    html! {
        @if samples < FEW {
            p.notice {
                "Measured on only "
                (counted(samples, "sample"))
                ": a few other samples could change these values much."
            }
        }
    }
}

/// What a part says that was measured on no samples.
pub fn no_samples() -> Markup {
    html! {
        p { "It was measured on no samples, so that there is nothing to say." }
    }
}
