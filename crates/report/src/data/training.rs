//! How a training went: what was measured at steps and epochs, and how it ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was measured after an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epoch {
    /// Its number, counted from 1.
    pub epoch: usize,
    /// Values by their names: `loss`, `accuracy` on training samples, `val_loss`, `val_accuracy` on validation samples, and so on.
    /// A value that is not finite leaves a gap in its curve.
    #[serde(deserialize_with = "super::not_finite::map")]
    pub values: BTreeMap<String, f64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Training samples per second.
    pub samples_per_s: Option<f64>,
}

impl Epoch {
    /// An epoch with its values by name.
    pub fn new<N: Into<String>>(epoch: usize, values: impl IntoIterator<Item = (N, f64)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { epoch, values, ..Self::default() }
    }
}

/// What was measured at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Its number, counted from 1 over the whole training.
    pub step: u64,
    /// The loss of its batch.
    pub loss: Option<f64>,
    /// The learning rate.
    pub learning_rate: Option<f64>,
    /// The norm of the gradients before they were clipped.
    pub gradient_norm: Option<f64>,
    /// Training samples per second.
    pub samples_per_s: Option<f64>,
}

/// How a training went as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// How weights were changed to make what small, as the end of the sentence `The network was trained …`, such as
    /// `with Adam at a learning rate of 0.001 to make the cross-entropy small`.
    pub method: Option<String>,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Why it ended, as the end of the sentence `The training ended because …`, such as `all 20 epochs were done`.
    pub stopped: Option<String>,
    /// What the run warned of, one sentence each.
    pub warnings: Vec<String>,
}
