//! Digests of features and targets, as [`Provenance`](fireclay_data::Provenance) holds them.

use fireclay_data::Targets;
use sha2::{Digest, Sha256};

/// Values turned into bytes together.
const AT_ONCE: usize = 4_096;

/// Of bytes and then labels, which are a byte each if all of `classes` fit into one, otherwise four, the lowest first.
pub(super) fn of_bytes(features: &[u8], labels: &[u32], classes: usize) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(features);
    add_labels(&mut hasher, labels, classes);
    hasher.finalize().into()
}

/// Of numbers and then targets, four bytes a number, the lowest first.
pub(super) fn of_floats(features: &[f32], targets: &Targets) -> [u8; 32] {
    let mut hasher = Sha256::new();
    add_floats(&mut hasher, features);
    add_targets(&mut hasher, targets);
    hasher.finalize().into()
}

/// Of bytes and then targets of either kind.
pub(super) fn of_bytes_and_targets(features: &[u8], targets: &Targets) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(features);
    add_targets(&mut hasher, targets);
    hasher.finalize().into()
}

fn add_targets(hasher: &mut Sha256, targets: &Targets) {
    match targets {
        Targets::Classes { labels, names } => add_labels(hasher, labels, names.len()),
        Targets::StepClasses { labels, .. } => add_labels(hasher, labels, usize::MAX),
        Targets::Values { values, .. } | Targets::Labels { values, .. } => add_floats(hasher, values),
        Targets::Features { .. } => {}
    }
}

fn add_labels(hasher: &mut Sha256, labels: &[u32], classes: usize) {
    for part in labels.chunks(AT_ONCE) {
        let bytes: Vec<u8> = match classes {
            0..=256 => part.iter().map(|label| label.to_le_bytes()[0]).collect(),
            _ => part.iter().flat_map(|label| label.to_le_bytes()).collect(),
        };
        hasher.update(bytes);
    }
}

fn add_floats(hasher: &mut Sha256, values: &[f32]) {
    for part in values.chunks(AT_ONCE) {
        let bytes: Vec<u8> = part.iter().flat_map(|value| value.to_le_bytes()).collect();
        hasher.update(bytes);
    }
}
