//! The proximal term, which keeps weights close to those of the start ([Li et al. 2020](https://arxiv.org/abs/1812.06127)).

use std::collections::HashMap;

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fireclay_nn::Network;

/// The parameters that a run began with, each as `[values]`.
pub(super) struct StartingWeights(HashMap<ParamId, Tensor<1>>);

impl StartingWeights {
    pub(super) fn of<N: Network>(network: &N) -> Self {
        let mut weights = StartingWeights(HashMap::new());
        network.visit(&mut weights);
        weights
    }

    /// The gradients with that of the term, `mu * (w - w₀)`, for each parameter that has one.
    pub(super) fn pulling_back<N: Network>(
        &self,
        gradients: GradientsParams,
        network: &N,
        mu: f64,
    ) -> GradientsParams {
        let mut pulled = Pulled { start: self, mu, gradients, done: GradientsParams::new() };
        network.visit(&mut pulled);
        pulled.done
    }
}

impl ModuleVisitor for StartingWeights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if value.is_require_grad() {
            let value = value.inner();
            let count = value.shape().num_elements();
            self.0.insert(param.id, value.reshape([count]));
        }
    }
}

struct Pulled<'a> {
    start: &'a StartingWeights,
    mu: f64,
    gradients: GradientsParams,
    done: GradientsParams,
}

impl ModuleVisitor for Pulled<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let gradient = match self.start.0.get(&param.id) {
            Some(start) => {
                let value = param.val().inner();
                let start = start.clone().reshape(value.shape());
                gradient + (value - start).mul_scalar(self.mu)
            }
            None => gradient,
        };
        self.done.register(param.id, gradient);
    }
}
