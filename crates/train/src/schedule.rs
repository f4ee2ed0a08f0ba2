//! How the learning rate changes while a network trains.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{EpochRecord, TrainError};

/// How the learning rate changes: what it is multiplied by, from step to step.
///
/// In words, as flags give it: `constant`, `linear`, `cosine`, `one-cycle`, `step=10,0.1`, `exponential=0.95`,
/// `plateau=0.5,2`; `linear=0.1` and `cosine=0.1` end at a tenth rather than at 0.
///
/// ```
/// use fireclay_train::Schedule;
/// let schedule: Schedule = "cosine".parse()?;
/// // Halfway through 10 epochs a half, and at the end nothing.
/// assert!((schedule.factor(5.0, 10.0, &[]) - 0.5).abs() < 1e-12);
/// assert_eq!(schedule.factor(10.0, 10.0, &[]), 0.0);
/// # Ok::<(), fireclay_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// Always 1.
    Constant {},
    /// Down in a straight line, from 1 to `to`.
    Linear {
        /// Factor at the end, in `[0, 1]`.
        to: f64,
    },
    /// Down along half a cosine, from 1 to `to` ([Loshchilov and Hutter 2016](https://arxiv.org/abs/1608.03983)).
    Cosine {
        /// Factor at the end, in `[0, 1]`.
        to: f64,
    },
    /// Up from a 25th to 1 in the first 30 % of the run, then down to nearly nothing, along cosines
    /// ([Smith and Topin 2017](https://arxiv.org/abs/1708.07120)); the numbers are PyTorch's.
    OneCycle {},
    /// Times `factor` after every so many epochs.
    Step {
        /// Epochs between two changes; at least 1.
        epochs: usize,
        /// More than 0.
        factor: f64,
    },
    /// Times `factor` after every epoch.
    Exponential {
        /// More than 0.
        factor: f64,
    },
    /// Times `factor` whenever the loss, of the validation samples if there are any, has not become less for more than
    /// `patience` epochs.
    Plateau {
        /// In `(0, 1)`.
        factor: f64,
        /// Epochs without improvement that are allowed.
        patience: usize,
    },
}

/// Where [`Schedule::OneCycle`] begins, and the share of the run in which it rises.
const ONE_CYCLE_START: f64 = 1.0 / 25.0;
const ONE_CYCLE_RISE: f64 = 0.3;
/// How much less its end is than its beginning.
const ONE_CYCLE_END: f64 = 1e-4;

impl Default for Schedule {
    fn default() -> Self {
        Schedule::Constant {}
    }
}

impl Schedule {
    /// What the learning rate is multiplied by.
    ///
    /// `position` is how many epochs are done, with fractions for the steps of the current one, `epochs` how many there
    /// are in all, and `history` the epochs that are done, which only [`Plateau`](Self::Plateau) looks at.
    pub fn factor(&self, position: f64, epochs: f64, history: &[EpochRecord]) -> f64 {
        let share = (position / epochs.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        match *self {
            Schedule::Constant {} => 1.0,
            Schedule::Linear { to } => 1.0 + (to - 1.0) * share,
            Schedule::Cosine { to } => between(1.0, to, share),
            Schedule::OneCycle {} => match share < ONE_CYCLE_RISE {
                true => between(ONE_CYCLE_START, 1.0, share / ONE_CYCLE_RISE),
                false => between(
                    1.0,
                    ONE_CYCLE_START * ONE_CYCLE_END,
                    (share - ONE_CYCLE_RISE) / (1.0 - ONE_CYCLE_RISE),
                ),
            },
            Schedule::Step { epochs, factor } => factor.powi((position as usize / epochs.max(1)) as i32),
            Schedule::Exponential { factor } => factor.powi(position as i32),
            Schedule::Plateau { factor, patience } => factor.powi(plateaus(history, patience) as i32),
        }
    }

    /// Refuses what nothing can be trained with.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        let good = match *self {
            Schedule::Constant {} | Schedule::OneCycle {} => true,
            Schedule::Linear { to } | Schedule::Cosine { to } => (0.0..=1.0).contains(&to),
            Schedule::Step { epochs, factor } => epochs > 0 && factor > 0.0 && factor.is_finite(),
            Schedule::Exponential { factor } => factor > 0.0 && factor.is_finite(),
            Schedule::Plateau { factor, .. } => factor > 0.0 && factor < 1.0,
        };
        match good {
            true => Ok(()),
            false => Err(wrong(&self.to_string())),
        }
    }
}

/// How often a loss stood still for more than `patience` epochs; after each time it is given as many anew.
fn plateaus(history: &[EpochRecord], patience: usize) -> usize {
    let loss = |record: &EpochRecord| record.get("val_loss").or_else(|| record.get("loss"));
    let (mut best, mut waited, mut times) = (f64::INFINITY, 0, 0);
    for loss in history.iter().filter_map(loss) {
        if loss < best {
            (best, waited) = (loss, 0);
        } else {
            waited += 1;
        }
        if waited > patience {
            (waited, times) = (0, times + 1);
        }
    }
    times
}

