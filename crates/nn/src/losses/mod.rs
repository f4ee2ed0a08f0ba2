//! Losses: one number for a batch, to be made small. Each is a function; [`Loss`] names them for files and flags.

mod binary_cross_entropy;
mod cross_entropy;
mod regression;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::NnError;

pub use binary_cross_entropy::binary_cross_entropy_with_logits;
pub use cross_entropy::cross_entropy_with_logits;
pub use regression::{huber, mae, mse};

/// What a network should have given.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one is held for each step")]
pub enum Target {
    /// One class for each sample, `[batch]`.
    Classes(Tensor<1, Int>),
    /// Two classes for each sample, which was mixed from two ([mixup](https://arxiv.org/abs/1710.09412)).
    MixedClasses {
        /// `[batch]`
        classes: Tensor<1, Int>,
        /// `[batch]`
        partners: Tensor<1, Int>,
        /// How much of each sample is of its first class, in `[0, 1]`; the rest is of the second.
        share: f32,
    },
    /// One or more numbers for each sample, `[batch, outputs]`.
    Values(Tensor<2>),
}

/// A loss by name, with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Loss {
    /// Softmax cross-entropy from logits, for classes that exclude each other.
    CrossEntropy {
        /// Share of each target spread over all classes, in `[0, 1)`; 0 by default.
        #[serde(default)]
        label_smoothing: f32,
        /// A weight for each class; none by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class_weights: Option<Vec<f32>>,
    },
    /// Sigmoid cross-entropy from logits, for targets of 0 and 1 that do not exclude each other.
    BinaryCrossEntropy {},
    /// Mean squared error.
    Mse {},
    /// Mean absolute error.
    Mae {},
    /// Squared near the target, absolute farther away.
    Huber {
        /// Distance at which the one becomes the other; 1 by default.
        #[serde(default = "one")]
        delta: f32,
    },
}

fn one() -> f32 {
    1.0
}

impl Loss {
    /// Cross-entropy without label smoothing or class weights.
    pub fn cross_entropy() -> Self {
        Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None }
    }

    /// Computes the mean loss of a batch. For samples that are mixed from two it is the mean of the losses by either
    /// class, each with its share.
    ///
    /// # Shapes
    /// - output: `[batch, outputs]`
    /// - result: `[1]`
    ///
    /// # Panics
    /// If the kind of target does not go with the loss: classes for cross-entropy, values for the others.
    pub fn forward(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        match (self, target) {
            (Loss::CrossEntropy { label_smoothing, class_weights }, Target::Classes(classes)) => {
                cross_entropy_with_logits(output, classes.clone(), *label_smoothing, class_weights.as_deref())
            }
            (Loss::CrossEntropy { .. }, Target::MixedClasses { classes, partners, share }) => {
                let by = |classes: &Tensor<1, Int>| {
                    self.forward(output.clone(), &Target::Classes(classes.clone()))
                };
                by(classes) * *share + by(partners) * (1.0 - *share)
            }
            (Loss::BinaryCrossEntropy {}, Target::Values(values)) => {
                binary_cross_entropy_with_logits(output, values.clone())
            }
            (Loss::Mse {}, Target::Values(values)) => mse(output, values.clone()),
            (Loss::Mae {}, Target::Values(values)) => mae(output, values.clone()),
            (Loss::Huber { delta }, Target::Values(values)) => huber(output, values.clone(), *delta),
            (loss, Target::Classes(_) | Target::MixedClasses { .. }) => {
                panic!("{loss:?} needs values as targets, found classes")
            }
            (loss, Target::Values(_)) => panic!("{loss:?} needs classes as targets, found values"),
        }
    }

    /// Refuses settings that no training can use, for a network with so many outputs.
    ///
    /// # Errors
    /// [`NnError::Loss`] with the setting, the value and the range.
    pub fn check(&self, outputs: usize) -> Result<(), NnError> {
        let wrong =
            |setting, found: String, expected: String| Err(NnError::Loss { setting, found, expected });
        match self {
            Loss::CrossEntropy { label_smoothing, .. } if !(0.0..1.0).contains(label_smoothing) => {
                wrong("label_smoothing", label_smoothing.to_string(), "0 or more and less than 1".into())
            }
            Loss::CrossEntropy { class_weights: Some(weights), .. } if weights.len() != outputs => wrong(
                "class_weights",
                format!("of {} classes", weights.len()),
                format!("{outputs}, one for each output"),
            ),
            Loss::CrossEntropy { class_weights: Some(weights), .. } => {
                match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
                    Some(weight) => wrong("class_weights", weight.to_string(), "more than 0".into()),
                    None => Ok(()),
                }
            }
            Loss::Huber { delta } if !(delta.is_finite() && *delta > 0.0) => {
                wrong("delta", delta.to_string(), "more than 0".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether the loss takes classes rather than values.
    pub fn takes_classes(&self) -> bool {
        matches!(self, Loss::CrossEntropy { .. })
    }
}
