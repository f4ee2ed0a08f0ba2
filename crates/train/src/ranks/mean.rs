//! The gradients of all ranks' parts as those of the batch that the parts are of.

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use fireclay_nn::{Network, parameter_ids};

use super::Ranks;
use crate::error::TrainError;

impl Ranks {
    /// Averages gradients and the running statistics of batch norm over the ranks.
    ///
    /// Gradients of this rank count for `share`; all shares together are 1. Running statistics of all ranks count alike that had a part of
    /// the batch.
    pub(crate) fn mean<N: Network>(
        &self,
        gradients: GradientsParams,
        network: N,
        share: f64,
        had_part: bool,
    ) -> Result<(GradientsParams, N), TrainError> {
        let statistics = running_statistics(&network);
        if !statistics.is_empty() {
            // Takes the last step into the running statistics, which are the same as this network's.
            let _ = network.valid();
        }
        let part = if had_part { 1.0 } else { 0.0 };
        let mut given =
            Given { gradients, statistics: &statistics, share: share as f32, part, values: vec![part] };
        network.visit(&mut given);
        let mut values = given.values;
        self.group().sum(&mut values)?;
        let (parts, values) = (values[0], &values[1..]);
        let mut taken = Taken { gradients: GradientsParams::new(), statistics: &statistics, values };
        network.visit(&mut taken);
        let Taken { gradients, .. } = taken;
        let network = match statistics.is_empty() {
            true => network,
            false => network.map(&mut Statistics { statistics: &statistics, parts, values }),
        };
        Ok((gradients, network))
    }
}

/// The numbers of the running statistics.
fn running_statistics<N: Network>(network: &N) -> Vec<u64> {
    let is_running = |name: &str| name.ends_with(".running_mean") || name.ends_with(".running_var");
    parameter_ids(network).into_iter().filter(|(name, _)| is_running(name)).map(|(_, id)| id).collect()
}

/// What a parameter has in the list of values: nothing, running statistics, or a gradient, before which stands 1 if there is one.
enum Place {
    Nothing,
    Statistics,
    Gradient,
}

fn place<const D: usize>(param: &Param<Tensor<D>>, statistics: &[u64]) -> Place {
    if statistics.contains(&param.id.val()) {
        Place::Statistics
    } else if param.is_require_grad() {
        Place::Gradient
    } else {
        Place::Nothing
    }
}

/// Writes this rank's values into the list.
struct Given<'a> {
    gradients: GradientsParams,
    statistics: &'a [u64],
    share: f32,
    /// 1 if this rank had a part of the batch, else 0.
    part: f32,
    values: Vec<f32>,
}

impl ModuleVisitor for Given<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match place(param, self.statistics) {
            Place::Nothing => {}
            Place::Statistics => self.put(param.val(), self.part),
            Place::Gradient => match self.gradients.remove::<D>(param.id) {
                // A rank whose part of the batch is empty has none.
                None => self.values.resize(self.values.len() + 1 + param.shape().num_elements(), 0.0),
                Some(gradient) => {
                    self.values.push(1.0);
                    self.put(gradient, self.share);
                }
            },
        }
    }
}

impl Given<'_> {
    fn put<const D: usize>(&mut self, tensor: Tensor<D>, factor: f32) {
        let data = tensor.into_data().convert::<f32>();
        let values = data.as_slice::<f32>().expect("converted just now");
        match factor {
            1.0 => self.values.extend_from_slice(values),
            _ => self.values.extend(values.iter().map(|value| value * factor)),
        }
    }
}

/// Takes `count` values from the front of a list.
fn take<'a>(values: &mut &'a [f32], count: usize) -> &'a [f32] {
    let (front, rest) = values.split_at(count);
    *values = rest;
    front
}

/// Takes the sums of gradients out of the list.
struct Taken<'a> {
    gradients: GradientsParams,
    statistics: &'a [u64],
    values: &'a [f32],
}

impl ModuleVisitor for Taken<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.shape();
        match place(param, self.statistics) {
            Place::Nothing => {}
            Place::Statistics => {
                take(&mut self.values, shape.num_elements());
            }
            Place::Gradient => {
                let ranks = take(&mut self.values, 1)[0];
                let sum = take(&mut self.values, shape.num_elements());
                // A parameter that had no part in the loss of any rank has no gradient, and is not stepped.
                if ranks > 0.0 {
                    let device = param.val().device().without_autodiff();
                    let sum = Tensor::<D>::from_data(TensorData::new(sum.to_vec(), shape), &device);
                    self.gradients.register(param.id, sum);
                }
            }
        }
    }
}

/// Puts the means of running statistics into the network.
struct Statistics<'a> {
    statistics: &'a [u64],
    /// Ranks that had a part of the batch.
    parts: f32,
    values: &'a [f32],
}

impl ModuleMapper for Statistics<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let count = param.shape().num_elements();
        match place(&param, self.statistics) {
            Place::Nothing => param,
            Place::Gradient => {
                take(&mut self.values, 1 + count);
                param
            }
            Place::Statistics => {
                let parts = self.parts;
                let mean = take(&mut self.values, count).iter().map(|sum| sum / parts).collect::<Vec<f32>>();
                param.map(|value| Tensor::from_data(TensorData::new(mean, value.shape()), &value.device()))
            }
        }
    }
}
