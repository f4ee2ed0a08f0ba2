//! Numbers and names as people read them, in tables and under images.

use thousands::Separable;

/// `12,345`
pub(super) fn count(number: usize) -> String {
    number.separate_with_commas()
}

/// `1 image`, `12,345 images`
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `12.5 %`
pub(super) fn share(share: f64) -> String {
    if share > 0.0 && share < 0.0005 { "< 0.1 %".into() } else { format!("{:.1} %", 100.0 * share) }
}

/// Four digits that count, as short as they can be: `0.4914`, `12.5`, `1.2e-7`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// `28 x 28`
pub(super) fn shape(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
    dims.join(" x ")
}

/// The text with everything that a terminal would obey instead of showing written out: `\n`, `\u{1b}`.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => shown.extend(character.escape_default()),
            _ if character.is_control() || is_invisible(character) => {
                shown.extend(character.escape_unicode())
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Marks that turn the direction of writing, or that take no room: they hide what a text says.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// At most `most` characters, the last three of them dots if something was left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_string();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Breaks `text` at spaces into lines of at most `width` characters; longer words are broken.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let (mut line, mut line_len) = (String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word_len = word.chars().count();
        if line_len > 0 && line_len + 1 + word_len > width {
            lines.push(std::mem::take(&mut line));
            line_len = 0;
        }
        if line_len > 0 {
            line.push(' ');
            line_len += 1;
        }
        for character in word.chars() {
            if line_len == width {
                lines.push(std::mem::take(&mut line));
                line_len = 0;
            }
            line.push(character);
            line_len += 1;
        }
    }
    if line_len > 0 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0.0, 0.491_41, -12.5, 1_234.56, 250_000.0, 1.25e-7].map(number),
            ["0", "0.4914", "-12.5", "1235", "250000", "1.250e-7"]
        );
        assert_eq!([0.0, 0.0001, 0.125, 1.0].map(share), ["0.0 %", "< 0.1 %", "12.5 %", "100.0 %"]);
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(visible("a\tb\u{1b}[2J\u{202e}é\0"), r"a\tb\u{1b}[2J\u{202e}é\u{0}");
    }

    #[test]
    fn long_names_are_cut_and_long_lines_broken() {
        assert_eq!([cut("abcdef", 6), cut("abcdefg", 6)], ["abcdef", "abc..."]);
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert!(wrap("  ", 5).is_empty());
    }
}
