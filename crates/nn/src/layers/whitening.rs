//! A first convolution that whitens the patches of images; what it computes is measured on the data.

use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor, TensorData};
use fireclay_backend::ops::conv2d_weight;
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::conv2d::{self, window_counts};
use super::eigen::symmetric_eigen;
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer, check_epsilon, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::losses::Target;
use crate::shapes::{Size2d, TensorSpec};
use crate::tensor::AnyTensor;

/// Images that the patches are taken from, at most.
const IMAGES: usize = 5000;

/// A convolution whose channels are uncorrelated and of variance 1 on the training images, each once as it is and once
/// negated ([Jordan 2024](https://arxiv.org/abs/2404.00498)).
///
/// Its weight is not learnt: before the first epoch it is set to the eigenvectors of the covariance of all patches of up
/// to 5,000 training images, each divided by the root of its eigenvalue. The bias is learnt, and begins at 0. It stands at
/// the top level of a network, not inside a block.
///
/// # Shapes
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, 2 * channels * kernel height * kernel width, out_height, out_width]`, with stride 1 and no padding
/// - `weight`: `[out_channels, channels, kernel height, kernel width]`, not trained; `bias`: `[out_channels]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse a kernel of 0 or larger than the image, patches of more than 1,024 values, an `epsilon` of 0 or less, and
/// a place inside a block.
///
/// ```
/// use fireclay_nn::{ModelSpec, Network};
///
/// let spec = ModelSpec::new([3, 8, 8]).whitening(2).gelu().global_avg_pool2d();
/// assert_eq!(spec.output_features()?, 2 * 3 * 2 * 2);
/// assert!(spec.build(&burn::tensor::Device::flex())?.adapts(), "the data has not set it yet");
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhiteningSpec {
    /// Height and width of the patches.
    pub kernel_size: Size2d,
    /// Added to the eigenvalues, so that directions with hardly any variance are not blown up; 5e-4 by default.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// Whether a bias is added, and learnt; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
}

fn default_epsilon() -> f64 {
    5e-4
}

impl WhiteningSpec {
    /// Whitens patches of some size, `2` or `[2, 3]`, with a bias.
    pub fn new(kernel_size: impl Into<Size2d>) -> Self {
        WhiteningSpec { kernel_size: kernel_size.into(), epsilon: default_epsilon(), bias: true }
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[channels, height, width] = input else {
            return Err(LayerProblem::NeedsImage);
        };
        let [kernel_height, kernel_width] = self.kernel_size.dims();
        if kernel_height == 0 || kernel_width == 0 {
            return Err(LayerProblem::Zero { field: "kernel_size" });
        }
        check_epsilon(self.epsilon)?;
        let patch = values(&[channels, kernel_height, kernel_width])? as usize;
        if patch > 1024 {
            return Err(LayerProblem::Range {
                field: "kernel_size",
                found: format!("patches of {patch} values"),
                expected: "patches of at most 1024 values",
            });
        }
        let [out_height, out_width] =
            window_counts([height, width], [kernel_height, kernel_width], Size2d::ONE)?;
        let out_channels = 2 * patch;
        let output = vec![out_channels, out_height, out_width];
        let products = values(&output)?.saturating_mul(patch as u64);
        let weight = TensorSpec {
            trainable: false,
            ..TensorSpec::trained("weight", [out_channels, channels, kernel_height, kernel_width])?
        };
        let bias = self.bias.then(|| TensorSpec::trained("bias", [out_channels])).transpose()?;
        Ok(Inferred {
            output: output.into(),
            tensors: [weight].into_iter().chain(bias).collect(),
            flops: products.saturating_mul(2),
        })
    }

    pub(crate) fn build(&self, input: &[usize], device: &Device) -> Whitening {
        let [kernel_height, kernel_width] = self.kernel_size.dims();
        let patch = input[0] * kernel_height * kernel_width;
        let shape = [2 * patch, input[0], kernel_height, kernel_width];
        let conv = Conv2d {
            weight: fixed(conv2d_weight(TensorData::new(before_data(patch), shape), device)),
            bias: self.bias.then(|| Param::from_tensor(Tensor::zeros([2 * patch], device))),
            stride: [1, 1],
            kernel_size: [kernel_height, kernel_width],
            dilation: [1, 1],
            groups: 1,
            padding: PaddingConfig2d::Explicit(0, 0, 0, 0),
        };
        Whitening { conv, epsilon: self.epsilon }
    }
}

