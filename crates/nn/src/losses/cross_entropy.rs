//! Softmax cross-entropy, computed from logits so that it cannot overflow.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use super::{BuiltInLoss, DenseLoss, Loss, Target, TargetType};
use crate::NnError;

/// Softmax cross-entropy from logits.
///
/// With `p = softmax(logits)`, `K` classes, weights `w` and label smoothing `s`, a sample of class `c` costs
/// `-(1 - s) * w[c] * ln p[c] - s / K * Σ_k w[k] * ln p[k]`; the result is the sum over the batch divided by the sum
/// of `w[c]`, as in PyTorch. Label smoothing is from [Szegedy et al. 2015](https://arxiv.org/abs/1512.00567).
///
/// # Shapes
/// - logits: `[batch, classes]`
/// - targets: `[batch]`, each from 0 to `classes - 1`
/// - label_smoothing: in `[0, 1)`
/// - class_weights: one for each class; all 1 if `None`
/// - result: `[1]`
///
/// # Panics
/// If there are not as many class weights as classes, or not as many targets as rows.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use fireclay_nn::cross_entropy_with_logits;
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([3, 10], &device);
/// let targets = Tensor::<1, Int>::from_ints([0, 4, 9], &device);
/// let loss = cross_entropy_with_logits(logits, targets, 0.0, None).into_scalar::<f32>();
/// assert!((loss - 10f32.ln()).abs() < 1e-6);
/// ```
pub fn cross_entropy_with_logits(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    label_smoothing: f32,
    class_weights: Option<&[f32]>,
) -> Tensor<1> {
    let device = logits.device();
    let class_weights = class_weights.map(|weights| Tensor::<1>::from_floats(weights, &device));
    ops::cross_entropy(logits, targets, label_smoothing, class_weights)
}

/// Softmax cross-entropy from logits, for classes that exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossEntropyLoss {
    /// Share of each target that is spread over all classes, in `[0, 1)`; 0 by default.
    #[serde(default)]
    pub label_smoothing: f32,
    /// A weight for each class, more than 0; none, which is 1 for all, by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<Vec<f32>>,
}

impl CrossEntropyLoss {
    pub(super) const NAME: &'static str = "cross_entropy";

    /// Without label smoothing or class weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much of each target is spread over all classes, in `[0, 1)`.
    pub fn label_smoothing(mut self, label_smoothing: f32) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }

    /// Sets a weight for each class, more than 0.
    pub fn class_weights(mut self, class_weights: Vec<f32>) -> Self {
        self.class_weights = Some(class_weights);
        self
    }

    /// Weights that even out how often the classes occur: `samples / (classes * count)`, as scikit-learn's "balanced".
    ///
    /// ```
    /// use fireclay_nn::CrossEntropyLoss;
    /// let loss = CrossEntropyLoss::new().balanced(&[30, 10]);
    /// assert_eq!(loss.class_weights, Some(vec![40.0 / 60.0, 2.0]));
    /// ```
    pub fn balanced(self, class_counts: &[usize]) -> Self {
        let samples: usize = class_counts.iter().sum();
        let weight = |count: &usize| match count {
            // A class that does not occur costs nothing; its weight only has to be one.
            0 => 1.0,
            count => samples as f32 / (class_counts.len() * count) as f32,
        };
        self.class_weights(class_counts.iter().map(weight).collect())
    }

    /// The weight of each row's class, `[rows]`.
    fn weights_of(&self, target: &Target) -> Option<Tensor<1>> {
        let weights = self.class_weights.as_ref()?;
        let classes = target.classes();
        Some(Tensor::<1>::from_floats(weights.as_slice(), &classes.device()).select(0, classes))
    }
}

impl Loss for CrossEntropyLoss {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    /// With class weights these are weighted, and their mean is not [`mean`](Loss::mean), which divides by the weights.
    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        let [_, classes] = output.dims();
        let log_p = log_softmax(output, 1);
        let mut own = log_p.clone().gather(1, target.classes().unsqueeze_dim(1)).squeeze_dim::<1>(1);
        if let Some(weights) = self.weights_of(target) {
            own = own * weights;
        }
        if self.label_smoothing == 0.0 {
            return own.neg();
        }
        let all = match &self.class_weights {
            Some(weights) => {
                log_p.clone() * Tensor::<1>::from_floats(weights.as_slice(), &log_p.device()).unsqueeze()
            }
            None => log_p,
        };
        let all = all.sum_dim(1).squeeze_dim::<1>(1);
        (own * (1.0 - self.label_smoothing) + all * (self.label_smoothing / classes as f32)).neg()
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        cross_entropy_with_logits(
            output,
            target.classes(),
            self.label_smoothing,
            self.class_weights.as_deref(),
        )
    }

    fn weighted_mean(&self, output: Tensor<2>, target: &Target, weights: Tensor<1>) -> Tensor<1> {
        let losses = self.each(output, target);
        let total = match self.weights_of(target) {
            Some(of_classes) => weights.clone() * of_classes,
            None => weights.clone(),
        };
        (losses * weights).sum() / total.sum().clamp_min(f32::MIN_POSITIVE)
    }

    fn mean_of_dense(
        &self,
        input: Tensor<2>,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        target: &Target,
    ) -> Option<DenseLoss> {
        let device = input.device();
        let class_weights = self.class_weights.as_ref();
        let class_weights =
            class_weights.map(|weights| Tensor::<1>::from_floats(weights.as_slice(), &device));
        let targets = target.classes();
        let found =
            ops::dense_cross_entropy(input, weight, bias, targets, self.label_smoothing, class_weights);
        Some(DenseLoss { mean: found.loss, correct: found.correct })
    }

    fn targets(&self) -> TargetType {
        TargetType::Classes
    }

    fn check(&self, outputs: usize) -> Result<(), NnError> {
        let wrong =
            |setting, found: String, expected: String| Err(NnError::Loss { setting, found, expected });
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return wrong(
                "label_smoothing",
                self.label_smoothing.to_string(),
                "0 or more and less than 1".into(),
            );
        }
        match &self.class_weights {
            Some(weights) if weights.len() != outputs => wrong(
                "class_weights",
                format!("of {} classes", weights.len()),
                format!("{outputs}, one for each output"),
            ),
            Some(weights) => super::check_positive("class_weights", weights),
            None => Ok(()),
        }
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some(self.clone().into())
    }
}
