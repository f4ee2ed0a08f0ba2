//! `compress --sparsity`.

use std::sync::Arc;

use fireclay::compress::{CompressError, SparseTensor, check_sparsity, sparsify};
use fireclay::data::Dataset;
use fireclay::nn::readable::count;
use fireclay::prelude::Device;
use fireclay::store::ModelFile;

use super::Compress;
use super::training::Training;
use crate::exit::UsageError;
use crate::format::{percent, shown};
use crate::output::Output;
use crate::program::Program;
use crate::records::{CompressionDetails, SparseWeights};

/// The share, if it is one.
pub fn checked(share: f64) -> anyhow::Result<f64> {
    check_sparsity(share).map_err(UsageError::of)?;
    Ok(share)
}

/// Sets weights to 0, trains those that are left, and saves the model; nothing if the training was interrupted.
pub fn run<P: Program>(
    flags: &Compress<P>,
    share: f64,
    file: &ModelFile,
    (train, test): (Dataset, &Dataset),
    device: &Device,
    output: &Arc<Output>,
) -> anyhow::Result<Option<CompressionDetails>> {
    let training = Training::unless_no_epochs(flags, file.card.training.as_ref(), &train)?;
    let (small, tensors) = sparsify(file, share, flags.by_layer).map_err(|error| match error {
        CompressError::AlreadyInt8 => UsageError::of(error),
        other => other.into(),
    })?;
    output.line(of_tensors(&tensors, &shown(&flags.from)));
    let training = training.map(Training::keeping_zeros);
    let Some(epochs) = Training::train_and_save(training, small, &flags.out, test, device, output)? else {
        return Ok(None);
    };
    let weights = |tensor: SparseTensor| SparseWeights {
        name: tensor.name,
        weights: tensor.weights,
        zeros: tensor.zeros,
    };
    let tensors = tensors.into_iter().map(weights).collect();
    Ok(Some(CompressionDetails::Sparsity { share, tensors, epochs }))
}

/// What became of each tensor.
fn of_tensors(tensors: &[SparseTensor], model: &str) -> String {
    let width = tensors.iter().map(|tensor| tensor.name.chars().count()).max().unwrap_or(0);
    let line = |tensor: &SparseTensor| {
        let SparseTensor { name, weights, zeros } = tensor;
        let [left, weights] = [weights - zeros, *weights].map(|number| count(number as u64));
        format!("\n  {name:<width$}  {left} of {weights} weights")
    };
    let lines: String = tensors.iter().map(line).collect();
    let sum = |of: fn(&SparseTensor) -> usize| tensors.iter().map(of).sum::<usize>();
    let gone = sum(|tensor| tensor.zeros) as f64 / sum(|tensor| tensor.weights).max(1) as f64;
    format!(
        "{model} with {} of its weights at 0, for the size of the file alone: it computes as before{lines}",
        percent(gone)
    )
}
