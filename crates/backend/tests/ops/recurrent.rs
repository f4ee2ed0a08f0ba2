//! `recurrent` and its sisters against steps of ordinary operations.

use burn::tensor::{Device, Int, Tensor, TensorData, activation::relu, activation::sigmoid};
use fireclay_backend::ops::{
    RecurrentCell, RecurrentInput, RecurrentOptions, RecurrentState, RecurrentWeights, recurrent,
    recurrent_last, recurrent_with_state,
};

use crate::harness::{View, compare, compare_in_f64, devices, differences, in_a_row, noise};

const CELLS: [RecurrentCell; 4] =
    [RecurrentCell::Lstm, RecurrentCell::Gru, RecurrentCell::Tanh, RecurrentCell::Relu];

/// Which of the three functions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Given {
    All,
    Last,
    WithState,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    cell: RecurrentCell,
    batch: usize,
    time: usize,
    features: usize,
    hidden: usize,
    /// Words of the vocabulary, if the input is tokens.
    vocabulary: Option<usize>,
    reverse: bool,
    lengths: bool,
    dropout: bool,
    initial: bool,
    given: Given,
    view: View,
}

const PLAIN: Case = Case {
    cell: RecurrentCell::Lstm,
    batch: 3,
    time: 4,
    features: 5,
    hidden: 6,
    vocabulary: None,
    reverse: false,
    lengths: false,
    dropout: false,
    initial: false,
    given: Given::All,
    view: View::Plain,
};

impl Case {
    fn is_gru(&self) -> bool {
        self.cell == RecurrentCell::Gru
    }

    /// Input, two matrices, the bias; then what this case has of the bias inside and the first states.
    fn lens(&self) -> Vec<usize> {
        let Case { batch, time, features, hidden, view, .. } = *self;
        let columns = self.cell.gates() * hidden;
        let input = match self.vocabulary {
            Some(vocabulary) => view.len(&[vocabulary, features]),
            None => view.len(&[batch, time, features]),
        };
        let mut lens = vec![input, view.len(&[features, columns]), view.len(&[hidden, columns]), columns];
        lens.extend(self.is_gru().then_some(hidden));
        if self.initial {
            lens.push(batch * hidden);
            lens.extend(self.cell.has_c().then_some(batch * hidden));
        }
        lens
    }

    fn weights(&self, x: &[Tensor<1>]) -> RecurrentWeights {
        let Case { cell, features, hidden, view, .. } = *self;
        let columns = cell.gates() * hidden;
        RecurrentWeights {
            cell,
            weight_ih: view.of(&x[1], [features, columns]),
            weight_hh: view.of(&x[2], [hidden, columns]),
            bias: x[3].clone(),
            bias_new: self.is_gru().then(|| x[4].clone()),
        }
    }

    fn initial(&self, x: &[Tensor<1>]) -> Option<RecurrentState> {
        let at = if self.is_gru() { 5 } else { 4 };
        let state = |at: usize| x[at].clone().reshape([self.batch, self.hidden]);
        self.initial.then(|| RecurrentState { h: state(at), c: self.cell.has_c().then(|| state(at + 1)) })
    }

    fn tokens(&self, vocabulary: usize, device: &Device) -> Tensor<2, Int> {
        let Case { batch, time, .. } = *self;
        let tokens: Vec<i64> = (0..batch * time).map(|place| (place * place % vocabulary) as i64).collect();
        Tensor::from_data(TensorData::new(tokens, [batch, time]), device)
    }

    fn length_of(&self, row: usize) -> usize {
        if self.lengths { (row * 3 + 1) % (self.time + 1) } else { self.time }
    }

    fn options(&self, x: &[Tensor<1>]) -> RecurrentOptions {
        let Case { batch, hidden, reverse, .. } = *self;
        let lengths: Vec<i64> = (0..batch).map(|row| self.length_of(row) as i64).collect();
        let lengths = Tensor::from_data(TensorData::new(lengths, [batch]), &x[0].device());
        RecurrentOptions {
            reverse,
            lengths: self.lengths.then_some(lengths),
            recurrent_dropout: self.dropout.then(|| self.mask(&x[0], batch, hidden)),
            initial: self.initial(x),
        }
    }

