//! How a search goes about it.

use serde::{Deserialize, Serialize};

use crate::{Settings, Space, TuneError};

/// The most trials of a bracket.
const MOST_TRIALS: usize = 100_000;

/// How a search goes about it: brackets of successive halving, and what is proposed in them.
///
/// ```
/// use fireclay_tune::SearchOptions;
///
/// let options = SearchOptions { rungs: vec![1, 3, 9], keep: 3, bracket: 10, ..SearchOptions::default() };
/// // Ten trials of 1 epoch, the best three for 3, the best one for 9.
/// assert_eq!(options.rung_sizes(), [10, 3, 1]);
/// assert_eq!(options.bracket_resource(), 10 * 1 + 3 * 3 + 1 * 9);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchOptions {
    /// From which the random numbers come. The same seed, space, options and results give the same proposals.
    pub seed: u64,
    /// What a trial is given at each rung, ascending, for example epochs. A trial begins afresh at each rung.
    pub rungs: Vec<usize>,
    /// One of `keep` trials goes on to the next rung, one at least; 2 or more.
    pub keep: usize,
    /// The trials that a bracket begins with.
    pub bracket: usize,
    /// How many brackets are drawn at random before results are used.
    pub random_brackets: usize,
    /// The settings that the first bracket begins with, for example those of the usual recipe; not more than `bracket`.
    pub first: Vec<Settings>,
}

/// Nine trials of 1, the best three of 3 and the best one of 9; the first bracket at random; seed 0.
impl Default for SearchOptions {
    fn default() -> Self {
        Self { seed: 0, rungs: vec![1, 3, 9], keep: 3, bracket: 9, random_brackets: 1, first: Vec::new() }
    }
}

impl SearchOptions {
    /// How many trials of a bracket run at each rung, if none fails.
    pub fn rung_sizes(&self) -> Vec<usize> {
        let next = |size: &usize| Some((size / self.keep.max(1)).max(1));
        std::iter::successors(Some(self.bracket), next).take(self.rungs.len()).collect()
    }

    /// What the trials of a bracket are given together, if none fails, for example epochs.
    pub fn bracket_resource(&self) -> usize {
        let given = |(size, resource): (usize, &usize)| size.saturating_mul(*resource);
        self.rung_sizes().into_iter().zip(&self.rungs).map(given).fold(0, usize::saturating_add)
    }

    /// Refuses options that do not make a search of this space.
    ///
    /// # Errors
    /// [`TuneError::Option`] with the name of the option, or what [`Space::check_settings`] says of
    /// [`first`](Self::first).
    pub fn check(&self, space: &Space) -> Result<(), TuneError> {
        let refuse = |option: &'static str, expected: String, found: String| {
            Err(TuneError::Option { option, expected, found })
        };
        let rungs = &self.rungs;
        if rungs.is_empty() || rungs[0] == 0 || !rungs.is_sorted_by(|a, b| a < b) {
            return refuse("rungs", "one or more ascending numbers above 0".into(), format!("{rungs:?}"));
        }
        if self.keep < 2 {
            return refuse("keep", "2 or more".into(), self.keep.to_string());
        }
        if !(1..=MOST_TRIALS).contains(&self.bracket) {
            return refuse("bracket", format!("1 to {MOST_TRIALS}"), self.bracket.to_string());
        }
        if self.first.len() > self.bracket {
            let expected = format!("{} settings at most, as many as a bracket has trials", self.bracket);
            return refuse("first", expected, self.first.len().to_string());
        }
        self.first.iter().try_for_each(|settings| space.check_settings(settings))
    }
}
