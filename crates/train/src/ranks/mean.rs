//! The gradients of all ranks' parts as those of the batch that the parts are of.

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use fireclay_backend::ops::storage_order;
use fireclay_nn::{Network, is_running_statistic, parameter_ids};

use std::sync::PoisonError;

use super::Ranks;
use crate::error::TrainError;

/// What one step leaves to the next.
#[derive(Default)]
pub(super) struct Exchanged {
    /// The orders in which all ranks exchange the values of gradients, parameter after parameter: those in which rank 0's lay in the
    /// first step, so that next to nothing is copied value by value.
    orders: Option<Vec<Vec<u8>>>,
    /// The list of values, whose memory is used again.
    values: Vec<f32>,
}

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
        let mut exchanged = self.exchanged.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = match exchanged.orders.take() {
            Some(orders) => orders,
            None => self.orders_of_first(&gradients, &network)?,
        };
        let mut values = std::mem::take(&mut exchanged.values);
        values.clear();
        let part = if had_part { 1.0 } else { 0.0 };
        values.push(part);
        let share = share as f32;
        let mut given =
            Given { gradients, statistics: &statistics, orders: orders.iter(), share, part, values };
        network.visit(&mut given);
        let mut values = given.values;
        self.group().sum(&mut values)?;
        let (parts, sums) = (values[0], &values[1..]);
        let gradients = GradientsParams::new();
        let mut taken = Taken { gradients, statistics: &statistics, orders: orders.iter(), values: sums };
        network.visit(&mut taken);
        let Taken { gradients, .. } = taken;
        let network = match statistics.is_empty() {
            true => network,
            false => network.map(&mut Statistics { statistics: &statistics, parts, values: sums }),
        };
        *exchanged = Exchanged { orders: Some(orders), values };
        Ok((gradients, network))
    }

    /// How rank 0's gradients lie in memory, in the order of the parameters.
    fn orders_of_first<N: Network>(
        &self,
        gradients: &GradientsParams,
        network: &N,
    ) -> Result<Vec<Vec<u8>>, TrainError> {
        let mut own = Orders { gradients, orders: Vec::new() };
        network.visit(&mut own);
        let mut bytes = own.orders.iter().flat_map(|axes| axes.iter().copied()).collect();
        self.group().broadcast(0, &mut bytes)?;
        let dimensions = own.orders.iter().map(Vec::len);
        orders_of_bytes(&bytes, dimensions).ok_or(TrainError::RankMessage)
    }
}

/// The orders of tensors of so many dimensions, one behind the other; `None` if one has not each axis once, or something is left.
fn orders_of_bytes(mut bytes: &[u8], dimensions: impl Iterator<Item = usize>) -> Option<Vec<Vec<u8>>> {
    let orders = dimensions.map(|dimensions| {
        let (order, rest) = bytes.split_at_checked(dimensions)?;
        bytes = rest;
        (0..dimensions as u8).all(|axis| order.contains(&axis)).then(|| order.to_vec())
    });
    let orders = orders.collect::<Option<_>>()?;
    bytes.is_empty().then_some(orders)
}

/// How gradients lie in memory.
struct Orders<'a> {
    gradients: &'a GradientsParams,
    orders: Vec<Vec<u8>>,
}

impl ModuleVisitor for Orders<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let axes = match self.gradients.get::<D>(param.id) {
            Some(gradient) => storage_order(&gradient),
            None => std::array::from_fn(|axis| axis),
        };
        self.orders.push(axes.iter().map(|axis| *axis as u8).collect());
    }
}

/// A tensor's axes in another order, and back.
fn turned<const D: usize>(tensor: Tensor<D>, order: &[u8]) -> Tensor<D> {
    tensor.permute(std::array::from_fn::<_, D, _>(|axis| order[axis] as isize))
}

fn turned_back<const D: usize>(tensor: Tensor<D>, order: &[u8]) -> Tensor<D> {
    let mut axes = [0; D];
    (0..D).for_each(|axis| axes[order[axis] as usize] = axis as isize);
    tensor.permute(axes)
}

/// The numbers of the running statistics.
fn running_statistics<N: Network>(network: &N) -> Vec<u64> {
    parameter_ids(network)
        .into_iter()
        .filter(|(name, _)| is_running_statistic(name))
        .map(|(_, id)| id)
        .collect()
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
    orders: std::slice::Iter<'a, Vec<u8>>,
    share: f32,
    /// 1 if this rank had a part of the batch, else 0.
    part: f32,
    values: Vec<f32>,
}

impl ModuleVisitor for Given<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let order = self.orders.next().expect("one for each parameter");
        match place(param, self.statistics) {
            Place::Nothing => {}
            Place::Statistics => self.put(param.val(), self.part),
            Place::Gradient => match self.gradients.remove::<D>(param.id) {
                // A rank whose part of the batch is empty has none.
                None => self.values.resize(self.values.len() + 1 + param.shape().num_elements(), 0.0),
                Some(gradient) => {
                    self.values.push(1.0);
                    self.put(turned(gradient, order), self.share);
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
    orders: std::slice::Iter<'a, Vec<u8>>,
    values: &'a [f32],
}

impl ModuleVisitor for Taken<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let order = self.orders.next().expect("one for each parameter");
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
                    let lying: Vec<usize> = order.iter().map(|axis| shape[*axis as usize]).collect();
                    let sum = Tensor::<D>::from_data(TensorData::new(sum.to_vec(), lying), &device);
                    self.gradients.register(param.id, turned_back(sum, order));
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

#[cfg(test)]
mod tests {
    use super::orders_of_bytes;

    #[test]
    fn orders_of_another_rank_have_each_axis_once() {
        let orders = |bytes: &[u8]| orders_of_bytes(bytes, [2, 0, 3].into_iter());
        assert_eq!(orders(&[1, 0, 2, 0, 1]), Some(vec![vec![1, 0], vec![], vec![2, 0, 1]]));
        for wrong in [&[0, 0, 0, 1, 2][..], &[0, 1, 0, 1, 3], &[0, 1, 0, 1], &[0, 1, 0, 1, 2, 0], &[]] {
            assert_eq!(orders(wrong), None, "{wrong:?}");
        }
    }
}
