//! What all pages have: the head, the table of contents, sections, and tables that scroll inside.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::words::shortened;

const STYLE: &str = include_str!("../style.css");

/// Nothing is loaded and nothing is run; styles and pictures stand in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// A section with its place in the table of contents.
pub struct Section {
    /// Its anchor, which is ours and never a name from outside.
    pub id: String,
    pub title: String,
    pub body: Markup,
}

impl Section {
    pub fn new(id: impl Into<String>, title: impl Into<String>, body: Markup) -> Self {
        Self { id: id.into(), title: title.into(), body }
    }
}

/// A page from its parts.
pub fn page(title: &str, kind: &str, program: &str, opening: Markup, sections: &[Section]) -> String {
    let title = if title.trim().is_empty() { kind.into() } else { shortened(title, 200) };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                @if !program.is_empty() {
                    meta name="generator" content=(program);
                }
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                div.layout {
                    @if !sections.is_empty() {
                        nav aria-label="Contents" {
                            p { "Contents" }
                            ol {
                                @for section in sections {
                                    li {
                                        a href={ "#" (section.id) } { (section.title) }
                                    }
                                }
                            }
                        }
                    }
                    main #content {
                        header {
                            p.kind {
                                (kind)
                                @if !program.is_empty() {
                                    span { " · " (program) }
                                }
                            }
                            h1 { (title) }
                            (opening)
                        }
                        @for section in sections {
                            section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                                h2 id={ (section.id) "-title" } { (section.title) }
                                (section.body)
                            }
                        }
                    }
                }
            }
        }
    };
    without_control_characters(&page.into_string())
}

/// A wide table, which scrolls by itself so that the page need not.
pub fn scroll(label: &str, table: Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" { (table) }
    }
}

/// Names of files and classes may hold characters that are not seen, or that turn the order of others around. They become U+FFFD.
fn without_control_characters(page: &str) -> String {
    let is_hidden = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    // A tab is a space in HTML, and stays one in tables of values.
    let shown = page.chars().map(|character| match character {
        '\t' => ' ',
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        hidden if is_hidden(hidden) => '\u{fffd}',
        shown => shown,
    });
    shown.collect()
}
