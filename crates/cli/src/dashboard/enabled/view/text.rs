//! Texts and numbers in the room that there is.

use ratatui::text::Span;

use crate::output::printable;

/// The columns that a text takes.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// A text in one line of at most so many columns; one that was cut ends in `…`.
pub fn fit(text: &str, columns: usize) -> String {
    let line = printable(text).replace(['\n', '\t'], " ");
    if width(&line) <= columns {
        return line;
    }
    let mut kept = String::new();
    for letter in line.chars() {
        let longer = format!("{kept}{letter}");
        if width(&longer) + 1 > columns {
            break;
        }
        kept = longer;
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Items side by side, two columns apart, in lines of at most so many columns.
pub fn side_by_side(items: &[String], columns: usize) -> Vec<String> {
    join(items.iter().map(|item| fit(item, columns)), "  ", columns)
}

/// A text broken between its words.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let line = printable(text).replace(['\n', '\t'], " ");
    join(line.split_whitespace().map(|word| fit(word, columns)), " ", columns)
}

fn join(parts: impl Iterator<Item = String>, between: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + between.len() + width(&part) <= columns => {
                line.push_str(between);
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}

/// `[====>     ]`: how much of something is done, in so many columns.
pub fn bar(share: f64, columns: usize) -> String {
    let room = columns.saturating_sub(2);
    let done = ((share.clamp(0.0, 1.0) * room as f64) as usize).min(room);
    let head = if done > 0 && done < room { ">" } else { "" };
    let filled = "=".repeat(done - head.len());
    format!("[{filled}{head}{}]", " ".repeat(room - done))
}

/// A number of any size in few characters: `0.1234`, `3.00e-4`.
pub fn number(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() || value == 0.0 => value.to_string(),
        size if (1e-2..1e4).contains(&size) => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_take_no_more_room_than_there_is() {
        assert_eq!(
            [fit("accuracy", 8), fit("accuracy", 5), fit("a\nb\u{1b}", 9)],
            ["accuracy", "accu…", "a b\\u{1b}"]
        );
        assert_eq!((fit("手書き数字", 7), fit("x", 0)), ("手書き…".to_owned(), String::new()));
        assert_eq!(side_by_side(&["a 1".into(), "b 2".into(), "c 3".into()], 8), ["a 1  b 2", "c 3"]);
        assert_eq!(wrapped("the gradients exploded: why", 13), ["the gradients", "exploded: why"]);
        assert!(wrapped("", 10).is_empty());
    }

    #[test]
    fn bars_and_numbers() {
        assert_eq!([bar(0.0, 7), bar(0.5, 7), bar(1.0, 7)], ["[     ]", "[=>   ]", "[=====]"]);
        assert_eq!([bar(f64::NAN, 4), bar(7.0, 1)], ["[  ]", "[]"]);
        assert_eq!(
            [0.12345, 3e-4, 12_345.0, f64::NAN, 0.0].map(number),
            ["0.1235", "3.00e-4", "1.23e4", "NaN", "0"]
        );
    }
}
