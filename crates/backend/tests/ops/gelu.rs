//! `gelu` against its definition.

use std::f64::consts::FRAC_1_SQRT_2;

use burn::tensor::Tensor;
use fireclay_backend::ops::gelu;

use crate::harness::{View, compare, compare_in_f64, differences, in_a_row};

struct Case {
    shape: [usize; 4],
    view: View,
}

impl Case {
    /// Spread over where it bends and where it does not.
    fn input(&self, x: &[Tensor<1>]) -> Tensor<4> {
        self.view.of(&x[0], self.shape) * 4.0
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        in_a_row(gelu(self.input(x)))
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let input = self.input(x);
        in_a_row(input.clone() * ((input * FRAC_1_SQRT_2).erf() + 1.0) * 0.5)
    }
}

#[test]
fn gelu_agrees_with_its_definition() {
    for shape in [[1, 1, 1, 1], [1, 1, 1, 7], [2, 3, 4, 5], [3, 17, 5, 3], [2, 64, 15, 15]] {
        for view in View::ALL {
            let case = Case { shape, view };
            let what = format!("{shape:?}, {view:?}");
            compare(&what, &[view.len(&shape)], &|x| case.ours(x), &|x| case.reference(x));
        }
    }
}

#[test]
fn gelu_agrees_in_f64_and_with_its_slopes() {
    let case = Case { shape: [2, 1, 2, 3], view: View::Plain };
    compare_in_f64("gelu", &[12], &|x| case.ours(x), &|x| case.reference(x));
    differences("gelu", &[12], &|x| case.ours(x));
}
