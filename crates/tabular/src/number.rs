//! Numbers in cells.

use std::borrow::Cow;

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
    /// `1234,5` or `1.234,5`: points between thousands.
    Comma,
    /// `1,234.5`: commas between thousands.
    Thousands,
}

impl NumberFormat {
    /// All formats, the usual one first.
    pub const ALL: [NumberFormat; 3] = [NumberFormat::Point, NumberFormat::Comma, NumberFormat::Thousands];

    /// Reads a cell. White space around it does not count, and neither does what says a unit of money or a percentage: `$5`, `5 €`,
    /// `5 %`. Spaces and apostrophes may stand between thousands in all formats.
    ///
    /// ```
    /// use fireclay_tabular::{Number, NumberFormat};
    ///
    /// assert_eq!(NumberFormat::Point.parse(" 3.5 "), Number::Finite(3.5));
    /// assert_eq!(NumberFormat::Point.parse("12.5%"), Number::Finite(12.5));
    /// assert_eq!(NumberFormat::Comma.parse("3,5"), Number::Finite(3.5));
    /// assert_eq!(NumberFormat::Comma.parse("1.234,5"), Number::Finite(1_234.5));
    /// assert_eq!(NumberFormat::Thousands.parse("-$12,345.5"), Number::Finite(-12_345.5));
    /// assert_eq!(NumberFormat::Point.parse("n/a"), Number::Missing);
    /// assert_eq!(NumberFormat::Point.parse("3,5"), Number::Text);
    /// ```
    pub fn parse(self, cell: &str) -> Number {
        let cell = cell.trim();
        let parsed = match self {
            NumberFormat::Point => cell.parse::<f32>().ok(),
            _ => None,
        };
        match parsed.or_else(|| self.parse_marked(cell)) {
            Some(number) if number.is_finite() => Number::Finite(number),
            Some(_) => Number::Missing,
            None if is_missing(cell) => Number::Missing,
            None => Number::Text,
        }
    }

    /// Reads a number that may have a unit, and marks between its thousands.
    fn parse_marked(self, cell: &str) -> Option<f32> {
        // Most cells of other columns end here.
        if !cell.bytes().any(|byte| byte.is_ascii_digit()) {
            return (self != NumberFormat::Point).then(|| cell.parse().ok()).flatten();
        }
        let cell = without_unit(cell);
        let (mark, decimal) = match self {
            NumberFormat::Point => (None, '.'),
            NumberFormat::Comma => (Some('.'), ','),
            NumberFormat::Thousands => (Some(','), '.'),
        };
        let digits = without_marks(&cell, mark, decimal)?;
        match decimal {
            ',' => digits.replacen(',', ".", 1).parse().ok(),
            _ => digits.parse().ok(),
        }
    }
}

/// Signs that stand before or behind sums of money.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// The cell without a sign of money or of a percentage, at either end; a minus stays.
fn without_unit(cell: &str) -> Cow<'_, str> {
    let cell = cell.strip_suffix('%').unwrap_or(cell).trim_end();
    let cell = cell.strip_suffix(CURRENCIES).unwrap_or(cell).trim_end();
    match cell.strip_prefix('-') {
        Some(rest) => match rest.trim_start().strip_prefix(CURRENCIES) {
            Some(rest) => Cow::Owned(format!("-{}", rest.trim_start())),
            None => Cow::Borrowed(cell),
        },
        None => Cow::Borrowed(cell.strip_prefix(CURRENCIES).map_or(cell, str::trim_start)),
    }
}

/// The cell without what stands between its thousands: `mark`, a space or an apostrophe, always the same one before each three digits
/// of the whole part. `None` if it stands elsewhere.
fn without_marks(cell: &str, mark: Option<char>, decimal: char) -> Option<Cow<'_, str>> {
    let is_mark = |letter: char| {
        Some(letter) == mark || matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '\u{2019}')
    };
    let Some(found) = cell.chars().find(|letter| is_mark(*letter)) else { return Some(Cow::Borrowed(cell)) };
    let end = cell.find([decimal, 'e', 'E']).unwrap_or(cell.len());
    let (whole, rest) = cell.split_at(end);
    let mut groups = whole.trim_start_matches(['-', '+']).split(found);
    let first = groups.next().unwrap_or_default();
    let in_thousands = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    let clean = in_thousands && !rest.contains(is_mark);
    clean.then(|| Cow::Owned(cell.replace(found, "")))
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
        for (cell, number) in [
            ("$5", 5.0),
            ("-$5.5", -5.5),
            ("$-5", -5.0),
            ("5 €", 5.0),
            ("12 %", 12.0),
            ("1 000", 1e3),
            ("1'000'000.5", 1_000_000.5),
        ] {
            assert_eq!(NumberFormat::Point.parse(cell), Number::Finite(number), "{cell}");
        }
        for cell in
            ["red", "3,14", "1 00", "0x10", "--1", "$", "5 $ 6", "040 12345", "2020-01", "1.5 000", "5 km"]
        {
            assert_eq!(NumberFormat::Point.parse(cell), Number::Text, "{cell}");
        }
        for (cell, number) in
            [("8.391", 8_391.0), ("1.234.567,5 €", 1_234_567.5), ("1\u{202f}234,5", 1_234.5)]
        {
            assert_eq!(NumberFormat::Comma.parse(cell), Number::Finite(number), "{cell}");
        }
        for cell in ["1,2,3", "1.23,5", "1.5", "1,23,456", "1,234.5"] {
            assert_eq!(NumberFormat::Comma.parse(cell), Number::Text, "{cell}");
        }
        for cell in ["1,23", "1234,567", "1,234,56.7", ",234"] {
            assert_eq!(NumberFormat::Thousands.parse(cell), Number::Text, "{cell}");
        }
        assert_eq!(NumberFormat::Thousands.parse("-1,234,567.5"), Number::Finite(-1_234_567.5));
    }
}
