//! `self_attention` against products and softmax.

use burn::tensor::{Int, Tensor, TensorData, activation};
use fireclay_backend::ops::{AttentionOptions, self_attention};

use crate::harness::{View, compare, compare_in_f64, devices, differences, flat, in_a_row, noise, turn};

#[derive(Clone, Copy, Debug)]
struct Case {
    shape: [usize; 3],
    heads: usize,
    causal: bool,
    rotary: bool,
    lengths: Option<&'static [i32]>,
}

impl Case {
    fn options(&self, x: &Tensor<1>) -> AttentionOptions {
        let lengths = self.lengths.map(|lengths| {
            Tensor::<1, Int>::from_data(TensorData::new(lengths.to_vec(), [lengths.len()]), &x.device())
        });
        let (causal, rotary) = (self.causal, self.rotary);
        AttentionOptions { causal, rotary, lengths, ..AttentionOptions::new(self.heads) }
    }

    fn ours(&self, x: &Tensor<1>, view: View) -> Tensor<1> {
        in_a_row(self_attention(view.of(x, self.shape), &self.options(x)))
    }

    /// One sequence and one head at a time, cut to its length.
    fn reference(&self, x: &Tensor<1>, view: View) -> Tensor<1> {
        let [batch, steps, width] = self.shape;
        let (width, dim) = (width / 3, width / 3 / self.heads);
        let projected = view.of(x, self.shape);
        let sequences = (0..batch).map(|sequence| {
            let length = self.lengths.map_or(steps, |lengths| lengths[sequence] as usize);
            let zeros = Tensor::<2>::zeros([steps - length, width], &x.device()).cast(x.dtype());
            if length == 0 {
                return zeros;
            }
            let heads = (0..self.heads).map(|head| {
                let part = |which: usize| {
                    let from = which * width + head * dim;
                    let part = projected.clone().slice([sequence..sequence + 1, 0..length, from..from + dim]);
                    part.reshape([length, dim])
                };
                let (mut query, mut key) = (part(0), part(1));
                if self.rotary {
                    (query, key) = (turned(query), turned(key));
                }
                let mut scores = query.matmul(key.transpose()) / (dim as f32).sqrt();
                if self.causal {
                    let later = Tensor::<2>::ones([length, length], &x.device()).triu(1);
                    scores = scores - later.cast(x.dtype()) * 1e4;
                }
                activation::softmax(scores, 1).matmul(part(2))
            });
            Tensor::cat(vec![Tensor::cat(heads.collect(), 1), zeros], 0)
        });
        in_a_row(Tensor::stack::<3>(sequences.collect(), 0))
    }
}

/// Pairs turned by matrices `[[cos, -sin], [sin, cos]]`, written out as one for each step.
fn turned(rows: Tensor<2>) -> Tensor<2> {
    let [steps, dim] = rows.dims();
    let turned = (0..steps).map(|step| {
        let mut matrix = vec![0f32; dim * dim];
        for pair in 0..dim / 2 {
            let angle = step as f64 / 10_000f64.powf(2.0 * pair as f64 / dim as f64);
            let (a, b) = (2 * pair, 2 * pair + 1);
            (matrix[a * dim + a], matrix[b * dim + b]) = (angle.cos() as f32, angle.cos() as f32);
            (matrix[a * dim + b], matrix[b * dim + a]) = (angle.sin() as f32, -angle.sin() as f32);
        }
        let matrix = flat(&matrix, &rows.device()).reshape([dim, dim]);
        rows.clone().slice([step..step + 1, 0..dim]).matmul(matrix.cast(rows.dtype()))
    });
    Tensor::cat(turned.collect(), 0)
}

fn cases() -> Vec<Case> {
    let case = |shape: [usize; 3], heads| Case { shape, heads, causal: false, rotary: false, lengths: None };
    let [small, wide, long] = [case([2, 5, 12], 2), case([1, 3, 30], 1), case([2, 70, 24], 2)];
    let lengths: Option<&[i32]> = Some(&[3, 0]);
    vec![
        small,
        wide,
        case([3, 1, 3], 1),
        Case { causal: true, ..small },
        Case { lengths, ..small },
        Case { lengths, causal: true, rotary: true, ..small },
        Case { rotary: true, ..wide },
        Case { causal: true, lengths: Some(&[70, 66]), ..long },
    ]
}

#[test]
fn self_attention_agrees_with_ordinary_operations() {
    for case in cases() {
        for view in View::ALL {
            let what = format!("{case:?} {view:?}");
            let lens = [view.len(&case.shape)];
            compare(&what, &lens, &|x| case.ours(&x[0], view), &|x| case.reference(&x[0], view));
        }
        let lens = [View::Plain.len(&case.shape)];
        let (ours, reference) = (
            |x: &[Tensor<1>]| case.ours(&x[0], View::Plain),
            |x: &[Tensor<1>]| case.reference(&x[0], View::Plain),
        );
        compare_in_f64(&format!("{case:?}"), &lens, &ours, &reference);
    }
}

#[test]
fn the_gradients_of_self_attention_are_its_slopes() {
    for case in cases().into_iter().filter(|case| case.shape[1] < 10) {
        let lens = [View::Plain.len(&case.shape)];
        differences(&format!("{case:?}"), &lens, &|x| case.ours(&x[0], View::Plain));
    }
}

#[test]
fn with_dropout_the_gradients_are_the_slopes_for_the_same_random_numbers() {
    let _turn = turn();
    differences("dropout", &[60], &|x| {
        let input = x[0].clone().reshape([2, 5, 6]);
        x[0].device().seed(3);
        let options = AttentionOptions { dropout: 0.4, causal: true, ..AttentionOptions::new(1) };
        in_a_row(self_attention(input, &options))
    });
}

#[test]
fn dropout_keeps_the_mean_and_draws_anew() {
    let _turn = turn();
    for device in devices() {
        device.seed(1);
        let input = flat(&noise(40 * 60, 1), &device).reshape([1, 40, 60]);
        let plain = AttentionOptions::new(2);
        let expected = self_attention(input.clone(), &plain);
        let dropped = AttentionOptions { dropout: 0.5, ..plain };
        let run = || self_attention(input.clone(), &dropped);
        let [first, second] = [run(), run()].map(|output| output.into_data());
        assert_ne!(first, second);
        let mean = (0..200).map(|_| run()).reduce(|sum, output| sum + output).unwrap() / 200.0;
        let distance = (mean - expected).abs().max().into_scalar::<f32>();
        assert!(distance < 0.05, "{distance} on {device:?}");
    }
}

#[test]
fn attention_of_nothing_is_nothing() {
    for device in devices() {
        for [batch, steps] in [[0, 3], [2, 0]] {
            let input = Tensor::<3>::ones([2, 3, 6], &device).slice([0..batch, 0..steps]);
            assert_eq!(self_attention(input, &AttentionOptions::new(2)).dims(), [batch, steps, 2]);
        }
    }
}

#[test]
#[should_panic(expected = "2 heads share 9 values")]
fn heads_that_do_not_divide_are_refused() {
    let device = devices().remove(0);
    self_attention(Tensor::zeros([1, 2, 9], &device), &AttentionOptions::new(2));
}
