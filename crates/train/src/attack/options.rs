//! How pictures are changed, and how a training against that goes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// By what a change of a picture is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttackNorm {
    /// How much any one value of a pixel changes (the sup norm).
    #[default]
    Linf,
    /// The root of the sum of the squares of all changes.
    L2,
}

impl AttackNorm {
    /// As files have it: `linf`, `l2`.
    pub fn word(self) -> &'static str {
        match self {
            AttackNorm::Linf => "linf",
            AttackNorm::L2 => "l2",
        }
    }
}

/// How pictures are changed so that a network errs: some steps along the gradient of its loss, each brought back to what is allowed
/// ([Madry et al. 2017](https://arxiv.org/abs/1706.06083)). Values of pixels are from 0 to 1, whatever the network's normalisation, and stay there.
///
/// ```
/// use fireclay_train::Attack;
///
/// let strongest = Attack::pgd(8.0 / 255.0);
/// assert_eq!(strongest.steps, 40);
/// assert!(Attack::fgsm(-1.0).check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// By what the change is measured.
    pub norm: AttackNorm,
    /// How large it may be, 0 or more.
    pub strength: f64,
    /// How many steps, 1 or more.
    pub steps: usize,
    /// How far each goes; 2.5 times the strength, divided by the steps, and of one step the strength, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_size: Option<f64>,
    /// Whether the first step begins at a random place within the strength, rather than at the picture itself.
    pub random_start: bool,
}

impl Attack {
    /// One step in the sup norm, the fast gradient sign method ([Goodfellow et al. 2014](https://arxiv.org/abs/1412.6572)).
    pub fn fgsm(strength: f64) -> Self {
        Attack { norm: AttackNorm::Linf, strength, steps: 1, step_size: None, random_start: false }
    }

    /// Projected gradient descent in the sup norm, 40 steps from a random start.
    pub fn pgd(strength: f64) -> Self {
        Attack { norm: AttackNorm::Linf, strength, steps: 40, step_size: None, random_start: true }
    }

    /// The same by the Euclidean length of the change.
    pub fn pgd_l2(strength: f64) -> Self {
        Attack { norm: AttackNorm::L2, ..Attack::pgd(strength) }
    }

    /// How far each step goes.
    pub fn step(&self) -> f64 {
        self.step_size.unwrap_or(match self.steps {
            1 => self.strength,
            steps => 2.5 * self.strength / steps as f64,
        })
    }

    /// Refuses what is no attack.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        let wrong = |setting, found: String, expected| Err(TrainError::Setting { setting, found, expected });
        let most = match self.norm {
            AttackNorm::Linf => 1.0,
            AttackNorm::L2 => f64::from(f32::MAX),
        };
        if !(0.0..=most).contains(&self.strength) {
            let expected = match self.norm {
                AttackNorm::Linf => "0 to 1, as values of pixels are, such as 0.3 or 8/255",
                AttackNorm::L2 => "0 or more, such as 1",
            };
            return wrong("adversarial strength", self.strength.to_string(), expected);
        }
        if self.steps == 0 {
            return wrong("adversarial steps", "0".into(), "1 or more");
        }
        if let Some(size) = self.step_size.filter(|size| !(*size > 0.0 && size.is_finite())) {
            return wrong("adversarial step_size", size.to_string(), "more than 0");
        }
        Ok(())
    }
}

/// How a training goes on pictures that are changed against the network as it is at each step
/// ([Madry et al. 2017](https://arxiv.org/abs/1706.06083)). It takes as many times longer as there are steps, about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdversarialOptions {
    /// How they are changed.
    pub attack: Attack,
    /// The share of the epochs in which the strength grows from 0, from 0 to 1: a network that learns nothing against the whole strength,
    /// small ones do not, gets there by and by.
    pub ramp: f64,
}

impl AdversarialOptions {
    /// In the sup norm, 10 steps from a random start, with a strength that grows over the first quarter.
    pub fn new(strength: f64) -> Self {
        AdversarialOptions { attack: Attack { steps: 10, ..Attack::pgd(strength) }, ramp: 0.25 }
    }

    pub(crate) fn check(&self) -> Result<(), TrainError> {
        if !(0.0..=1.0).contains(&self.ramp) {
            let found = self.ramp.to_string();
            return Err(TrainError::Setting { setting: "adversarial ramp", found, expected: "0 to 1" });
        }
        self.attack.check()
    }

    /// The attack when so many of all epochs are done.
    pub(crate) fn after(&self, done: f64, epochs: usize) -> Attack {
        let ramp = self.ramp * epochs as f64;
        let share = if done < ramp { done / ramp } else { 1.0 };
        let Attack { strength, step_size, .. } = self.attack;
        Attack { strength: share * strength, step_size: step_size.map(|size| share * size), ..self.attack }
    }
}

/// A strength, or a strength and a number of steps, as a flag has them: `0.3`, `8/255`, `8/255,7`.
impl FromStr for AdversarialOptions {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let wrong = || TrainError::Setting {
            setting: "adversarial",
            found: text.to_string(),
            expected: "a strength, such as 0.3 or 8/255, or a strength and steps, such as 0.3,7",
        };
        let (strength, steps) = match text.split_once(',') {
            Some((strength, steps)) => (strength, Some(steps.trim().parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let mut options = AdversarialOptions::new(strength_of(strength).ok_or_else(wrong)?);
        options.attack.steps = steps.unwrap_or(options.attack.steps);
        options.check()?;
        Ok(options)
    }
}

/// A number or a fraction.
fn strength_of(text: &str) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    match text.split_once('/') {
        Some((above, below)) => Some(number(above)? / number(below)?),
        None => number(text),
    }
}

impl fmt::Display for AdversarialOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.attack.strength, self.attack.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_strengths_and_steps() {
        let found = |text: &str| text.parse::<AdversarialOptions>().map(|options| options.attack);
        let of = |strength, steps| Attack { steps, ..AdversarialOptions::new(strength).attack };
        assert_eq!(found("0.3").unwrap(), of(0.3, 10));
        assert_eq!(found("8/255").unwrap(), of(8.0 / 255.0, 10));
        assert_eq!(found("0.3, 7").unwrap(), of(0.3, 7));
        assert_eq!(found(&AdversarialOptions::new(8.0 / 255.0).to_string()).unwrap(), of(8.0 / 255.0, 10));
        for text in ["", "a lot", "0.3,", "1.5", "-0.1", "nan", "1/0", "0/0", "0.3,0", "0.3,1.5", "inf"] {
            assert!(found(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_strength_grows_over_the_ramp() {
        let options = AdversarialOptions { ramp: 0.5, ..AdversarialOptions::new(0.4) };
        let strengths = [0.0, 1.0, 2.0, 3.0].map(|done| options.after(done, 4).strength);
        assert_eq!(strengths, [0.0, 0.2, 0.4, 0.4]);
        assert_eq!(AdversarialOptions { ramp: 0.0, ..options }.after(0.0, 4).strength, 0.4);
    }
}
