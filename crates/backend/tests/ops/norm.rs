//! The normalisations against means, variances and quotients.

use burn::tensor::{Tensor, activation};
use fireclay_backend::ops::{Activation, batch_norm, batch_norm_train, layer_norm};

use crate::harness::{View, compare, compare_in_f64, differences, in_a_row};

const EPSILON: f64 = 1e-3;

fn activate<const D: usize>(act: Activation, x: Tensor<D>) -> Tensor<1> {
    in_a_row(match act {
        Activation::None => x,
        Activation::Relu => activation::relu(x),
    })
}

/// One value for each channel, beside an image.
fn beside(x: &Tensor<1>, channels: usize) -> Tensor<4> {
    x.clone().reshape([1, channels, 1, 1])
}

fn image_norm(x: &[Tensor<1>], shape: [usize; 4], view: View, act: Activation) -> Tensor<1> {
    let normed = batch_norm_train(view.of(&x[0], shape), x[1].clone(), x[2].clone(), EPSILON, act);
    // Mean and variance are compared too; no gradient goes through them.
    Tensor::cat(vec![in_a_row(normed.output), normed.mean, normed.variance], 0)
}

fn image_reference(x: &[Tensor<1>], shape: [usize; 4], view: View, act: Activation) -> Tensor<1> {
    let input = view.of(&x[0], shape);
    let rows = input.clone().swap_dims(0, 1).reshape([shape[1] as i64, -1]);
    let mean = rows.clone().mean_dim(1).reshape([1, shape[1], 1, 1]);
    let centered = rows.clone() - rows.mean_dim(1);
    let variance = (centered.clone() * centered).mean_dim(1).reshape([1, shape[1], 1, 1]);
    let normed = (input - mean.clone()) / (variance.clone() + EPSILON).sqrt();
    let output = normed * beside(&x[1], shape[1]) + beside(&x[2], shape[1]);
    Tensor::cat(vec![activate(act, output), in_a_row(mean).detach(), in_a_row(variance).detach()], 0)
}

#[test]
fn batch_norm_in_training_agrees_with_ordinary_operations() {
    for shape in [[3, 4, 5, 2], [2, 1, 3, 3], [1, 3, 2, 2], [4, 17, 1, 1], [2, 33, 4, 4]] {
        for view in View::ALL {
            for act in [Activation::None, Activation::Relu] {
                let what = format!("batch norm of {shape:?}, {view:?}, {act:?}");
                let lens = [view.len(&shape), shape[1], shape[1]];
                compare(&what, &lens, &|x| image_norm(x, shape, view, act), &|x| {
                    image_reference(x, shape, view, act)
                });
            }
        }
    }
    let (shape, view, act) = ([3, 4, 5, 2], View::Plain, Activation::Relu);
    let lens = [view.len(&shape), 4, 4];
    compare_in_f64("batch norm", &lens, &|x| image_norm(x, shape, view, act), &|x| {
        image_reference(x, shape, view, act)
    });
}

#[test]
fn batch_norm_of_rows_agrees_with_that_of_images_of_one_pixel() {
    for view in [View::Plain, View::Transposed, View::Sliced] {
        let ours = |x: &[Tensor<1>]| {
            let input = view.of(&x[0], [6, 5]);
            in_a_row(batch_norm_train(input, x[1].clone(), x[2].clone(), EPSILON, Activation::Relu).output)
        };
        let images = |x: &[Tensor<1>]| {
            let input = view.of(&x[0], [6, 5]).reshape([6, 5, 1, 1]);
            in_a_row(batch_norm_train(input, x[1].clone(), x[2].clone(), EPSILON, Activation::Relu).output)
        };
        compare("batch norm of rows", &[view.len(&[6, 5]), 5, 5], &ours, &images);
    }
}

#[test]
fn batch_norm_by_known_statistics_agrees_with_ordinary_operations() {
    let shape = [2, 3, 4, 5];
    for view in View::ALL {
        let ours = |x: &[Tensor<1>]| {
            let variance = x[4].clone().square() + 0.5;
            let (weight, bias, mean) = (x[1].clone(), x[2].clone(), x[3].clone());
            let input = view.of(&x[0], shape);
            in_a_row(batch_norm(input, weight, bias, mean, variance, EPSILON, Activation::Relu))
        };
        let reference = |x: &[Tensor<1>]| {
            let variance = beside(&(x[4].clone().square() + 0.5), 3);
            let normed = (view.of(&x[0], shape) - beside(&x[3], 3)) / (variance + EPSILON).sqrt();
            activate(Activation::Relu, normed * beside(&x[1], 3) + beside(&x[2], 3))
        };
        compare("batch norm by statistics", &[view.len(&shape), 3, 3, 3, 3], &ours, &reference);
    }
}

#[test]
fn layer_norm_agrees_with_ordinary_operations() {
    let reference = |x: &[Tensor<1>], shape: [usize; 3], view: View| {
        let input = view.of(&x[0], shape);
        let centered = input.clone() - input.mean_dim(2);
        let variance = (centered.clone() * centered.clone()).mean_dim(2);
        let weight = x[1].clone().reshape([1, 1, shape[2]]);
        let normed = centered / (variance + EPSILON).sqrt() * weight;
        in_a_row(match x.get(2) {
            Some(bias) => normed + bias.clone().reshape([1, 1, shape[2]]),
            None => normed,
        })
    };
    let ours = |x: &[Tensor<1>], shape: [usize; 3], view: View| {
        in_a_row(layer_norm(view.of(&x[0], shape), x[1].clone(), x.get(2).cloned(), EPSILON))
    };
    for shape in [[2, 3, 4], [1, 1, 1], [5, 1, 33], [1, 7, 100]] {
        for view in View::ALL {
            let what = format!("layer norm of {shape:?}, {view:?}");
            let lens = [view.len(&shape), shape[2], shape[2]];
            compare(&what, &lens, &|x| ours(x, shape, view), &|x| reference(x, shape, view));
            compare(&what, &lens[..2], &|x| ours(x, shape, view), &|x| reference(x, shape, view));
        }
    }
    let (shape, view) = ([2, 3, 4], View::Plain);
    compare_in_f64("layer norm", &[24, 4, 4], &|x| ours(x, shape, view), &|x| reference(x, shape, view));
}

#[test]
fn the_gradients_of_the_norms_are_their_slopes() {
    let shape = [2, 2, 2, 3];
    differences("batch norm", &[24, 2, 2], &|x| {
        let input = View::Plain.of(&x[0], shape);
        in_a_row(batch_norm_train(input, x[1].clone(), x[2].clone(), 0.1, Activation::Relu).output)
    });
    differences("layer norm", &[12, 4, 4], &|x| {
        in_a_row(layer_norm(View::Plain.of(&x[0], [3, 4]), x[1].clone(), Some(x[2].clone()), 0.1))
    });
}
