//! `conv2d_batch_norm` against a convolution, a norm and pooling, one after the other.

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation, module};
use fireclay_backend::ops::{
    Activation, BatchNormWeights, Conv2dOptions, MaxPool, PoolPlace, conv2d_batch_norm,
};

use crate::harness::{compare, compare_in_f64, devices, flat, in_a_row, noise};

const EPSILON: f64 = 1e-3;

#[derive(Clone, Copy, Debug)]
struct Case {
    input: [usize; 4],
    weight: [usize; 4],
    groups: usize,
    padding: usize,
    activation: Activation,
    pool: PoolPlace,
    /// Whether all channels are multiplied by a positive number.
    keeps_order: bool,
}

impl Case {
    /// Input, weight, then scale, shift, mean and a root of the variance, then the bias.
    fn lens(&self) -> Vec<usize> {
        let values = |shape: [usize; 4]| shape.iter().product();
        let channels = self.weight[0];
        vec![values(self.input), values(self.weight), 4 * channels, channels]
    }

    fn norm(&self, x: &Tensor<1>) -> [Tensor<1>; 4] {
        let channels = self.weight[0];
        let [scale, shift, mean, root] =
            [0, 1, 2, 3].map(|which| x.clone().slice(which * channels..(which + 1) * channels));
        let scale = if self.keeps_order { scale.square() + 0.5 } else { scale };
        [scale, shift, mean, root.square() + 0.5]
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let [weight, bias, mean, variance] = self.norm(&x[2]);
        let norm = BatchNormWeights { weight, bias, mean, variance, epsilon: EPSILON };
        let options =
            Conv2dOptions { padding: [self.padding; 4], groups: self.groups, ..Conv2dOptions::default() };
        let (input, weight) = (x[0].clone().reshape(self.input), x[1].clone().reshape(self.weight));
        let bias = x.get(3).cloned();
        in_a_row(conv2d_batch_norm(input, weight, bias, options, norm, self.activation, self.pool))
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let (input, weight) = (x[0].clone().reshape(self.input), x[1].clone().reshape(self.weight));
        let options = ConvOptions::new([1, 1], [self.padding; 2], [1, 1], self.groups);
        let convolved = module::conv2d(input, weight, x.get(3).cloned(), options);
        let pooled = |image, MaxPool { kernel_size, stride }| {
            module::max_pool2d(image, MaxPoolOptions::new(kernel_size).with_stride(stride))
        };
        let convolved = match self.pool {
            PoolPlace::BeforeNorm(pool) => pooled(convolved, pool),
            _ => convolved,
        };
        let [scale, shift, mean, variance] =
            self.norm(&x[2]).map(|values| values.reshape([1, self.weight[0], 1, 1]));
        let normed = (convolved - mean) / (variance + EPSILON).sqrt() * scale + shift;
        let activated = match self.activation {
            Activation::None => normed,
            Activation::Relu => activation::relu(normed),
        };
        in_a_row(match self.pool {
            PoolPlace::Last(pool) => pooled(activated, pool),
            _ => activated,
        })
    }
}

/// Both where the kernels put the weights in order and where they take them as they are, as of groups.
fn cases() -> Vec<Case> {
    let pool = MaxPool { kernel_size: [2, 2], stride: [2, 2] };
    let plain = Case {
        input: [2, 4, 6, 7],
        weight: [6, 4, 3, 3],
        groups: 1,
        padding: 1,
        activation: Activation::Relu,
        pool: PoolPlace::Nowhere,
        keeps_order: false,
    };
    vec![
        plain,
        Case { activation: Activation::None, padding: 0, ..plain },
        Case { weight: [6, 2, 3, 3], groups: 2, ..plain },
        Case { pool: PoolPlace::Last(pool), ..plain },
        Case { pool: PoolPlace::BeforeNorm(pool), ..plain },
        Case { pool: PoolPlace::BeforeNorm(pool), keeps_order: true, ..plain },
        Case { input: [3, 32, 8, 8], weight: [32, 32, 3, 3], pool: PoolPlace::Last(pool), ..plain },
    ]
}

#[test]
fn a_convolution_with_its_norm_agrees_with_one_after_the_other() {
    for case in cases() {
        let lens = case.lens();
        compare(&format!("{case:?}"), &lens, &|x| case.ours(x), &|x| case.reference(x));
        let what = format!("{case:?} without bias");
        compare(&what, &lens[..3], &|x| case.ours(x), &|x| case.reference(x));
    }
    let case = cases()[0];
    compare_in_f64("convolution and norm", &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
}

#[test]
fn what_was_folded_serves_its_own_tensors_alone() {
    let case = cases()[0];
    for device in devices() {
        let tensors: Vec<_> =
            case.lens().iter().map(|len| flat(&noise(*len, *len as u32), &device)).collect();
        let other = flat(&noise(case.lens()[2], 77), &device);
        let [norm, other] = [&tensors[2], &other].map(|values| case.norm(values));
        let weight = tensors[1].clone().reshape(case.weight);
        let run = |norm: &[Tensor<1>; 4], epsilon| -> Vec<f32> {
            let [scale, shift, mean, variance] = norm.clone();
            let norm = BatchNormWeights { weight: scale, bias: shift, mean, variance, epsilon };
            let input = tensors[0].clone().reshape(case.input);
            let options = Conv2dOptions::default();
            let output = conv2d_batch_norm(
                input,
                weight.clone(),
                None,
                options,
                norm,
                Activation::None,
                PoolPlace::Nowhere,
            );
            output.into_data().iter().collect()
        };
        let first = run(&norm, EPSILON);
        assert_ne!(run(&other, EPSILON), first);
        assert_ne!(run(&norm, 0.5), first);
        assert_eq!(run(&norm, EPSILON), first);
    }
}
