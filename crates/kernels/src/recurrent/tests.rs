//! The kernels against the reference on every path, and the reference against finite differences.

use super::reference::{Kind, Problem, Results, Slopes};
use super::*;
use crate::check::{Random, assert_close, cpus, narrow, paths, wide};
use crate::int8::rounded_columns;

/// Which options a case uses.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    index: bool,
    lengths: bool,
    reverse: bool,
    mask: bool,
    initial: bool,
}

impl Uses {
    const ALL: Uses = Uses { index: true, lengths: true, reverse: true, mask: true, initial: true };

    /// Every combination, by number from 0 to 31.
    fn number(n: usize) -> Uses {
        Uses {
            index: n & 1 > 0,
            lengths: n & 2 > 0,
            reverse: n & 4 > 0,
            mask: n & 8 > 0,
            initial: n & 16 > 0,
        }
    }
}

/// Inputs of a run, and gradients to start backward from.
struct Case {
    kind: Kind,
    shape: RecurrentShape,
    uses: Uses,
    projected: Vec<f32>,
    index: Vec<u32>,
    w_hh: Vec<f32>,
    bias: Vec<f32>,
    h: Vec<f32>,
    c: Vec<f32>,
    lengths: Vec<u32>,
    mask: Vec<f32>,
    d_outputs: Vec<f32>,
    d_h: Vec<f32>,
    d_c: Vec<f32>,
}

/// All that the kernels give.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    outputs: Vec<f32>,
    h: Vec<f32>,
    c: Vec<f32>,
    d_projected: Vec<f32>,
    d_w_hh: Vec<f32>,
    d_bias: Vec<f32>,
    d_initial_h: Vec<f32>,
    d_initial_c: Vec<f32>,
}

impl Case {
    fn new(kind: Kind, [batch, steps, hidden]: [usize; 3], uses: Uses, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let shape = RecurrentShape { batch, steps, hidden };
        let width = kind.gates() * hidden;
        let rows = if uses.index { random.below((batch * steps).max(1)) + 1 } else { batch * steps };
        let scale = 1.0 / (hidden.max(1) as f32).sqrt();
        let zeros = |wanted: bool, from: Vec<f32>| if wanted { from } else { vec![0.0; from.len()] };
        let lstm = kind == Kind::Lstm;
        Case {
            kind,
            shape,
            uses,
            projected: random.numbers(rows * width),
            index: (0..batch * steps).map(|_| random.below(rows) as u32).collect(),
            w_hh: random.numbers(hidden * width).into_iter().map(|x| x * scale).collect(),
            bias: random.numbers(hidden),
            h: zeros(uses.initial, random.numbers(batch * hidden)),
            c: zeros(uses.initial && lstm, random.numbers(batch * hidden)),
            lengths: (0..batch).map(|_| random.below(steps + 1) as u32).collect(),
            mask: (0..batch * hidden).map(|_| if random.number() > 0.0 { 2.0 } else { 0.0 }).collect(),
            d_outputs: random.numbers(batch * steps * hidden),
            d_h: random.numbers(batch * hidden),
            d_c: zeros(lstm, random.numbers(batch * hidden)),
        }
    }

