//! LSTM, GRU and the simple recurrent network in plain loops, in `f64`, one sequence after the other.

#![allow(clippy::needless_range_loop, reason = "plain loops are the point")]

use super::{Projected, RecurrentOptions, RecurrentShape};
use crate::check::wide;

/// Which equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lstm,
    Gru,
    Tanh,
    Relu,
}

impl Kind {
    pub(crate) fn gates(self) -> usize {
        match self {
            Kind::Lstm => 4,
            Kind::Gru => 3,
            Kind::Tanh | Kind::Relu => 1,
        }
    }
}

/// All that a run depends on, as numbers that can be nudged.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) shape: RecurrentShape,
    pub(crate) projected: Vec<f64>,
    pub(crate) index: Option<Vec<u32>>,
    pub(crate) w_hh: Vec<f64>,
    /// GRU's only.
    pub(crate) bias: Vec<f64>,
    pub(crate) h: Vec<f64>,
    pub(crate) c: Vec<f64>,
    pub(crate) lengths: Option<Vec<u32>>,
    pub(crate) reverse: bool,
    pub(crate) mask: Option<Vec<f64>>,
}

/// What a run gives; with gradients, what a backward run starts from.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) outputs: Vec<f64>,
    pub(crate) h: Vec<f64>,
    pub(crate) c: Vec<f64>,
}

/// What a backward run gives.
#[derive(Clone, Debug)]
pub(crate) struct Slopes {
    pub(crate) projected: Vec<f64>,
    pub(crate) w_hh: Vec<f64>,
    pub(crate) bias: Vec<f64>,
    pub(crate) h: Vec<f64>,
    pub(crate) c: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One sequence's step: the states before, and the gates.
struct Step {
    place: usize,
    row: usize,
    h: Vec<f64>,
    c: Vec<f64>,
    gates: Vec<[f64; 4]>,
}

impl Problem {
    pub(crate) fn new(
        kind: Kind,
        shape: RecurrentShape,
        projected: Projected<'_>,
        w_hh: &[f32],
        bias: &[f32],
        (h, c): (&[f32], &[f32]),
        options: &RecurrentOptions<'_>,
    ) -> Self {
        Problem {
            kind,
            shape,
            projected: wide(projected.rows),
            index: projected.index.map(<[u32]>::to_vec),
            w_hh: wide(w_hh),
            bias: wide(bias),
            h: wide(h),
            c: wide(c),
            lengths: options.lengths.map(<[u32]>::to_vec),
            reverse: options.reverse,
            mask: options.recurrent_mask.map(wide),
        }
    }

    fn factor(&self, b: usize, k: usize) -> f64 {
        self.mask.as_ref().map_or(1.0, |mask| mask[b * self.shape.hidden + k])
    }

    /// The steps of sequence `b`, and its states after the last.
    fn sequence(&self, b: usize, outputs: &mut [f64]) -> (Vec<Step>, Vec<f64>, Vec<f64>) {
        let RecurrentShape { steps, hidden, .. } = self.shape;
        let width = self.kind.gates() * hidden;
        let len = self.lengths.as_ref().map_or(steps, |lengths| lengths[b] as usize);
        let mut h = self.h[b * hidden..(b + 1) * hidden].to_vec();
        let mut c = self.c[b * hidden..(b + 1) * hidden].to_vec();
        let mut done = Vec::new();
        for t in 0..len {
            let place = b * steps + if self.reverse { len - 1 - t } else { t };
            let row = self.index.as_ref().map_or(place, |index| index[place] as usize);
            let (mut next_h, mut next_c, mut gates) = (h.clone(), c.clone(), Vec::new());
            for j in 0..hidden {
                let product = |gate: usize| -> f64 {
                    (0..hidden)
                        .map(|k| h[k] * self.factor(b, k) * self.w_hh[k * width + gate * hidden + j])
                        .sum()
                };
                let x = |gate: usize| self.projected[row * width + gate * hidden + j];
                let unit = match self.kind {
                    Kind::Lstm => {
                        let i = sigmoid(x(0) + product(0));
                        let f = sigmoid(x(1) + product(1));
                        let g = (x(2) + product(2)).tanh();
                        let o = sigmoid(x(3) + product(3));
                        next_c[j] = f * c[j] + i * g;
                        next_h[j] = o * next_c[j].tanh();
                        [i, f, g, o]
                    }
                    Kind::Gru => {
                        let r = sigmoid(x(0) + product(0));
                        let z = sigmoid(x(1) + product(1));
                        let inner = product(2) + self.bias[j];
                        let n = (x(2) + r * inner).tanh();
                        next_h[j] = (1.0 - z) * n + z * h[j];
                        [r, z, n, inner]
                    }
                    Kind::Tanh => {
                        next_h[j] = (x(0) + product(0)).tanh();
                        [next_h[j], 0.0, 0.0, 0.0]
                    }
                    Kind::Relu => {
                        next_h[j] = (x(0) + product(0)).max(0.0);
                        [next_h[j], 0.0, 0.0, 0.0]
                    }
                };
                gates.push(unit);
            }
            outputs[place * hidden..(place + 1) * hidden].copy_from_slice(&next_h);
            done.push(Step { place, row, h, c, gates });
            (h, c) = (next_h, next_c);
        }
        (done, h, c)
    }

