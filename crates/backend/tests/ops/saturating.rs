//! `tanh` and `sigmoid` against their definitions.

use burn::tensor::Tensor;
use fireclay_backend::ops::{sigmoid, tanh};

use crate::harness::{View, compare, compare_in_f64, differences, in_a_row};

struct Case {
    shape: [usize; 4],
    view: View,
    is_tanh: bool,
}

impl Case {
    /// Spread over where they bend and where they do not.
    fn input(&self, x: &[Tensor<1>]) -> Tensor<4> {
        self.view.of(&x[0], self.shape) * 4.0
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let input = self.input(x);
        in_a_row(if self.is_tanh { tanh(input) } else { sigmoid(input) })
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let scale = if self.is_tanh { 2.0 } else { 1.0 };
        let logistic = ((self.input(x) * -scale).exp() + 1.0).recip();
        in_a_row(if self.is_tanh { logistic * 2.0 - 1.0 } else { logistic })
    }
}

#[test]
fn tanh_and_sigmoid_agree_with_their_definitions() {
    for shape in [[1, 1, 1, 1], [1, 1, 1, 7], [2, 3, 4, 5], [3, 17, 5, 3], [2, 64, 15, 15]] {
        for view in View::ALL {
            for is_tanh in [true, false] {
                let case = Case { shape, view, is_tanh };
                let what = format!("{shape:?}, {view:?}, tanh {is_tanh}");
                compare(&what, &[view.len(&shape)], &|x| case.ours(x), &|x| case.reference(x));
            }
        }
    }
}

#[test]
fn tanh_and_sigmoid_agree_in_f64_and_with_their_slopes() {
    for is_tanh in [true, false] {
        let case = Case { shape: [2, 1, 2, 3], view: View::Plain, is_tanh };
        compare_in_f64("saturating", &[12], &|x| case.ours(x), &|x| case.reference(x));
        differences("saturating", &[12], &|x| case.ours(x));
    }
}