    fn mask(&self, like: &Tensor<1>, batch: usize, hidden: usize) -> Tensor<2> {
        let values: Vec<f32> =
            noise(batch * hidden, 77).iter().map(|x| if *x > 0.0 { 1.5 } else { 0.0 }).collect();
        Tensor::<2>::from_data(TensorData::new(values, [batch, hidden]), &like.device()).cast(like.dtype())
    }

    fn input(&self, x: &[Tensor<1>]) -> RecurrentInput {
        let Case { batch, time, features, view, .. } = *self;
        match self.vocabulary {
            None => RecurrentInput::Sequences(view.of(&x[0], [batch, time, features])),
            Some(vocabulary) => RecurrentInput::Tokens {
                embedding: view.of(&x[0], [vocabulary, features]),
                tokens: self.tokens(vocabulary, &x[0].device()),
                padding_idx: None,
            },
        }
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let (input, weights, options) = (self.input(x), self.weights(x), self.options(x));
        match self.given {
            Given::All => in_a_row(recurrent(input, &weights, &options)),
            Given::Last => in_a_row(recurrent_last(input, &weights, &options)),
            Given::WithState => {
                let (all, RecurrentState { h, c }) = recurrent_with_state(input, &weights, &options);
                let states = [Some(in_a_row(all)), Some(in_a_row(h)), c.map(in_a_row)];
                Tensor::cat(states.into_iter().flatten().collect(), 0)
            }
        }
    }

    /// Each sequence by itself, with a loop over its own steps.
    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let Case { batch, time, features, hidden, view, .. } = *self;
        let weights = self.weights(x);
        let device = x[0].device();
        let input = match self.vocabulary {
            Some(vocabulary) => {
                let tokens = self.tokens(vocabulary, &device).reshape([batch * time]);
                view.of(&x[0], [vocabulary, features]).select(0, tokens).reshape([batch, time, features])
            }
            None => view.of(&x[0], [batch, time, features]),
        };
        let mask = self.mask(&x[0], batch, hidden);
        let initial = self.initial(x);
        let zeros = || Tensor::<2>::zeros([1, hidden], &device).cast(x[0].dtype());
        let first = |of: fn(&RecurrentState) -> Option<&Tensor<2>>, row: usize| {
            initial.as_ref().and_then(of).map_or_else(zeros, |state| state.clone().slice(row..row + 1))
        };
        let (mut rows, mut hs, mut cs) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch {
            let (mut h, mut c) = (first(|state| Some(&state.h), row), first(|state| state.c.as_ref(), row));
            let mut outputs: Vec<Tensor<2>> = (0..time).map(|_| zeros()).collect();
            let length = self.length_of(row);
            for step in 0..length {
                let place = if self.reverse { length - 1 - step } else { step };
                let at = input.clone().slice([row..row + 1, place..place + 1]).reshape([1, features]);
                let state = match self.dropout {
                    true => h.clone() * mask.clone().slice(row..row + 1),
                    false => h.clone(),
                };
                (h, c) = after(&weights, at, state, h, c);
                outputs[place] = h.clone();
            }
            rows.push(Tensor::cat(outputs, 0));
            hs.push(h);
            cs.push(c);
        }
        let join = |parts: Vec<Tensor<2>>| in_a_row(Tensor::cat(parts, 0));
        match self.given {
            Given::All => join(rows),
            Given::Last => join(hs),
            Given::WithState => {
                let mut parts = vec![join(rows), join(hs)];
                parts.extend(self.cell.has_c().then(|| join(cs)));
                Tensor::cat(parts, 0)
            }
        }
    }

    fn compare(&self) {
        compare(&format!("{self:?}"), &self.lens(), &|x| self.ours(x), &|x| self.reference(x));
    }
}

