//! Pictures that are changed by little, so that a network errs: by its own gradient, by which it says itself what would mislead it.
//!
//! [`Attack`] says how, `perturb` does it; a training against them ([`FitOptions::adversarial`](crate::FitOptions::adversarial)) and
//! whoever measures how a network bears them do it alike.

mod options;
mod perturb;

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use fireclay_data::Source;
use fireclay_nn::{Loss, Model, Network, TestTimeAugmentation};

use crate::batches::in_order;
use crate::error::TrainError;
use crate::upload::{Uploaded, check_batch, upload};
pub use options::{AdversarialOptions, Attack, AttackNorm};
pub(crate) use perturb::{Perturber, perturbed_batch};

/// Some samples as an attack changed them.
#[derive(Clone, Debug)]
pub struct AttackedBatch {
    /// Which samples of the source.
    pub indices: Vec<u32>,
    /// The samples as the network reads them, normalised, `[batch, channels, height, width]`.
    pub inputs: Vec<f32>,
    /// What the network gives for them, `[batch, outputs]`.
    pub outputs: Vec<f32>,
}

impl Attack {
    /// Changes all samples of a source in order against a model, and shows them batch by batch with what the model makes of them. The same
    /// seed, the same samples. Where a model answers by several views of a picture, all of them are attacked.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for options out of range, [`TrainError::NotPictures`] for samples that are no pictures, and what the source
    /// reports.
    pub fn run(
        &self,
        model: &Model,
        loss: &dyn Loss,
        source: &Arc<dyn Source>,
        seed: u64,
        device: &Device,
        mut show: impl FnMut(AttackedBatch),
    ) -> Result<(), TrainError> {
        self.check()?;
        let perturber = Perturber::new(&**source, device)?;
        let plain = model.valid();
        let recording = plain.clone().to_device(&device.clone().autodiff()).no_grad();
        let views = model.spec().test_time_augmentation;
        let answer = |input: fireclay_nn::AnyTensor| match views {
            TestTimeAugmentation::None => recording.forward(input),
            views => views.mean(input.images(), |images| recording.forward(images.into())),
        };
        for (index, batch) in in_order(source).enumerate() {
            let batch = batch?;
            check_batch(&batch, &**source, loss.targets())?;
            let indices = batch.indices.clone();
            let Uploaded { input, target, .. } = upload(batch, &**source, device);
            let place = perturb::Place { seed, index: index as u64 };
            let images = perturber.perturb(self, &answer, loss, input.images(), target, place);
            let outputs = plain.forward(images.clone().into());
            show(AttackedBatch {
                indices,
                inputs: images.into_data().iter::<f32>().collect(),
                outputs: outputs.into_data().iter::<f32>().collect(),
            });
        }
        Ok(())
    }
}
