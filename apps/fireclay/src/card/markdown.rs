//! Markdown of which every text from a file is only ever text: no link, no picture, no HTML, no table of its own.

use std::fmt::Write;

/// Letters of a text that are shown.
const MOST_LETTERS: usize = 300;

/// A page in GitHub's Markdown.
#[derive(Debug, Default)]
pub struct Markdown {
    text: String,
    to_fill_in: usize,
}

impl Markdown {
    /// A heading of some level; the text is ours, or was [`escaped`].
    pub fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {text}", "#".repeat(level)));
    }

    /// A paragraph; the text is ours, or was [`escaped`].
    pub fn paragraph(&mut self, text: &str) {
        self.block(text);
    }

    /// What nobody but a person can say.
    pub fn for_a_person(&mut self, question: &str) {
        self.to_fill_in += 1;
        self.block(&format!("> **To be filled in by a person:** {question}"));
    }

    /// How many places are left to a person.
    pub fn places_to_fill_in(&self) -> usize {
        self.to_fill_in
    }

    /// A list; the texts are ours, or were [`escaped`]. Nothing if there are none.
    pub fn list(&mut self, items: &[String]) {
        if !items.is_empty() {
            self.block(&items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n"));
        }
    }

    /// A table with a row of headings; the texts are ours, or were [`escaped`]. Nothing if there are no rows.
    pub fn table<const N: usize>(&mut self, headings: [&str; N], rows: &[[String; N]]) {
        if rows.is_empty() {
            return;
        }
        let mut table = format!("| {} |\n|{}", headings.join(" | "), "---|".repeat(N));
        for row in rows {
            let _ = write!(table, "\n| {} |", row.join(" | "));
        }
        self.block(&table);
    }

    fn block(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A text from a file on one line, in which nothing is Markdown, and which is not longer than people read.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(2 * MOST_LETTERS));
    let mut letters = text.chars().peekable();
    for at in 0.. {
        let Some(letter) = letters.next() else { break };
        if at == MOST_LETTERS {
            shown.push('…');
            break;
        }
        match letter {
            '\t' | '\n' | '\r' => shown.push(' '),
            // What ends a line, is not seen, or turns the direction of what follows.
            _ if letter.is_control() || is_invisible(letter) => {
                let _ = write!(shown, "\\\\u{{{:x}}}", letter as u32);
            }
            // Addresses are links by themselves.
            '@' => shown.push_str("&#64;"),
            ':' if letters.peek() == Some(&'/') => shown.push_str("&#58;"),
            '.' if shown.to_ascii_lowercase().ends_with("www") => shown.push_str("\\."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '~' | '$' | '&' => {
                shown.push('\\');
                shown.push(letter);
            }
            '-' | '+' | '=' if shown.trim().is_empty() => {
                shown.push('\\');
                shown.push(letter);
            }
            _ => shown.push(letter),
        }
    }
    shown
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_is_markdown() {
        for (text, expected) in [
            ("plain words (1.5): more", "plain words (1.5): more"),
            ("a|b\n# c", "a\\|b \\# c"),
            ("[x](javascript:y)", "\\[x\\](javascript:y)"),
            ("<img src=x onerror=y>", "\\<img src=x onerror=y\\>"),
            ("![x](https://e.org)", "\\!\\[x\\](https&#58;//e.org)"),
            ("WWW.e.org mailto:me@e.org", "WWW\\.e.org mailto:me&#64;e.org"),
            ("`a` **b** __c__ ~~d~~", "\\`a\\` \\*\\*b\\*\\* \\_\\_c\\_\\_ \\~\\~d\\~\\~"),
            ("$e$ &amp; \\", "\\$e\\$ \\&amp; \\\\"),
            ("- x", "\\- x"),
            ("a\u{202e}b\u{1b}[2J", "a\\\\u{202e}b\\\\u{1b}\\[2J"),
        ] {
            assert_eq!(escaped(text), expected);
        }
        assert_eq!(escaped(&"é".repeat(1_000)).chars().count(), MOST_LETTERS + 1);
    }

    #[test]
    fn parts_stand_apart() {
        let mut page = Markdown::default();
        page.heading(1, "Title");
        page.table(["a", "b"], &[["1".into(), "2".into()]]);
        page.table(["a"], &[]);
        page.for_a_person("Who?");
        assert_eq!(page.places_to_fill_in(), 1);
        let text = page.into_text();
        assert_eq!(
            text,
            "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> **To be filled in by a person:** Who?\n"
        );
    }
}
