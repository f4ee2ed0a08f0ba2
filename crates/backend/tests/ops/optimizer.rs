//! Optimiser steps against loops over numbers in f64.

use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{AdamSettings, MuonSettings, SgdSettings, adam_step, muon_step, sgd_step};
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

/// `X = 3.4445 X + (-4.7750 A + 2.0315 A²) X` with `A = X Xᵀ`, on `[rows, columns]`.
fn made_orthogonal(mut x: Vec<f64>, rows: usize, iterations: usize) -> Vec<f64> {
    let columns = x.len() / rows;
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    x.iter_mut().for_each(|x| *x /= norm);
    let times_gram = |x: &[f64], right: &[f64]| -> Vec<f64> {
        let dot = |a: usize, b: usize| -> f64 {
            (0..columns).map(|k| x[a * columns + k] * x[b * columns + k]).sum()
        };
        (0..rows * columns)
            .map(|at| (0..rows).map(|k| dot(at / columns, k) * right[k * columns + at % columns]).sum())
            .collect()
    };
    for _ in 0..iterations {
        let cubic = times_gram(&x, &x);
        let quintic = times_gram(&x, &cubic);
        for at in 0..x.len() {
            x[at] = 3.4445 * x[at] - 4.7750 * cubic[at] + 2.0315 * quintic[at];
        }
    }
    x
}

#[test]
fn muon_steps_are_muons() {
    for (nesterov, weight_decay, normalized) in [(true, 0.1, false), (false, 0.0, true)] {
        let settings = MuonSettings {
            learning_rate: 0.02,
            momentum: 0.6,
            nesterov,
            weight_decay,
            normalized,
            iterations: 3,
        };
        every(|what, shape, view, of_gradient, device| {
            let (mut parameter, mut p) = noisy(shape, view, 1, device);
            let (mut velocity, mut v) = (Tensor::zeros(shape, device), vec![0.0; p.len()]);
            for step in 1..=2 {
                let (gradient, g) = noisy(shape, of_gradient, 10 + step, device);
                (parameter, velocity) = muon_step(parameter, gradient, velocity, &settings);
                let mut direction = vec![0.0; p.len()];
                for i in 0..p.len() {
                    v[i] = settings.momentum * v[i] + g[i];
                    direction[i] = if nesterov { g[i] + settings.momentum * v[i] } else { v[i] };
                }
                let (outputs, inputs) = (shape[0] as f64, p.len() as f64 / shape[0] as f64);
                let direction = made_orthogonal(direction, shape[0], settings.iterations);
                let norm = p.iter().map(|x| x * x).sum::<f64>().sqrt();
                let keep = if normalized { outputs.sqrt() / norm } else { 1.0 };
                for i in 0..p.len() {
                    p[i] *= keep * (1.0 - settings.learning_rate * weight_decay);
                    p[i] -= settings.learning_rate * (outputs / inputs).max(1.0).sqrt() * direction[i];
                }
            }
            for (place, (a, b)) in values(&parameter).iter().zip(&p).enumerate() {
                assert!((f64::from(*a) - b).abs() < 2e-5, "{what}: place {place} is {a}, expected {b}");
            }
        });
    }
}

#[test]
fn muon_reads_a_dense_weight_by_its_outputs() {
    let settings = MuonSettings {
        learning_rate: 1.0,
        momentum: 0.0,
        nesterov: false,
        weight_decay: 0.0,
        normalized: true,
        iterations: 3,
    };
    for device in devices() {
        // `[outputs, inputs, 1, 1]` and its transpose `[inputs, outputs]` are the same layer.
        let [parameter, gradient] = [1, 2].map(|seed| flat(&noise(15, seed), &device).reshape([5, 3]));
        let (kernel, _) = muon_step(
            parameter.clone().reshape([5, 3, 1, 1]),
            gradient.clone().reshape([5, 3, 1, 1]),
            Tensor::zeros([5, 3, 1, 1], &device),
            &settings,
        );
        let (dense, _) =
            muon_step(parameter.transpose(), gradient.transpose(), Tensor::zeros([3, 5], &device), &settings);
        let dense: Tensor<4> = dense.transpose().reshape([5, 3, 1, 1]);
        let difference = (kernel - dense).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-5, "{difference} on {device:?}");
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
