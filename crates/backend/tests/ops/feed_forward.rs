//! `feed_forward` against two products and what is between them.

use std::f64::consts::FRAC_1_SQRT_2;

use burn::tensor::{Tensor, activation};
use fireclay_backend::ops::{FeedForwardOptions, FeedForwardWeights, feed_forward};

use crate::harness::{View, compare, compare_in_f64, devices, differences, flat, in_a_row, noise, turn};

#[derive(Clone, Copy, Debug)]
struct Case {
    rows: usize,
    features: usize,
    inner: usize,
    gelu: bool,
}

impl Case {
    fn options(&self) -> FeedForwardOptions {
        FeedForwardOptions { gelu: self.gelu, dropout: 0.0 }
    }

    fn lens(&self, view: View) -> [usize; 5] {
        let Case { rows, features, inner, .. } = *self;
        let [input, weight1, weight2] =
            [[rows, features], [features, inner], [inner, features]].map(|shape| view.len(&shape));
        [input, weight1, inner, weight2, features]
    }

    fn tensors(&self, x: &[Tensor<1>], view: View) -> (Tensor<2>, FeedForwardWeights) {
        let Case { rows, features, inner, .. } = *self;
        let weights = FeedForwardWeights {
            weight1: view.of(&x[1], [features, inner]),
            bias1: View::Plain.of(&x[2], [inner]),
            weight2: view.of(&x[3], [inner, features]),
            bias2: View::Plain.of(&x[4], [features]),
        };
        (view.of(&x[0], [rows, features]), weights)
    }

    fn ours(&self, x: &[Tensor<1>], view: View) -> Tensor<1> {
        let (input, weights) = self.tensors(x, view);
        in_a_row(feed_forward(input, weights, self.options()))
    }

    fn reference(&self, x: &[Tensor<1>], view: View) -> Tensor<1> {
        let (input, FeedForwardWeights { weight1, bias1, weight2, bias2 }) = self.tensors(x, view);
        let hidden = input.matmul(weight1) + bias1.unsqueeze();
        let between = match self.gelu {
            true => hidden.clone() * ((hidden * FRAC_1_SQRT_2).erf() + 1.0) * 0.5,
            false => activation::relu(hidden),
        };
        in_a_row(between.matmul(weight2) + bias2.unsqueeze())
    }
}

/// The kernel works from 64 on.
fn cases() -> [Case; 6] {
    let case = |rows, features, inner, gelu| Case { rows, features, inner, gelu };
    [
        case(3, 4, 5, true),
        case(70, 6, 33, true),
        case(1, 3, 1, false),
        case(64, 64, 70, true),
        case(130, 65, 64, false),
        case(201, 70, 99, true),
    ]
}

#[test]
fn feed_forward_agrees_with_ordinary_operations() {
    for case in cases() {
        for view in [View::Plain, View::Transposed, View::Sliced] {
            let what = format!("{case:?} {view:?}");
            compare(&what, &case.lens(view), &|x| case.ours(x, view), &|x| case.reference(x, view));
        }
    }
}

#[test]
fn feed_forward_agrees_in_f64_and_with_its_slopes() {
    let case = Case { rows: 3, features: 2, inner: 4, gelu: true };
    let lens = case.lens(View::Plain);
    compare_in_f64("feed-forward", &lens, &|x| case.ours(x, View::Plain), &|x| {
        case.reference(x, View::Plain)
    });
    differences("feed-forward", &lens, &|x| case.ours(x, View::Plain));
}

#[test]
fn the_gradients_with_dropout_are_its_slopes_for_the_same_random_numbers() {
    let _turn = turn();
    let case = Case { rows: 4, features: 3, inner: 12, gelu: true };
    differences("feed-forward with dropout", &case.lens(View::Plain), &|x| {
        x[0].device().seed(7);
        let (input, weights) = case.tensors(x, View::Plain);
        in_a_row(feed_forward(input, weights, FeedForwardOptions { dropout: 0.4, ..case.options() }))
    });
}

#[test]
fn the_gradient_knows_which_values_were_dropped() {
    let _turn = turn();
    for device in devices() {
        let device = device.autodiff();
        for inner in [16, 80] {
            let case = Case { rows: 70, features: 64, inner, gelu: true };
            let lens = case.lens(View::Plain);
            let leaves: Vec<_> =
                (1..).zip(lens).map(|(seed, len)| flat(&noise(len, seed), &device).require_grad()).collect();
            let (input, weights) = case.tensors(&leaves, View::Plain);
            let output = feed_forward(input, weights, FeedForwardOptions { dropout: 0.4, ..case.options() });
            // The output is linear in the second weight and bias.
            let gradients = output.clone().sum().backward();
            let slope = |leaf: &Tensor<1>| (leaf.grad(&gradients).unwrap() * leaf.clone().inner()).sum();
            let slope = (slope(&leaves[3]) + slope(&leaves[4])).into_scalar::<f32>();
            let sum = output.sum().into_scalar::<f32>();
            assert!((slope - sum).abs() < 1e-3 * (1.0 + sum.abs()), "{slope} for {sum} on {device:?}");
        }
    }
}

#[test]
fn dropout_leaves_out_its_share_of_the_values_between_the_layers() {
    let _turn = turn();
    for device in devices() {
        // Each output is the sum of 1,000 values between the layers, all of them 1.
        let weights = FeedForwardWeights {
            weight1: Tensor::zeros([1, 1000], &device),
            bias1: Tensor::ones([1000], &device),
            weight2: Tensor::ones([1000, 1], &device) / 1000.0,
            bias2: Tensor::zeros([1], &device),
        };
        let input = flat(&noise(50, 3), &device).reshape([50, 1]);
        let output = feed_forward(input, weights, FeedForwardOptions { gelu: false, dropout: 0.25 });
        let outputs: Vec<f32> = output.into_data().iter().collect();
        assert!(outputs.iter().all(|sum| (sum - 1.0).abs() < 0.15), "{outputs:?}");
        assert!(outputs.iter().any(|sum| *sum != outputs[0]), "rows are dropped from alike");
    }
}

#[test]
#[should_panic(expected = "the second weight leads back to the features")]
fn a_second_weight_of_another_shape_is_refused() {
    let device = devices().remove(0);
    let weights = FeedForwardWeights {
        weight1: Tensor::zeros([2, 3], &device),
        bias1: Tensor::zeros([3], &device),
        weight2: Tensor::zeros([3, 4], &device),
        bias2: Tensor::zeros([2], &device),
    };
    feed_forward(Tensor::zeros([1, 2], &device), weights, FeedForwardOptions { gelu: true, dropout: 0.0 });
}
