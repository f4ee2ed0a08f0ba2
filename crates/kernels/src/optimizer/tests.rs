use super::reference::{self, Held};
use super::*;
use crate::check::{Random, assert_close, paths};

const STEPS: usize = 4;

/// Lengths of the parameters of one network: all up to 64, and some over which threads are spread.
fn networks() -> Vec<Vec<usize>> {
    let mut random = Random::new(1);
    let mut large: Vec<usize> = (0..5).map(|_| random.below(30_000)).collect();
    large.push(1);
    vec![(0..=64).collect(), vec![60_001], large, vec![]]
}

/// One parameter of the tested kernel.
struct Parameter {
    parameter: Vec<f32>,
    gradient: Vec<f32>,
    states: [Vec<f32>; 3],
}

/// Steps networks with `step` and with `reference`, and compares parameters and states after each step.
fn check(
    what: &str,
    states_used: usize,
    step: impl Fn(Cpu, u64, &mut [Parameter]),
    reference: impl Fn(&mut Held, &[f64]),
) {
    for lens in networks() {
        let mut random = Random::new(7);
        let start: Vec<Vec<f32>> = lens.iter().map(|len| random.numbers(*len)).collect();
        let gradients: Vec<Vec<Vec<f32>>> =
            (0..STEPS).map(|_| lens.iter().map(|len| random.numbers(*len)).collect()).collect();

        let zeros = |len: usize| [vec![0.0; len], vec![0.0; len], vec![0.0; len]];
        let mut expected: Vec<Held> = (start.iter())
            .map(|parameter| Held { step: 0, parameter: as_f64(parameter), states: zeros(parameter.len()) })
            .collect();
        let mut trail = Vec::new();
        for gradients in &gradients {
            for (held, gradient) in expected.iter_mut().zip(gradients) {
                reference(held, &as_f64(gradient));
            }
            trail.push(expected.iter().map(|held| as_f32(&held.parameter)).collect::<Vec<_>>());
        }

        for path in paths() {
            let mut first_bits: Option<Vec<Vec<f32>>> = None;
            for threads in 1..=3 {
                let cpu = Cpu { threads, ..Cpu::single(path) };
                let what = format!("{what} of {lens:?} on {path}, {threads} threads");
                let mut found: Vec<Parameter> = (start.iter())
                    .map(|parameter| Parameter {
                        parameter: parameter.clone(),
                        gradient: Vec::new(),
                        states: std::array::from_fn(|state| {
                            // States beyond those in use may be empty.
                            vec![0.0; if state < states_used { parameter.len() } else { 0 }]
                        }),
                    })
                    .collect();
                for (number, gradients) in gradients.iter().enumerate() {
                    for (parameter, gradient) in found.iter_mut().zip(gradients) {
                        parameter.gradient.clone_from(gradient);
                    }
                    step(cpu, number as u64 + 1, &mut found);
                    for (parameter, expected) in found.iter().zip(&trail[number]) {
                        assert_close(&parameter.parameter, expected, 2e-6, format_args!("{what}"));
                    }
                }
                let bits: Vec<Vec<f32>> = found.into_iter().map(|found| found.parameter).collect();
                let first = first_bits.get_or_insert_with(|| bits.clone());
                assert!(*first == bits, "{what}: other bits than on one thread");
            }
        }
    }
}

fn as_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

fn as_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

