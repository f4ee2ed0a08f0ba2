//! `cross_entropy` against a log-softmax, a gather and means.

use burn::tensor::{Device, Int, Tensor, activation};
use fireclay_backend::ops::cross_entropy;

use crate::harness::{View, compare, compare_in_f64, devices, differences};

struct Case {
    batch: usize,
    classes: usize,
    view: View,
    label_smoothing: f32,
    weighted: bool,
}

impl Case {
    fn lens(&self) -> [usize; 1] {
        [self.view.len(&[self.batch, self.classes])]
    }

    fn logits(&self, x: &[Tensor<1>]) -> Tensor<2> {
        // Wider than noise, so that probabilities differ.
        self.view.of(&(x[0].clone() * 4.0), [self.batch, self.classes])
    }

    fn targets(&self, device: &Device) -> Tensor<1, Int> {
        let targets: Vec<i64> = (0..self.batch).map(|row| (row * 7 % self.classes) as i64).collect();
        Tensor::from_data(burn::tensor::TensorData::new(targets, [self.batch]), device)
    }

    fn weights(&self, like: &Tensor<1>) -> Option<Tensor<1>> {
        let weights: Vec<f32> = (0..self.classes).map(|class| 0.5 + class as f32).collect();
        let weights = Tensor::<1>::from_floats(weights.as_slice(), &like.device());
        self.weighted.then(|| weights.cast(like.dtype()))
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let targets = self.targets(&x[0].device());
        cross_entropy(self.logits(x), targets, self.label_smoothing, self.weights(&x[0]))
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let log_probabilities = activation::log_softmax(self.logits(x), 1);
        let targets = self.targets(&x[0].device());
        let ones = Tensor::<1>::ones([self.classes], &x[0].device()).cast(x[0].dtype());
        let weights = self.weights(&x[0]).unwrap_or(ones);
        let of_rows = weights.clone().select(0, targets.clone());
        let picked = log_probabilities.clone().gather(1, targets.unsqueeze_dim::<2>(1)).squeeze_dim::<1>(1);
        let likelihood = (picked * of_rows.clone()).sum();
        let spread = (log_probabilities * weights.unsqueeze::<2>()).sum() / self.classes as f32;
        let s = self.label_smoothing;
        ((likelihood * (1.0 - s) + spread * s) / of_rows.sum()).neg()
    }

    fn compare(&self) {
        let Case { batch, classes, view, label_smoothing, weighted } = self;
        let what =
            format!("{batch} rows of {classes}, {view:?}, smoothing {label_smoothing}, weights {weighted}");
        compare(&what, &self.lens(), &|x| self.ours(x), &|x| self.reference(x));
    }
}

#[test]
fn cross_entropy_agrees_with_ordinary_operations() {
    for (batch, classes) in [(1, 1), (1, 2), (5, 10), (64, 10), (3, 1000), (7, 17), (130, 33)] {
        for view in View::ALL {
            for label_smoothing in [0.0, 0.1] {
                for weighted in [false, true] {
                    Case { batch, classes, view, label_smoothing, weighted }.compare();
                }
            }
        }
    }
}

#[test]
fn cross_entropy_agrees_in_f64() {
    let case = Case { batch: 5, classes: 7, view: View::Plain, label_smoothing: 0.1, weighted: true };
    compare_in_f64("cross_entropy", &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
}

#[test]
fn the_gradient_of_cross_entropy_is_its_slope() {
    let case = Case { batch: 2, classes: 4, view: View::Plain, label_smoothing: 0.1, weighted: true };
    differences("cross_entropy", &case.lens(), &|x| case.ours(x));
}

#[test]
fn great_logits_and_impossible_classes_give_numbers() {
    for device in devices() {
        let logits = Tensor::<2>::from_floats([[1000.0, 0.0, f32::NEG_INFINITY]], &device.autodiff());
        let logits = logits.require_grad();
        let targets = Tensor::<1, Int>::from_ints([1], &logits.device());
        let loss = cross_entropy(logits.clone(), targets, 0.0, None);
        let gradients = loss.backward();
        assert_eq!(loss.into_scalar::<f32>(), 1000.0);
        let gradient = logits.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(gradient, [1.0, -1.0, 0.0]);
    }
}
