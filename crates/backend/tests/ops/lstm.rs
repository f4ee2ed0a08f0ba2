//! `lstm` and its sisters against steps of ordinary operations.

use burn::tensor::{Device, Int, Tensor, TensorData, activation::sigmoid};
use fireclay_backend::ops::{LstmOptions, LstmWeights, embedding_lstm, embedding_lstm_last, lstm, lstm_last};

use crate::harness::{View, compare, compare_in_f64, devices, differences, in_a_row, noise};

#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    time: usize,
    features: usize,
    hidden: usize,
    /// Words of the vocabulary, if the input is tokens.
    vocabulary: Option<usize>,
    reverse: bool,
    lengths: bool,
    dropout: bool,
    last_only: bool,
    view: View,
}

const PLAIN: Case = Case {
    batch: 3,
    time: 4,
    features: 5,
    hidden: 6,
    vocabulary: None,
    reverse: false,
    lengths: false,
    dropout: false,
    last_only: false,
    view: View::Plain,
};

impl Case {
    fn lens(&self) -> [usize; 4] {
        let Case { batch, time, features, hidden, view, .. } = *self;
        let input = match self.vocabulary {
            Some(vocabulary) => view.len(&[vocabulary, features]),
            None => view.len(&[batch, time, features]),
        };
        [input, view.len(&[features, 4 * hidden]), view.len(&[hidden, 4 * hidden]), 4 * hidden]
    }

    fn weights(&self, x: &[Tensor<1>]) -> LstmWeights {
        let Case { features, hidden, view, .. } = *self;
        LstmWeights {
            weight_ih: view.of(&x[1], [features, 4 * hidden]),
            weight_hh: view.of(&x[2], [hidden, 4 * hidden]),
            bias: x[3].clone(),
        }
    }

    fn tokens(&self, vocabulary: usize, device: &Device) -> Tensor<2, Int> {
        let Case { batch, time, .. } = *self;
        let tokens: Vec<i64> = (0..batch * time).map(|place| (place * place % vocabulary) as i64).collect();
        Tensor::from_data(TensorData::new(tokens, [batch, time]), device)
    }

    fn length_of(&self, row: usize) -> usize {
        if self.lengths { (row * 3 + 1) % (self.time + 1) } else { self.time }
    }

    fn options(&self, like: &Tensor<1>) -> LstmOptions {
        let Case { batch, hidden, reverse, .. } = *self;
        let lengths: Vec<i64> = (0..batch).map(|row| self.length_of(row) as i64).collect();
        let lengths = Tensor::from_data(TensorData::new(lengths, [batch]), &like.device());
        LstmOptions {
            reverse,
            lengths: self.lengths.then_some(lengths),
            recurrent_dropout: self.dropout.then(|| self.mask(like, batch, hidden)),
        }
    }

    fn mask(&self, like: &Tensor<1>, batch: usize, hidden: usize) -> Tensor<2> {
        let values: Vec<f32> =
            noise(batch * hidden, 77).iter().map(|x| if *x > 0.0 { 1.5 } else { 0.0 }).collect();
        Tensor::<2>::from_data(TensorData::new(values, [batch, hidden]), &like.device()).cast(like.dtype())
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let Case { batch, time, features, view, .. } = *self;
        let (weights, options) = (self.weights(x), self.options(&x[0]));
        let Some(vocabulary) = self.vocabulary else {
            let input = view.of(&x[0], [batch, time, features]);
            return match self.last_only {
                true => in_a_row(lstm_last(input, &weights, &options)),
                false => in_a_row(lstm(input, &weights, &options)),
            };
        };
        let tokens = self.tokens(vocabulary, &x[0].device());
        let table = view.of(&x[0], [vocabulary, features]);
        match self.last_only {
            true => in_a_row(embedding_lstm_last(table, tokens, None, &weights, &options)),
            false => in_a_row(embedding_lstm(table, tokens, None, &weights, &options)),
        }
    }

