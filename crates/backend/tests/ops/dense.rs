//! `dense` against a product, a sum and a ReLU.

use burn::tensor::{Tensor, activation};
use fireclay_backend::ops::{Activation, dense};

use crate::harness::{View, compare, compare_in_f64, devices, differences, in_a_row, is_without_features};

fn ours(x: &[Tensor<1>], n: usize, i: usize, o: usize, view: View, activation: Activation) -> Tensor<1> {
    let bias = x.get(2).map(|bias| view_of_bias(view).of(bias, [o]));
    in_a_row(dense(view.of(&x[0], [n, i]), view.of(&x[1], [i, o]), bias, activation))
}

fn reference(x: &[Tensor<1>], n: usize, i: usize, o: usize, view: View, act: Activation) -> Tensor<1> {
    let product = view.of(&x[0], [n, i]).matmul(view.of(&x[1], [i, o]));
    let sum = match x.get(2) {
        Some(bias) => product + view_of_bias(view).of(bias, [o]).unsqueeze::<2>(),
        None => product,
    };
    in_a_row(match act {
        Activation::None => sum,
        Activation::Relu => activation::relu(sum),
    })
}

fn view_of_bias(view: View) -> View {
    if view == View::Expanded { View::Expanded } else { View::Sliced }
}

fn lens(n: usize, i: usize, o: usize, view: View) -> [usize; 3] {
    [view.len(&[n, i]), view.len(&[i, o]), view_of_bias(view).len(&[o])]
}

#[test]
fn dense_agrees_with_ordinary_operations_in_every_size_and_view() {
    for [n, i, o] in [[5, 7, 3], [1, 1, 1], [1, 4, 2], [64, 17, 33]] {
        for view in View::ALL {
            for act in [Activation::None, Activation::Relu] {
                let lens = lens(n, i, o, view);
                let what = format!("dense {n}x{i}x{o} {view:?} {act:?}");
                compare(&what, &lens, &|x| ours(x, n, i, o, view, act), &|x| {
                    reference(x, n, i, o, view, act)
                });
                let what = format!("{what} without bias");
                let lens = &lens[..2];
                compare(&what, lens, &|x| ours(x, n, i, o, view, act), &|x| reference(x, n, i, o, view, act));
            }
        }
    }
}

/// Not against Burn's product, which panics on some devices.
#[test]
fn dense_of_nothing_is_nothing_or_the_bias() {
    for device in devices() {
        let device = device.autodiff();
        for [n, i, o] in [[0, 4, 3], [3, 0, 2], [3, 4, 0]] {
            let tensor = |rows: usize, columns: usize| {
                Tensor::<2>::ones([4, 4], &device).slice([0..rows, 0..columns]).require_grad()
            };
            let (input, weight) = (tensor(n, i), tensor(i, o));
            let bias = Tensor::<1>::ones([4], &device).slice(0..o);
            let output = dense(input.clone(), weight.clone(), Some(bias), Activation::Relu);
            assert_eq!(output.dims(), [n, o]);
            if is_without_features() {
                // Burn's own operations on no values at all forget to track.
                assert!(output.into_data().iter::<f32>().all(|y| y == 1.0));
                continue;
            }
            let gradients = output.clone().sum().backward();
            let sum = output.sum().into_scalar::<f32>();
            assert_eq!(sum, if i == 0 { (n * o) as f32 } else { 0.0 });
            assert_eq!(input.grad(&gradients).map(|gradient| gradient.dims()), Some([n, i]));
            assert_eq!(weight.grad(&gradients).map(|gradient| gradient.dims()), Some([i, o]));
        }
    }
}

#[test]
fn dense_agrees_in_f64() {
    let (view, act) = (View::Plain, Activation::Relu);
    let lens = lens(5, 7, 3, view);
    compare_in_f64("dense", &lens, &|x| ours(x, 5, 7, 3, view, act), &|x| reference(x, 5, 7, 3, view, act));
}

#[test]
fn the_gradients_of_dense_are_its_slopes() {
    for act in [Activation::None, Activation::Relu] {
        let lens = lens(4, 6, 5, View::Plain);
        differences("dense", &lens, &|x| ours(x, 4, 6, 5, View::Plain, act));
    }
}

#[test]
#[should_panic(expected = "a row for each feature")]
fn a_weight_for_other_inputs_is_refused() {
    let device = crate::harness::devices().remove(0);
    dense(Tensor::zeros([2, 3], &device), Tensor::zeros([4, 5], &device), None, Activation::None);
}
