//! `--until`: what a test has to reach.

use std::str::FromStr;

/// What a test has to reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// `accuracy`
    name: String,
    value: f64,
}

/// Measures that are better the smaller they are.
const SMALLER_IS_BETTER: [&str; 3] = ["loss", "mae", "perplexity"];

impl Goal {
    /// The measure's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has to reach.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether a measure reaches it: a loss or an error from above.
    pub fn is_reached(&self, found: f64) -> bool {
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
        let goal = |text: &str| text.parse::<Goal>().unwrap();
        assert!(goal("accuracy=0.99").is_reached(0.99) && !goal("accuracy=0.99").is_reached(0.98));
        assert!(goal("loss=0.1").is_reached(0.1) && !goal("loss=0.1").is_reached(0.2));
        for wrong in ["best", "accuracy=nan", "=1", "accuracy=high"] {
            assert!(wrong.parse::<Goal>().unwrap_err().contains("accuracy=0.99"));
        }
    }
}
