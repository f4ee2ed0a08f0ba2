//! What the best answer costs that is the same for all samples: a network that has learnt something costs less.

use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_data::{BatchTargets, TargetKind};
use fireclay_nn::{Loss, Target, TargetType, batch_loss};

/// Targets that are looked at, and numbers in the outputs for them.
const MOST_TARGETS: usize = 2_000;
const MOST_OUTPUTS: usize = 4_000_000;

/// Targets of some batches.
pub(crate) struct ConstantAnswer {
    /// Numbers in a row of the output.
    width: usize,
    most: usize,
    classes: Vec<u32>,
    values: Vec<f32>,
}

impl ConstantAnswer {
    /// Without targets yet.
    pub(crate) fn new(kind: TargetKind) -> Self {
        let width = match kind {
            TargetKind::Classes { count } | TargetKind::StepClasses { count, .. } => count,
            TargetKind::NextTokens { vocabulary_size } => vocabulary_size,
            TargetKind::Values { width } | TargetKind::Labels { count: width } => width,
        };
        let most = MOST_TARGETS.min(MOST_OUTPUTS / width.max(1));
        ConstantAnswer { width, most, classes: Vec::new(), values: Vec::new() }
    }

    /// Takes in the targets of a batch, until there are enough.
    pub(crate) fn add(&mut self, targets: &BatchTargets) {
        match targets {
            BatchTargets::Classes(classes)
            | BatchTargets::MixedClasses { labels: classes, .. }
            | BatchTargets::ClassesWithLogits { labels: classes, .. }
            | BatchTargets::StepClasses(classes)
            | BatchTargets::NextTokens(classes) => {
                self.classes.extend(classes.iter().take(self.most.saturating_sub(self.classes.len())));
            }
            BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. } => {
                let most = (self.most * self.width).saturating_sub(self.values.len());
                self.values.extend(values.iter().take(most));
            }
        }
    }

    /// The mean loss of the best constant answer: the shares of the classes, or the mean of the numbers. `None` for a loss of the
    /// user's own, which may take something else.
    pub(crate) fn loss(&self, loss: &dyn Loss, device: &Device) -> Option<f64> {
        loss.built_in()?;
        let rows = self.classes.len() + self.values.len() / self.width.max(1);
        let fits = match loss.targets() {
            TargetType::Classes => !self.classes.is_empty(),
            TargetType::Values | TargetType::Probabilities => self.classes.is_empty(),
            TargetType::Any => true,
        };
        if rows == 0 || self.width == 0 || !fits {
            return None;
        }
        let (answer, target) = match self.classes.is_empty() {
            false => (self.shares(), self.classes(device)),
            true => (self.means(loss.targets(), rows), self.values(rows, device)),
        };
        let row = Tensor::<1>::from_data(TensorData::new(answer, [self.width]), device);
        let outputs = row.unsqueeze::<2>().repeat_dim(0, rows);
        Some(f64::from(batch_loss(loss, outputs, &target, None).into_scalar::<f32>()))
    }

    /// Logits of the classes' shares.
    fn shares(&self) -> Vec<f32> {
        let mut counts = vec![0u32; self.width];
        self.classes
            .iter()
            .filter_map(|class| counts.get_mut(*class as usize).map(|count| *count += 1))
            .count();
        counts.iter().map(|count| (*count as f32).max(1e-6).ln()).collect()
    }

    /// Means of the numbers, or logits of these.
    fn means(&self, targets: TargetType, rows: usize) -> Vec<f32> {
        let mean = |column: usize| {
            let values = self.values.iter().skip(column).step_by(self.width);
            values.map(|value| f64::from(*value)).sum::<f64>() / rows as f64
        };
        let answer = |mean: f64| match targets {
            TargetType::Probabilities => {
                let mean = mean.clamp(1e-6, 1.0 - 1e-6);
                (mean / (1.0 - mean)).ln() as f32
            }
            _ => mean as f32,
        };
        (0..self.width).map(|column| answer(mean(column))).collect()
    }

    fn classes(&self, device: &Device) -> Target {
        let classes: Vec<i32> = self.classes.iter().map(|class| *class as i32).collect();
        let count = classes.len();
        Target::Classes(Tensor::<1, Int>::from_data(TensorData::new(classes, [count]), device))
    }

    fn values(&self, rows: usize, device: &Device) -> Target {
        let values = self.values[..rows * self.width].to_vec();
        Target::Values(Tensor::from_data(TensorData::new(values, [rows, self.width]), device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fireclay_nn::{BinaryCrossEntropyLoss, CrossEntropyLoss, MseLoss};

    #[test]
    fn it_costs_the_entropy_or_the_variance() {
        let device = Device::flex();
        let of = |kind, targets: &[BatchTargets], loss: &dyn Loss| {
            let mut answer = ConstantAnswer::new(kind);
            targets.iter().for_each(|targets| answer.add(targets));
            answer.loss(loss, &device).unwrap()
        };
        let classes = [BatchTargets::Classes(vec![0, 0, 2]), BatchTargets::Classes(vec![0])];
        let entropy = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        let found = of(TargetKind::Classes { count: 4 }, &classes, &CrossEntropyLoss::new());
        assert!((found - entropy).abs() < 1e-4, "{found}");
        let labels =
            [BatchTargets::Labels { width: 2, values: vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] }];
        let found = of(TargetKind::Labels { count: 2 }, &labels, &BinaryCrossEntropyLoss::new());
        assert!((found - entropy / 2.0).abs() < 1e-4, "{found}");
        let values = [BatchTargets::Values { width: 1, values: vec![1.0, 3.0, 2.0] }];
        let found = of(TargetKind::Values { width: 1 }, &values, &MseLoss);
        assert!((found - 2.0 / 3.0).abs() < 1e-6, "{found}");
        assert_eq!(ConstantAnswer::new(TargetKind::Values { width: 1 }).loss(&MseLoss, &device), None);
    }
}
