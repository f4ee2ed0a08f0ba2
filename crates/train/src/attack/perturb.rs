//! The steps of an attack, on pictures as a network reads them.

use burn::tensor::{Device, Tensor, TensorData};
use fireclay_backend::batch_part;
use fireclay_data::{Normalization, Random, Source};
use fireclay_nn::{AnyTensor, Loss, Network, Target};

use super::{AdversarialOptions, Attack, AttackNorm};
use crate::error::TrainError;
use crate::upload::Uploaded;

/// The stream of random numbers that first steps begin with.
const PURPOSE: u64 = 0x6164_7665;

/// What keeps the direction of a gradient of 0 a number.
const TINY: f64 = 1e-10;

/// Changes pictures of one source.
#[derive(Clone, Debug)]
pub(crate) struct Perturber {
    device: Device,
    /// How values of pixels became what the network reads, `[1, channels, 1, 1]`.
    mean: Tensor<4>,
    std: Tensor<4>,
}

/// Which random start: that of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) seed: u64,
    pub(crate) index: u64,
}

impl Perturber {
    /// For the pictures of a source.
    ///
    /// # Errors
    /// [`TrainError::NotPictures`] if it has none.
    pub(crate) fn new(source: &dyn Source, device: &Device) -> Result<Self, TrainError> {
        let shape = source.sample_shape();
        let (&[channels, _, _], true) = (shape, source.other_inputs().is_empty()) else {
            return Err(TrainError::NotPictures { shape: shape.to_vec() });
        };
        let normalization = source.metadata().normalization.unwrap_or_else(Normalization::none);
        let of = |values: &[f32]| {
            let values = match values {
                [one] => vec![*one; channels],
                values => values.to_vec(),
            };
            Tensor::<4>::from_data(TensorData::new(values, [1, channels, 1, 1]), device)
        };
        Ok(Perturber { device: device.clone(), mean: of(&normalization.mean), std: of(&normalization.std) })
    }

    /// Pictures, `[batch, channels, height, width]`, changed so that the loss of the answers for them grows. `answer` is the network on a
    /// device that records gradients.
    pub(crate) fn perturb(
        &self,
        attack: &Attack,
        answer: &dyn Fn(AnyTensor) -> Tensor<2>,
        loss: &dyn Loss,
        images: Tensor<4>,
        target: Target,
        place: Place,
    ) -> Tensor<4> {
        if attack.strength == 0.0 {
            return images;
        }
        let Uploaded { target, .. } =
            Uploaded { input: images.clone().into(), target, weights: None }.record_gradients();
        let pixels = images.clone() * self.std.clone() + self.mean.clone();
        // A value that lies outside already is not moved further.
        let least = pixels.clone().neg().clamp_max(0.0);
        let most = (pixels.neg() + 1.0).clamp_min(0.0);
        let allowed =
            |change: Tensor<4>| within(change, attack).max_pair(least.clone()).min_pair(most.clone());
        let mut change = match attack.random_start {
            true => allowed(self.start_of_part(images.dims(), attack, place)),
            false => images.zeros_like(),
        };
        for _ in 0..attack.steps {
            let leaf = (images.clone() + change.clone() / self.std.clone()).autodiff().require_grad();
            let losses = loss.each(answer(leaf.clone().into()), &target);
            // The answer hangs on nothing of the picture.
            let Some(gradient) = leaf.grad(&losses.sum().backward()) else { break };
            let gradient = gradient / self.std.clone();
            let direction = match attack.norm {
                AttackNorm::Linf => gradient.sign(),
                AttackNorm::L2 => gradient.clone() / (lengths(&gradient) + TINY),
            };
            change = allowed(change + direction * attack.step());
        }
        images + change / self.std.clone()
    }

    /// What the samples of a part of a batch begin with in the whole one.
    fn start_of_part(&self, dims: [usize; 4], attack: &Attack, place: Place) -> Tensor<4> {
        let [samples, of_sample @ ..] = dims;
        match batch_part() {
            Some(part) if part.samples == samples => {
                let [channels, height, width] = of_sample;
                let whole = self.start([part.whole, channels, height, width], attack, place);
                whole.narrow(0, part.before, samples)
            }
            _ => self.start(dims, attack, place),
        }
    }

    /// A random change within the strength: of each value any as likely, or a random direction with any length as likely.
    fn start(&self, dims: [usize; 4], attack: &Attack, place: Place) -> Tensor<4> {
        let mut random = Random::new(PURPOSE, place.seed, place.index);
        let (count, strength) = (dims.iter().product(), attack.strength as f32);
        let values = |values| Tensor::<4>::from_data(TensorData::new(values, dims), &self.device);
        match attack.norm {
            AttackNorm::Linf => {
                values((0..count).map(|_| random.range(-strength, strength)).collect::<Vec<f32>>())
            }
            AttackNorm::L2 => {
                let direction = values((0..count).map(|_| random.normal()).collect::<Vec<f32>>());
                let share: Vec<f32> = (0..dims[0]).map(|_| random.unit() * strength).collect();
                let share = TensorData::new(share, [dims[0], 1, 1, 1]);
                direction.clone() / (lengths(&direction) + TINY) * Tensor::<4>::from_data(share, &self.device)
            }
        }
    }
}

/// A change brought back to the strength.
fn within(change: Tensor<4>, attack: &Attack) -> Tensor<4> {
    let strength = attack.strength;
    match attack.norm {
        AttackNorm::Linf => change.clamp(-strength, strength),
        AttackNorm::L2 => {
            let shares = (lengths(&change) + TINY).recip() * strength;
            change * shares.clamp_max(1.0)
        }
    }
}

/// The length of each sample's numbers, `[batch, 1, 1, 1]`.
fn lengths(images: &Tensor<4>) -> Tensor<4> {
    images.clone().powi_scalar(2).sum_dim(1).sum_dim(2).sum_dim(3).sqrt()
}

/// A batch of a training, changed against the network as it is.
pub(crate) fn perturbed_batch<N: Network>(
    (options, perturber): (&AdversarialOptions, &Perturber),
    network: &N,
    loss: &dyn Loss,
    batch: Uploaded,
    (done, epochs): (f64, usize),
    seed: u64,
) -> Uploaded {
    let attack = options.after(done, epochs);
    let network = network.valid().to_device(&perturber.device.clone().autodiff()).no_grad();
    let place = Place { seed, index: 0 };
    let answer = |input| network.forward(input);
    let images = batch.input.images();
    let input = perturber.perturb(&attack, &answer, loss, images, batch.target.clone(), place).into();
    Uploaded { input, ..batch }
}