/// From one value to another along half a cosine.
fn between(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0
}

fn wrong(found: &str) -> TrainError {
    TrainError::Setting {
        setting: "schedule",
        found: format!("'{found}'"),
        expected: "constant, linear, linear=END, cosine, cosine=END, one-cycle, step=EPOCHS,FACTOR, exponential=FACTOR or \
                   plateau=FACTOR,PATIENCE, with END from 0 to 1, FACTOR more than 0, and for plateau less than 1",
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Constant {} => f.write_str("constant"),
            Schedule::Linear { to: 0.0 } => f.write_str("linear"),
            Schedule::Linear { to } => write!(f, "linear={to}"),
            Schedule::Cosine { to: 0.0 } => f.write_str("cosine"),
            Schedule::Cosine { to } => write!(f, "cosine={to}"),
            Schedule::OneCycle {} => f.write_str("one-cycle"),
            Schedule::Step { epochs, factor } => write!(f, "step={epochs},{factor}"),
            Schedule::Exponential { factor } => write!(f, "exponential={factor}"),
            Schedule::Plateau { factor, patience } => write!(f, "plateau={factor},{patience}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let given = text;
        let (word, values) = text.split_once('=').map_or((text, None), |(word, values)| (word, Some(values)));
        let values: Vec<&str> =
            values.map_or(Vec::new(), |values| values.split(',').map(str::trim).collect());
        let number = |text: &str| text.parse::<f64>().map_err(|_| wrong(given));
        let count = |text: &str| text.parse::<usize>().map_err(|_| wrong(given));
        let schedule = match (word, values.as_slice()) {
            ("constant", []) => Schedule::Constant {},
            ("linear", []) => Schedule::Linear { to: 0.0 },
            ("linear", [to]) => Schedule::Linear { to: number(to)? },
            ("cosine", []) => Schedule::Cosine { to: 0.0 },
            ("cosine", [to]) => Schedule::Cosine { to: number(to)? },
            ("one-cycle", []) => Schedule::OneCycle {},
            ("step", [epochs, factor]) => Schedule::Step { epochs: count(epochs)?, factor: number(factor)? },
            ("exponential", [factor]) => Schedule::Exponential { factor: number(factor)? },
            ("plateau", [factor, patience]) => {
                Schedule::Plateau { factor: number(factor)?, patience: count(patience)? }
            }
            _ => return Err(wrong(text)),
        };
        schedule.check().map_err(|_| wrong(text))?;
        Ok(schedule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_as_it_is_written() {
        for text in [
            "constant",
            "linear",
            "linear=0.1",
            "cosine",
            "cosine=0.05",
            "one-cycle",
            "step=10,0.1",
            "exponential=0.95",
            "plateau=0.5,2",
        ] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in
            ["", "cosin", "linear=2", "step=0,0.1", "step=3", "exponential=-1", "plateau=1,2", "cosine=x"]
        {
            let message = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(message.contains("one-cycle") && message.contains(text), "{message}");
        }
    }

    #[test]
    fn one_cycle_rises_for_three_tenths_and_ends_where_pytorchs_does() {
        let factor = |position| Schedule::OneCycle {}.factor(position, 10.0, &[]);
        // A 25th, halfway up, the top, halfway down, a 250,000th.
        for (position, expected) in [(0.0, 0.04), (1.5, 0.52), (3.0, 1.0), (6.5, 0.500_002), (10.0, 4e-6)] {
            assert!((factor(position) - expected).abs() < 1e-12, "{position}");
        }
    }

    #[test]
    fn steps_and_exponentials_change_between_epochs_only() {
        let step = Schedule::Step { epochs: 2, factor: 0.1 };
        let factors = [0.0, 1.9, 2.0, 3.99, 4.0].map(|position| step.factor(position, 9.0, &[]));
        for (factor, expected) in factors.iter().zip([1.0, 1.0, 0.1, 0.1, 0.01]) {
            assert!((factor - expected).abs() < 1e-12);
        }
        let exponential = Schedule::Exponential { factor: 0.5 };
        assert_eq!(exponential.factor(2.7, 9.0, &[]), 0.25);
    }

    #[test]
    fn a_plateau_is_counted_by_the_validation_loss() {
        let epoch = |val_loss: f64| EpochRecord {
            epoch: 1,
            values: vec![("loss".into(), 0.0), ("val_loss".into(), val_loss)],
            seconds: 1.0,
            samples_per_s: 1.0,
        };
        let history: Vec<EpochRecord> = [3.0, 2.0, 2.0, 2.1, 2.2, 2.3, 1.9].map(epoch).into();
        let plateau = Schedule::Plateau { factor: 0.5, patience: 1 };
        let factors: Vec<f64> =
            (0..=history.len()).map(|done| plateau.factor(done as f64, 9.0, &history[..done])).collect();
        assert_eq!(factors, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
    }
}
