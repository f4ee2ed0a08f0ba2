//! The gradients of a private step: each sample's shortened, added up, and noise added to that.

use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use fireclay_backend::ops::{has_sample_norms, sample_norms};
use fireclay_data::Pass;
use fireclay_nn::{Loss, Network, Target};

use super::{Plan, Purpose, Random};
use crate::error::TrainError;
use crate::gradients::{norm, scaled};
use crate::upload::Uploaded;

/// Samples that are on the device at once where their norms come from one pass.
const AT_ONCE: usize = 128;

/// How much shorter gradients are made than they may be.
const MARGIN: f64 = 1e-3;

/// What samples gave.
pub(crate) struct Clipped {
    /// The sum of their gradients, each shortened.
    pub(crate) gradients: GradientsParams,
    /// The mean of their losses, `[1]`.
    pub(crate) loss: Tensor<1>,
    pub(crate) outputs: Tensor<2>,
    /// Parameters without a gradient, in the form of [`parameters_without_gradient`](fireclay_nn::parameters_without_gradient).
    pub(crate) unused: Vec<String>,
}

/// How many samples [`Plan::clipped`] is to be given at once for this network.
pub(crate) fn samples_at_once<N: Network>(network: &N, device: &Device) -> usize {
    if has_norms(network, device) { AT_ONCE } else { 1 }
}

fn has_norms<N: Network>(network: &N, device: &Device) -> bool {
    network.has_sample_norms() && has_sample_norms(device)
}

impl Plan {
    /// The gradients of some samples, on a device that records gradients; `seed` is that of the dropout.
    ///
    /// # Errors
    /// [`TrainError::NotPrivate`] if the loss or the targets put samples together.
    pub(crate) fn clipped<N: Network>(
        &self,
        network: &N,
        loss: &dyn Loss,
        batch: &Uploaded,
        samples: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Clipped, TrainError> {
        let losses = || {
            // The same dropout each time.
            let turn = fireclay_backend::seeded(device, seed);
            let outputs = network.forward_for_loss(batch.input.clone()).compute();
            drop(turn);
            let losses = losses_of_samples(loss, outputs.clone(), batch, samples)?;
            Ok::<_, TrainError>((losses, outputs))
        };
        let shares = match has_norms(network, device) {
            true => {
                let norms = sample_norms(samples);
                losses()?.0.sum().backward();
                Some(norms.finish().into_iter().map(|norm| self.share(norm)).collect::<Vec<f32>>())
            }
            // One by one, the norm is that of the gradient itself.
            false => None,
        };
        let (losses, outputs) = losses()?;
        let mean = losses.clone().mean();
        let sum = match &shares {
            Some(shares) => {
                let shares = Tensor::<1>::from_floats(shares.as_slice(), &losses.device());
                (losses * shares).sum()
            }
            None => losses.sum(),
        };
        let gradients = sum.backward();
        let unused = fireclay_nn::parameters_without_gradient(network, &gradients);
        let mut gradients = GradientsParams::from_grads(gradients, network);
        if shares.is_none() {
            assert_eq!(samples, 1, "a network without norms of samples sees one at a time");
            if let Some(norm) = norm(&gradients, network) {
                let share = self.share(f64::from(norm.into_scalar::<f32>()));
                let share = Tensor::<1>::from_floats([share], device);
                gradients = scaled(gradients, &share, network);
            }
        }
        Ok(Clipped { gradients, loss: mean, outputs, unused })
    }

    /// What is left of a gradient of this norm.
    fn share(&self, norm: f64) -> f32 {
        if !norm.is_finite() {
            return 0.0;
        }
        // A little less than would be left, for what rounding adds: the gradients of the second pass come from other kernels.
        (self.clip_norm / norm.max(self.clip_norm) * (1.0 - MARGIN)) as f32
    }

    /// The gradients of a step from the sum over its samples: with noise for every parameter that is trained, divided by the
    /// number of samples that is expected.
    ///
    /// # Errors
    /// [`TrainError::Noise`] if the operating system gives none.
    pub(crate) fn noisy<N: Network>(
        &self,
        gradients: GradientsParams,
        network: &N,
        pass: Pass,
        step: usize,
    ) -> Result<GradientsParams, TrainError> {
        let random = Random::new(self.options.noise, pass, step, Purpose::Noise)?;
        let mut adder = Adder {
            gradients,
            random,
            deviation: self.noise_multiplier * self.clip_norm,
            divisor: self.expected,
            done: GradientsParams::new(),
        };
        network.visit(&mut adder);
        Ok(adder.done)
    }

    /// The seed of the dropout of some samples of a step. Which unit is dropped hangs on a sample's place among those that were drawn, so it
    /// must not be known.
    ///
    /// # Errors
    /// As [`noisy`](Self::noisy).
    pub(crate) fn dropout_seed(&self, pass: Pass, step: usize, index: usize) -> Result<u64, TrainError> {
        Ok(Random::new(self.options.noise, pass, step, Purpose::Dropout)?.number(index))
    }

    /// The samples of each step of an epoch, of so many.
    ///
    /// # Errors
    /// As [`noisy`](Self::noisy).
    pub(crate) fn steps_of_epoch(
        &self,
        samples: usize,
        pass: Pass,
        steps: usize,
    ) -> Result<Vec<Vec<u32>>, TrainError> {
        (1..=steps)
            .map(|step| {
                let mut random = Random::new(self.options.noise, pass, step, Purpose::Samples)?;
                Ok(random.chosen(samples, self.sampling_rate))
            })
            .collect()
    }
}

/// The loss of each sample, `[samples]`: of several rows their mean.
fn losses_of_samples(
    loss: &dyn Loss,
    outputs: Tensor<2>,
    batch: &Uploaded,
    samples: usize,
) -> Result<Tensor<1>, TrainError> {
    if let Target::MixedClasses { .. } = batch.target {
        let reason = "its samples are mixed from two each; take an augmentation without mixup and cutmix";
        return Err(TrainError::NotPrivate { reason: reason.into() });
    }
    let [rows, _] = outputs.dims();
    let mut losses = loss.each(outputs, &batch.target);
    if losses.dims() != [rows] {
        let reason =
            format!("the loss '{}' gives one number for a batch; expected one for each row", loss.name());
        return Err(TrainError::NotPrivate { reason });
    }
    if let Some(weights) = &batch.weights {
        losses = losses * weights.tensor.clone();
    }
    Ok(match rows == samples {
        true => losses,
        false => losses.reshape([samples, rows / samples.max(1)]).mean_dim(1).squeeze_dim::<1>(1),
    })
}

struct Adder {
    gradients: GradientsParams,
    random: Random,
    deviation: f64,
    divisor: f64,
    done: GradientsParams,
}

impl ModuleVisitor for Adder {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            return;
        }
        let (shape, device) = (value.shape(), value.device().inner());
        let noise = self.random.normals(shape.num_elements(), self.deviation);
        let noise = Tensor::<D>::from_data(TensorData::new(noise, shape), &device);
        // A step on no samples has nothing but noise.
        let sum = match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient + noise,
            None => noise,
        };
        self.done.register(param.id, sum / self.divisor);
    }
}
