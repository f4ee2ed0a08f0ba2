//! Products in 16-bit numbers on every device that has them, beside the same in `f32`.

use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{Activation, Conv2dOptions, conv2d, dense};
use fireclay_backend::{Precision, in_precision, reads_at_once, supports};

use super::harness::devices;

/// Values that bfloat16 has to round, the largest `scale`.
fn values(len: usize, scale: f32) -> Vec<f32> {
    (0..len).map(|i| scale * ((i * 7919 % 1013) as f32 / 506.5 - 1.0)).collect()
}

/// The output and the gradients by input and weight of a layer, where the output's gradient is as large as `gradient`.
fn run<const D: usize>(
    device: &Device,
    precision: Precision,
    [input, weight]: [[usize; D]; 2],
    [large, gradient]: [f32; 2],
    layer: impl Fn(Tensor<D>, Tensor<D>) -> Tensor<D>,
) -> [Vec<f32>; 3] {
    let _scope = in_precision(precision);
    let device = device.clone().autodiff();
    let tensor = |shape: [usize; D], scale| {
        let flat = Tensor::<1>::from_floats(values(shape.iter().product(), scale).as_slice(), &device);
        flat.reshape(shape).require_grad()
    };
    let (input, weight) = (tensor(input, large), tensor(weight, 0.1));
    let output = layer(input.clone(), weight.clone());
    let len = output.dims().iter().product();
    let by_output =
        Tensor::<1>::from_floats(values(len, gradient).as_slice(), &device).reshape(output.dims());
    let gradients = (output.clone() * by_output).sum().backward();
    [output, input.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()]
        .map(|tensor| tensor.into_data().try_into_vec().unwrap())
}

/// In 16 bits each value is near that in `f32`, and not the same, or the same where the device does not multiply in them.
fn check<const D: usize>(
    shapes: [[usize; D]; 2],
    multiplies: impl Fn(&Device) -> bool,
    layer: impl Fn(Tensor<D>, Tensor<D>) -> Tensor<D>,
) {
    // Gradients that f16 does not hold as they are, and inputs that it does not.
    for scales in [[1.0, 1.0], [1e6, 1e-9]] {
        for device in devices() {
            let [exact, rounded] = [Precision::F32, Precision::Bf16]
                .map(|precision| run(&device, precision, shapes, scales, &layer));
            for (exact, rounded) in exact.iter().zip(&rounded) {
                let largest = exact.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                let apart = exact.iter().zip(rounded).fold(0.0f32, |apart, (a, b)| apart.max((a - b).abs()));
                assert!(apart <= 0.01 * largest, "{device:?}: {apart} of {largest}");
                assert!(rounded.iter().all(|x| x.is_finite()), "{device:?}");
                assert_eq!(apart > 0.0, multiplies(&device), "{device:?}: {apart}");
            }
        }
    }
}

fn multiplies_in_16_bits(device: &Device) -> bool {
    supports(device, Precision::Bf16)
}

/// So many rows that a gradient by weight shows in what numbers its terms are added.
#[test]
fn a_dense_layer_multiplies_in_16_bits_and_adds_in_f32() {
    check([[4096, 128], [128, 192]], multiplies_in_16_bits, |input, weight| {
        dense(input, weight, None, Activation::None)
    });
}

/// Burn's convolutions add products of 16 bits in 16 bits, so only kernels make them.
#[test]
fn a_convolution_multiplies_in_16_bits_where_it_has_a_kernel() {
    let options = Conv2dOptions { padding: [1; 4], ..Conv2dOptions::default() };
    let has_kernel = |device: &Device| reads_at_once(device) && multiplies_in_16_bits(device);
    check([[16, 32, 8, 8], [32, 32, 3, 3]], has_kernel, move |input, weight| {
        conv2d(input, weight, None, options, Activation::None, None)
    });
}
