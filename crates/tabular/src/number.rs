//! Numbers in cells.

use serde::{Deserialize, Serialize};

/// What a cell holds where a number is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A number.
    Finite(f32),
    /// Nothing, one of the usual words for nothing, NaN, infinity, or a number beyond the range of `f32`.
    Missing,
    /// Text.
    Text,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// `1234.5`
    #[default]
    Point,
    /// `1234,5`
    Comma,
    /// `1,234.5`: commas between thousands.
    Thousands,
}

impl NumberFormat {
    /// All formats, the usual one first.
    pub const ALL: [NumberFormat; 3] = [NumberFormat::Point, NumberFormat::Comma, NumberFormat::Thousands];

    /// Reads a cell. White space around it does not count.
    ///
    /// ```
    /// use fireclay_tabular::{Number, NumberFormat};
    ///
    /// assert_eq!(NumberFormat::Point.parse(" 3.5 "), Number::Finite(3.5));
    /// assert_eq!(NumberFormat::Comma.parse("3,5"), Number::Finite(3.5));
    /// assert_eq!(NumberFormat::Thousands.parse("12,345.5"), Number::Finite(12_345.5));
    /// assert_eq!(NumberFormat::Point.parse("n/a"), Number::Missing);
    /// assert_eq!(NumberFormat::Point.parse("3,5"), Number::Text);
    /// ```
    pub fn parse(self, cell: &str) -> Number {
        let cell = cell.trim();
        let parsed = match self {
            NumberFormat::Point => cell.parse::<f32>().ok(),
            NumberFormat::Comma if cell.contains('.') => None,
            NumberFormat::Comma => cell.replacen(',', ".", 1).parse().ok(),
            NumberFormat::Thousands if !in_thousands(cell) => None,
            NumberFormat::Thousands => cell.replace(',', "").parse().ok(),
        };
        match parsed {
            Some(number) if number.is_finite() => Number::Finite(number),
            Some(_) => Number::Missing,
            None if is_missing(cell) => Number::Missing,
            None => Number::Text,
        }
    }
}

/// Whether commas stand before each three digits of the whole part, or nowhere.
fn in_thousands(cell: &str) -> bool {
    let whole = cell.split(['.', 'e', 'E']).next().unwrap_or_default();
    let mut groups = whole.trim_start_matches(['-', '+']).split(',');
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    let alone = rest.peek().is_none();
    alone || ((1..=3).contains(&first.len()) && rest.all(|group| group.len() == 3))
}

/// Whether a cell says that there is nothing, in one of the ways tables do: empty, `NA`, `n/a`, `NaN`, `null`, `none`, `?`, `-`.
pub fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty()
        || ["na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?", "-"]
            .iter()
            .any(|word| cell.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (cell, number) in [("1", 1.0), (" -2.5e1 ", -25.0), ("+.5", 0.5), ("5.", 5.0)] {
            assert_eq!(NumberFormat::Point.parse(cell), Number::Finite(number), "{cell}");
        }
        for cell in ["", "  ", "NaN", "-inf", "Infinity", "1e60", "NA", "null", "?", "-"] {
            assert_eq!(NumberFormat::Point.parse(cell), Number::Missing, "{cell}");
        }
        for cell in ["red", "3,14", "1 000", "0x10", "--1"] {
            assert_eq!(NumberFormat::Point.parse(cell), Number::Text, "{cell}");
        }
        for cell in ["1,2,3", "1.234,5", "1,23,456"] {
            assert_eq!(NumberFormat::Comma.parse(cell), Number::Text, "{cell}");
        }
        for cell in ["1,23", "1234,567", "1,234,56.7", ",234"] {
            assert_eq!(NumberFormat::Thousands.parse(cell), Number::Text, "{cell}");
        }
        assert_eq!(NumberFormat::Thousands.parse("-1,234,567.5"), Number::Finite(-1_234_567.5));
    }
}