    fn options(&self) -> RecurrentOptions<'_> {
        RecurrentOptions {
            lengths: self.uses.lengths.then_some(&self.lengths[..]),
            reverse: self.uses.reverse,
            recurrent_mask: self.uses.mask.then_some(&self.mask[..]),
            int8: None,
        }
    }

    /// Outputs and last states of a run that keeps nothing, with the recurrent weights as whole numbers if they are given.
    fn infer(&self, cpu: Cpu, int8: Option<&Int8RecurrentWeights>) -> (Vec<f32>, Vec<f32>) {
        let RecurrentShape { batch, steps, hidden } = self.shape;
        let (mut all, mut h) = (vec![f32::NAN; batch * steps * hidden], vec![f32::NAN; batch * hidden]);
        let mut c = h.clone();
        let options = RecurrentOptions { int8, ..self.options() };
        let initial = self.uses.initial.then_some(&self.h[..]);
        let outputs = Some(&mut all[..]);
        match self.kind {
            Kind::Lstm => {
                let initial = initial.map(|h| LstmState { h, c: &self.c });
                let output = LstmOutput { outputs, h: &mut h, c: &mut c };
                lstm_inference(cpu, self.shape, self.rows(), &self.w_hh, initial, &options, output);
            }
            Kind::Gru => {
                let weights = GruWeights { w_hh: &self.w_hh, bias: Some(&self.bias) };
                let output = GruOutput { outputs, h: &mut h };
                gru_inference(cpu, self.shape, self.rows(), weights, initial, &options, output);
            }
            Kind::Tanh | Kind::Relu => {
                let activation =
                    if self.kind == Kind::Tanh { RnnActivation::Tanh } else { RnnActivation::Relu };
                let weights = RnnWeights { w_hh: &self.w_hh, activation };
                let output = RnnOutput { outputs, h: &mut h };
                rnn_inference(cpu, self.shape, self.rows(), weights, initial, &options, output);
            }
        }
        (all, h)
    }

    fn int8_weights(&self, cpu: Cpu) -> Int8RecurrentWeights {
        Int8RecurrentWeights::new(cpu, &self.w_hh, self.shape.hidden, self.kind.gates()).expect("few terms")
    }

    fn rows(&self) -> Projected<'_> {
        Projected { rows: &self.projected, index: self.uses.index.then_some(&self.index[..]) }
    }

    fn problem(&self) -> Problem {
        Problem::new(
            self.kind,
            self.shape,
            self.rows(),
            &self.w_hh,
            &self.bias,
            (&self.h, &self.c),
            &self.options(),
        )
    }

    fn given(&self) -> Results {
        Results { outputs: wide(&self.d_outputs), h: wide(&self.d_h), c: wide(&self.d_c) }
    }

    /// Runs forward and backward; on the way checks that inference, with outputs and without, gives the same.
    fn run(&self, cpu: Cpu, tape: &mut RecurrentTape) -> Found {
        let RecurrentShape { batch, steps, hidden } = self.shape;
        let nan = |len: usize| vec![f32::NAN; len];
        let mut found = Found {
            outputs: nan(batch * steps * hidden),
            h: nan(batch * hidden),
            c: nan(batch * hidden),
            d_projected: nan(self.projected.len()),
            d_w_hh: nan(self.w_hh.len()),
            d_bias: nan(hidden),
            d_initial_h: nan(batch * hidden),
            d_initial_c: nan(batch * hidden),
        };
        let (mut h, mut c, mut outputs) = (found.h.clone(), found.c.clone(), found.outputs.clone());
        let (shape, options) = (self.shape, self.options());
        match self.kind {
            Kind::Lstm => {
                let initial = self.uses.initial.then_some(LstmState { h: &self.h, c: &self.c });
                let output =
                    LstmOutput { outputs: Some(&mut found.outputs), h: &mut found.h, c: &mut found.c };
                lstm_forward(cpu, shape, self.rows(), &self.w_hh, initial, &options, output, tape);
                let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
                lstm_inference(cpu, shape, self.rows(), &self.w_hh, initial, &options, output);
                assert_eq!((&h, &c), (&found.h, &found.c));
                let output = LstmOutput { outputs: Some(&mut outputs), h: &mut h, c: &mut c };
                lstm_inference(cpu, shape, self.rows(), &self.w_hh, initial, &options, output);
                lstm_backward(
                    tape,
                    &self.w_hh,
                    LstmBackward {
                        d_outputs: Some(&self.d_outputs),
                        d_h: Some(&self.d_h),
                        d_c: Some(&self.d_c),
                        d_projected: &mut found.d_projected,
                        d_w_hh: &mut found.d_w_hh,
                        d_initial_h: Some(&mut found.d_initial_h),
                        d_initial_c: Some(&mut found.d_initial_c),
                    },
                );
                found.d_bias.clear();
            }
            Kind::Gru => {
                let initial = self.uses.initial.then_some(&self.h[..]);
                let weights = GruWeights { w_hh: &self.w_hh, bias: Some(&self.bias) };
                let output = GruOutput { outputs: Some(&mut found.outputs), h: &mut found.h };
                gru_forward(cpu, shape, self.rows(), weights, initial, &options, output, tape);
                let output = GruOutput { outputs: None, h: &mut h };
                gru_inference(cpu, shape, self.rows(), weights, initial, &options, output);
                assert_eq!(h, found.h);
                let output = GruOutput { outputs: Some(&mut outputs), h: &mut h };
                gru_inference(cpu, shape, self.rows(), weights, initial, &options, output);
                gru_backward(
                    tape,
                    weights,
                    GruBackward {
                        d_outputs: Some(&self.d_outputs),
                        d_h: Some(&self.d_h),
                        d_projected: &mut found.d_projected,
                        d_w_hh: &mut found.d_w_hh,
                        d_bias: Some(&mut found.d_bias),
                        d_initial_h: Some(&mut found.d_initial_h),
                    },
                );
                (found.c, found.d_initial_c) = (Vec::new(), Vec::new());
            }
            Kind::Tanh | Kind::Relu => {
                let activation =
                    if self.kind == Kind::Tanh { RnnActivation::Tanh } else { RnnActivation::Relu };
                let initial = self.uses.initial.then_some(&self.h[..]);
                let weights = RnnWeights { w_hh: &self.w_hh, activation };
                let output = RnnOutput { outputs: Some(&mut found.outputs), h: &mut found.h };
                rnn_forward(cpu, shape, self.rows(), weights, initial, &options, output, tape);
                let output = RnnOutput { outputs: None, h: &mut h };
                rnn_inference(cpu, shape, self.rows(), weights, initial, &options, output);
                assert_eq!(h, found.h);
                let output = RnnOutput { outputs: Some(&mut outputs), h: &mut h };
                rnn_inference(cpu, shape, self.rows(), weights, initial, &options, output);
                rnn_backward(
                    tape,
                    weights,
                    RnnBackward {
                        d_outputs: Some(&self.d_outputs),
                        d_h: Some(&self.d_h),
                        d_projected: &mut found.d_projected,
                        d_w_hh: &mut found.d_w_hh,
                        d_initial_h: Some(&mut found.d_initial_h),
                    },
                );
                (found.c, found.d_bias, found.d_initial_c) = (Vec::new(), Vec::new(), Vec::new());
            }
        }
        assert_eq!((&outputs, &h), (&found.outputs, &found.h), "inference gives the same as training");
        found
    }

    /// Every path and some numbers of threads against the reference.
    fn check(&self, threads: &[usize], tape: &mut RecurrentTape) {
        let problem = self.problem();
        let results = problem.forward();
        let slopes = problem.backward(&self.given());
        for path in paths() {
            for &threads in threads {
                let found = self.run(Cpu { threads, ..Cpu::single(path) }, tape);
                let name =
                    format!("{:?} {:?} {:?} on {path}, {threads} threads", self.kind, self.shape, self.uses);
                let close = |what: &str, found: &[f32], expected: &[f64]| {
                    // Errors grow with the greatest term of a sum, so that the tolerance does too.
                    let size = expected.iter().fold(1.0f64, |size, x| size.max(x.abs())) as f32;
                    assert_close(found, &narrow(expected), 3e-5 * size, format_args!("{what} of {name}"));
                };
                close("outputs", &found.outputs, &results.outputs);
                close("last state", &found.h, &results.h);
                close("d_projected", &found.d_projected, &slopes.projected);
                close("d_w_hh", &found.d_w_hh, &slopes.w_hh);
                close("d_initial_h", &found.d_initial_h, &slopes.h);
                match self.kind {
                    Kind::Lstm => {
                        close("last cell state", &found.c, &results.c);
                        close("d_initial_c", &found.d_initial_c, &slopes.c);
                    }
                    Kind::Gru => close("d_bias", &found.d_bias, &slopes.bias),
                    Kind::Tanh | Kind::Relu => {}
                }
            }
        }
    }
}

