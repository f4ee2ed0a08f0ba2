//! Whether all ranks were given the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use fireclay_data::{Batch, BatchFeatures, BatchTargets, Pass, Source};
use fireclay_nn::{Network, state};
use serde_json::{Value, json};

use super::Ranks;
use super::tensors::digest;
use crate::error::TrainError;
use crate::resume::Resumed;
use crate::run::RunSettings;

/// Samples that are compared, evenly spaced over a source.
const COMPARED: usize = 256;

/// Of these, those that are compared as a training has them.
const AUGMENTED: usize = 32;

/// What a rank is about to do, as the ranks compare it.
pub(crate) struct Description(Value);

impl Description {
    pub(crate) fn new<N: Network>(
        network: &N,
        settings: &RunSettings,
        train: &dyn Source,
        validation: Option<&dyn Source>,
        resumed: Option<&Resumed<N>>,
    ) -> Result<Self, TrainError> {
        let tensors = state(&network.valid());
        let shapes: serde_json::Map<_, _> =
            tensors.iter().map(|tensor| (tensor.name.clone(), json!(tensor.shape))).collect();
        let settings = serde_json::to_value(settings).map_err(|_| TrainError::RankMessage)?;
        let order = train.order(Pass { seed: 0, epoch: 1 }, 64);
        let resumed = resumed.map(|resumed| {
            let mut optimizer = DefaultHasher::new();
            resumed.optimizer.hash(&mut optimizer);
            let digests = [Some(&resumed.network), resumed.best.as_ref(), resumed.average.as_ref()]
                .map(|network| network.map(|network| in_hex(digest(&state(&network.valid())))));
            json!({
                "epoch": resumed.progress.state.epoch,
                "step": resumed.progress.state.step,
                "weights, best weights and average": digests,
                "state of the optimizer": in_hex(optimizer.finish()),
            })
        });
        Ok(Description(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "layers": shapes,
            "settings": settings,
            "training samples": described(train)?,
            "order of the samples": in_hex(hashed(&order)),
            "validation samples": validation.map(described).transpose()?,
            "checkpoint": resumed,
        })))
    }
}

/// What a source has, as far as it is compared.
fn described(source: &dyn Source) -> Result<Value, TrainError> {
    let len = source.len();
    let count = len.min(COMPARED);
    let indices: Vec<u32> = (0..count).map(|at| (at * len / count) as u32).collect();
    let mut hasher = DefaultHasher::new();
    let mut batch = Batch::default();
    if count > 0 {
        source.gather(&indices, &mut batch)?;
        hash_batch(&batch, &mut hasher);
        // As a training has them: augmented, and mixed.
        source.gather_augmented(&indices[..count.min(AUGMENTED)], Pass { seed: 0, epoch: 1 }, &mut batch)?;
        hash_batch(&batch, &mut hasher);
    }
    Ok(json!({ "count": len, "digest of some": in_hex(hasher.finish()) }))
}

fn hash_batch(batch: &Batch, hasher: &mut DefaultHasher) {
    let features = std::iter::once((&batch.shape, &batch.features));
    let others = batch.other_inputs.iter().map(|input| (&input.shape, &input.features));
    for (shape, features) in features.chain(others) {
        shape.hash(hasher);
        match features {
            BatchFeatures::Values(values) => hash_floats(values, hasher),
            BatchFeatures::Tokens(tokens) => tokens.hash(hasher),
        }
    }
    match &batch.targets {
        BatchTargets::Classes(labels)
        | BatchTargets::StepClasses(labels)
        | BatchTargets::NextTokens(labels)
        | BatchTargets::MixedClasses { labels, .. } => labels.hash(hasher),
        BatchTargets::ClassesWithLogits { labels, logits } => {
            labels.hash(hasher);
            hash_floats(logits, hasher);
        }
        BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. } => {
            hash_floats(values, hasher);
        }
    }
    if let Some(weights) = &batch.weights {
        hash_floats(weights, hasher);
    }
}

fn hash_floats(values: &[f32], hasher: &mut DefaultHasher) {
    values.iter().for_each(|value| hasher.write_u32(value.to_bits()));
}

fn hashed(values: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.hash(&mut hasher);
    hasher.finish()
}

fn in_hex(digest: u64) -> String {
    format!("{digest:016x}")
}

impl Ranks {
    /// Refuses ranks that are about to do something else than rank 0. All find the same one.
    pub(crate) fn compare(&self, own: &Description) -> Result<(), TrainError> {
        let own = serde_json::to_vec(&own.0).map_err(|_| TrainError::RankMessage)?;
        let all = self.group().gather(&own)?;
        let values = all.iter().map(|bytes| serde_json::from_slice::<Value>(bytes));
        let values = values.collect::<Result<Vec<_>, _>>().map_err(|_| TrainError::RankMessage)?;
        let Some((first, others)) = values.split_first() else { return Ok(()) };
        for (rank, other) in others.iter().enumerate() {
            if let Some((what, found, expected)) = difference(String::new(), other, first) {
                return Err(TrainError::UnlikeRanks { rank: rank + 1, what, found, expected });
            }
        }
        Ok(())
    }
}

/// The first place where two descriptions differ, and what they have there.
fn difference(place: String, found: &Value, expected: &Value) -> Option<(String, String, String)> {
    let below = |key: &str| if place.is_empty() { key.to_string() } else { format!("{place}.{key}") };
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let keys = expected.keys().chain(found.keys().filter(|key| !expected.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                difference(below(key), &of(found), &of(expected))
            })
        }
        _ if found == expected => None,
        _ => Some((place, in_words(found), in_words(expected))),
    }
}

/// A value as a sentence has it, cut where it is long.
fn in_words(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_with_both_sides() {
        let one = json!({ "settings": { "seed": 1, "loss": "mse" }, "layers": { "dense_1.weight": [2, 3] } });
        assert_eq!(difference(String::new(), &one, &one), None);
        let mut other = one.clone();
        other["layers"]["dense_2.bias"] = json!([2]);
        let found = difference(String::new(), &other, &one).unwrap();
        assert_eq!(found, ("layers.dense_2.bias".into(), "[2]".into(), "nothing".into()));
        other["settings"]["seed"] = json!(2);
        let found = difference(String::new(), &other, &one).unwrap();
        assert_eq!(found, ("settings.seed".into(), "2".into(), "1".into()));
    }
}
