//! Muon.

use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::fused::FusedMuon;
use super::{Adam, AnyOptimizer, BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Muon ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/)): momentum whose step is made orthogonal. It is
/// for the matrices and kernels inside a network; vectors, such as biases, are stepped by Adam. Embeddings and the last
/// layer are better given to another optimiser too, by a [`ParameterGroup`](crate::ParameterGroup).
///
/// ```
/// use fireclay_train::{Muon, Optimizer};
///
/// let muon = Muon::new(0.02).vector_learning_rate(3e-3);
/// let vectors = muon.vector_optimizer().unwrap();
/// assert_eq!((vectors.name().as_str(), vectors.learning_rate()), ("adam", 3e-3));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muon {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Momentum coefficient, in `[0, 1)`; 0.95 by default.
    pub momentum: f64,
    /// Whether momentum is Nesterov's; true by default.
    pub nesterov: bool,
    /// Decoupled weight decay: a step takes this times the learning rate times the weight away; 0 or more, 0 by default.
    pub weight_decay: f64,
    /// Whether each matrix is brought to the norm `√outputs` before its step, as behind a convolution with batch
    /// normalisation ([Jordan 2024](https://arxiv.org/abs/2404.00498)); false by default.
    pub normalized: bool,
    /// Newton-Schulz iterations that make the step orthogonal, at least 1; 5 by default.
    pub iterations: usize,
    /// Size of Adam's steps for vectors; more than 0, 1e-3 by default.
    pub vector_learning_rate: f64,
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

    /// Sets the momentum coefficient, in `[0, 1)`.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets the decoupled weight decay, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Sets whether each matrix is brought to the norm `√outputs` before its step.
    pub fn normalized(mut self, normalized: bool) -> Self {
        self.normalized = normalized;
        self
    }

    /// Sets the iterations that make the step orthogonal, at least 1.
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets the size of Adam's steps for vectors; more than 0.
    pub fn vector_learning_rate(mut self, learning_rate: f64) -> Self {
        self.vector_learning_rate = learning_rate;
        self
    }
}

impl Optimizer for Muon {
    fn name(&self) -> String {
        "muon".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let Muon { momentum, nesterov, weight_decay, normalized, iterations, .. } = *self;
        UpdateRule::new(FusedMuon { momentum, nesterov, weight_decay, normalized, iterations })
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("momentum", self.momentum)?;
        positive("vector_learning_rate", self.vector_learning_rate)?;
        positive("iterations", self.iterations as f64)?;
        positive("learning_rate", self.learning_rate)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn vector_optimizer(&self) -> Option<AnyOptimizer> {
        Some(Adam::new(self.vector_learning_rate).into())
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for Muon {
    const NAMES: &'static [&'static str] = &["muon"];
    const USUAL_LEARNING_RATE: f64 = 1e-2;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        Muon::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.vector_learning_rate *= learning_rate / self.learning_rate;
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}