/// The weight until the data is seen: each value of the patch, and its negative.
fn before_data(patch: usize) -> Vec<f32> {
    let mut weight = vec![0.0; 2 * patch * patch];
    for at in 0..patch {
        weight[at * patch + at] = 1.0;
        weight[(patch + at) * patch + at] = -1.0;
    }
    weight
}

/// A parameter that no optimiser changes.
fn fixed(weight: Tensor<4>) -> Param<Tensor<4>> {
    Param::from_tensor(weight).set_require_grad(false)
}

#[derive(Module, Debug)]
pub(crate) struct Whitening {
    pub(crate) conv: Conv2d,
    epsilon: f64,
}

impl Whitening {
    /// The layer with the weight that whitens the given images, as many of them as are looked at.
    pub(crate) fn adapt(mut self, batches: &mut dyn Iterator<Item = AnyTensor>) -> Self {
        let [_, channels, kernel_height, kernel_width] = self.conv.weight.dims();
        let device = self.conv.weight.val().device();
        let patch = channels * kernel_height * kernel_width;
        let mut covariance = Covariance { sums: vec![0.0; patch * patch], patches: 0 };
        let mut seen = 0;
        while seen < IMAGES
            && let Some(batch) = batches.next()
        {
            let images = batch.images();
            let [count, _, height, width] = images.dims();
            let count = count.min(IMAGES - seen);
            seen += count;
            let pixels: Vec<f32> = images.into_data().iter::<f32>().collect();
            let size = [channels, height, width];
            for image in pixels.chunks_exact(size.iter().product()).take(count) {
                covariance.add_patches(image, size, [kernel_height, kernel_width]);
            }
        }
        let weight = covariance.whitening(self.epsilon);
        let shape = [2 * patch, channels, kernel_height, kernel_width];
        let id = self.conv.weight.id;
        let weight = conv2d_weight(TensorData::new(weight, shape), &device);
        self.conv.weight = Param::initialized(id, weight).set_require_grad(false);
        self
    }
}

/// Products of the values of a patch with one another, summed over patches.
struct Covariance {
    /// `[patch, patch]`
    sums: Vec<f64>,
    patches: u64,
}

impl Covariance {
    fn add_patches(
        &mut self,
        image: &[f32],
        [channels, height, width]: [usize; 3],
        [kernel_height, kernel_width]: [usize; 2],
    ) {
        let size = channels * kernel_height * kernel_width;
        let mut patch = vec![0.0; size];
        for top in 0..=height - kernel_height {
            for left in 0..=width - kernel_width {
                let mut values = patch.iter_mut();
                for channel in 0..channels {
                    for row in 0..kernel_height {
                        let start = (channel * height + top + row) * width + left;
                        for (pixel, value) in image[start..start + kernel_width].iter().zip(&mut values) {
                            *value = f64::from(*pixel);
                        }
                    }
                }
                for (a, sums) in patch.iter().zip(self.sums.chunks_exact_mut(size)) {
                    sums.iter_mut().zip(&patch).for_each(|(sum, b)| *sum += a * b);
                }
                self.patches += 1;
            }
        }
    }

    /// The weight, `[2 * patch, patch]`: directions divided by the roots of their variances, then the same negated.
    fn whitening(mut self, epsilon: f64) -> Vec<f32> {
        let size = (self.sums.len() as f64).sqrt() as usize;
        let share = 1.0 / self.patches.max(1) as f64;
        self.sums.iter_mut().for_each(|sum| *sum *= share);
        let (variances, directions) = symmetric_eigen(self.sums, size);
        let scaled: Vec<f32> = directions
            .chunks_exact(size)
            .zip(&variances)
            .flat_map(|(direction, variance)| {
                let scale = 1.0 / (variance.max(0.0) + epsilon).sqrt();
                direction.iter().map(move |value| (value * scale) as f32)
            })
            .collect();
        let negated = scaled.iter().map(|value| -value);
        scaled.iter().copied().chain(negated).collect()
    }
}

