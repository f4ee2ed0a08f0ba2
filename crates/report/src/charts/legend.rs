//! Which line is which: by colour and by dash, so that it is known without colours as well.

use maud::{Markup, html};

/// The number of styles of lines, `s0` and so on in `style.css`; a further series begins again.
pub const SERIES: usize = 10;

/// The names of series with a piece of their lines, and a number for each where there is one.
pub fn legend(entries: &[(usize, String, String)]) -> Markup {
    html! {
        ul.legend {
            @for (style, name, value) in entries {
                li {
                    svg.swatch viewBox="0 0 26 10" aria-hidden="true" {
                        path class={ "line s" (style % SERIES) } d="M0 5H26" {}
                    }
                    span { (name) }
                    @if !value.is_empty() {
                        span.number { (value) }
                    }
                }
            }
        }
    }
}
