//! Optimiser steps in Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use super::{AdamSettings, MuonSettings, SgdSettings};

pub(super) fn adam<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    first_moment: FloatTensor<B>,
    second_moment: FloatTensor<B>,
    settings: AdamSettings,
    step: u64,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let AdamSettings { learning_rate, beta_1, beta_2, epsilon, weight_decay, decoupled } = settings;
    let (parameter, gradient) = match (weight_decay != 0.0, decoupled) {
        (false, _) => (parameter, gradient),
        (true, false) => decayed::<B>(parameter, gradient, weight_decay),
        (true, true) => {
            (B::float_mul_scalar(parameter, (1.0 - learning_rate * weight_decay).into()), gradient)
        }
    };
    let first = mixed::<B>(first_moment, gradient.clone(), beta_1, 1.0 - beta_1);
    let second = mixed::<B>(second_moment, B::float_mul(gradient.clone(), gradient), beta_2, 1.0 - beta_2);
    let left = |beta: f64| 1.0 - beta.powf(step as f64);
    let size = learning_rate / left(beta_1);
    let root = B::float_sqrt(B::float_mul_scalar(second.clone(), (1.0 / left(beta_2)).into()));
    let ratio = B::float_div(first.clone(), B::float_add_scalar(root, epsilon.into()));
    (B::float_sub(parameter, B::float_mul_scalar(ratio, size.into())), first, second)
}

pub(super) fn sgd<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    velocity: Option<FloatTensor<B>>,
    settings: SgdSettings,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let SgdSettings { learning_rate, momentum, nesterov, weight_decay } = settings;
    let (parameter, gradient) = match weight_decay != 0.0 {
        true => decayed::<B>(parameter, gradient, weight_decay),
        false => (parameter, gradient),
    };
    let (direction, velocity) = if momentum == 0.0 {
        (gradient, None)
    } else {
        let velocity = match velocity {
            Some(velocity) => mixed::<B>(velocity, gradient.clone(), momentum, 1.0),
            None => gradient.clone(),
        };
        let direction = match nesterov {
            true => mixed::<B>(velocity.clone(), gradient, momentum, 1.0),
            false => velocity.clone(),
        };
        (direction, Some(velocity))
    };
    (B::float_sub(parameter, B::float_mul_scalar(direction, learning_rate.into())), velocity)
}

/// Least norm that a direction is divided by.
pub(super) const LEAST_NORM: f64 = 1e-7;

/// Where a parameter of so many dimensions has its outputs: a dense weight is `[inputs, outputs]`, all others begin with
/// them.
pub(super) fn output_axis(dims: usize) -> usize {
    usize::from(dims == 2)
}

pub(super) fn muon<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    velocity: FloatTensor<B>,
    settings: MuonSettings,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let MuonSettings { learning_rate, momentum, nesterov, weight_decay, normalized, iterations } = settings;
    let shape = parameter.shape();
    let turned = output_axis(shape.num_dims()) != 0;
    let outputs = shape[output_axis(shape.num_dims())];
    let inputs = shape.num_elements() / outputs.max(1);
    if outputs == 0 || inputs == 0 {
        return (parameter, velocity);
    }
    let velocity = mixed::<B>(velocity, gradient.clone(), momentum, 1.0);
    let direction = match nesterov {
        true => mixed::<B>(velocity.clone(), gradient, momentum, 1.0),
        false => velocity.clone(),
    };
    let mut x = match turned {
        true => B::float_swap_dims(direction, 0, 1),
        false => B::float_reshape(direction, Shape::new([outputs, inputs])),
    };
    x = B::float_div(x.clone(), B::float_clamp_min(norm::<B>(x), LEAST_NORM.into()));
    let times_gram = |left: FloatTensor<B>, right: FloatTensor<B>| {
        B::float_matmul(B::float_matmul(left.clone(), B::float_swap_dims(left, 0, 1)), right)
    };
    for _ in 0..iterations {
        let cubic = times_gram(x.clone(), x.clone());
        let quintic = times_gram(x.clone(), cubic.clone());
        let higher = mixed::<B>(cubic, quintic, -4.7750, 2.0315);
        x = mixed::<B>(x, higher, 3.4445, 1.0);
    }
    let direction = match turned {
        true => B::float_swap_dims(x, 0, 1),
        false => B::float_reshape(x, shape.clone()),
    };
    let parameter = match normalized {
        true => {
            let length =
                B::float_reshape(norm::<B>(parameter.clone()), Shape::from(vec![1; shape.num_dims()]));
            B::float_mul_scalar(B::float_div(parameter, length), (outputs as f64).sqrt().into())
        }
        false => parameter,
    };
    let size = learning_rate * (outputs as f64 / inputs as f64).max(1.0).sqrt();
    (mixed::<B>(parameter, direction, 1.0 - learning_rate * weight_decay, -size), velocity)
}

/// The root of the sum of squares, `[1, 1]`.
fn norm<B: Backend>(values: FloatTensor<B>) -> FloatTensor<B> {
    let sum = B::float_sum(B::float_mul(values.clone(), values));
    B::float_reshape(B::float_sqrt(sum), Shape::new([1, 1]))
}

/// The parameter, and `gradient + weight_decay · parameter`.
fn decayed<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    weight_decay: f64,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let pull = B::float_mul_scalar(parameter.clone(), weight_decay.into());
    (parameter, B::float_add(gradient, pull))
}

/// `share_a · a + share_b · b`
fn mixed<B: Backend>(a: FloatTensor<B>, b: FloatTensor<B>, share_a: f64, share_b: f64) -> FloatTensor<B> {
    let b = if share_b == 1.0 { b } else { B::float_mul_scalar(b, share_b.into()) };
    B::float_add(B::float_mul_scalar(a, share_a.into()), b)
}
