//! The optimisers in plain loops, in `f64`, after the formulas of their papers and of PyTorch.

#![allow(clippy::needless_range_loop, reason = "several arrays go by one index, as in the formulas")]

use super::muon::QUINTIC;
use super::{Adam, Muon, Sgd};

/// One parameter with all states that any optimiser keeps.
pub(super) struct Held {
    pub(super) step: u64,
    pub(super) parameter: Vec<f64>,
    pub(super) states: [Vec<f64>; 3],
}

pub(super) fn sgd(sgd: &Sgd, held: &mut Held, gradient: &[f64]) {
    held.step += 1;
    for at in 0..gradient.len() {
        let parameter = &mut held.parameter[at];
        let velocity = &mut held.states[0][at];
        let mut g = gradient[at] + sgd.weight_decay * *parameter;
        if sgd.momentum != 0.0 {
            if held.step == 1 {
                *velocity = g;
            } else {
                *velocity = sgd.momentum * *velocity + (1.0 - sgd.dampening) * g;
            }
            g = if sgd.nesterov { g + sgd.momentum * *velocity } else { *velocity };
        }
        *parameter -= sgd.learning_rate * g;
    }
}

pub(super) fn adam(adam: &Adam, held: &mut Held, gradient: &[f64]) {
    held.step += 1;
    let [first, second, greatest] = &mut held.states;
    for at in 0..gradient.len() {
        let parameter = &mut held.parameter[at];
        let mut g = gradient[at];
        if adam.decoupled {
            *parameter *= 1.0 - adam.learning_rate * adam.weight_decay;
        } else {
            g += adam.weight_decay * *parameter;
        }
        first[at] = adam.beta_1 * first[at] + (1.0 - adam.beta_1) * g;
        second[at] = adam.beta_2 * second[at] + (1.0 - adam.beta_2) * g * g;
        greatest[at] = greatest[at].max(second[at]);
        let v = if adam.amsgrad { greatest[at] } else { second[at] };
        let m_hat = first[at] / (1.0 - adam.beta_1.powi(held.step as i32));
        let v_hat = v / (1.0 - adam.beta_2.powi(held.step as i32));
        *parameter -= adam.learning_rate * m_hat / (v_hat.sqrt() + adam.epsilon);
    }
}

/// `rows`, `columns` and whether outputs lie in columns.
pub(super) type Shape = (usize, usize, bool);

pub(super) fn muon(
    muon: &Muon,
    (rows, columns, outputs_in_columns): Shape,
    held: &mut Held,
    gradient: &[f64],
) {
    let velocity = &mut held.states[0];
    let mut x = vec![0.0; rows * columns];
    for at in 0..x.len() {
        velocity[at] = muon.momentum * velocity[at] + gradient[at];
        x[at] = if muon.nesterov { gradient[at] + muon.momentum * velocity[at] } else { velocity[at] };
    }
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt().max(muon.epsilon);
    x.iter_mut().for_each(|x| *x /= norm);
    let [linear, cubic, quintic] = QUINTIC.map(f64::from);
    for _ in 0..muon.iterations {
        // Always from the left, also where the right side would be smaller: (X Xᵀ)ⁿ X = X (Xᵀ X)ⁿ.
        let ax = times_gram(&x, &x, rows, columns);
        let aax = times_gram(&x, &ax, rows, columns);
        for at in 0..x.len() {
            x[at] = linear * x[at] + cubic * ax[at] + quintic * aax[at];
        }
    }
    let ratio = if outputs_in_columns { columns as f64 / rows as f64 } else { rows as f64 / columns as f64 };
    let outputs = if outputs_in_columns { columns } else { rows } as f64;
    let norm = held.parameter.iter().map(|x| x * x).sum::<f64>().sqrt();
    for (parameter, x) in held.parameter.iter_mut().zip(x) {
        if muon.normalized {
            *parameter *= outputs.sqrt() / norm;
        }
        *parameter *= 1.0 - muon.learning_rate * muon.weight_decay;
        *parameter -= muon.learning_rate * ratio.max(1.0).sqrt() * x;
    }
}

/// `x · xᵀ · y` for `[rows, columns]`.
fn times_gram(x: &[f64], y: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut result = vec![0.0; rows * columns];
    for i in 0..rows {
        for k in 0..rows {
            let gram: f64 = (0..columns).map(|j| x[i * columns + j] * x[k * columns + j]).sum();
            for j in 0..columns {
                result[i * columns + j] += gram * y[k * columns + j];
            }
        }
    }
    result
}
