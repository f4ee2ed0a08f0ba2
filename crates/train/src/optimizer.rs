//! Optimisers by name. Names, defaults and checks are ours and PyTorch's; the arithmetic is that of our operations in one
//! pass, or Burn's.

mod fused;
mod groups;

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{ModuleOptimizer, RmsPropConfig};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use fused::{FusedAdam, FusedMuon, FusedSgd, Scheduled};
pub use groups::ParameterGroup;
pub(crate) use groups::{check_groups, init};

/// An optimiser with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent, plain, with momentum or with Nesterov's.
    Sgd(Sgd),
    /// RMSprop.
    RmsProp(RmsProp),
    /// Adam.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
    /// Muon for matrices and kernels, Adam for vectors.
    Muon(Muon),
}

/// Stochastic gradient descent, with momentum ([Polyak 1964](https://doi.org/10.1016/0041-5553(64)90137-5)) and
/// Nesterov's variant ([Sutskever et al. 2013](https://proceedings.mlr.press/v28/sutskever13.html)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Share of the last step in the next, in `[0, 1)`; 0 by default.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Factor of the squared weights added to the loss, halved; 0 by default.
    pub weight_decay: f64,
}

/// RMSprop ([Tieleman and Hinton 2012](https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsProp {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Share of the past in the mean of squared gradients, in `[0, 1)`; 0.99 by default.
    pub alpha: f64,
    /// Share of the last step in the next, in `[0, 1)`; 0 by default.
    pub momentum: f64,
    /// Added to the root; 1e-8 by default.
    pub epsilon: f64,
    /// Factor of the squared weights added to the loss, halved; 0 by default.
    pub weight_decay: f64,
}

/// Adam ([Kingma and Ba 2014](https://arxiv.org/abs/1412.6980)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Share of the past in the mean of gradients, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Share of the past in the mean of squared gradients, in `[0, 1)`; 0.999 by default.
    pub beta_2: f64,
    /// Added to the root; 1e-8 by default.
    pub epsilon: f64,
    /// Factor of the squared weights added to the loss, halved; 0 by default.
    pub weight_decay: f64,
}

/// Adam with decoupled weight decay ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1711.05101)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Share of the past in the mean of gradients, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Share of the past in the mean of squared gradients, in `[0, 1)`; 0.999 by default.
    pub beta_2: f64,
    /// Added to the root; 1e-8 by default.
    pub epsilon: f64,
    /// Share of each weight, times the learning rate, that a step takes away; 0.01 by default.
    pub weight_decay: f64,
}

/// Muon ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/)): momentum whose step is made orthogonal. It is
/// for the matrices and kernels inside a network; vectors, such as biases, are stepped by Adam. Embeddings and the last
/// layer are better given to another optimiser too, by a [`ParameterGroup`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muon {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Share of the last step in the next, in `[0, 1)`; 0.95 by default.
    pub momentum: f64,
    /// Whether momentum is Nesterov's; true by default.
    pub nesterov: bool,
    /// Share of each weight, times the learning rate, that a step takes away; 0 by default.
    pub weight_decay: f64,
    /// Whether each matrix is brought to the norm `√outputs` before its step, as behind a convolution with batch
    /// normalisation ([Jordan 2024](https://arxiv.org/abs/2404.00498)); false by default.
    pub normalized: bool,
    /// Iterations that make the step orthogonal, at least 1; 5 by default.
    pub iterations: usize,
    /// Size of Adam's steps for vectors; more than 0, 1e-3 by default.
    pub vector_learning_rate: f64,
}

