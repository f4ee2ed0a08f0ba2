//! Stochastic gradient descent.

use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::fused::FusedSgd;
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Stochastic gradient descent, with momentum ([Polyak 1964](https://doi.org/10.1016/0041-5553(64)90137-5)) and
/// Nesterov's variant ([Sutskever et al. 2013](https://proceedings.mlr.press/v28/sutskever13.html)).
///
/// ```
/// use fireclay_train::{Optimizer, Sgd};
///
/// let sgd = Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(5e-4);
/// assert_eq!(sgd.name(), "nesterov");
/// assert!(sgd.check().is_ok());
/// assert_eq!(Sgd::new(0.1).momentum, 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Momentum coefficient, in `[0, 1)`; 0 by default.
    pub momentum: f64,
    /// Whether momentum is Nesterov's, which needs a momentum of more than 0; false by default.
    pub nesterov: bool,
    /// L2 penalty: this times the weight is added to its gradient; 0 or more, 0 by default.
    pub weight_decay: f64,
}

impl Sgd {
    /// Plain gradient descent, without momentum.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Sets the momentum coefficient, in `[0, 1)`.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Makes the momentum Nesterov's.
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }

    /// Sets the L2 penalty, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Sgd {
    fn name(&self) -> String {
        match (self.nesterov, self.momentum > 0.0) {
            (true, _) => "nesterov",
            (false, true) => "momentum",
            (false, false) => "sgd",
        }
        .into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let Sgd { learning_rate: _, momentum, nesterov, weight_decay } = *self;
        UpdateRule::new(FusedSgd { momentum, nesterov, weight_decay })
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(TrainError::Setting {
                setting: "momentum",
                found: "0".into(),
                expected: "more than 0 with nesterov",
            });
        }
        positive("learning_rate", self.learning_rate)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for Sgd {
    const NAMES: &'static [&'static str] = &["sgd", "momentum", "nesterov"];
    const USUAL_LEARNING_RATE: f64 = 1e-2;

    fn by_name(name: &str, learning_rate: f64) -> Self {
        match name {
            "momentum" => Sgd::new(learning_rate).momentum(0.9),
            "nesterov" => Sgd::new(learning_rate).momentum(0.9).nesterov(),
            _ => Sgd::new(learning_rate),
        }
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}
