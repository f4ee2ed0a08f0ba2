//! The norm of all gradients together, and gradients that are clipped by their values or by that norm.

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fireclay_nn::Network;

use crate::options::FitOptions;

/// Clips gradients by value, then by norm, as the options say, if `clips`. With `needs_norm` also their norm before that, `[1]`, if there
/// are any.
pub(crate) fn clip<N: Network>(
    mut gradients: GradientsParams,
    network: &N,
    options: &FitOptions,
    clips: bool,
    needs_norm: bool,
) -> (GradientsParams, Option<Tensor<1>>) {
    let before = if needs_norm { norm(&gradients, network) } else { None };
    if !clips {
        return (gradients, before);
    }
    if let Some(limit) = options.clip_value {
        gradients = Clip::Value(limit).apply(gradients, network);
    }
    if let Some(limit) = options.clip_norm {
        let is_known = before.is_some() && options.clip_value.is_none();
        let norm = if is_known { before.clone() } else { norm(&gradients, network) };
        if let Some(norm) = norm {
            // As PyTorch does it: a hair less than the limit, and the factor stays on the device.
            let factor = (norm.add_scalar(1e-6).recip() * limit).clamp_max(1.0);
            gradients = scaled(gradients, &factor, network);
        }
    }
    (gradients, before)
}

/// The gradients, each number multiplied by `factor`, `[1]`.
pub(crate) fn scaled<N: Network>(
    gradients: GradientsParams,
    factor: &Tensor<1>,
    network: &N,
) -> GradientsParams {
    Clip::Factor(factor).apply(gradients, network)
}

/// The Euclidean norm of the gradients of all parameters, taken as one vector, `[1]`; `None` if there are none.
pub(crate) fn norm<N: Network>(gradients: &GradientsParams, network: &N) -> Option<Tensor<1>> {
    let mut squares = Squares { gradients, sum: None };
    network.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    /// `[1]`
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = gradient.clone().mul(gradient).sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

/// What happens to every gradient.
enum Clip<'a> {
    /// Each number is brought between this, more than 0, and its negative.
    Value(f64),
    /// Each number is multiplied by this, `[1]`.
    Factor(&'a Tensor<1>),
}

impl Clip<'_> {
    fn apply<N: Network>(self, gradients: GradientsParams, network: &N) -> GradientsParams {
        let mut clipped = Clipped { gradients, clip: self, done: GradientsParams::new() };
        network.visit(&mut clipped);
        clipped.done
    }
}

struct Clipped<'a> {
    gradients: GradientsParams,
    clip: Clip<'a>,
    done: GradientsParams,
}

impl Clipped<'_> {
    fn clip<const D: usize>(&mut self, id: ParamId) {
        if let Some(gradient) = self.gradients.remove::<D>(id) {
            let gradient = match &self.clip {
                Clip::Value(limit) => gradient.clamp(-limit, *limit),
                Clip::Factor(factor) => gradient * (*factor).clone().reshape([1; D]),
            };
            self.done.register(id, gradient);
        }
    }
}

impl ModuleVisitor for Clipped<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.clip::<D>(param.id);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use fireclay_nn::{ModelSpec, parameter_ids};

    use super::*;

    /// What is left of a weight's and a bias's gradients, and their norm before.
    fn clipped(clip_value: Option<f64>, clip_norm: Option<f64>) -> ([f32; 3], Option<f32>) {
        let device = Device::flex();
        let network = ModelSpec::new([2]).dense(1).build(&device).unwrap();
        let ids = parameter_ids(&network);
        let [weight, bias] = ["dense_1.weight", "dense_1.bias"].map(|name| ParamId::from(ids[name]));
        let mut gradients = GradientsParams::new();
        gradients.register(weight, Tensor::<2>::from_floats([[3.0], [-0.5]], &device));
        gradients.register(bias, Tensor::<1>::from_floats([-10.0], &device));
        let options = FitOptions { clip_value, clip_norm, ..FitOptions::default() };
        let (gradients, norm) = clip(gradients, &network, &options, true, clip_value.is_some());
        let weight = gradients.get::<2>(weight).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let bias = gradients.get::<1>(bias).unwrap().into_scalar::<f32>();
        ([weight[0], weight[1], bias], norm.map(|norm| norm.into_scalar::<f32>()))
    }

    fn assert_close(found: [f32; 3], expected: [f32; 3]) {
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "found {found}, expected {expected}");
        }
    }

    /// Values of PyTorch's `clip_grad_value_`, then `clip_grad_norm_`.
    #[test]
    fn gradients_are_clipped_by_value_and_then_by_norm_as_in_pytorch() {
        let (found, norm) = clipped(Some(2.0), None);
        assert_eq!(found, [2.0, -0.5, -2.0]);
        assert!((norm.unwrap() - 10.452_272).abs() < 1e-5, "{norm:?}");
        let (found, norm) = clipped(Some(2.0), Some(1.0));
        assert_close(found, [0.696_310_4, -0.174_077_6, -0.696_310_4]);
        assert!((norm.unwrap() - 10.452_272).abs() < 1e-5, "{norm:?}");
        assert_close(clipped(None, Some(1.0)).0, [0.287_018_9, -0.047_836_48, -0.956_729_65]);
        assert_eq!(clipped(None, None), ([3.0, -0.5, -10.0], None));
    }
}
