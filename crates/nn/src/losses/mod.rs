//! Losses: one number for a batch, to be made small.
//!
//! A loss of one's own implements [`Loss`], or is a closure in [`loss_fn`]. The built-in ones each have a file with their
//! function and their description; the table at the end of this file lists them for files and flags.

mod binary_cross_entropy;
mod cross_entropy;
mod distillation;
mod huber;
mod mae;
mod mse;
mod own;
mod target;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::NnError;

pub use binary_cross_entropy::{BinaryCrossEntropyLoss, binary_cross_entropy_with_logits};
pub use cross_entropy::{CrossEntropyLoss, cross_entropy_with_logits};
pub use distillation::DistillationLoss;
pub use huber::{HuberLoss, huber};
pub use mae::{MaeLoss, mae};
pub use mse::{MseLoss, mse};
pub use own::{LossFn, loss_fn};
pub use target::Target;

/// What training makes small.
///
/// One method is enough, the loss of each row; its mean over the batch, and the weighted mean where samples have
/// weights, follow from it.
///
/// ```
/// use burn::tensor::{Device, Tensor, activation::log_softmax};
/// use fireclay_nn::{Loss, Target};
///
/// /// [Lin et al. 2017](https://arxiv.org/abs/1708.02002)
/// struct Focal {
///     gamma: f32,
/// }
///
/// impl Loss for Focal {
///     fn name(&self) -> String {
///         "focal".into()
///     }
///
///     fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
///         let log_p = log_softmax(output, 1).gather(1, target.classes().unsqueeze_dim(1)).squeeze_dim::<1>(1);
///         let rest = log_p.clone().exp().neg() + 1.0;
///         (rest.powf_scalar(self.gamma) * log_p).neg()
///     }
/// }
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([3, 2], &device);
/// let target = Target::Classes(Tensor::from_ints([0, 1, 0], &device));
/// // Half of the probability is not on the class: (1 / 2)² ln 2.
/// let loss = Focal { gamma: 2.0 }.mean(logits, &target).into_scalar::<f32>();
/// assert!((loss - 0.25 * 2f32.ln()).abs() < 1e-6);
/// ```
pub trait Loss: Send + Sync + 'static {
    /// By which it is shown, and known in checkpoints: `cross_entropy`.
    fn name(&self) -> String;

    /// The loss of each row of the output.
    ///
    /// # Shapes
    /// - output: `[rows, outputs]`, a row for each sample, or for each step of each sample
    /// - target: classes `[rows]`, or values `[rows, outputs]`
    /// - result: `[rows]`; a loss that is one number for the whole batch may give `[1]`
    ///
    /// # Panics
    /// If the target is not of the kind that [`targets`](Self::targets) names.
    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1>;

    /// The mean over the batch, `[1]`.
    ///
    /// # Panics
    /// As [`each`](Self::each).
    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        self.each(output, target).mean()
    }

    /// The mean over the batch in which each row counts as much as its weight says, `Σ w l / Σ w`, `[1]`; 0 if all weights
    /// are 0.
    ///
    /// # Shapes
    /// - weights: `[rows]`, 0 or more
    ///
    /// # Panics
    /// As [`each`](Self::each).
    fn weighted_mean(&self, output: Tensor<2>, target: &Target, weights: Tensor<1>) -> Tensor<1> {
        mean_by(self.each(output, target), weights)
    }

    /// The mean over the batch of outputs that a last dense layer has yet to compute, and how many rows are right: for a loss that
    /// need not see all outputs at once. `None`, as by default, where it does.
    ///
    /// # Shapes
    /// - input: `[rows, features]`, weight: `[features, outputs]`, bias: `[outputs]`
    ///
    /// # Panics
    /// As [`each`](Self::each).
    fn mean_of_dense(
        &self,
        input: Tensor<2>,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        target: &Target,
    ) -> Option<DenseLoss> {
        let _ = (input, weight, bias, target);
        None
    }

    /// Which targets it takes: data with others is refused before training begins.
    fn targets(&self) -> TargetType {
        TargetType::Any
    }

    /// Refuses settings that no training can use, for a network with so many outputs.
    ///
    /// # Errors
    /// [`NnError::Loss`] with the setting, the value and the range.
    fn check(&self, outputs: usize) -> Result<(), NnError> {
        let _ = outputs;
        Ok(())
    }

    /// The loss as data, if it is built in: it is then kept in checkpoints and model files with its settings.
    fn built_in(&self) -> Option<BuiltInLoss> {
        None
    }
}

