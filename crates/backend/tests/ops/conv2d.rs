//! `conv2d` against a convolution, a ReLU and max pooling.

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation, module};
use fireclay_backend::ops::{Activation, Conv2dOptions, MaxPool, conv2d};

use crate::harness::{View, compare, compare_in_f64, devices, differences, in_a_row};

#[derive(Clone, Copy, Debug)]
struct Case {
    input: [usize; 4],
    weight: [usize; 4],
    options: Conv2dOptions,
    activation: Activation,
    pool: Option<MaxPool>,
    view: View,
}

impl Case {
    fn new(input: [usize; 4], weight: [usize; 4]) -> Self {
        Case {
            input,
            weight,
            options: Conv2dOptions::default(),
            activation: Activation::Relu,
            pool: None,
            view: View::Plain,
        }
    }

    fn pool(self, size: usize, stride: usize) -> Self {
        Case { pool: Some(MaxPool { kernel_size: [size; 2], stride: [stride; 2] }), ..self }
    }

    fn lens(&self) -> [usize; 3] {
        [self.view.len(&self.input), self.view.len(&self.weight), self.weight[0]]
    }

    fn ours(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let (input, weight) = (self.view.of(&x[0], self.input), self.view.of(&x[1], self.weight));
        in_a_row(conv2d(input, weight, x.get(2).cloned(), self.options, self.activation, self.pool))
    }

    fn reference(&self, x: &[Tensor<1>]) -> Tensor<1> {
        let (input, weight) = (self.view.of(&x[0], self.input), self.view.of(&x[1], self.weight));
        let Conv2dOptions { stride, padding: [top, left, bottom, right], dilation, groups } = self.options;
        // Padded by hand, so that the operation's own padding is compared with something else.
        let input = input.pad((left, right, top, bottom), burn::tensor::ops::PadMode::Constant(0.0));
        let options = ConvOptions::new(stride, [0, 0], dilation, groups);
        let sum = module::conv2d(input, weight, x.get(2).cloned(), options);
        let activated = match self.activation {
            Activation::None => sum,
            Activation::Relu => activation::relu(sum),
        };
        in_a_row(match self.pool {
            Some(MaxPool { kernel_size, stride }) => {
                module::max_pool2d(activated, MaxPoolOptions::new(kernel_size).with_stride(stride))
            }
            None => activated,
        })
    }

    fn compare(&self) {
        let lens = self.lens();
        compare(&format!("{self:?}"), &lens, &|x| self.ours(x), &|x| self.reference(x));
        let what = format!("{self:?} without bias");
        compare(&what, &lens[..2], &|x| self.ours(x), &|x| self.reference(x));
    }
}

/// Strides, paddings, dilations and groups that differ between height and width, and images that are not square.
fn cases() -> Vec<Case> {
    let plain = Case::new([2, 4, 6, 7], [6, 4, 3, 2]);
    let options = Conv2dOptions::default();
    let with = |options: Conv2dOptions| Case { options, ..plain };
    vec![
        plain,
        plain.pool(2, 2),
        plain.pool(3, 1),
        plain.pool(2, 3),
        Case { activation: Activation::None, ..plain },
        Case { activation: Activation::None, ..plain.pool(2, 2) },
        with(Conv2dOptions { stride: [2, 3], ..options }),
        with(Conv2dOptions { padding: [1, 1, 1, 1], ..options }),
        with(Conv2dOptions { padding: [0, 2, 1, 3], ..options }).pool(2, 2),
        with(Conv2dOptions { dilation: [2, 1], padding: [1, 0, 2, 1], ..options }),
        Case { weight: [6, 2, 3, 3], ..with(Conv2dOptions { groups: 2, ..options }) },
        Case { weight: [4, 1, 3, 3], ..with(Conv2dOptions { groups: 4, padding: [1; 4], ..options }) }
            .pool(2, 2),
        Case::new([3, 3, 8, 8], [32, 3, 3, 3]).pool(2, 2),
        Case::new([1, 1, 1, 1], [1, 1, 1, 1]),
        Case::new([2, 5, 4, 3], [7, 5, 1, 1]),
        Case::new([2, 3, 4, 5], [4, 3, 4, 5]),
        Case::new([2, 1, 28, 28], [8, 1, 3, 3]).pool(2, 2),
    ]
}

#[test]
fn conv2d_agrees_with_ordinary_operations() {
    cases().iter().for_each(Case::compare);
}

#[test]
fn conv2d_agrees_in_every_view() {
    for view in View::ALL {
        Case { view, ..Case::new([2, 3, 6, 5], [4, 3, 3, 2]).pool(2, 2) }.compare();
    }
}

#[test]
fn conv2d_agrees_in_f64() {
    let case = Case::new([2, 3, 6, 5], [4, 3, 3, 2]).pool(2, 2);
    compare_in_f64("conv2d", &case.lens(), &|x| case.ours(x), &|x| case.reference(x));
}

#[test]
fn the_gradients_of_conv2d_are_its_slopes() {
    let case = Case::new([1, 2, 4, 4], [2, 2, 3, 3]);
    let padded = Conv2dOptions { padding: [1, 0, 1, 1], ..Conv2dOptions::default() };
    differences("conv2d", &case.lens(), &|x| case.ours(x));
    let case = Case { options: padded, ..case }.pool(2, 1);
    differences("pooled conv2d", &case.lens(), &|x| case.ours(x));
}

#[test]
fn no_images_give_no_images() {
    for device in devices() {
        let empty = Tensor::<4>::zeros([1, 3, 6, 6], &device).slice([0..0, 0..3, 0..6, 0..6]);
        let weight = Tensor::zeros([2, 3, 3, 3], &device);
        let pool = MaxPool { kernel_size: [2, 2], stride: [2, 2] };
        let output = conv2d(empty, weight, None, Conv2dOptions::default(), Activation::Relu, Some(pool));
        assert_eq!(output.dims(), [0, 2, 2, 2]);
    }
}

#[test]
#[should_panic(expected = "the kernel reaches over 5 of 4 places")]
fn a_kernel_larger_than_the_image_is_refused() {
    let device = devices().remove(0);
    let (input, weight) = (Tensor::zeros([1, 1, 4, 6], &device), Tensor::zeros([1, 1, 5, 5], &device));
    conv2d(input, weight, None, Conv2dOptions::default(), Activation::None, None);
}