const KINDS: [Kind; 4] = [Kind::Lstm, Kind::Gru, Kind::Tanh, Kind::Relu];

#[test]
fn every_size_agrees_with_the_reference() {
    let mut tape = RecurrentTape::default();
    for kind in KINDS {
        for size in 0..=64 {
            let seed = size as u64;
            for (n, shape) in
                [[size, 3, 10], [3, size, 5], [2, 3, size], [size, 2, 18]].into_iter().enumerate()
            {
                Case::new(kind, shape, Uses::number(size * 7 + n * 3), seed).check(&[1, 2], &mut tape);
            }
        }
    }
}

#[test]
fn every_option_agrees_with_the_reference_on_any_threads() {
    for kind in KINDS {
        for n in 0..32 {
            let mut tape = RecurrentTape::default();
            for shape in [[5, 7, 19], [13, 4, 33], [1, 9, 6]] {
                Case::new(kind, shape, Uses::number(n), n as u64).check(&[1, 2, 3], &mut tape);
            }
        }
    }
}

#[test]
fn larger_sizes_agree_with_the_reference() {
    let mut random = Random::new(11);
    let mut tape = RecurrentTape::default();
    for seed in 0..4 {
        for kind in KINDS {
            let shape = [random.below(70) + 1, random.below(20) + 1, random.below(150) + 1];
            Case::new(kind, shape, Uses::number(random.below(32)), seed).check(&[2], &mut tape);
        }
    }
    Case::new(Kind::Lstm, [33, 70, 64], Uses::default(), 1).check(&[1, 2], &mut tape);
}

