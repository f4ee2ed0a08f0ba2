//! What a column holds, counted.

use std::collections::HashMap;

use crate::Frame;
use crate::date::DateFormat;
use crate::number::{Number, NumberFormat, is_missing};

/// More different values than this are counted no further.
const MOST_VALUES: usize = 1 << 16;

/// What a column holds, counted over all of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Rows.
    pub rows: usize,
    /// Rows with an empty cell.
    pub missing: usize,
    /// Rows with a word for nothing, such as `NA`: where numbers or dates are expected they count as missing, among categories
    /// they are one.
    pub missing_words: usize,
    /// Rows that are a number in [`format`](Self::format).
    pub numbers: usize,
    /// How most of its numbers are written.
    pub format: NumberFormat,
    /// Numbers without a fraction.
    pub whole: usize,
    /// Whether each number is whole and above the one before, by 2 on average at most: they number rows, some of which may be
    /// missing.
    pub counts_up: bool,
    /// Numbers that are written with zeros in front, as codes are.
    pub leading_zeros: usize,
    /// Rows that are a date in [`date_format`](Self::date_format).
    pub dates: usize,
    /// How most of its dates are written, if there are any.
    pub date_format: Option<DateFormat>,
    /// Different values, without white space around them, and how often each occurs; at most 65,536 of them.
    pub values: Vec<(String, usize)>,
    /// Whether there are more.
    pub has_more_values: bool,
    /// Words of a value, on average.
    pub mean_words: f64,
}

impl Profile {
    /// Counts what a column holds. The values come the most frequent first, of equally frequent ones the lesser first.
    pub fn of(frame: &Frame, column: usize) -> Self {
        let cells = || frame.column(column).map(str::trim).filter(|cell| !cell.is_empty());
        let (mut values, mut has_more_values): (HashMap<&str, usize>, bool) = (HashMap::new(), false);
        let (mut present, mut words) = (0usize, 0usize);
        for cell in cells() {
            present += 1;
            words += cell.split_whitespace().count();
            if let Some(count) = values.get_mut(cell) {
                *count += 1;
            } else if values.len() < MOST_VALUES {
                values.insert(cell, 1);
            } else {
                has_more_values = true;
            }
        }
        let mut values: Vec<(String, usize)> =
            values.into_iter().map(|(value, count)| (value.to_owned(), count)).collect();
        values.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));

        let count = |format: NumberFormat| {
            cells().filter(|cell| matches!(format.parse(cell), Number::Finite(_))).count()
        };
        // Of formats that read as many, the usual one.
        let (format, numbers) = NumberFormat::ALL
            .map(|format| (format, count(format)))
            .into_iter()
            .rev()
            .max_by_key(|(_, numbers)| *numbers)
            .unwrap_or_default();
        let of = |cell: &str| match format.parse(cell) {
            Number::Finite(number) => Some(number),
            _ => None,
        };
        let whole = cells().filter_map(of).filter(|number| number.fract() == 0.0).count();
        let rises = || {
            cells().filter_map(of).zip(cells().filter_map(of).skip(1)).map(|(before, after)| after - before)
        };
        let range: f32 = rises().sum();
        let counts_up = numbers > 1
            && whole == numbers
            && rises().all(|rise| rise >= 1.0)
            && range <= 2.0 * (numbers - 1) as f32;
        let leading_zeros = cells().filter(|cell| of(cell).is_some() && has_leading_zeros(cell)).count();
        let missing_words = cells().filter(|cell| is_missing(cell)).count();
        let (date_format, dates) = match numbers + missing_words == present {
            true => (None, 0),
            false => DateFormat::of(cells()),
        };
        Profile {
            rows: frame.len(),
            missing: frame.len() - present,
            missing_words,
            numbers,
            format,
            whole,
            counts_up,
            leading_zeros,
            dates,
            date_format,
            values,
            has_more_values,
            mean_words: words as f64 / present.max(1) as f64,
        }
    }

    /// Rows with a value.
    pub fn present(&self) -> usize {
        self.rows - self.missing
    }
}

/// `007`, but not `0`, `0.5` or `-0.5`.
fn has_leading_zeros(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['-', '+']).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(cells: &[&str]) -> Profile {
        let mut frame = Frame::new(["x"]).unwrap();
        cells.iter().for_each(|cell| frame.push([*cell]).unwrap());
        Profile::of(&frame, 0)
    }

    #[test]
    fn numbers_are_counted_in_the_format_that_reads_most() {
        let found = profile(&["1", "2.5", "", "NA", "7"]);
        assert_eq!((found.present(), found.missing_words, found.numbers, found.whole), (4, 1, 3, 2));
        assert_eq!(found.format, NumberFormat::Point);
        assert_eq!(profile(&["1,5", "2,25", "3"]).format, NumberFormat::Comma);
        assert_eq!(profile(&["1,500.5", "2,250", "3"]).format, NumberFormat::Thousands);
        assert!(profile(&["3", "4", "5"]).counts_up);
        assert!(profile(&["3", "4", "7"]).counts_up);
        assert!(!profile(&["3", "4", "9"]).counts_up && !profile(&["3", "2", "4"]).counts_up);
        assert!(!profile(&["3"]).counts_up);
        assert_eq!(profile(&["007", "0", "0.5", "012"]).leading_zeros, 2);
    }

    #[test]
    fn values_come_by_how_often_they_occur() {
        let found = profile(&["b", " a", "a ", "c d", ""]);
        let expected = [("a", 2), ("b", 1), ("c d", 1)].map(|(value, count)| (value.to_string(), count));
        assert_eq!((found.values, found.missing, found.mean_words), (expected.to_vec(), 1, 1.25));
    }
}
