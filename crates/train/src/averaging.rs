//! Averages of weights over a run.

use std::fmt;
use std::str::FromStr;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fireclay_nn::{Network, is_running_statistic, parameter_ids};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Which average of the weights is measured after each epoch and kept at the end, in the place of the last weights.
///
/// ```
/// use fireclay_train::{FitOptions, WeightAveraging};
///
/// let averaging = Some(WeightAveraging::Exponential { decay: 0.999 });
/// assert!(FitOptions { averaging, ..FitOptions::default() }.check().is_ok());
/// let averaging = Some(WeightAveraging::Stochastic { from_epoch: 9 });
/// let message = FitOptions { epochs: 5, averaging, ..FitOptions::default() }.check().unwrap_err().to_string();
/// assert!(message.contains("from_epoch"));
/// assert_eq!("ema=0.99".parse::<WeightAveraging>()?.to_string(), "ema=0.99");
/// # Ok::<(), fireclay_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WeightAveraging {
    /// After each step `average = decay * average + (1 - decay) * weights`, running statistics as well
    /// ([Polyak and Juditsky 1992](https://doi.org/10.1137/0330046)). While there were few steps the decay is smaller, at most
    /// `(1 + steps) / (10 + steps)`, so that the first weights are forgotten.
    Exponential {
        /// More than 0 and less than 1, such as 0.999.
        decay: f64,
    },
    /// The mean of the weights at the ends of all epochs from one on, stochastic weight averaging
    /// ([Izmailov et al. 2018](https://arxiv.org/abs/1803.05407)). The running statistics of batch norm are measured anew, in a pass
    /// over the training samples.
    Stochastic {
        /// The first epoch whose weights count, from 1.
        from_epoch: usize,
    },
}

/// As flags give it: `ema=0.999`, `swa=9`.
impl fmt::Display for WeightAveraging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WeightAveraging::Exponential { decay } => write!(f, "ema={decay}"),
            WeightAveraging::Stochastic { from_epoch } => write!(f, "swa={from_epoch}"),
        }
    }
}

impl FromStr for WeightAveraging {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let wrong = || TrainError::Setting {
            setting: "averaging",
            found: format!("'{text}'"),
            expected: "ema=DECAY, such as ema=0.999, or swa=EPOCH, the first epoch whose weights count",
        };
        match text.split_once('=') {
            Some(("ema", decay)) => {
                Ok(WeightAveraging::Exponential { decay: decay.parse().map_err(|_| wrong())? })
            }
            Some(("swa", epoch)) => {
                Ok(WeightAveraging::Stochastic { from_epoch: epoch.parse().map_err(|_| wrong())? })
            }
            _ => Err(wrong()),
        }
    }
}

impl WeightAveraging {
    /// Refuses what no run can have.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub(crate) fn check(&self, epochs: usize) -> Result<(), TrainError> {
        match *self {
            WeightAveraging::Exponential { decay } if !(decay > 0.0 && decay < 1.0) => {
                Err(TrainError::Setting {
                    setting: "decay",
                    found: decay.to_string(),
                    expected: "more than 0 and less than 1, such as 0.999",
                })
            }
            WeightAveraging::Stochastic { from_epoch } if from_epoch == 0 || from_epoch > epochs => {
                Err(TrainError::Setting {
                    setting: "from_epoch",
                    found: from_epoch.to_string(),
                    expected: "1 or more, and no more than there are epochs",
                })
            }
            _ => Ok(()),
        }
    }

    /// The decay of a step after so many others.
    pub(crate) fn decay_at(decay: f64, steps: u64) -> f64 {
        let steps = steps as f64;
        decay.min((1.0 + steps) / (10.0 + steps))
    }
}

/// An average, moved by a share of the way to the weights of a network of the same form.
pub(crate) fn blend<N: Network>(average: N, network: &N, share: f64) -> N {
    let mut values = Values(GradientsParams::new());
    network.visit(&mut values);
    average.map(&mut Blender { values: values.0, share })
}

/// Whether there are running statistics, as batch norm has them.
pub(crate) fn has_running_statistics<N: Network>(network: &N) -> bool {
    parameter_ids(network).keys().any(|name| is_running_statistic(name))
}

/// Values by the numbers of their parameters.
struct Values(GradientsParams);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Blender {
    values: GradientsParams,
    share: f64,
}

impl ModuleMapper for Blender {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.remove::<D>(param.id) else { return param };
        let share = self.share;
        param.map(|average| match share {
            1.0 => value,
            share => average.mul_scalar(1.0 - share) + value.mul_scalar(share),
        })
    }
}