#[test]
fn two_runs_are_the_same_bit_by_bit() {
    for kind in KINDS {
        for uses in [Uses::default(), Uses::ALL] {
            let case = Case::new(kind, [23, 40, 50], uses, 5);
            for path in paths() {
                for threads in 1..=3 {
                    let cpu = Cpu { threads, ..Cpu::single(path) };
                    // Also when the tape is new, and when the threads come in another order.
                    let mut tape = RecurrentTape::default();
                    let first = case.run(cpu, &mut tape);
                    for _ in 0..3 {
                        assert_eq!(first, case.run(cpu, &mut tape));
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_that_are_not_given_are_zero() {
    let mut case = Case::new(Kind::Lstm, [5, 6, 20], Uses::ALL, 3);
    for zero in [&mut case.d_outputs, &mut case.d_h, &mut case.d_c] {
        zero.fill(0.0);
    }
    for path in paths() {
        for keep_h in [false, true] {
            if keep_h {
                case.d_h.fill(0.5);
            }
            let mut tape = RecurrentTape::default();
            let expected = case.run(Cpu { threads: 2, ..Cpu::single(path) }, &mut tape);
            let (mut d_projected, mut d_w_hh) = (case.projected.clone(), case.w_hh.clone());
            let gradients = LstmBackward {
                d_outputs: None,
                d_h: keep_h.then_some(&case.d_h[..]),
                d_c: None,
                d_projected: &mut d_projected,
                d_w_hh: &mut d_w_hh,
                d_initial_h: None,
                d_initial_c: None,
            };
            lstm_backward(&mut tape, &case.w_hh, gradients);
            assert_eq!((d_projected, d_w_hh), (expected.d_projected, expected.d_w_hh));
        }
        case.d_h.fill(0.0);
    }
}

#[test]
fn a_batch_of_two_is_two_batches_of_one() {
    let whole = Case::new(Kind::Lstm, [2, 9, 21], Uses::default(), 8);
    for path in paths() {
        let found = whole.run(Cpu::single(path), &mut RecurrentTape::default());
        for row in 0..2 {
            let mut one = Case::new(Kind::Lstm, [1, 9, 21], Uses::default(), 8);
            one.projected = whole.projected[row * 9 * 84..(row + 1) * 9 * 84].to_vec();
            one.w_hh = whole.w_hh.clone();
            let alone = one.run(Cpu::single(path), &mut RecurrentTape::default());
            let together = &found.outputs[row * 9 * 21..(row + 1) * 9 * 21];
            assert_close(&alone.outputs, together, 1e-6, format_args!("outputs"));
        }
    }
}

/// The sum of everything that a run gives, weighted.
fn loss(problem: &Problem, given: &Results) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let results = problem.forward();
    dot(&results.outputs, &given.outputs) + dot(&results.h, &given.h) + dot(&results.c, &given.c)
}

/// The greatest gap between gradients and central differences.
fn gap_to_differences(problem: &Problem, given: &Results, slopes: &Slopes) -> f64 {
    let mut worst = 0.0f64;
    let mut problem = problem.clone();
    type Field = fn(&mut Problem) -> &mut Vec<f64>;
    let fields: [(Field, &Vec<f64>); 5] = [
        (|p| &mut p.projected, &slopes.projected),
        (|p| &mut p.w_hh, &slopes.w_hh),
        (|p| &mut p.bias, &slopes.bias),
        (|p| &mut p.h, &slopes.h),
        (|p| &mut p.c, &slopes.c),
    ];
    for (field, slopes) in fields {
        for (at, slope) in slopes.iter().enumerate() {
            let step = 1e-5;
            let value = field(&mut problem)[at];
            field(&mut problem)[at] = value + step;
            let up = loss(&problem, given);
            field(&mut problem)[at] = value - step;
            let down = loss(&problem, given);
            field(&mut problem)[at] = value;
            worst = worst.max(((up - down) / (2.0 * step) - slope).abs());
        }
    }
    worst
}

#[test]
fn gradients_of_the_reference_are_central_differences() {
    for kind in KINDS {
        for n in 0..32 {
            let case = Case::new(kind, [3, 4, 3], Uses::number(n), n as u64);
            let (problem, given) = (case.problem(), case.given());
            let mut slopes = problem.backward(&given);
            let gap = gap_to_differences(&problem, &given, &slopes);
            assert!(gap < 1e-7, "{kind:?} {:?}: {gap}", case.uses);
            // A wrong gradient would be found.
            slopes.w_hh[4] += 1e-3;
            assert!(gap_to_differences(&problem, &given, &slopes) > 5e-4);
        }
    }
}

#[test]
#[should_panic(expected = "the index names projected row 2 of 2")]
fn an_index_beyond_the_rows_is_refused() {
    let mut case = Case::new(Kind::Lstm, [2, 3, 4], Uses { index: true, ..Uses::default() }, 1);
    case.projected = vec![0.0; 2 * 16];
    case.index = vec![0, 1, 2, 0, 0, 0];
    case.run(Cpu::best(1), &mut RecurrentTape::default());
}

#[test]
#[should_panic(expected = "a sequence has 4 steps of 3")]
fn a_length_beyond_the_steps_is_refused() {
    let mut case = Case::new(Kind::Gru, [2, 3, 4], Uses { lengths: true, ..Uses::default() }, 1);
    case.lengths = vec![4, 1];
    case.run(Cpu::best(1), &mut RecurrentTape::default());
}

#[test]
#[should_panic(expected = "the tape is of another kind of layer")]
fn a_tape_that_nothing_was_written_on_is_refused() {
    let backward = GruBackward {
        d_outputs: None,
        d_h: None,
        d_projected: &mut [],
        d_w_hh: &mut [],
        d_bias: None,
        d_initial_h: None,
    };
    gru_backward(&mut RecurrentTape::default(), GruWeights { w_hh: &[], bias: None }, backward);
}

/// Factors that bf16 holds as they are give what f32 gives: with one step they are the weights and the first state.
#[test]
fn in_bf16_a_step_of_rounded_numbers_is_that_of_f32() {
    use crate::Precision;
    use crate::simd::bf16::round;

    let mut tape = RecurrentTape::default();
    for kind in KINDS {
        for hidden in [1, 2, 7, 16, 33, 64, 100] {
            let mut case = Case::new(kind, [9, 1, hidden], Uses { initial: true, ..Uses::default() }, 3);
            case.w_hh.iter_mut().chain(&mut case.h).for_each(|x| *x = round(*x));
            let expected = narrow(&case.problem().forward().h);
            for cpu in paths().map(Cpu::single) {
                let cpu = Cpu { precision: Precision::Bf16, threads: 2, ..cpu };
                let found = case.run(cpu, &mut tape);
                assert_close(&found.h, &expected, 3e-5, format_args!("{kind:?} of {hidden} on {cpu:?}"));
            }
        }
    }
}

#[test]
fn in_bf16_all_steps_and_gradients_are_those_of_f32_but_for_the_roundings() {
    use crate::Precision;

    let mut tape = RecurrentTape::default();
    for kind in [Kind::Lstm, Kind::Gru, Kind::Tanh] {
        for (n, shape) in [[9, 12, 37], [5, 7, 64], [70, 5, 20]].into_iter().enumerate() {
            let case = Case::new(kind, shape, Uses::number(7 * n + 17), n as u64);
            let (results, slopes) = (case.problem().forward(), case.problem().backward(&case.given()));
            for cpu in paths().map(Cpu::single) {
                let cpu = Cpu { precision: Precision::Bf16, threads: 2, ..cpu };
                let found = case.run(cpu, &mut tape);
                assert_eq!(found, case.run(cpu, &mut tape), "two runs differ");
                assert_ne!(found.h, case.run(Cpu { threads: 2, ..Cpu::single(cpu.path) }, &mut tape).h);
                for (what, found, expected) in [
                    ("outputs", &found.outputs, &results.outputs),
                    ("d_projected", &found.d_projected, &slopes.projected),
                    ("d_w_hh", &found.d_w_hh, &slopes.w_hh),
                    ("d_initial_h", &found.d_initial_h, &slopes.h),
                ] {
                    let size = expected.iter().fold(1.0f64, |size, x| size.max(x.abs())) as f32;
                    let name = format_args!("{what} of {kind:?} {shape:?} on {cpu:?}");
                    assert_close(found, &narrow(expected), 0.02 * size, name);
                }
            }
        }
    }
}

/// The weights as exact multiples of a scale for each column, and the first states of a step.
fn rounded(mut case: Case) -> Case {
    let (hidden, columns) = (case.shape.hidden, case.kind.gates() * case.shape.hidden);
    let (whole, scales) = rounded_columns(&case.w_hh, hidden, columns);
    for (at, weight) in case.w_hh.iter_mut().enumerate() {
        let (row, column) = (at / columns, at % columns);
        *weight = f32::from(whole[column * hidden + row]) * scales[column];
    }
    case.h.iter_mut().for_each(|h| *h = (*h * 127.0).round() / 127.0);
    case
}

#[test]
fn a_step_of_bytes_agrees_with_the_reference_for_states_that_are_bytes() {
    for kind in [Kind::Lstm, Kind::Gru, Kind::Tanh] {
        for size in (0..=66).chain([127, 200]) {
            let uses =
                Uses { initial: true, index: size % 3 == 0, reverse: size % 2 == 0, ..Uses::default() };
            let case = rounded(Case::new(kind, [size % 20, 1, size], uses, size as u64));
            let expected = case.problem().forward();
            for cpu in cpus() {
                let (outputs, h) = case.infer(cpu, Some(&case.int8_weights(cpu)));
                let what = format_args!("{kind:?} of {size} on {cpu:?}");
                assert_close(&outputs, &narrow(&expected.outputs), 3e-5, what);
                assert_close(&h, &narrow(&expected.h), 3e-5, what);
            }
        }
    }
}

#[test]
fn many_steps_of_bytes_stay_near_the_reference() {
    for kind in [Kind::Lstm, Kind::Gru, Kind::Tanh] {
        for n in 0..32 {
            let uses = Uses { mask: false, ..Uses::number(n) };
            let case = rounded(Case::new(kind, [7, 30, 45], uses, n as u64));
            let expected = case.problem().forward();
            for cpu in cpus() {
                let (outputs, h) = case.infer(cpu, Some(&case.int8_weights(cpu)));
                let what = format_args!("{kind:?} {uses:?} on {cpu:?}");
                assert_close(&outputs, &narrow(&expected.outputs), 0.02, what);
                assert_close(&h, &narrow(&expected.h), 0.02, what);
                assert!(outputs != case.infer(cpu, None).0, "bytes are not quite the same");
                if cpu.threads > 1 {
                    let alone = cpu.alone();
                    assert!(outputs == case.infer(alone, Some(&case.int8_weights(alone))).0, "{what}");
                }
            }
        }
    }
}

#[test]
fn states_that_are_no_bytes_run_in_f32() {
    let with = |uses: Uses| Case::new(Kind::Gru, [3, 5, 20], uses, 1);
    let mut beyond = with(Uses { initial: true, ..Uses::default() });
    beyond.h[7] = 1.5;
    let masked = with(Uses { mask: true, ..Uses::default() });
    let relu = Case::new(Kind::Relu, [3, 5, 20], Uses::default(), 1);
    for case in [beyond, masked, relu] {
        for cpu in cpus() {
            let bits = |(outputs, h): (Vec<f32>, Vec<f32>)| -> Vec<u32> {
                outputs.iter().chain(&h).map(|x| x.to_bits()).collect()
            };
            assert_eq!(bits(case.infer(cpu, Some(&case.int8_weights(cpu)))), bits(case.infer(cpu, None)));
        }
    }
}

#[test]
fn a_state_of_bytes_that_is_no_number_stays_none_and_its_neighbours_are_as_before() {
    for kind in [Kind::Lstm, Kind::Gru, Kind::Tanh] {
        let whole = Case::new(kind, [3, 5, 20], Uses::default(), 1);
        let mut spoilt = Case::new(kind, [3, 5, 20], Uses::default(), 1);
        // The second step of the second sequence.
        spoilt.projected[(5 + 1) * kind.gates() * 20 + 11] = f32::NAN;
        for cpu in cpus() {
            let int8 = whole.int8_weights(cpu);
            let (outputs, h) = spoilt.infer(cpu, Some(&int8));
            let (expected, last) = whole.infer(cpu, Some(&int8));
            for step in 1..5 {
                let row = &outputs[(5 + step) * 20..][..20];
                assert!(row.iter().any(|x| x.is_nan()), "{kind:?} on {cpu:?}: step {step}");
            }
            assert!(h[20..40].iter().any(|x| x.is_nan()), "{kind:?} on {cpu:?}");
            for (row, steps) in [(0, 0..100), (2, 200..300)] {
                assert_eq!(outputs[steps.clone()], expected[steps]);
                assert_eq!(h[row * 20..][..20], last[row * 20..][..20]);
            }
        }
    }
}

#[test]
#[should_panic(expected = "recurrent weights of other sizes")]
fn whole_numbers_of_another_layer_are_refused() {
    let case = Case::new(Kind::Gru, [3, 5, 5], Uses::default(), 1);
    let other = Case::new(Kind::Gru, [3, 5, 8], Uses::default(), 1);
    case.infer(Cpu::best(1), Some(&other.int8_weights(Cpu::best(1))));
}

#[test]
fn recurrent_weights_that_are_not_finite_have_no_bytes() {
    let weights = [f32::INFINITY];
    assert!(Int8RecurrentWeights::new(Cpu::best(1), &weights, 1, 1).is_none());
}
