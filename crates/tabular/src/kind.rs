//! What a column is, from what it holds.

use crate::Profile;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// A few values that occur again and again; yes and no as well.
    Category,
    /// Days, or times of day on them.
    Date,
    /// Sentences.
    Text,
    /// What tells rows apart and says nothing of them: a running number, a name, a key. Left out.
    Identifier,
    /// One value in every row. Left out.
    Constant,
    /// No value in any row. Left out.
    Empty,
}

/// What a column is taken for, and why, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inferred {
    /// What it is taken for.
    pub kind: ColumnKind,
    /// Why: `4 different values in 1,049 rows`.
    pub reason: String,
}

/// Fewer rows than this do not show that a column has a different value in each.
const FEW_ROWS: usize = 20;

/// Values of this many words on average are sentences.
const WORDS_OF_TEXT: f64 = 6.0;

/// A share of values that may be something else in a column of numbers or dates: they count as missing.
const STRAY: f64 = 0.02;

impl ColumnKind {
    /// Whether a network learns from such columns.
    pub fn is_feature(self) -> bool {
        !matches!(self, ColumnKind::Identifier | ColumnKind::Constant | ColumnKind::Empty)
    }

    /// In a word: `number`.
    pub fn name(self) -> &'static str {
        match self {
            ColumnKind::Number => "number",
            ColumnKind::Category => "category",
            ColumnKind::Date => "date",
            ColumnKind::Text => "text",
            ColumnKind::Identifier => "identifier",
            ColumnKind::Constant => "constant",
            ColumnKind::Empty => "empty",
        }
    }

    /// What a column is, from what it holds.
    ///
    /// ```
    /// use fireclay_tabular::{ColumnKind, Frame, Profile};
    ///
    /// # fn main() -> Result<(), fireclay_tabular::TabularError> {
    /// let mut frame = Frame::new(["size", "colour"])?;
    /// (0..40).try_for_each(|i| frame.push([format!("{}.5", i % 9).as_str(), ["red", "blue"][i % 2]]))?;
    /// assert_eq!(ColumnKind::infer(&Profile::of(&frame, 0)).kind, ColumnKind::Number);
    /// assert_eq!(ColumnKind::infer(&Profile::of(&frame, 1)).reason, "2 different values");
    /// # Ok(())
    /// # }
    /// ```
    pub fn infer(profile: &Profile) -> Inferred {
        let inferred = |kind, reason: String| Inferred { kind, reason };
        let (present, distinct) = (profile.present(), profile.values.len());
        let (stated, nothing) = (present - profile.missing_words, present == profile.missing_words);
        let is_most = |count: usize| count > 0 && (stated - count) as f64 <= STRAY * stated as f64;
        let strays = |count: usize| match stated - count {
            0 => String::new(),
            strays => format!(", and {strays} that are none count as missing"),
        };
        if nothing {
            return inferred(ColumnKind::Empty, "no value in any row".into());
        }
        if distinct == 1 && profile.missing == 0 {
            return inferred(
                ColumnKind::Constant,
                format!("{:?} in every row", shortened(&profile.values[0].0)),
            );
        }
        let is_unique = present >= FEW_ROWS && (distinct == present || profile.has_more_values);
        if is_most(profile.numbers) && profile.leading_zeros == 0 {
            if profile.counts_up && stated >= FEW_ROWS {
                return inferred(ColumnKind::Identifier, "it numbers the rows".into());
            }
            return inferred(ColumnKind::Number, format!("numbers{}", strays(profile.numbers)));
        }
        if is_most(profile.dates) {
            return inferred(ColumnKind::Date, format!("dates{}", strays(profile.dates)));
        }
        let is_varied = present >= FEW_ROWS && (profile.has_more_values || 2 * distinct > present);
        if is_varied && profile.mean_words >= WORDS_OF_TEXT {
            return inferred(ColumnKind::Text, format!("{:.0} words a row", profile.mean_words));
        }
        if is_varied {
            let share = match is_unique {
                true => "a different value in every row".to_string(),
                false => format!("{distinct} different values in {present} rows"),
            };
            return inferred(ColumnKind::Identifier, share);
        }
        let values = if distinct == 1 { "value" } else { "different values" };
        inferred(ColumnKind::Category, format!("{distinct} {values}"))
    }
}

/// The beginning of a long value.
pub(crate) fn shortened(value: &str) -> String {
    const MOST: usize = 40;
    match value.chars().nth(MOST) {
        Some(_) => value.chars().take(MOST).chain(['…']).collect(),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Frame;

    fn infer(cell: impl Fn(usize) -> String) -> Inferred {
        let mut frame = Frame::new(["x"]).unwrap();
        (0..200).for_each(|row| frame.push([cell(row).as_str()]).unwrap());
        ColumnKind::infer(&Profile::of(&frame, 0))
    }

    #[test]
    fn kinds_of_columns() {
        use ColumnKind::*;
        let review = "this is a sentence of some words, number";
        let columns: [(ColumnKind, &dyn Fn(usize) -> String); 14] = [
            (Number, &|row| format!("{}", row * 37 % 101)),
            (Number, &|row| if row == 3 { "unknown".into() } else { format!("{}.5", row * row) }),
            (Number, &|row| format!("{},5", row * row)),
            (Category, &|row| ["yes", "no", ""][row % 3].into()),
            (Category, &|row| format!("0{}", row % 10)),
            (Category, &|row| if row % 2 == 0 { "x".into() } else { String::new() }),
            (Date, &|row| format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1)),
            (Date, &|row| format!("{}/{}/2024 10:30", row % 28 + 1, row % 12 + 1)),
            (Text, &|row| format!("{review} {row}")),
            (Identifier, &|row| format!("{}", row + 17)),
            (Identifier, &|row| format!("customer {row}")),
            (Identifier, &|row| format!("{:06}", row * 7919)),
            (Constant, &|_| "7".into()),
            (Empty, &|_| "NA".into()),
        ];
        for (number, (expected, cell)) in columns.iter().enumerate() {
            let found = infer(cell);
            assert_eq!(found.kind, *expected, "{number}: {}", found.reason);
        }
    }

    #[test]
    fn a_stray_word_among_numbers_is_said() {
        let found = infer(|row| if row == 3 { "unknown".into() } else { format!("{}.5", row) });
        assert_eq!(found.reason, "numbers, and 1 that are none count as missing");
    }
}