/// The states after a step that reads `at`; `state` is `h` after dropout.
fn after(
    weights: &RecurrentWeights,
    at: Tensor<2>,
    state: Tensor<2>,
    h: Tensor<2>,
    c: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let x = at.matmul(weights.weight_ih.clone()) + weights.bias.clone().unsqueeze::<2>();
    let s = state.matmul(weights.weight_hh.clone());
    match weights.cell {
        RecurrentCell::Lstm => {
            let gates = (x + s).chunk(4, 1);
            let c = sigmoid(gates[1].clone()) * c + sigmoid(gates[0].clone()) * gates[2].clone().tanh();
            (sigmoid(gates[3].clone()) * c.clone().tanh(), c)
        }
        RecurrentCell::Gru => {
            let (x, s) = (x.chunk(3, 1), s.chunk(3, 1));
            let reset = sigmoid(x[0].clone() + s[0].clone());
            let update = sigmoid(x[1].clone() + s[1].clone());
            let bias = weights.bias_new.clone().unwrap().unsqueeze::<2>();
            let new = (x[2].clone() + reset * (s[2].clone() + bias)).tanh();
            ((update.ones_like() - update.clone()) * new + update * h, c)
        }
        RecurrentCell::Tanh => ((x + s).tanh(), c),
        RecurrentCell::Relu => (relu(x + s), c),
    }
}

/// Every combination of the settings; each comparison in its turn tracks every choice of inputs.
fn in_every_way_of_running(cell: RecurrentCell) {
    for bits in 0..32u32 {
        let bit = |place: u32| bits & (1 << place) != 0;
        Case {
            cell,
            reverse: bit(0),
            lengths: bit(1),
            dropout: bit(2),
            given: if bit(3) { Given::Last } else { Given::All },
            vocabulary: bit(4).then_some(7),
            ..PLAIN
        }
        .compare();
    }
}

#[test]
fn an_lstm_agrees_with_its_steps_in_every_way_of_running() {
    in_every_way_of_running(RecurrentCell::Lstm);
}

#[test]
fn a_gru_agrees_with_its_steps_in_every_way_of_running() {
    in_every_way_of_running(RecurrentCell::Gru);
}

#[test]
fn the_simple_cells_agree_with_their_steps_in_every_way_of_running() {
    in_every_way_of_running(RecurrentCell::Tanh);
    in_every_way_of_running(RecurrentCell::Relu);
}

/// With gradients into the first state, and from the last states.
#[test]
fn every_cell_goes_on_from_a_state_and_gives_its_last() {
    for cell in CELLS {
        for bits in 0..8u32 {
            let bit = |place: u32| bits & (1 << place) != 0;
            let case = Case { cell, reverse: bit(0), lengths: bit(1), batch: 4, time: 3, hidden: 5, ..PLAIN };
            Case { dropout: true, initial: bit(2), given: Given::WithState, ..case }.compare();
            let given = if bit(2) { Given::Last } else { Given::All };
            Case { initial: true, given, vocabulary: Some(4), ..case }.compare();
        }
    }
}

#[test]
fn every_cell_agrees_with_its_steps_in_every_size() {
    for cell in CELLS {
        for (batch, time, features, hidden) in
            [(1, 1, 1, 1), (1, 5, 3, 2), (4, 2, 1, 17), (9, 3, 20, 33), (2, 12, 4, 16)]
        {
            Case { cell, batch, time, features, hidden, ..PLAIN }.compare();
            Case { cell, batch, time, features, hidden, lengths: true, vocabulary: Some(5), ..PLAIN }
                .compare();
        }
    }
}

#[test]
fn every_cell_agrees_with_its_steps_in_every_view() {
    for cell in CELLS {
        for view in View::ALL {
            Case { cell, view, ..PLAIN }.compare();
            Case { cell, view, vocabulary: Some(4), given: Given::Last, ..PLAIN }.compare();
        }
    }
}

