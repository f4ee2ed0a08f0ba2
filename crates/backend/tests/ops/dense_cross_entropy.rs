//! `dense_cross_entropy` against a product and a cross-entropy.

use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_backend::ops::{cross_entropy, dense_cross_entropy};

use crate::harness::{View, compare, compare_in_f64, devices, differences, flat, noise};

#[derive(Clone, Copy, Debug)]
struct Case {
    rows: usize,
    features: usize,
    classes: usize,
    view: View,
    label_smoothing: f32,
    weighted: bool,
}

impl Case {
    fn lens(&self) -> [usize; 3] {
        [self.rows * self.features, self.view.len(&[self.features, self.classes]), self.classes]
    }

    fn parts(&self, x: &[Tensor<1>]) -> (Tensor<2>, Tensor<2>, Option<Tensor<1>>) {
        let input = x[0].clone().reshape([self.rows, self.features]);
        (input, self.view.of(&x[1], [self.features, self.classes]), x.get(2).cloned())
    }

    fn targets(&self, device: &Device) -> Tensor<1, Int> {
        let targets: Vec<i64> = (0..self.rows).map(|row| (row * 7 % self.classes) as i64).collect();
        Tensor::from_data(TensorData::new(targets, [self.rows]), device)
    }

    fn class_weights(&self, like: &Tensor<1>) -> Option<Tensor<1>> {
        let weights: Vec<f32> = (0..self.classes).map(|class| 0.5 + (class % 5) as f32).collect();
        let weights = Tensor::<1>::from_floats(weights.as_slice(), &like.device());
        self.weighted.then(|| weights.cast(like.dtype()))
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let (input, weight, bias) = self.parts(x);
        let targets = self.targets(&x[0].device());
        dense_cross_entropy(input, weight, bias, targets, self.label_smoothing, self.class_weights(&x[0]))
            .loss
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let (input, weight, bias) = self.parts(x);
        let product = input.matmul(weight);
        let logits = match bias {
            Some(bias) => product + bias.unsqueeze::<2>(),
            None => product,
        };
        cross_entropy(logits, self.targets(&x[0].device()), self.label_smoothing, self.class_weights(&x[0]))
    }
}

/// The last ones are large enough for the kernel; a transposed weight is that of an embedding.
fn cases() -> Vec<Case> {
    let small =
        Case { rows: 5, features: 3, classes: 7, view: View::Plain, label_smoothing: 0.0, weighted: false };
    let large = Case { rows: 515, features: 64, classes: 2050, ..small };
    vec![
        small,
        Case { label_smoothing: 0.1, weighted: true, view: View::Transposed, ..small },
        large,
        Case { view: View::Transposed, ..large },
        Case { view: View::Sliced, label_smoothing: 0.1, ..large },
        Case { view: View::Transposed, label_smoothing: 0.1, weighted: true, ..large },
    ]
}

#[test]
fn a_dense_layer_with_its_loss_agrees_with_one_after_the_other() {
    for case in cases() {
        compare(&format!("{case:?}"), &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
        let what = format!("{case:?} without bias");
        compare(&what, &case.lens()[..2], &|x| case.ours(x), &|x| case.reference(x));
    }
    let case = cases()[1];
    compare_in_f64("dense_cross_entropy", &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
    differences("dense_cross_entropy", &case.lens(), &|x| case.ours(x));
}

#[test]
fn right_rows_are_counted() {
    for (device, case) in
        devices().into_iter().flat_map(|device| cases().into_iter().map(move |case| (device.clone(), case)))
    {
        for device in [device.clone(), device.autodiff()] {
            let input = |len: &usize| {
                let values = flat(&noise(*len, *len as u32), &device);
                if device.is_autodiff() { values.require_grad() } else { values }
            };
            let x: Vec<_> = case.lens().iter().map(input).collect();
            let (input, weight, bias) = case.parts(&x);
            let targets = case.targets(&device);
            let logits = input.clone().matmul(weight.clone()) + bias.clone().unwrap().unsqueeze::<2>();
            // Some are right by chance only: let the targets be the answers for every third row.
            let answers: Vec<i64> = logits.argmax(1).into_data().iter().collect();
            let own: Vec<i64> = targets.into_data().iter().collect();
            let mixed: Vec<i64> =
                (0..case.rows).map(|row| if row % 3 == 0 { answers[row] } else { own[row] }).collect();
            let expected = mixed.iter().zip(&answers).filter(|(target, answer)| target == answer).count();
            let targets = Tensor::from_data(TensorData::new(mixed, [case.rows]), &device);
            let found = dense_cross_entropy(input, weight, bias, targets, 0.0, None);
            assert_eq!(found.correct.into_scalar::<i64>(), expected as i64, "{case:?} on {device:?}");
        }
    }
}
