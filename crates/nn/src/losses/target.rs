//! What a network should have given.

use burn::tensor::{Int, Tensor};

/// What a network should have given for a batch.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one is held for each step")]
pub enum Target {
    /// One class for each row of the output, `[rows]`: for each sample, or for each of its steps.
    Classes(Tensor<1, Int>),
    /// Two classes for each sample, which was mixed from two ([mixup](https://arxiv.org/abs/1710.09412)). A [`Loss`] never
    /// sees it: [`batch_loss`] takes the loss by either class.
    ///
    /// [`Loss`]: crate::Loss
    /// [`batch_loss`]: crate::batch_loss
    MixedClasses {
        /// `[batch]`
        classes: Tensor<1, Int>,
        /// `[batch]`
        partners: Tensor<1, Int>,
        /// How much of each sample is of its first class, in `[0, 1]`; the rest is of the second.
        share: f32,
    },
    /// One class for each sample, with the logits that a teacher gives it, for a [`DistillationLoss`](crate::DistillationLoss); to
    /// other losses it is a class.
    ClassesWithLogits {
        /// `[batch]`
        classes: Tensor<1, Int>,
        /// `[batch, classes]`
        logits: Tensor<2>,
    },
    /// One or more numbers for each row of the output, `[rows, outputs]`.
    Values(Tensor<2>),
}

impl Target {
    /// The classes, `[rows]`.
    ///
    /// # Panics
    /// If the target is something else.
    pub fn classes(&self) -> Tensor<1, Int> {
        match self {
            Target::Classes(classes) | Target::ClassesWithLogits { classes, .. } => classes.clone(),
            Target::MixedClasses { .. } => panic!("expected classes as targets, found mixed classes"),
            Target::Values(values) => {
                panic!("expected classes as targets, found values, {:?}", values.dims())
            }
        }
    }

    /// The numbers, `[rows, outputs]`.
    ///
    /// # Panics
    /// If the target is something else.
    pub fn values(&self) -> Tensor<2> {
        match self {
            Target::Values(values) => values.clone(),
            Target::Classes(_) | Target::MixedClasses { .. } | Target::ClassesWithLogits { .. } => {
                panic!("expected values as targets, found classes")
            }
        }
    }
}
