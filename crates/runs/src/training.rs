//! What a page says of a training, from what the training loop knows.

use std::fs;

use fireclay_nn::{ModelSpec, NnError};
use fireclay_report::{Epoch, Layer, Step};
use fireclay_train::History;

use crate::folder::RunFolder;

/// The layers of a network.
///
/// # Errors
/// As [`ModelSpec::summary`].
pub fn layers(spec: &ModelSpec) -> Result<Vec<Layer>, NnError> {
    let summary = spec.summary()?;
    let kind = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        let known = fireclay_nn::LayerKind::TYPE_NAMES.iter();
        let is_kind = |kind: &&&str| {
            last.strip_prefix(**kind).is_some_and(|rest| rest.strip_prefix('_').is_some_and(is_number))
        };
        known.filter(is_kind).max_by_key(|kind| kind.len()).map_or(String::new(), |kind| kind.to_string())
    };
    let layer = |row: &fireclay_nn::SummaryRow| Layer {
        name: row.name.clone(),
        kind: kind(&row.name),
        output: row.output.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
        parameters: (row.parameters + row.frozen) as u64,
        mflop: (row.flops > 0).then(|| row.flops as f64 / 1e6),
    };
    Ok(summary.rows.iter().map(layer).collect())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The epochs of a run.
pub fn epochs(history: &History) -> Vec<Epoch> {
    let epoch = |record: &fireclay_train::EpochRecord| Epoch {
        epoch: record.epoch,
        values: record.values.iter().cloned().collect(),
        seconds: Some(record.seconds),
        samples_per_s: Some(record.samples_per_s),
    };
    history.epochs.iter().map(epoch).collect()
}

/// The steps of a run, as they stand in its `metrics.jsonl`; none if it cannot be read.
pub fn steps(run: &RunFolder) -> Vec<Step> {
    let text = fs::read_to_string(run.metrics_jsonl()).unwrap_or_default();
    let step = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(Step {
            step: line["step"].as_u64()?,
            loss: line["step_loss"].as_f64(),
            learning_rate: line["learning_rate"].as_f64(),
            gradient_norm: line["gradient_norm"].as_f64(),
            samples_per_s: line["samples_per_s"].as_f64(),
        })
    };
    text.lines().filter_map(step).collect()
}
