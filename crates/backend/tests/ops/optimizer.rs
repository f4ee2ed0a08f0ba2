//! Optimiser steps against loops over numbers in f64.

use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{AdamSettings, SgdSettings, adam_step, sgd_step};
use fireclay_backend::reads_at_once;

use crate::harness::{View, devices, flat, noise};

const SHAPES: [[usize; 4]; 5] = [[1, 1, 1, 1], [1, 1, 1, 7], [8, 3, 3, 3], [2, 5, 1, 4], [4, 1, 6, 33]];

fn values(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().into_data().try_into_vec().unwrap()
}

/// A tensor of noise that lies as `view` says, and its values in the order of the shape.
fn noisy(shape: [usize; 4], view: View, seed: u32, device: &Device) -> (Tensor<4>, Vec<f64>) {
    let tensor = view.of(&flat(&noise(view.len(&shape), seed), device), shape);
    let numbers = values(&tensor).iter().map(|&x| f64::from(x)).collect();
    (tensor, numbers)
}

fn close(what: &str, tensor: &Tensor<4>, expected: &[f64]) {
    for (place, (a, b)) in values(tensor).iter().zip(expected).enumerate() {
        assert!((f64::from(*a) - b).abs() < 2e-6, "{what}: place {place} is {a}, expected {b}");
    }
}

/// Every way in which parameter and gradient may lie.
fn every(check: impl Fn(&str, [usize; 4], View, View, &Device)) {
    for device in devices() {
        for shape in SHAPES {
            for view in View::ALL {
                for of_gradient in View::ALL {
                    // Burn 0.22.1 on wgpu computes `p - g * 0.1` wrongly where `g` was turned with a size of 1 in it:
                    // its fusion's doing, not ours.
                    let as_it_lies = |view| matches!(view, View::Plain | View::Sliced);
                    let lie = as_it_lies(view) && as_it_lies(of_gradient);
                    if !(reads_at_once(&device) || lie) {
                        continue;
                    }
                    let what = format!("{shape:?}, {view:?}, gradient {of_gradient:?} on {device:?}");
                    check(&what, shape, view, of_gradient, &device);
                }
            }
        }
    }
}

#[test]
fn adam_steps_are_adams() {
    for (weight_decay, decoupled) in [(0.0, false), (0.1, false), (0.1, true)] {
        let settings = AdamSettings {
            learning_rate: 0.01,
            beta_1: 0.9,
            beta_2: 0.99,
            epsilon: 1e-3,
            weight_decay,
            decoupled,
        };
        every(|what, shape, view, of_gradient, device| {
            let (mut parameter, mut p) = noisy(shape, view, 1, device);
            let (mut first, mut second) = (Tensor::zeros(shape, device), Tensor::zeros(shape, device));
            let (mut m, mut v) = (vec![0.0; p.len()], vec![0.0; p.len()]);
            for step in 1..=3 {
                let (gradient, g) = noisy(shape, of_gradient, 10 + step, device);
                (parameter, first, second) =
                    adam_step(parameter, gradient, first, second, &settings, u64::from(step));
                for i in 0..p.len() {
                    let mut g = g[i];
                    if decoupled {
                        p[i] *= 1.0 - settings.learning_rate * weight_decay;
                    } else {
                        g += weight_decay * p[i];
                    }
                    m[i] = settings.beta_1 * m[i] + (1.0 - settings.beta_1) * g;
                    v[i] = settings.beta_2 * v[i] + (1.0 - settings.beta_2) * g * g;
                    let mean = m[i] / (1.0 - settings.beta_1.powi(step as i32));
                    let square = v[i] / (1.0 - settings.beta_2.powi(step as i32));
                    p[i] -= settings.learning_rate * mean / (square.sqrt() + settings.epsilon);
                }
                close(&format!("parameter, {what}"), &parameter, &p);
                close(&format!("first moment, {what}"), &first, &m);
                close(&format!("second moment, {what}"), &second, &v);
            }
        });
    }
}

#[test]
fn sgd_steps_are_sgds() {
    for (momentum, nesterov, weight_decay) in
        [(0.0, false, 0.0), (0.0, false, 0.1), (0.9, false, 0.0), (0.9, true, 0.1)]
    {
        let settings = SgdSettings { learning_rate: 0.1, momentum, nesterov, weight_decay };
        every(|what, shape, view, of_gradient, device| {
            let (mut parameter, mut p) = noisy(shape, view, 1, device);
            let (mut velocity, mut v) = (None, vec![0.0; p.len()]);
            for step in 1..=3 {
                let (gradient, g) = noisy(shape, of_gradient, 10 + step, device);
                (parameter, velocity) = sgd_step(parameter, gradient, velocity, &settings);
                assert_eq!(velocity.is_some(), momentum != 0.0);
                for i in 0..p.len() {
                    let g = g[i] + weight_decay * p[i];
                    v[i] = momentum * v[i] + g;
                    let direction = if nesterov { g + momentum * v[i] } else { v[i] };
                    p[i] -= settings.learning_rate * direction;
                }
                close(&format!("parameter, {what}"), &parameter, &p);
                if let Some(velocity) = &velocity {
                    close(&format!("velocity, {what}"), velocity, &v);
                }
            }
        });
    }
}

#[test]
fn a_step_leaves_tensors_alone_that_somebody_else_holds() {
    let settings = SgdSettings { learning_rate: 1.0, momentum: 0.5, nesterov: false, weight_decay: 0.0 };
    for device in devices() {
        let parameter = Tensor::<1>::ones([5], &device);
        let velocity = Tensor::<1>::ones([5], &device);
        let gradient = Tensor::<1>::ones([5], &device);
        let (after, _) = sgd_step(parameter.clone(), gradient.clone(), Some(velocity.clone()), &settings);
        for held in [parameter, velocity, gradient] {
            assert_eq!(held.into_data().try_into_vec::<f32>().unwrap(), [1.0; 5]);
        }
        assert_eq!(after.into_data().try_into_vec::<f32>().unwrap(), [-0.5; 5]);
    }
}

#[test]
#[should_panic(expected = "call `inner` first")]
fn a_step_on_an_autodiff_device_is_refused() {
    let ones = || Tensor::<1>::ones([2], &devices().remove(0).autodiff());
    let settings = SgdSettings { learning_rate: 1.0, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    sgd_step(ones(), ones(), None, &settings);
}
