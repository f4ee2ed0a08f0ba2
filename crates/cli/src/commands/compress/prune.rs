//! `compress --prune`.

use std::sync::Arc;

use fireclay::compress::{CompressError, PruneOptions, PruneReport, PrunedGroup, prune};
use fireclay::data::{Dataset, Source};
use fireclay::nn::readable::count;
use fireclay::prelude::Device;
use fireclay::store::ModelFile;

use super::Compress;
use super::training::Training;
use crate::exit::UsageError;
use crate::format::{percent, shown};
use crate::objective::Objective;
use crate::output::Output;
use crate::program::Program;
use crate::records::{CompressionDetails, PrunedChannels};

/// The flags of this method, with its defaults.
pub fn options<P: Program>(flags: &Compress<P>, share: f64) -> anyhow::Result<PruneOptions> {
    let usual = PruneOptions::default();
    let options = PruneOptions {
        share,
        score: flags.score.unwrap_or_default(),
        by_layer: flags.by_layer,
        multiple: flags.multiple_of.unwrap_or(usual.multiple),
        samples: flags.samples.unwrap_or(usual.samples),
    };
    options.check().map_err(UsageError::of)?;
    Ok(options)
}

/// Takes channels out, trains what is left, and saves it; nothing if the training was interrupted.
pub fn run<P: Program>(
    flags: &Compress<P>,
    options: &PruneOptions,
    file: &ModelFile,
    (train, test): (Dataset, &Dataset),
    device: &Device,
    output: &Arc<Output>,
) -> anyhow::Result<Option<CompressionDetails>> {
    let name = P::samples(&train);
    let training = Training::unless_no_epochs(flags, file.card.training.as_ref(), &train)?;
    let samples: Arc<dyn Source> = Arc::new(train.clone());
    let loss = Objective::of(&train).plain_loss();
    let (small, report) = prune(file, &loss, samples, options, device).map_err(|error| match error {
        CompressError::AlreadyInt8 | CompressError::TooFewChannels { .. } | CompressError::NoBatchNorm => {
            UsageError::of(error)
        }
        other => other.into(),
    })?;
    output.line(of_groups(&report, options, &shown(&flags.from), name));
    let Some(epochs) = Training::train_and_save(training, small, &flags.out, test, device, output)? else {
        return Ok(None);
    };
    let channels = |group: PrunedGroup| PrunedChannels {
        layers: group.layers,
        before: group.before,
        after: group.after,
    };
    Ok(Some(CompressionDetails::Prune {
        training_samples: report.samples,
        score: options.score.name(),
        channels: report.groups.into_iter().map(channels).collect(),
        epochs,
    }))
}

/// What became of each layer.
fn of_groups(report: &PruneReport, options: &PruneOptions, model: &str, samples: &str) -> String {
    let names: Vec<String> = report.groups.iter().map(|group| group.layers.join(", ")).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let lines = names.iter().zip(&report.groups).map(|(name, group)| {
        let left = match group.after == group.before {
            true => format!("{} channels, as before", count(group.before as u64)),
            false => format!("{} of {} channels", count(group.after as u64), count(group.before as u64)),
        };
        format!("\n  {name:<width$}  {left}")
    });
    let lines: String = lines.collect();
    let [before, after] = report.flops;
    let gone = percent(1.0 - after as f64 / before.max(1) as f64);
    let by = match report.samples {
        0 => options.score.to_string(),
        measured => format!("{} on {} training {samples}", options.score, count(measured as u64)),
    };
    format!("{model} without {gone} of its FLOPs, channels chosen by {by}{lines}")
}
