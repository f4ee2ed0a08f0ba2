//! What a student learns of a teacher: its classes, and how likely the teacher held each of them.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};
use serde::{Deserialize, Serialize};

use super::{BuiltInLoss, CrossEntropyLoss, Loss, Target, TargetType, mean_by};
use crate::NnError;

/// Cross-entropy by the classes, and the divergence from a teacher's probabilities, as
/// [Hinton et al. 2015](https://arxiv.org/abs/1503.02531) weigh them.
///
/// With temperature `T`, the teacher's share `a`, `p = softmax(teacher / T)` and `q = softmax(logits / T)`, a sample costs
/// `(1 - a) · cross-entropy + a · T² · Σ p ln(p / q)`. Where a target is a class without a teacher's logits, as in validation,
/// it costs the cross-entropy alone.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_nn::{DistillationLoss, Loss, Target};
///
/// let device = Device::flex();
/// let classes = Tensor::from_ints([1], &device);
/// let taught = Target::ClassesWithLogits { classes, logits: Tensor::from_floats([[0.0, 2.0]], &device) };
/// let loss = |logits: [[f32; 2]; 1]| {
///     DistillationLoss::new(2.0, 1.0).mean(Tensor::from_floats(logits, &device), &taught).into_scalar::<f32>()
/// };
/// // Logits that differ by the same say the same.
/// assert!(loss([[1.0, 3.0]]).abs() < 1e-6);
/// let (p, q) = (1.0 / (1.0 + (-1f32).exp()), 0.5f32);
/// let expected = 4.0 * (p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / q).ln());
/// assert!((loss([[0.0, 0.0]]) - expected).abs() < 1e-5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationLoss {
    /// What logits are divided by, more than 0: above 1 what the teacher holds unlikely counts more.
    pub temperature: f32,
    /// How much of the loss is the teacher's, from 0 to 1.
    pub teacher_share: f32,
    /// The rest of it, by the classes.
    #[serde(default)]
    pub labels: CrossEntropyLoss,
}

impl DistillationLoss {
    pub(super) const NAME: &'static str = "distillation";

    /// With cross-entropy by the classes, without label smoothing or class weights.
    pub fn new(temperature: f32, teacher_share: f32) -> Self {
        DistillationLoss { temperature, teacher_share, labels: CrossEntropyLoss::new() }
    }

    /// Sets the loss by the classes.
    pub fn labels(mut self, labels: CrossEntropyLoss) -> Self {
        self.labels = labels;
        self
    }
}

impl DistillationLoss {
    /// How far each row is from the teacher's, `[rows]`, if there is one.
    fn by_teacher(&self, output: Tensor<2>, target: &Target) -> Option<Tensor<1>> {
        let Target::ClassesWithLogits { logits, .. } = target else { return None };
        let teacher = logits.clone() / self.temperature;
        let student = log_softmax(output / self.temperature, 1);
        let apart = softmax(teacher.clone(), 1) * (log_softmax(teacher, 1) - student);
        Some(apart.sum_dim(1).squeeze_dim::<1>(1) * (self.temperature * self.temperature))
    }

    fn joined(&self, by_labels: Tensor<1>, by_teacher: Tensor<1>) -> Tensor<1> {
        by_labels * (1.0 - self.teacher_share) + by_teacher * self.teacher_share
    }
}

impl Loss for DistillationLoss {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        let by_labels = self.labels.each(output.clone(), target);
        match self.by_teacher(output, target) {
            Some(by_teacher) => self.joined(by_labels, by_teacher),
            None => by_labels,
        }
    }

    /// With class weights that of the classes is weighted by them, as [`CrossEntropyLoss`] has it.
    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        let by_labels = self.labels.mean(output.clone(), target);
        match self.by_teacher(output, target) {
            Some(by_teacher) => self.joined(by_labels, by_teacher.mean()),
            None => by_labels,
        }
    }

    fn weighted_mean(&self, output: Tensor<2>, target: &Target, weights: Tensor<1>) -> Tensor<1> {
        let by_labels = self.labels.weighted_mean(output.clone(), target, weights.clone());
        match self.by_teacher(output, target) {
            Some(by_teacher) => self.joined(by_labels, mean_by(by_teacher, weights)),
            None => by_labels,
        }
    }

    fn targets(&self) -> TargetType {
        TargetType::Classes
    }

    fn check(&self, outputs: usize) -> Result<(), NnError> {
        let wrong = |setting, found: f32, expected: &str| {
            Err(NnError::Loss { setting, found: found.to_string(), expected: expected.into() })
        };
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return wrong("temperature", self.temperature, "more than 0");
        }
        if !(0.0..=1.0).contains(&self.teacher_share) {
            return wrong("teacher_share", self.teacher_share, "0 to 1");
        }
        self.labels.check(outputs)
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some(self.clone().into())
    }
}
