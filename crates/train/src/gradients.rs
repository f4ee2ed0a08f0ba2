//! The norm of all gradients together, and gradients whose norm is not more than a limit.

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fireclay_nn::Network;

/// The Euclidean norm of the gradients of all parameters, taken as one vector, `[1]`; `None` if there are none.
pub(crate) fn norm<N: Network>(gradients: &GradientsParams, network: &N) -> Option<Tensor<1>> {
    let mut squares = Squares { gradients, sum: None };
    network.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

/// Shortens gradients of this norm to one of at most `limit`.
pub(crate) fn clip_norm<N: Network>(
    gradients: GradientsParams,
    network: &N,
    norm: Tensor<1>,
    limit: f64,
) -> GradientsParams {
    // As PyTorch does it: a hair less than the limit, and the factor stays on the device.
    let factor = (norm.add_scalar(1e-6).recip() * limit).clamp_max(1.0);
    let mut scaled = Scaled { gradients, factor, done: GradientsParams::new() };
    network.visit(&mut scaled);
    scaled.done
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

struct Scaled {
    gradients: GradientsParams,
    /// `[1]`
    factor: Tensor<1>,
    done: GradientsParams,
}

impl Scaled {
    fn scale<const D: usize>(&mut self, id: ParamId) {
        if let Some(gradient) = self.gradients.remove::<D>(id) {
            let factor = self.factor.clone().reshape([1; D]);
            self.done.register(id, gradient * factor);
        }
    }
}

impl ModuleVisitor for Scaled {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.scale::<D>(param.id);
    }
}