    /// Each sequence by itself, with a loop over its own steps.
    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let Case { batch, time, features, hidden, view, .. } = *self;
        let LstmWeights { weight_ih, weight_hh, bias } = self.weights(x);
        let device = x[0].device();
        let input = match self.vocabulary {
            Some(vocabulary) => {
                let tokens = self.tokens(vocabulary, &device).reshape([batch * time]);
                view.of(&x[0], [vocabulary, features]).select(0, tokens).reshape([batch, time, features])
            }
            None => view.of(&x[0], [batch, time, features]),
        };
        let mask = self.mask(&x[0], batch, hidden);
        let zeros = || Tensor::<2>::zeros([1, hidden], &device).cast(x[0].dtype());
        let mut rows = Vec::new();
        for row in 0..batch {
            let (mut h, mut c) = (zeros(), zeros());
            let mut outputs: Vec<Tensor<2>> = (0..time).map(|_| zeros()).collect();
            let length = self.length_of(row);
            for step in 0..length {
                let place = if self.reverse { length - 1 - step } else { step };
                let at = input.clone().slice([row..row + 1, place..place + 1]).reshape([1, features]);
                let state = match self.dropout {
                    true => h * mask.clone().slice(row..row + 1),
                    false => h,
                };
                let sums = at.matmul(weight_ih.clone())
                    + state.matmul(weight_hh.clone())
                    + bias.clone().unsqueeze::<2>();
                let gates = sums.chunk(4, 1);
                c = sigmoid(gates[1].clone()) * c + sigmoid(gates[0].clone()) * gates[2].clone().tanh();
                h = sigmoid(gates[3].clone()) * c.clone().tanh();
                outputs[place] = h.clone();
            }
            rows.push(if self.last_only { h } else { Tensor::cat(outputs, 0) });
        }
        in_a_row(Tensor::cat(rows, 0))
    }

    fn compare(&self) {
        compare(&format!("{self:?}"), &self.lens(), &|x| self.ours(x), &|x| self.reference(x));
    }
}

#[test]
fn an_lstm_agrees_with_its_steps_in_every_way_of_running() {
    for bits in 0..32u32 {
        let bit = |place: u32| bits & (1 << place) != 0;
        Case {
            reverse: bit(0),
            lengths: bit(1),
            dropout: bit(2),
            last_only: bit(3),
            vocabulary: bit(4).then_some(7),
            ..PLAIN
        }
        .compare();
    }
}

#[test]
fn an_lstm_agrees_with_its_steps_in_every_size() {
    for (batch, time, features, hidden) in
        [(1, 1, 1, 1), (1, 5, 3, 2), (4, 2, 1, 17), (9, 3, 20, 33), (2, 12, 4, 16)]
    {
        Case { batch, time, features, hidden, ..PLAIN }.compare();
        Case { batch, time, features, hidden, lengths: true, vocabulary: Some(5), ..PLAIN }.compare();
    }
}

#[test]
fn an_lstm_agrees_with_its_steps_in_every_view() {
    for view in View::ALL {
        Case { view, ..PLAIN }.compare();
        Case { view, vocabulary: Some(4), last_only: true, ..PLAIN }.compare();
    }
}

#[test]
fn an_lstm_agrees_in_f64() {
    let case = Case { lengths: true, dropout: true, ..PLAIN };
    compare_in_f64("lstm", &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
}

#[test]
fn the_gradients_of_an_lstm_are_its_slopes() {
    let case = Case { batch: 2, time: 3, features: 2, hidden: 3, lengths: true, ..PLAIN };
    differences("lstm", &case.lens(), &|x| case.ours(x));
    let case = Case { vocabulary: Some(4), last_only: true, reverse: true, ..case };
    differences("embedding_lstm_last", &case.lens(), &|x| case.ours(x));
}

#[test]
fn the_padding_token_of_an_lstm_gets_no_gradient() {
    for device in devices() {
        let device = device.autodiff();
        let table = Tensor::<2>::ones([3, 2], &device).require_grad();
        let tokens = Tensor::<2, Int>::from_ints([[0, 2, 0], [0, 1, 2]], &device);
        let weights = LstmWeights {
            weight_ih: Tensor::ones([2, 4], &device),
            weight_hh: Tensor::ones([1, 4], &device),
            bias: Tensor::zeros([4], &device),
        };
        let options = LstmOptions::default();
        let output = embedding_lstm_last(table.clone(), tokens, Some(0), &weights, &options);
        let gradients = output.sum().backward();
        let gradient = table.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(gradient[..2], [0.0, 0.0]);
        assert!(gradient[2..].iter().all(|x| *x > 0.0), "{gradient:?}");
    }
}

#[test]
fn no_steps_leave_the_state_at_zero() {
    for device in devices() {
        let weights = LstmWeights {
            weight_ih: Tensor::ones([2, 12], &device),
            weight_hh: Tensor::ones([3, 12], &device),
            bias: Tensor::ones([12], &device),
        };
        let empty = |batch: usize, time: usize| {
            Tensor::<3>::ones([4, 4, 2], &device).slice([0..batch, 0..time, 0..2])
        };
        let options = LstmOptions::default();
        assert_eq!(lstm(empty(4, 0), &weights, &options).dims(), [4, 0, 3]);
        assert_eq!(lstm(empty(0, 4), &weights, &options).dims(), [0, 4, 3]);
        let last = lstm_last(empty(4, 0), &weights, &options);
        assert_eq!(last.into_data().try_into_vec::<f32>().unwrap(), [0.0; 12]);
    }
}