impl Description for WhiteningSpec {
    type Module = Whitening;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Whitening {
        self.build(plan.input.shape(), device)
    }

    fn adapts(&self) -> bool {
        true
    }

    fn inner_path(&self) -> Option<&'static str> {
        Some("conv")
    }
}

impl Forward for Whitening {
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
        conv2d::forward_flow(&self.conv, input, following)
    }

    /// The weight tells: what any data gives is divided by roots of variances, and what is there before is not.
    fn awaits_data(&self) -> bool {
        let weight = self.conv.weight.val();
        let patch = weight.dims()[1..].iter().product();
        weight.into_data().iter::<f32>().eq(before_data(patch))
    }

    fn adapt(self, batches: &mut dyn Iterator<Item = (AnyTensor, Target)>) -> Self {
        Whitening::adapt(self, &mut batches.map(|(input, _)| input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelSpec, Network, Target};
    use burn::tensor::Distribution;

    #[test]
    fn adapted_channels_are_uncorrelated_with_variance_one() {
        let device = Device::flex();
        device.seed(3);
        let spec = ModelSpec::new([2, 6, 7])
            .layer(WhiteningSpec { epsilon: 1e-9, ..WhiteningSpec::new(2) })
            .flatten()
            .dense(2);
        let model = spec.build(&device).unwrap();
        assert!(model.adapts());
        // Neighbouring pixels are alike, so that there is something to whiten.
        let noise = Tensor::<4>::random([40, 2, 7, 8], Distribution::Default, &device);
        let images = noise.clone().slice([0..40, 0..2, 0..6, 0..7]) + noise.slice([0..40, 0..2, 1..7, 1..8]);
        let target = Target::Classes(Tensor::zeros([40], &device));
        let batches = || -> Box<dyn Iterator<Item = (AnyTensor, Target)>> {
            Box::new(std::iter::once((AnyTensor::from(images.clone()), target.clone())))
        };
        let whitening = WhiteningSpec { epsilon: 1e-9, ..WhiteningSpec::new(2) }.build(&[2, 6, 7], &device);
        let whitening = whitening.adapt(&mut batches().map(|(input, _)| input));
        let output = super::super::conv2d::forward(
            &whitening.conv,
            images.clone(),
            fireclay_backend::ops::Activation::None,
            None,
        );
        let [batch, channels, height, width] = output.dims();
        let rows = output.permute([1, 0, 2, 3]).reshape([channels, batch * height * width]);
        let count = (batch * height * width) as f32;
        let covariance = rows.clone().matmul(rows.transpose()).div_scalar(count).into_data();
        let covariance: Vec<f32> = covariance.iter::<f32>().collect();
        for row in 0..channels {
            for column in 0..channels {
                let expected = match (row % 8 == column % 8, row == column) {
                    (true, true) => 1.0,
                    (true, false) => -1.0,
                    _ => 0.0,
                };
                assert!((covariance[row * channels + column] - expected).abs() < 1e-3, "{row} {column}");
            }
        }
        // Through the model: the same weight, under its name, and it is no parameter to train.
        let adapted = model.adapt(&batches);
        let weights = crate::state(&adapted);
        let weight = weights.iter().find(|tensor| tensor.name == "whitening_1.weight").unwrap();
        assert_eq!(weight.shape, [16, 2, 2, 2]);
        let expected: Vec<f32> = whitening.conv.weight.val().into_data().iter::<f32>().collect();
        assert_eq!(weight.values, expected);
        let loss = adapted.clone().train().forward(AnyTensor::from(images.autodiff())).sum();
        let gradients = crate::gradients(&adapted.train(), &loss.backward());
        assert!(gradients.iter().all(|gradient| gradient.name != "whitening_1.weight"));
    }
}