#[test]
fn sgd_is_the_reference() {
    let plain = Sgd { learning_rate: 0.1, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
    let momentum = Sgd { momentum: 0.9, dampening: 0.1, weight_decay: 0.01, ..plain };
    let nesterov = Sgd { dampening: 0.0, nesterov: true, ..momentum };
    for (sgd, states) in [(plain, 0), (Sgd { weight_decay: 0.1, ..plain }, 0), (momentum, 1), (nesterov, 1)] {
        let step = |cpu, step, parameters: &mut [Parameter]| {
            let mut slots: Vec<SgdSlot> = (parameters.iter_mut())
                .map(|Parameter { parameter, gradient, states: [velocity, ..] }| {
                    if step == 1 {
                        velocity.fill(9.0); // must not matter
                    }
                    SgdSlot { step, parameter, gradient, velocity }
                })
                .collect();
            sgd_step(cpu, &sgd, &mut slots);
        };
        check(&format!("{sgd:?}"), states, step, |held, gradient| reference::sgd(&sgd, held, gradient));
    }
}

#[test]
fn adam_is_the_reference() {
    let adam = Adam {
        learning_rate: 0.01,
        beta_1: 0.9,
        beta_2: 0.99,
        epsilon: 1e-3,
        weight_decay: 0.0,
        decoupled: false,
        amsgrad: false,
    };
    let decay = Adam { weight_decay: 0.1, ..adam };
    let adam_w = Adam { decoupled: true, ..decay };
    // The greatest moment differs from the present one only where the past fades fast.
    let amsgrad = Adam { amsgrad: true, beta_2: 0.3, ..adam_w };
    for (adam, states) in [(adam, 2), (decay, 2), (adam_w, 2), (amsgrad, 3)] {
        let step = |cpu, step, parameters: &mut [Parameter]| {
            let mut slots: Vec<AdamSlot> = (parameters.iter_mut())
                .map(|Parameter { parameter, gradient, states: [first, second, greatest] }| AdamSlot {
                    step,
                    parameter,
                    gradient,
                    first_moment: first,
                    second_moment: second,
                    greatest_second_moment: greatest,
                })
                .collect();
            adam_step(cpu, &adam, &mut slots);
        };
        check(&format!("{adam:?}"), states, step, |held, gradient| reference::adam(&adam, held, gradient));
    }
}

#[test]
fn muon_is_the_reference() {
    let muon = Muon {
        learning_rate: 0.02,
        momentum: 0.95,
        nesterov: true,
        weight_decay: 0.1,
        normalized: false,
        iterations: 5,
        epsilon: 1e-7,
    };
    let plain = Muon { nesterov: false, iterations: 2, weight_decay: 0.0, ..muon };
    let shapes = [(1, 1), (1, 9), (7, 3), (3, 7), (16, 16), (33, 20), (20, 65), (64, 27)];
    let normalized = Muon { normalized: true, ..muon };
    let cases = [(muon, false), (muon, true), (plain, false), (normalized, false), (normalized, true)];
    for (muon, outputs_in_columns) in cases {
        for path in paths() {
            for threads in 1..=3 {
                let mut random = Random::new(3);
                let mut found: Vec<(Vec<f32>, Vec<f32>)> =
                    shapes.iter().map(|(r, c)| (random.numbers(r * c), vec![0.0; r * c])).collect();
                let mut expected: Vec<Held> = (found.iter())
                    .map(|(parameter, velocity)| Held {
                        step: 0,
                        parameter: as_f64(parameter),
                        states: [as_f64(velocity), Vec::new(), Vec::new()],
                    })
                    .collect();
                let mut workspace = Vec::new();
                for _ in 0..STEPS {
                    let gradients: Vec<Vec<f32>> =
                        shapes.iter().map(|(r, c)| random.numbers(r * c)).collect();
                    let mut slots: Vec<MuonSlot> = (shapes.iter().zip(&mut found).zip(&gradients))
                        .map(|((&(rows, columns), (parameter, velocity)), gradient)| MuonSlot {
                            rows,
                            columns,
                            outputs_in_columns,
                            parameter,
                            gradient,
                            velocity,
                        })
                        .collect();
                    muon_step(Cpu { threads, ..Cpu::single(path) }, &muon, &mut slots, &mut workspace);
                    for (((rows, columns), held), gradient) in
                        shapes.iter().zip(&mut expected).zip(&gradients)
                    {
                        let shape = (*rows, *columns, outputs_in_columns);
                        reference::muon(&muon, shape, held, &as_f64(gradient));
                    }
                }
                for ((shape, (found, _)), held) in shapes.iter().zip(&found).zip(&expected) {
                    let what = format!("{muon:?} of {shape:?} on {path}, {threads} threads");
                    assert_close(found, &as_f32(&held.parameter), 2e-5, format_args!("{what}"));
                }
            }
        }
    }
}

#[test]
fn muon_steps_are_nearly_orthogonal() {
    let (rows, columns) = (24, 40);
    let mut parameter = vec![0.0; rows * columns];
    let gradient = Random::new(5).numbers(rows * columns);
    let muon = Muon {
        learning_rate: 1.0,
        momentum: 0.95,
        nesterov: true,
        weight_decay: 0.0,
        normalized: false,
        iterations: 5,
        epsilon: 1e-7,
    };
    let slot = MuonSlot {
        rows,
        columns,
        outputs_in_columns: false,
        parameter: &mut parameter,
        gradient: &gradient,
        velocity: &mut vec![0.0; rows * columns],
    };
    muon_step(Cpu::best(1), &muon, &mut [slot], &mut Vec::new());
    let squares: f32 = parameter.iter().map(|x| x * x).sum();
    // The mean square of the singular values, of which there are `rows`.
    let mean_square = squares / rows as f32;
    assert!((0.5..1.5).contains(&mean_square), "{mean_square}");
}

#[test]
fn decay_of_nothing_leaves_infinite_weights_alone() {
    let sgd = Sgd { learning_rate: 0.1, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
    let mut parameter = [f32::INFINITY];
    let slot = SgdSlot { step: 1, parameter: &mut parameter, gradient: &[1.0], velocity: &mut [] };
    sgd_step(Cpu::best(1), &sgd, &mut [slot]);
    assert_eq!(parameter, [f32::INFINITY]);
}

#[test]
#[should_panic(expected = "gradient and parameter differ in length")]
fn a_gradient_of_another_length_panics() {
    let sgd = Sgd { learning_rate: 0.1, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
    let slot = SgdSlot { step: 1, parameter: &mut [0.0; 2], gradient: &[1.0], velocity: &mut [] };
    sgd_step(Cpu::best(1), &sgd, &mut [slot]);
}