/// What a loss makes of a last dense layer, see [`Loss::mean_of_dense`].
#[derive(Clone, Debug)]
pub struct DenseLoss {
    /// The mean over the batch, `[1]`.
    pub mean: Tensor<1>,
    /// `[1]`: rows whose greatest output, the first of equal ones, is that of their class.
    pub correct: Tensor<1, Int>,
}

/// Which targets a loss takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetType {
    /// Classes or values, as the loss itself decides.
    Any,
    /// One class for each row.
    Classes,
    /// Numbers.
    Values,
    /// Numbers from 0 to 1.
    Probabilities,
}

/// The loss of a batch, `[1]`: the mean, weighted where there are weights. For samples that are mixed from two it is the
/// mean of the losses by either class, each with its share.
///
/// # Shapes
/// - output: `[rows, outputs]`
/// - weights: `[rows]`
///
/// # Panics
/// If the kind of target does not go with the loss.
pub fn batch_loss(
    loss: &dyn Loss,
    output: Tensor<2>,
    target: &Target,
    weights: Option<&Tensor<1>>,
) -> Tensor<1> {
    match (target, weights) {
        (Target::MixedClasses { classes, partners, share }, _) => {
            let by = |classes: &Tensor<1, Int>| {
                batch_loss(loss, output.clone(), &Target::Classes(classes.clone()), weights)
            };
            by(classes) * *share + by(partners) * (1.0 - *share)
        }
        (_, None) => loss.mean(output, target),
        (_, Some(weights)) => loss.weighted_mean(output, target, weights.clone()),
    }
}

fn check_positive(setting: &'static str, weights: &[f32]) -> Result<(), NnError> {
    match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
        Some(weight) => {
            Err(NnError::Loss { setting, found: weight.to_string(), expected: "more than 0".into() })
        }
        None => Ok(()),
    }
}

/// What files hold of a loss without settings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

/// `Σ w l / Σ w`, and 0 where all weights are 0.
fn mean_by(losses: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    let total = weights.clone().sum().clamp_min(f32::MIN_POSITIVE);
    (losses * weights).sum() / total
}

/// What a row of values costs, the mean over its outputs: `[rows, outputs]` to `[rows]`.
fn mean_of_rows(losses: Tensor<2>) -> Tensor<1> {
    losses.mean_dim(1).squeeze_dim::<1>(1)
}

fn difference(predictions: Tensor<2>, targets: Tensor<2>) -> Tensor<2> {
    assert_eq!(predictions.dims(), targets.dims(), "one target for each prediction");
    predictions - targets
}

/// The table of built-in losses: a new one has a file of its own and a line here.
macro_rules! built_in_losses {
    ($($(#[$doc:meta])* $name:ident($loss:ident)),* $(,)?) => {
        /// A built-in loss with its settings, as files hold it: `{"type": "huber", "delta": 1.0}`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum BuiltInLoss {
            $($(#[$doc])* $name($loss),)*
        }

        impl BuiltInLoss {
            /// Names of all built-in losses.
            pub const NAMES: &'static [&'static str] = &[$($loss::NAME),*];

            fn inner(&self) -> &dyn Loss {
                match self {
                    $(BuiltInLoss::$name(loss) => loss,)*
                }
            }
        }

        $(
            impl From<$loss> for BuiltInLoss {
                fn from(loss: $loss) -> Self {
                    BuiltInLoss::$name(loss)
                }
            }
        )*
    };
}

built_in_losses! {
    /// Softmax cross-entropy from logits, for classes that exclude each other.
    CrossEntropy(CrossEntropyLoss),
    /// Cross-entropy, and the divergence from a teacher's probabilities.
    Distillation(DistillationLoss),
    /// Sigmoid cross-entropy from logits, for targets of 0 and 1 that do not exclude each other.
    BinaryCrossEntropy(BinaryCrossEntropyLoss),
    /// Mean squared error.
    Mse(MseLoss),
    /// Mean absolute error.
    Mae(MaeLoss),
    /// Squared near the target, absolute farther away.
    Huber(HuberLoss),
}

impl Loss for BuiltInLoss {
    fn name(&self) -> String {
        self.inner().name()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        self.inner().each(output, target)
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        self.inner().mean(output, target)
    }

    fn weighted_mean(&self, output: Tensor<2>, target: &Target, weights: Tensor<1>) -> Tensor<1> {
        self.inner().weighted_mean(output, target, weights)
    }

    fn mean_of_dense(
        &self,
        input: Tensor<2>,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        target: &Target,
    ) -> Option<DenseLoss> {
        self.inner().mean_of_dense(input, weight, bias, target)
    }

    fn targets(&self) -> TargetType {
        self.inner().targets()
    }

    fn check(&self, outputs: usize) -> Result<(), NnError> {
        self.inner().check(outputs)
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests;