impl Sgd {
    /// Plain gradient descent.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Sets the momentum.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Makes the momentum Nesterov's.
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }

    /// Sets the weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl RmsProp {
    /// RMSprop without momentum.
    pub fn new(learning_rate: f64) -> Self {
        RmsProp { learning_rate, alpha: 0.99, momentum: 0.0, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// Sets the momentum.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets the weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Adam {
    /// Adam with the paper's defaults.
    pub fn new(learning_rate: f64) -> Self {
        Adam { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// Sets the weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl AdamW {
    /// AdamW with weight decay 0.01.
    pub fn new(learning_rate: f64) -> Self {
        AdamW { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }

    /// Sets the weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Muon {
    /// Muon as published.
    pub fn new(learning_rate: f64) -> Self {
        Muon {
            learning_rate,
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.0,
            normalized: false,
            iterations: 5,
            vector_learning_rate: 1e-3,
        }
    }

    /// Sets the momentum.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets the weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Sets whether each matrix is brought to the norm `√outputs` before its step.
    pub fn normalized(mut self, normalized: bool) -> Self {
        self.normalized = normalized;
        self
    }

    /// Sets the iterations that make the step orthogonal.
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets the size of Adam's steps for vectors.
    pub fn vector_learning_rate(mut self, learning_rate: f64) -> Self {
        self.vector_learning_rate = learning_rate;
        self
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam(Adam::new(1e-3))
    }
}

impl From<Sgd> for Optimizer {
    fn from(sgd: Sgd) -> Self {
        Optimizer::Sgd(sgd)
    }
}

impl From<RmsProp> for Optimizer {
    fn from(rms_prop: RmsProp) -> Self {
        Optimizer::RmsProp(rms_prop)
    }
}

impl From<Adam> for Optimizer {
    fn from(adam: Adam) -> Self {
        Optimizer::Adam(adam)
    }
}

impl From<Muon> for Optimizer {
    fn from(muon: Muon) -> Self {
        Optimizer::Muon(muon)
    }
}

impl From<AdamW> for Optimizer {
    fn from(adam_w: AdamW) -> Self {
        Optimizer::AdamW(adam_w)
    }
}

impl Optimizer {
    /// The names that [`by_name`](Self::by_name) knows.
    pub const NAMES: [&'static str; 7] = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon"];

    /// An optimiser by its name, with its defaults: `momentum` and `nesterov` are SGD with momentum 0.9.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if there is no such name.
    pub fn by_name(name: &str, learning_rate: f64) -> Result<Self, TrainError> {
        Ok(match name {
            "sgd" => Sgd::new(learning_rate).into(),
            "momentum" => Sgd::new(learning_rate).momentum(0.9).into(),
            "nesterov" => Sgd::new(learning_rate).momentum(0.9).nesterov().into(),
            "rmsprop" => RmsProp::new(learning_rate).into(),
            "adam" => Adam::new(learning_rate).into(),
            "adamw" => AdamW::new(learning_rate).into(),
            "muon" => Muon::new(learning_rate).into(),
            other => {
                return Err(TrainError::Setting {
                    setting: "optimizer",
                    found: format!("'{other}'"),
                    expected: "sgd, momentum, nesterov, rmsprop, adam, adamw or muon",
                });
            }
        })
    }

    /// Size of a step.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Optimizer::Sgd(sgd) => sgd.learning_rate,
            Optimizer::RmsProp(rms_prop) => rms_prop.learning_rate,
            Optimizer::Adam(adam) => adam.learning_rate,
            Optimizer::AdamW(adam_w) => adam_w.learning_rate,
            Optimizer::Muon(muon) => muon.learning_rate,
        }
    }

    /// Sets the size of a step; Muon's for vectors keeps its proportion to it.
    pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        match &mut self {
            Optimizer::Sgd(sgd) => sgd.learning_rate = learning_rate,
            Optimizer::RmsProp(rms_prop) => rms_prop.learning_rate = learning_rate,
            Optimizer::Adam(adam) => adam.learning_rate = learning_rate,
            Optimizer::AdamW(adam_w) => adam_w.learning_rate = learning_rate,
            Optimizer::Muon(muon) => {
                muon.vector_learning_rate *= learning_rate / muon.learning_rate;
                muon.learning_rate = learning_rate;
            }
        }
        self
    }

    /// Sets the weight decay.
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        match &mut self {
            Optimizer::Sgd(sgd) => sgd.weight_decay = weight_decay,
            Optimizer::RmsProp(rms_prop) => rms_prop.weight_decay = weight_decay,
            Optimizer::Adam(adam) => adam.weight_decay = weight_decay,
            Optimizer::AdamW(adam_w) => adam_w.weight_decay = weight_decay,
            Optimizer::Muon(muon) => muon.weight_decay = weight_decay,
        }
        self
    }

    /// The name that [`by_name`](Self::by_name) knows it by.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd(sgd) if sgd.nesterov => "nesterov",
            Optimizer::Sgd(sgd) if sgd.momentum > 0.0 => "momentum",
            Optimizer::Sgd(_) => "sgd",
            Optimizer::RmsProp(_) => "rmsprop",
            Optimizer::Adam(_) => "adam",
            Optimizer::AdamW(_) => "adamw",
            Optimizer::Muon(_) => "muon",
        }
    }

    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        let check = |setting, value: f64, good: bool, expected| match good && value.is_finite() {
            true => Ok(()),
            false => Err(TrainError::Setting { setting, found: value.to_string(), expected }),
        };
        let share = |setting, value: f64| {
            check(setting, value, (0.0..1.0).contains(&value), "0 or more and less than 1")
        };
        let positive = |setting, value: f64| check(setting, value, value > 0.0, "more than 0");
        let (epsilon, weight_decay) = match self {
            Optimizer::Sgd(sgd) => {
                share("momentum", sgd.momentum)?;
                if sgd.nesterov && sgd.momentum == 0.0 {
                    return Err(TrainError::Setting {
                        setting: "momentum",
                        found: "0".into(),
                        expected: "more than 0 with nesterov",
                    });
                }
                (1.0, sgd.weight_decay)
            }
            Optimizer::RmsProp(rms_prop) => {
                share("alpha", rms_prop.alpha)?;
                share("momentum", rms_prop.momentum)?;
                (rms_prop.epsilon, rms_prop.weight_decay)
            }
            Optimizer::Adam(adam) => {
                share("beta_1", adam.beta_1)?;
                share("beta_2", adam.beta_2)?;
                (adam.epsilon, adam.weight_decay)
            }
            Optimizer::AdamW(adam_w) => {
                share("beta_1", adam_w.beta_1)?;
                share("beta_2", adam_w.beta_2)?;
                (adam_w.epsilon, adam_w.weight_decay)
            }
            Optimizer::Muon(muon) => {
                share("momentum", muon.momentum)?;
                positive("vector_learning_rate", muon.vector_learning_rate)?;
                positive("iterations", muon.iterations as f64)?;
                (1.0, muon.weight_decay)
            }
        };
        positive("learning_rate", self.learning_rate())?;
        positive("epsilon", epsilon)?;
        check("weight_decay", weight_decay, weight_decay >= 0.0, "0 or more")
    }

    /// Adds the optimiser for a group of parameters to Burn's optimiser of a module, or begins one with it.
    fn join(&self, module: Option<(ModuleOptimizer, ParamGroup)>) -> ModuleOptimizer {
        let decay = |factor: f64| (factor > 0.0).then(|| WeightDecayConfig::new(factor as f32));
        let learning_rate = self.learning_rate();
        match self {
            Optimizer::Sgd(Sgd { learning_rate: _, momentum, nesterov, weight_decay }) => {
                let optimizer =
                    FusedSgd { momentum: *momentum, nesterov: *nesterov, weight_decay: *weight_decay };
                joined(module, Scheduled { learning_rate, optimizer })
            }
            Optimizer::RmsProp(rms_prop) => {
                let optimizer = RmsPropConfig::new()
                    .with_alpha(rms_prop.alpha as f32)
                    .with_momentum(rms_prop.momentum as f32)
                    .with_epsilon(rms_prop.epsilon as f32)
                    .with_weight_decay(decay(rms_prop.weight_decay))
                    .build();
                joined(module, Scheduled { learning_rate, optimizer })
            }
            Optimizer::Adam(Adam { learning_rate: _, beta_1, beta_2, epsilon, weight_decay }) => {
                let optimizer = FusedAdam {
                    beta_1: *beta_1,
                    beta_2: *beta_2,
                    epsilon: *epsilon,
                    weight_decay: *weight_decay,
                    decoupled: false,
                };
                joined(module, Scheduled { learning_rate, optimizer })
            }
            Optimizer::AdamW(AdamW { learning_rate: _, beta_1, beta_2, epsilon, weight_decay }) => {
                let optimizer = FusedAdam {
                    beta_1: *beta_1,
                    beta_2: *beta_2,
                    epsilon: *epsilon,
                    weight_decay: *weight_decay,
                    decoupled: true,
                };
                joined(module, Scheduled { learning_rate, optimizer })
            }
            Optimizer::Muon(muon) => {
                let optimizer = FusedMuon {
                    momentum: muon.momentum,
                    nesterov: muon.nesterov,
                    weight_decay: muon.weight_decay,
                    normalized: muon.normalized,
                    iterations: muon.iterations,
                };
                joined(module, Scheduled { learning_rate, optimizer })
            }
        }
    }
}

/// Burn's optimiser of a module with another for a group of parameters, or one for all.
fn joined<O: burn::optim::Optimizer>(
    module: Option<(ModuleOptimizer, ParamGroup)>,
    optimizer: O,
) -> ModuleOptimizer {
    match module {
        None => ModuleOptimizer::from(optimizer),
        Some((module, group)) => module.with_group(group, optimizer, None),
    }
}
