//! `embedding` against a selection of rows.

use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_backend::ops::embedding;

use crate::harness::{View, compare, compare_in_f64, devices, differences, in_a_row};

struct Case {
    vocabulary: usize,
    dim: usize,
    tokens: [usize; 2],
    view: View,
}

impl Case {
    fn tokens(&self, device: &Device) -> Tensor<2, Int> {
        let [batch, time] = self.tokens;
        let tokens: Vec<i64> =
            (0..batch * time).map(|place| (place * place * 3 % self.vocabulary) as i64).collect();
        // A view, turned.
        Tensor::<2, Int>::from_data(TensorData::new(tokens, [time, batch]), device).swap_dims(0, 1)
    }

    fn weight(&self, x: &[Tensor<1>]) -> Tensor<2> {
        self.view.of(&x[0], [self.vocabulary, self.dim])
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        in_a_row(embedding(self.weight(x), self.tokens(&x[0].device()), None))
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let [batch, time] = self.tokens;
        let tokens = self.tokens(&x[0].device()).reshape([batch * time]);
        in_a_row(self.weight(x).select(0, tokens))
    }
}

#[test]
fn embedding_agrees_with_a_selection_of_rows() {
    for (vocabulary, dim, tokens) in
        [(1, 1, [1, 1]), (5, 3, [2, 4]), (7, 16, [1, 9]), (50, 33, [6, 20]), (300, 128, [8, 40])]
    {
        for view in View::ALL {
            let case = Case { vocabulary, dim, tokens, view };
            let what = format!("{vocabulary} x {dim}, {tokens:?}, {view:?}");
            compare(&what, &[view.len(&[vocabulary, dim])], &|x| case.ours(x), &|x| case.reference(x));
        }
    }
}

#[test]
fn embedding_agrees_in_f64_and_with_its_slopes() {
    let case = Case { vocabulary: 5, dim: 3, tokens: [2, 4], view: View::Plain };
    compare_in_f64("embedding", &[15], &|x| case.ours(x), &|x| case.reference(x));
    differences("embedding", &[15], &|x| case.ours(x));
}

#[test]
fn the_padding_token_gets_no_gradient() {
    for device in devices() {
        let weight = Tensor::<2>::ones([3, 2], &device.autodiff()).require_grad();
        let tokens = Tensor::<2, Int>::from_ints([[0, 2, 0], [0, 1, 2]], &weight.device());
        let output = embedding(weight.clone(), tokens, Some(0));
        assert_eq!(output.dims(), [2, 3, 2]);
        let gradients = output.sum().backward();
        let gradient = weight.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(gradient, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
