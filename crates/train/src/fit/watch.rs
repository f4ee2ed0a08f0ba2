//! What is most likely going wrong in a run, said once each, with what to try.

use burn::tensor::Device;
use fireclay_data::{Batch, Source};
use fireclay_nn::{AnyTensor, Loss, Network};

use crate::averaging::has_running_statistics;
use crate::constant::ConstantAnswer;

/// A share of the loss of a constant answer, above which nothing was learnt.
const LEARNT_NOTHING: f64 = 0.99;

/// Epochs, and steps in all, after which something should have been learnt.
const PATIENCE: usize = 2;
const MOST_PATIENCE: usize = 10;
const PATIENCE_STEPS: usize = 50;

/// Steps between two looks at the norm of the gradients, and how many of them say what is usual.
const NORM_INTERVAL: usize = 64;
const NORMS: usize = 5;

/// Times the usual norm that gradients may have.
const EXPLODED: f64 = 1_000.0;

/// A share of a layer's units that give 0 whatever comes in.
const MOSTLY_DEAD: f64 = 0.9;

/// What has been seen of a run. It is no part of checkpoints: a run that goes on looks anew.
#[derive(Default)]
pub(super) struct Watch {
    constant: Option<ConstantAnswer>,
    norms: Vec<f64>,
    exploded: bool,
    learnt_nothing: bool,
    dead: bool,
    /// The input of the last batch of an epoch.
    pub(super) input: Option<AnyTensor>,
}

/// A batch norm that is going to see one sample.
pub(super) fn lonely_sample<N: Network>(network: &N, samples: usize, batch_size: usize) -> Option<String> {
    let left = samples % batch_size;
    let lonely = left == 1 || batch_size == 1;
    (lonely && has_running_statistics(network)).then(|| {
        let batches = if batch_size == 1 { "each batch" } else { "the last batch of each epoch" };
        format!(
            "{batches} has one sample, of which batch norm learns nothing: its variance is 0; choose another batch size, or \
             layer_norm or group_norm"
        )
    })
}

impl Watch {
    /// Takes in the targets of a batch of the first epoch.
    pub(super) fn add(&mut self, epoch: usize, batch: &Batch, source: &dyn Source) {
        if epoch == 1 {
            self.constant
                .get_or_insert_with(|| ConstantAnswer::new(source.target_kind()))
                .add(&batch.targets);
        }
    }

    /// Whether the norm of the gradients of a step is to be looked at.
    pub(super) fn wants_norm(&self, step: usize) -> bool {
        !self.exploded && step.is_multiple_of(NORM_INTERVAL)
    }

    /// Gradients that have grown out of all proportion.
    pub(super) fn exploding(&mut self, step: usize, norm: f64) -> Option<String> {
        if self.norms.len() < NORMS {
            self.norms.push(norm);
            self.norms.sort_by(f64::total_cmp);
            return None;
        }
        let usual = self.norms[NORMS / 2];
        self.exploded = norm > EXPLODED * usual && usual > 0.0;
        self.exploded.then(|| {
            format!(
                "the gradients exploded: their norm is {norm:.3e} at step {step} and was {usual:.3e}; try a lower learning rate, or \
                 gradients clipped to a norm of 1"
            )
        })
    }

    /// A loss that is that of a constant answer.
    pub(super) fn learnt_nothing(
        &mut self,
        loss: &dyn Loss,
        (epoch, epochs, steps): (usize, usize, usize),
        mean: Option<f64>,
        device: &Device,
    ) -> Option<String> {
        // A schedule may let the rate rise for a while first, but nobody waits for a hundred epochs to hear of it.
        let patience = (epochs / 10).clamp(PATIENCE, MOST_PATIENCE).min(epochs);
        if self.learnt_nothing || epoch < patience || epoch * steps < PATIENCE_STEPS {
            return None;
        }
        let constant = self.constant.take()?.loss(loss, device)?;
        let mean = mean.filter(|mean| *mean >= LEARNT_NOTHING * constant && constant > 0.0)?;
        self.learnt_nothing = true;
        Some(format!(
            "nothing was learnt: the loss is {mean:.4} after {epoch} epochs, and the best constant answer has {constant:.4}; try another \
             learning rate, ten times lower or higher, and see whether the targets belong to their samples"
        ))
    }

    /// Layers most of whose units give 0 whatever comes in.
    pub(super) fn dead<N: Network>(&mut self, network: &N) -> Option<String> {
        let input = self.input.take()?;
        if self.dead || input.dims().first().is_none_or(|samples| *samples < 8) {
            return None;
        }
        let layers = network.dead_units(input);
        let most = |layer: &&fireclay_nn::DeadUnits| layer.dead as f64 >= MOSTLY_DEAD * layer.units as f64;
        let layer = layers.iter().find(most)?;
        self.dead = true;
        Some(format!(
            "'{}' is dead: {} of its {} units give 0 for all samples of a batch and learn nothing any more; try a lower learning rate, \
             or leaky_relu or gelu instead",
            layer.layer, layer.dead, layer.units
        ))
    }
}
