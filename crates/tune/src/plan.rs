//! How many brackets fit into a time.

use serde::{Deserialize, Serialize};

use crate::TuneError;

/// The most brackets that a plan has.
const MOST_BRACKETS: usize = 1000;

/// How many brackets a search runs, decided once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The time that the trials may take together, in seconds.
    pub budget_seconds: f64,
    /// The number of brackets, the first one included.
    pub brackets: usize,
}

impl Plan {
    /// As many brackets as fit into the budget if each takes as long as the first one: 1 at least, 1000 at most, rounded down
    /// to 1, 2, 3, 4, 6, 8, 12, 16, 24, ..., so that a first bracket that is a little slower rarely makes another search of it.
    ///
    /// # Errors
    /// [`TuneError::Budget`] if the budget is not above 0 and finite.
    ///
    /// ```
    /// use fireclay_tune::Plan;
    ///
    /// assert_eq!(Plan::new(600.0, 40.0)?.brackets, 12); // and not 15
    /// assert_eq!(Plan::new(600.0, 47.0)?.brackets, 12);
    /// assert_eq!(Plan::new(60.0, 100.0)?.brackets, 1);
    /// # Ok::<(), fireclay_tune::TuneError>(())
    /// ```
    pub fn new(budget_seconds: f64, first_bracket_seconds: f64) -> Result<Self, TuneError> {
        if !(budget_seconds.is_finite() && budget_seconds > 0.0) {
            return Err(TuneError::Budget { found: budget_seconds });
        }
        // A bracket that took no time gives infinity, and the cast the largest number.
        let fitting = ((budget_seconds / first_bracket_seconds) as usize).clamp(1, MOST_BRACKETS);
        Ok(Self { budget_seconds, brackets: rounded_down(fitting) })
    }
}

/// The largest of 2^k and 3 * 2^k that is not above `count`, which is 1 or more.
fn rounded_down(count: usize) -> usize {
    let power = 1 << count.ilog2();
    let between = power + power / 2;
    if between <= count { between } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_rounded_down_to_a_coarse_grid() {
        let rounded: Vec<usize> = (1..=13).map(rounded_down).collect();
        assert_eq!(rounded, [1, 2, 3, 4, 4, 6, 6, 8, 8, 8, 8, 12, 12]);
        assert_eq!(Plan::new(1.0, 0.0).unwrap().brackets, 768);
        assert_eq!(Plan::new(1e300, 1e-300).unwrap().brackets, 768);
        for budget in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let text = Plan::new(budget, 1.0).unwrap_err().to_string();
            assert_eq!(text, format!("the time budget is {budget} s; give a number of seconds above 0"));
        }
    }
}
