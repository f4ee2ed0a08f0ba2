//! Parts of samples with their attributions, for pages and pictures.

mod colour;
mod overlay;

use maud::{Markup, html};

use self::colour::mixed;
pub use self::overlay::Overlay;
use crate::format::{counted, fixed, number_like};
use crate::words::shortened;

/// Of a text so many words are shown.
const WORDS: usize = 2000;

/// The colour behind a part of a sample: `share` is from -1, all against the answer, to 1, all for it.
///
/// ```
/// assert_eq!(fireclay_report::attribution_colour([255, 255, 255], 0.0), [255, 255, 255]);
/// ```
pub fn attribution_colour(ground: [u8; 3], share: f32) -> [u8; 3] {
    mixed(ground, share)
}

/// The greatest attribution, which the others are shares of.
pub fn greatest(values: impl Iterator<Item = f32>) -> f32 {
    values.filter(|value| value.is_finite()).fold(0.0, |most, value| most.max(value.abs()))
}

/// Words with colours behind them.
pub fn words(all: &[(String, f32)]) -> Markup {
    let most = greatest(all.iter().map(|(_, value)| *value));
    html! {
        @for (word, value) in all.iter().take(WORDS) {
            (coloured(*value, most, word))
            " "
        }
        @if all.len() > WORDS {
            small { "and " (counted(all.len() - WORDS, "word")) " more" }
        }
    }
}

/// A part of a sample with a colour behind it, where that is seen, and its number where one points at it.
pub fn coloured(value: f32, most: f32, text: &str) -> Markup {
    let share = if most > 0.0 { (value / most).abs() } else { 0.0 };
    html! {
        @if share < 0.03 {
            (shortened(text, 60))
        } @else {
            span.for[value > 0.0].against[value < 0.0] style={ "--v:" (format!("{:.0}%", share * 100.0)) } title=(signed(value, most)) {
                (shortened(text, 60))
            }
        }
    }
}

/// With its sign, and as many decimals as the greatest.
pub fn signed(value: f32, most: f32) -> String {
    let text = match most > 0.0 {
        true => number_like(f64::from(value), f64::from(most)),
        false => fixed(f64::from(value), 1),
    };
    if value > 0.0 { format!("+{text}") } else { text }
}
