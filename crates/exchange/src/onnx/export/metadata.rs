//! What a file says about its model, besides the graph: JSON under the names of the fields of [`ModelCard`].

use fireclay_store::ModelCard;
use serde::Serialize;

use super::OnnxOptions;
use crate::onnx::proto::StringStringEntryProto;

/// Everything that is needed to make an input and to read an output. The data that the model was trained on, and digests
/// of it, are left out.
pub(super) fn write(card: &ModelCard, options: &OnnxOptions) -> Vec<StringStringEntryProto> {
    let classes = Some(&card.classes).filter(|classes| !classes.is_empty());
    let whether =
        |included: bool| if included { "included in the graph" } else { "to be done by the caller" };
    let scales = card.preprocessing.is_some() || card.target_scale.is_some();
    [
        Some(entry("spec", json(&card.spec))),
        classes.map(|classes| entry("classes", json(classes))),
        card.preprocessing.as_ref().map(|value| entry("preprocessing", json(value))),
        card.target_scale.as_ref().map(|value| entry("target_scale", json(value))),
        scales.then(|| entry("preprocessing_is", whether(options.include_preprocessing).to_owned())),
        card.pictures.as_ref().map(|value| entry("pictures", json(value))),
        card.text.as_ref().map(|value| entry("text", json(value))),
        card.table.as_ref().map(|value| entry("table", json(value))),
        card.threshold.as_ref().map(|value| entry("threshold", json(value))),
        card.intervals.as_ref().map(|value| entry("intervals", json(value))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn entry(key: &str, value: String) -> StringStringEntryProto {
    StringStringEntryProto { key: key.to_owned(), value }
}

/// # Panics
/// Never: none of the types has a map whose keys are not texts.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a card can be written as JSON")
}
