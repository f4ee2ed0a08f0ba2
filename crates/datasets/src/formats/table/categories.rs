//! Labels and categories: texts that become numbers.

use std::collections::HashMap;

use fireclay_tabular::sort_labels;

use super::TableProblem;

/// More different labels than this are no labels.
pub(super) const MOST_CLASSES: usize = 65_536;

/// More different categories than this, each a column, do not help.
pub(super) const MOST_CATEGORIES: usize = 1_024;

/// The different values of a column, numbered as they are met.
pub(super) struct Categories {
    numbers: HashMap<String, u32>,
    /// Those of the training table, when another is read.
    known: Option<Vec<String>>,
    most: usize,
}

impl Categories {
    pub(super) fn new(known: Option<&[String]>, most: usize) -> Self {
        let numbers = known.unwrap_or_default().iter().cloned().zip(0..).collect();
        Self { numbers, known: known.map(<[String]>::to_vec), most }
    }

    /// The number of a value.
    pub(super) fn number(&mut self, value: &str, line: u64, column: &str) -> Result<u32, TableProblem> {
        let value = value.trim();
        if let Some(number) = self.numbers.get(value) {
            return Ok(*number);
        }
        let (column, found) = (column.to_owned(), value.to_owned());
        if let Some(known) = &self.known {
            return Err(TableProblem::Unknown { line, column, found, known: known.clone() });
        }
        if self.numbers.len() >= self.most {
            return Err(TableProblem::TooManyClasses { line, column, found, limit: self.most });
        }
        // At most MOST_CLASSES.
        let number = self.numbers.len() as u32;
        self.numbers.insert(found, number);
        Ok(number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The values in their order, and what each number becomes in it.
    pub(super) fn sorted(self) -> (Vec<String>, Vec<u32>) {
        if let Some(known) = self.known {
            let same = (0..known.len() as u32).collect();
            return (known, same);
        }
        let mut values: Vec<(String, u32)> = self.numbers.into_iter().collect();
        sort_labels(&mut values, |(value, _)| value);
        let mut becomes = vec![0; values.len()];
        for (place, (_, met)) in (0..).zip(&values) {
            becomes[*met as usize] = place;
        }
        (values.into_iter().map(|(value, _)| value).collect(), becomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(values: &[&str]) -> (Vec<String>, Vec<u32>) {
        let mut categories = Categories::new(None, 10);
        for value in values {
            categories.number(value, 1, "label").unwrap();
        }
        categories.sorted()
    }

    #[test]
    fn numbers_are_sorted_as_numbers_and_texts_as_texts() {
        let (names, becomes) = sorted(&["10", " 9", "-1", "9"]);
        assert_eq!((names.join(" "), becomes), ("-1 9 10".to_owned(), vec![2, 1, 0]));
        let (names, becomes) = sorted(&["b", "10", "9"]);
        assert_eq!((names.join(" "), becomes), ("10 9 b".to_owned(), vec![2, 0, 1]));
    }

    #[test]
    fn known_values_keep_their_numbers() {
        let known = ["x".to_owned(), "yes".to_owned()];
        let mut categories = Categories::new(Some(&known), 10);
        assert_eq!(categories.number("yes", 1, "label").unwrap(), 1);
        let message = categories.number("yess", 7, "label").unwrap_err().to_string();
        assert!(message.contains("line 7, column \"label\": \"yess\" is not in"), "{message}");
        assert!(message.contains("did you mean \"yes\""), "{message}");
        assert_eq!(categories.sorted(), (known.to_vec(), vec![0, 1]));
    }
}
