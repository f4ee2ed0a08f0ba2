//! Gradients of a network that takes no step.

use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::Source;
use fireclay_nn::{Loss, NamedTensor, Network, gradients};

use crate::batches::in_order;
use crate::error::TrainError;
use crate::training_sums::BatchLoss;
use crate::upload::{Uploaded, check_batch, upload};

/// Shows `each` the gradients of the mean loss of one batch after another, by the parameters' names, in the layout of
/// [`state`](fireclay_nn::state). The network stays as it is; batches are computed as in training, with dropout and the statistics
/// of the batch.
///
/// ```
/// use std::sync::Arc;
/// use fireclay_data::{Dataset, Provenance, Source, Targets};
/// use fireclay_nn::{Device, ModelSpec, MseLoss, state};
///
/// let device = Device::flex();
/// let model = ModelSpec::new([1]).dense(1).build_seeded(0, &device)?;
/// // What the network gives where the input is 0.
/// let bias = state(&model)[1].values[0];
/// let targets = Targets::Values { width: 1, values: vec![5.0; 3] };
/// let data = Dataset::from_f32(&[1], vec![0.0; 3], targets, Provenance::default())?;
/// let source: Arc<dyn Source> = Arc::new(data);
/// fireclay_train::batch_gradients(&model, &MseLoss, &source, &device, |gradients| {
///     let of_bias = gradients.iter().find(|gradient| gradient.name == "dense_1.bias").unwrap();
///     assert!((of_bias.values[0] - 2.0 * (bias - 5.0)).abs() < 1e-5);
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`TrainError::NoSamples`] for an empty source, [`TrainError::OnlyAnswers`] for a network that cannot be trained, and what the
/// source reports.
pub fn batch_gradients<N: Network>(
    network: &N,
    loss: &dyn Loss,
    source: &Arc<dyn Source>,
    device: &Device,
    mut each: impl FnMut(Vec<NamedTensor>),
) -> Result<(), TrainError> {
    if source.is_empty() {
        return Err(TrainError::NoSamples { purpose: "compute gradients" });
    }
    if let Some(reason) = network.only_answers() {
        return Err(TrainError::OnlyAnswers { reason });
    }
    let network = network.clone().train();
    for (at, batch) in in_order(source).enumerate() {
        let batch = batch?;
        check_batch(&batch, &**source, loss.targets())?;
        let Uploaded { input, target, weights } = upload(batch, &**source, device).record_gradients();
        let turn = fireclay_backend::seeded(device, at as u64);
        let outputs = network.forward_for_loss(input);
        drop(turn);
        let BatchLoss { loss, .. } = BatchLoss::new(loss, outputs, &target, weights.as_ref());
        each(gradients(&network, &loss.backward()));
    }
    Ok(())
}
