//! `dropout` against what it promises: no reference draws the same random numbers.

use burn::tensor::Tensor;
use fireclay_backend::ops::dropout;

use crate::harness::{View, devices, differences, flat, in_a_row, noise, turn};

#[test]
fn values_are_zero_or_scaled_and_their_gradients_alike() {
    let _turn = turn();
    for device in devices() {
        let device = device.autodiff();
        for view in View::ALL {
            let shape = [3, 5, 400];
            let leaf = flat(&noise(view.len(&shape), 1), &device).require_grad();
            let input = view.of(&leaf, shape);
            let output = dropout(input.clone(), 0.25);
            let ratio = in_a_row(output.clone() / input.clone()).into_data();
            let ratio: Vec<f32> = ratio.iter::<f32>().collect();
            assert!(ratio.iter().all(|factor| factor.abs() < 1e-6 || (factor - 4.0 / 3.0).abs() < 1e-5));
            let dropped = ratio.iter().filter(|factor| factor.abs() < 1e-6).count() as f32 / 6000.0;
            assert!((dropped - 0.25).abs() < 0.03, "{view:?}: {dropped} on {device:?}");
            // The output is linear in what came in.
            let gradients = output.clone().sum().backward();
            let gradient = leaf.grad(&gradients).unwrap();
            let slope = (gradient * leaf.clone().inner()).sum().into_scalar::<f32>();
            let sum = output.sum().into_scalar::<f32>();
            assert!((slope - sum).abs() < 1e-2, "{view:?}: {slope} for {sum} on {device:?}");
        }
    }
}

#[test]
fn the_gradients_of_dropout_are_its_slopes_for_the_same_random_numbers() {
    let _turn = turn();
    differences("dropout", &[60], &|x| {
        x[0].device().seed(4);
        in_a_row(dropout(x[0].clone().reshape([3, 20]), 0.4).tanh())
    });
}

#[test]
fn the_same_seed_drops_the_same_and_another_draw_does_not() {
    let _turn = turn();
    for device in devices() {
        let run = || dropout(Tensor::<2>::ones([10, 10], &device), 0.5).into_data();
        device.seed(1);
        let (first, second) = (run(), run());
        device.seed(1);
        assert_eq!(run(), first, "{device:?}");
        assert_ne!(first, second, "{device:?}");
    }
}

#[test]
#[should_panic(expected = "a fraction of values is in [0, 1)")]
fn a_share_of_one_is_refused() {
    dropout(Tensor::<1>::ones([2], &devices().remove(0)), 1.0);
}
