//! What is printed before a training.

use fireclay::nn::is_running_statistic;
use fireclay::prelude::{Dataset, ModelSpec, threads};
use fireclay::train::AnyMetric;

use super::flags::Train;
use super::job::Job;
use crate::format::count;
use crate::model_args::describe;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{Preprocessing, Program};
use crate::records::Training;

/// Whether there are running statistics.
fn has_batch_norm(spec: &ModelSpec) -> bool {
    spec.tensors().is_ok_and(|tensors| tensors.iter().any(|tensor| is_running_statistic(&tensor.name)))
}

/// `MNIST: 60,000 training and 10,000 test images (from the cache)`
pub fn data_in_words<P: Program>(train: &Dataset, test: &Dataset) -> String {
    let provenance = train.provenance();
    format!(
        "{}: {} training and {} test {} ({})",
        provenance.name,
        count(train.len() as u64),
        count(test.len() as u64),
        Objective::of(train).samples(train, P::samples(train)),
        provenance.source
    )
}

/// Prints the data, the model and the recipe.
pub fn announce<P: Program>(
    job: &Job<P>,
    flags: &Train<P>,
    ranks: usize,
    output: &Output,
) -> anyhow::Result<()> {
    let Job { state, train, test, recipe, seed, checkpoint, .. } = job;
    let resumed = checkpoint.is_some();
    let parameters = state.spec.summary()?.parameters();
    let settings = serde_json::to_value(&recipe.optimizer)?;
    let provenance = train.provenance();
    output.progress_line(data_in_words::<P>(train, test));
    output.progress_line(format!(
        "{}: {} parameters, seed {seed}, {}{}{}",
        state.model,
        count(parameters as u64),
        flags.setup.device.describe(),
        if ranks > 1 { format!(", {ranks} ranks") } else { String::new() },
        if resumed { "; resuming from the checkpoint" } else { "" }
    ));
    output.progress_line(format!("recipe: {}", describe(recipe, &state.preprocessing)));
    if ranks > 1 && has_batch_norm(&state.spec) {
        output.progress_line(match recipe.sync_batch_norm {
            true => "batch norm: by the statistics of the whole batch",
            false => "batch norm: by the statistics of each rank's part of a batch; --sync-batch-norm takes the whole",
        });
    }
    if recipe.privacy.is_some() {
        output.progress_line(
            "private: single training samples, as far as the weights tell of them; not covered are what is counted for \
             preprocessing, validation samples, and the run's logs and pages",
        );
    }
    if let Some(monitor) = &state.monitor {
        output.progress_line(format!("best epoch: by {monitor}"));
    }
    output.record(&Training {
        model: &state.model,
        parameters,
        dataset: &provenance.name,
        limit: state.limit.samples,
        training_samples: train.len(),
        test_samples: test.len(),
        optimizer: &settings,
        groups: &recipe.groups,
        schedule: recipe.schedule.to_string(),
        warm_up: recipe.warm_up,
        accumulate: recipe.accumulate,
        averaging: recipe.averaging.map(|averaging| averaging.to_string()),
        clip_value: recipe.clip_value,
        clip_norm: recipe.clip_norm,
        precision: recipe.precision.to_string(),
        privacy: recipe.privacy,
        adversarial: recipe.adversarial,
        sync_batch_norm: recipe.sync_batch_norm,
        label_smoothing: recipe.label_smoothing,
        class_weights: if recipe.balanced { "balanced" } else { "none" },
        preprocessing: state.preprocessing.describe(),
        batch_size: recipe.batch_size,
        epochs: recipe.epochs,
        validation_split: recipe.validation_split,
        metrics: state.metrics.iter().map(AnyMetric::name).collect(),
        keep_best: recipe.best.keep,
        monitor: job.monitor(),
        patience: recipe.best.patience,
        seed: *seed,
        device: flags.setup.device.device().to_string(),
        threads: threads(),
        ranks,
        resumed,
    });
    Ok(())
}