    pub(crate) fn forward(&self) -> Results {
        let RecurrentShape { batch, steps, hidden } = self.shape;
        let mut results =
            Results { outputs: vec![0.0; batch * steps * hidden], h: Vec::new(), c: Vec::new() };
        for b in 0..batch {
            let (_, h, c) = self.sequence(b, &mut results.outputs);
            results.h.extend(h);
            results.c.extend(c);
        }
        results
    }

    pub(crate) fn backward(&self, given: &Results) -> Slopes {
        let RecurrentShape { batch, steps, hidden } = self.shape;
        let width = self.kind.gates() * hidden;
        let mut slopes = Slopes {
            projected: vec![0.0; self.projected.len()],
            w_hh: vec![0.0; self.w_hh.len()],
            bias: vec![0.0; hidden],
            h: Vec::new(),
            c: Vec::new(),
        };
        for b in 0..batch {
            let (done, ..) = self.sequence(b, &mut vec![0.0; batch * steps * hidden]);
            let mut dh = given.h[b * hidden..(b + 1) * hidden].to_vec();
            let mut dc = given.c[b * hidden..(b + 1) * hidden].to_vec();
            for step in done.iter().rev() {
                let mut before = vec![0.0; hidden];
                for j in 0..hidden {
                    let d = dh[j] + given.outputs[step.place * hidden + j];
                    // Gradients of the recurrent products, and of the projected inputs.
                    let (products, inputs) = match self.kind {
                        Kind::Lstm => {
                            let [i, f, g, o] = step.gates[j];
                            let tanh = (f * step.c[j] + i * g).tanh();
                            let cell = dc[j] + d * o * (1.0 - tanh * tanh);
                            dc[j] = cell * f;
                            let all = [
                                cell * g * i * (1.0 - i),
                                cell * step.c[j] * f * (1.0 - f),
                                cell * i * (1.0 - g * g),
                                d * tanh * o * (1.0 - o),
                            ];
                            (all, all)
                        }
                        Kind::Gru => {
                            let [r, z, n, inner] = step.gates[j];
                            let d_n = d * (1.0 - z) * (1.0 - n * n);
                            let d_z = d * (step.h[j] - n) * z * (1.0 - z);
                            let d_r = d_n * inner * r * (1.0 - r);
                            before[j] += d * z;
                            slopes.bias[j] += d_n * r;
                            ([d_r, d_z, d_n * r, 0.0], [d_r, d_z, d_n, 0.0])
                        }
                        Kind::Tanh | Kind::Relu => {
                            let [h, ..] = step.gates[j];
                            let slope = match self.kind {
                                Kind::Tanh => 1.0 - h * h,
                                _ => f64::from(h > 0.0),
                            };
                            ([d * slope, 0.0, 0.0, 0.0], [d * slope, 0.0, 0.0, 0.0])
                        }
                    };
                    for gate in 0..self.kind.gates() {
                        slopes.projected[step.row * width + gate * hidden + j] += inputs[gate];
                        for k in 0..hidden {
                            let weight = k * width + gate * hidden + j;
                            slopes.w_hh[weight] += products[gate] * step.h[k] * self.factor(b, k);
                            before[k] += products[gate] * self.w_hh[weight] * self.factor(b, k);
                        }
                    }
                }
                dh = before;
            }
            slopes.h.extend(dh);
            slopes.c.extend(dc);
        }
        slopes
    }
}
