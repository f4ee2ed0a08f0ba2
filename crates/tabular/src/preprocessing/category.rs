//! Categories: a number for each value.

use serde::{Deserialize, Serialize};

use crate::Profile;

/// More values than this are not told apart: the rarest of them are one.
const MOST_VALUES: usize = 255;

/// A value that occurs less often is not learnt by itself.
const LEAST_ROWS: usize = 3;

/// A cell is 1 in the place of its value and 0 in all others (one-hot). A value that the training rows did not have is "other"
/// if they had rare ones, or 0 everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryEncoding {
    /// The values that have a place, sorted.
    pub values: Vec<String>,
    /// Whether rare values have a place together, behind them.
    pub other: bool,
    /// Whether an empty cell has a place, the last one.
    pub missing: bool,
}

impl CategoryEncoding {
    /// From what the training rows hold.
    pub fn fit(profile: &Profile) -> Self {
        // Of few rows every value is rare.
        let least = LEAST_ROWS.min(profile.present() / 20);
        let frequent = profile.values.iter().take(MOST_VALUES).filter(|(_, count)| *count >= least);
        let mut values: Vec<String> = frequent.map(|(value, _)| value.clone()).collect();
        values.sort();
        CategoryEncoding {
            other: values.len() < profile.values.len() || profile.has_more_values,
            missing: profile.missing > 0,
            values,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.values.len() + usize::from(self.other) + usize::from(self.missing)
    }

    pub(super) fn names(&self, column: &str) -> Vec<String> {
        let mut names: Vec<String> = self.values.iter().map(|value| format!("{column}={value}")).collect();
        names.extend(self.other.then(|| format!("{column} is rare")));
        names.extend(self.missing.then(|| format!("{column} is missing")));
        names
    }

    pub(super) fn encode(&self, cell: &str, out: &mut Vec<f32>) {
        let cell = cell.trim();
        let known = self.values.binary_search_by(|value| value.as_str().cmp(cell)).ok();
        let place = match cell.is_empty() {
            true => self.missing.then(|| self.width() - 1),
            false => known.or_else(|| self.other.then_some(self.values.len())),
        };
        out.extend((0..self.width()).map(|at| f32::from(u8::from(Some(at) == place))));
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.values.len() <= MOST_VALUES && self.values.is_sorted_by(|a, b| a < b) {
            true => Ok(()),
            false => Err("its values are not sorted, or too many"),
        }
    }
}
