//! Cross-entropy in Burn's operations.

use burn::backend::tensor::{FloatTensor, IndexingUpdateOp, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

pub(super) fn forward<B: Backend>(
    logits: FloatTensor<B>,
    targets: IntTensor<B>,
    class_weights: Option<FloatTensor<B>>,
    label_smoothing: f32,
) -> FloatTensor<B> {
    let targets = Targets::<B>::new(&logits, targets, class_weights, label_smoothing);
    targets.loss(B::log_softmax(logits, 1))
}

pub(super) fn forward_for_training<B: Backend>(
    logits: FloatTensor<B>,
    targets: IntTensor<B>,
    class_weights: Option<FloatTensor<B>>,
    label_smoothing: f32,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let targets = Targets::<B>::new(&logits, targets, class_weights, label_smoothing);
    let log_probabilities = B::log_softmax(logits, 1);
    let loss = targets.loss(log_probabilities.clone());
    // The loss is -Σ q · ln p for the shares q, so its gradient is p · Σ_k q - q.
    let shares = targets.shares();
    let probabilities = B::float_exp(log_probabilities);
    let weighted = B::float_mul(probabilities, B::float_sum_dim(shares.clone(), 1));
    (loss, B::float_sub(weighted, shares))
}

/// What each row should give.
struct Targets<B: Backend> {
    /// `[batch, 1]`
    classes: IntTensor<B>,
    /// `[batch, 1]`, the weight of each row's class, over the sum of them.
    of_rows: FloatTensor<B>,
    /// `[1, classes]`, or `[1, 1]` if all are the same: the weight of each class, over the same sum.
    of_classes: FloatTensor<B>,
    label_smoothing: f32,
    shape: [usize; 2],
}

impl<B: Backend> Targets<B> {
    fn new(
        logits: &FloatTensor<B>,
        targets: IntTensor<B>,
        class_weights: Option<FloatTensor<B>>,
        label_smoothing: f32,
    ) -> Self {
        let shape: [usize; 2] = logits.shape().dims();
        let column = Shape::new([shape[0], 1]);
        let classes = B::int_reshape(targets.clone(), column.clone());
        let (of_rows, of_classes) = match class_weights {
            Some(weights) => {
                let of_rows = B::float_select(weights.clone(), 0, targets);
                let total = B::float_sum(of_rows.clone());
                let of_rows = B::float_div(of_rows, total.clone());
                (of_rows, B::float_reshape(B::float_div(weights, total), Shape::new([1, shape[1]])))
            }
            None => {
                let (device, dtype) = (logits.device(), logits.dtype().into());
                let each = |shape| B::float_full(shape, (1.0 / column[0] as f64).into(), &device, dtype);
                (each(Shape::new([shape[0]])), each(Shape::new([1, 1])))
            }
        };
        Targets { classes, of_rows: B::float_reshape(of_rows, column), of_classes, label_smoothing, shape }
    }

    fn loss(&self, log_probabilities: FloatTensor<B>) -> FloatTensor<B> {
        let picked = B::float_gather(1, log_probabilities.clone(), self.classes.clone());
        let likelihood = B::float_sum(B::float_mul(picked, self.of_rows.clone()));
        if self.label_smoothing == 0.0 {
            // Without smoothing a class that is impossible everywhere (ln p of minus infinity) does no harm.
            return B::float_neg(likelihood);
        }
        let spread = B::float_sum(B::float_mul(log_probabilities, self.of_classes.clone()));
        let likelihood = B::float_mul_scalar(likelihood, (1.0 - self.label_smoothing).into());
        B::float_neg(B::float_add(likelihood, B::float_mul_scalar(spread, self.each_class().into())))
    }

    /// `[batch, classes]`: the fraction of each class in each row's target, weights included.
    fn shares(self) -> FloatTensor<B> {
        let (device, dtype) = (self.of_rows.device(), self.of_rows.dtype().into());
        let smooth = B::float_mul_scalar(self.of_classes.clone(), self.each_class().into());
        let shares = B::float_add(B::float_zeros(Shape::new(self.shape), &device, dtype), smooth);
        let sharp = B::float_mul_scalar(self.of_rows, (1.0 - self.label_smoothing).into());
        B::float_scatter(1, shares, self.classes, sharp, IndexingUpdateOp::Add)
    }

    /// What label smoothing gives to each class.
    fn each_class(&self) -> f32 {
        self.label_smoothing / self.shape[1] as f32
    }
}
