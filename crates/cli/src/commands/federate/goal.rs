//! `--until`: what a test has to reach.

use std::str::FromStr;

use fireclay::federate::Metrics;

use super::problem::wrong_flag;
use crate::objective::Objective;

/// What a test has to reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// `accuracy`
    name: String,
    value: f64,
}

/// Measures that are 1 at most.
const SHARES: [&str; 2] = ["accuracy", "f1"];

/// Measures that are better the smaller they are.
const SMALLER_IS_BETTER: [&str; 3] = ["loss", "mae", "perplexity"];

impl Goal {
    /// Refuses a measure that the test does not have, and one that is never so large.
    ///
    /// # Errors
    /// A [`UsageError`](crate::exit::UsageError) with the flag.
    pub fn check(&self, objective: Objective) -> anyhow::Result<()> {
        let usual = objective.metric().name();
        if self.name != "loss" && self.name != usual {
            let expected = format!("loss or {usual}, which the test measures");
            return Err(wrong_flag("--until", expected, &self.name));
        }
        if SHARES.contains(&self.name.as_str()) && self.value > 1.0 {
            let found = format!("{}={}", self.name, self.value);
            return Err(wrong_flag("--until", "up to 1, such as 0.99", found));
        }
        Ok(())
    }

    /// Whether a test reaches it: with a loss or an error from above.
    pub fn is_reached(&self, test: &Metrics) -> bool {
        let Some(&found) = test.get(&self.name) else { return false };
        match SMALLER_IS_BETTER.contains(&self.name.as_str()) {
            true => found <= self.value,
            false => found >= self.value,
        }
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let goal = text.split_once('=').and_then(|(name, value)| {
            let value = value.parse().ok().filter(|value: &f64| value.is_finite())?;
            (!name.is_empty()).then(|| Goal { name: name.into(), value })
        });
        goal.ok_or_else(|| "expected NAME=VALUE, such as accuracy=0.99".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_from_its_side() {
        let is_reached = |goal: &str, name: &str, value| {
            goal.parse::<Goal>().unwrap().is_reached(&Metrics::from([(name.to_owned(), value)]))
        };
        assert!(
            is_reached("accuracy=0.99", "accuracy", 0.99) && !is_reached("accuracy=0.99", "accuracy", 0.98)
        );
        assert!(is_reached("loss=0.1", "loss", 0.1) && !is_reached("loss=0.1", "loss", 0.2));
        assert!(!is_reached("accuracy=0.99", "loss", 1.0));
        for wrong in ["best", "accuracy=nan", "=1", "accuracy=high"] {
            assert!(wrong.parse::<Goal>().unwrap_err().contains("accuracy=0.99"));
        }
    }
}