/// Which is where the body in Burn's operations runs on a CPU.
#[test]
fn every_cell_agrees_in_f64() {
    for cell in CELLS {
        for (reverse, given) in [(false, Given::All), (true, Given::WithState), (true, Given::Last)] {
            let case = Case { cell, reverse, given, time: 7, ..PLAIN };
            compare_in_f64(&format!("{case:?}"), &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
            let case = Case { lengths: true, dropout: true, initial: true, vocabulary: Some(5), ..case };
            compare_in_f64(&format!("{case:?}"), &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
        }
    }
}

#[test]
fn the_gradients_of_every_cell_are_its_slopes() {
    for cell in CELLS {
        let case = Case { cell, batch: 2, time: 3, features: 2, hidden: 3, lengths: true, ..PLAIN };
        differences(&format!("{cell:?}"), &case.lens(), &|x| case.ours(x));
        let case = Case { vocabulary: Some(4), given: Given::Last, reverse: true, initial: true, ..case };
        differences(&format!("{cell:?} of tokens"), &case.lens(), &|x| case.ours(x));
    }
}

#[test]
fn the_padding_token_gets_no_gradient() {
    for (device, cell) in devices().into_iter().flat_map(|device| CELLS.map(|cell| (device.clone(), cell))) {
        let device = device.autodiff();
        let embedding = Tensor::<2>::ones([3, 2], &device).require_grad();
        let tokens = Tensor::<2, Int>::from_ints([[0, 2, 0], [0, 1, 2]], &device);
        let weights = of_ones(cell, 2, 1, &device);
        let input = RecurrentInput::Tokens { embedding: embedding.clone(), tokens, padding_idx: Some(0) };
        let output = recurrent_last(input, &weights, &RecurrentOptions::default());
        let gradients = output.sum().backward();
        let gradient = embedding.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(gradient[..2], [0.0, 0.0]);
        assert!(gradient[2..].iter().all(|x| *x != 0.0), "{cell:?}: {gradient:?}");
    }
}

fn of_ones(cell: RecurrentCell, features: usize, hidden: usize, device: &Device) -> RecurrentWeights {
    let columns = cell.gates() * hidden;
    RecurrentWeights {
        cell,
        weight_ih: Tensor::ones([features, columns], device),
        weight_hh: Tensor::ones([hidden, columns], device),
        bias: Tensor::zeros([columns], device),
        bias_new: None,
    }
}

#[test]
fn no_steps_leave_the_state_as_it_was() {
    for (device, cell) in devices().into_iter().flat_map(|device| CELLS.map(|cell| (device.clone(), cell))) {
        let weights = of_ones(cell, 2, 3, &device);
        let empty = |batch: usize, time: usize| {
            Tensor::<3>::ones([4, 4, 2], &device).slice([0..batch, 0..time, 0..2])
        };
        let read = |state: Tensor<2>| state.into_data().try_into_vec::<f32>().unwrap();
        let options = RecurrentOptions::default();
        assert_eq!(recurrent(empty(4, 0), &weights, &options).dims(), [4, 0, 3]);
        assert_eq!(recurrent(empty(0, 4), &weights, &options).dims(), [0, 4, 3]);
        assert_eq!(read(recurrent_last(empty(4, 0), &weights, &options)), [0.0; 12]);
        let twos = Tensor::<2>::ones([4, 3], &device) * 2.0;
        let initial = RecurrentState { h: twos.clone(), c: cell.has_c().then_some(twos) };
        let options = RecurrentOptions { initial: Some(initial), ..options };
        let (all, last) = recurrent_with_state(empty(4, 0), &weights, &options);
        assert_eq!(all.dims(), [4, 0, 3]);
        assert_eq!(read(last.h), [2.0; 12]);
        assert!(last.c.is_none_or(|c| read(c) == [2.0; 12]));
    }
}

#[test]
#[should_panic(expected = "an LSTM has a state c")]
fn a_state_of_another_cell_is_refused() {
    let device = Device::default();
    let initial = Some(RecurrentState { h: Tensor::zeros([1, 3], &device), c: None });
    let options = RecurrentOptions { initial, ..RecurrentOptions::default() };
    recurrent(Tensor::<3>::zeros([1, 2, 2], &device), &of_ones(RecurrentCell::Lstm, 2, 3, &device), &options);
}
