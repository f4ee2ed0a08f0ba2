//! Optimiser steps in Burn's operations.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::{AdamSettings, SgdSettings};

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
