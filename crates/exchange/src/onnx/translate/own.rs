//! Files that Fireclay wrote: their metadata has the description, and the tensors are in the graph under their names.
//!
//! What the metadata says is not believed: the model that it describes is written again, and must give the very graph that is
//! in the file. So whatever can be written comes back as it was, and a file that was changed is read as any other tool's. Layers in
//! whole numbers are written with batch norm folded into their weights, and do not come back.

use std::collections::HashMap;

use fireclay_nn::{ModelSpec, NamedTensor, TensorSpec};
use fireclay_store::{ModelCard, ModelFile};
use serde::de::DeserializeOwned;

use super::super::export::{OnnxOptions, export};
use super::super::import::{Constant, Graph, Node};

/// The model that a file says it is, if it is.
pub(super) fn restore(graph: &Graph) -> Option<ModelFile> {
    if !graph.producer.starts_with("Fireclay") {
        return None;
    }
    let texts: HashMap<&str, &str> =
        graph.metadata.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
    let mut card = ModelCard::new(ModelSpec::from_json(texts.get("spec")?).ok()?);
    card.classes = read(&texts, "classes")?.unwrap_or_default();
    card.preprocessing = read(&texts, "preprocessing")?;
    card.target_scale = read(&texts, "target_scale")?;
    card.pictures = read(&texts, "pictures")?;
    card.text = read(&texts, "text")?;
    card.table = read(&texts, "table")?;
    card.threshold = read(&texts, "threshold")?;
    card.intervals = read(&texts, "intervals")?;
    if writes_more(&card.spec, graph)? {
        return None;
    }
    let recurrent = Recurrent::of(graph);
    // Sizes in a description cost nothing until there are values for them.
    let tensors = card.spec.tensors().ok()?;
    let tensors: Option<Vec<NamedTensor>> =
        tensors.into_iter().map(|tensor| find(graph, &recurrent, tensor)).collect();
    let model = ModelFile { card, tensors: tensors? };
    let stepwise = graph.inputs.iter().any(|input| input.name.starts_with("past."));
    let probabilities = graph.outputs.len() > 1 && graph.outputs[1].name == "probabilities";
    let included = texts.get("preprocessing_is").is_some_and(|text| *text == "included in the graph");
    [included, !included].into_iter().find_map(|included| {
        let options = OnnxOptions::default()
            .stepwise(stepwise)
            .probabilities(probabilities)
            .include_preprocessing(included);
        let written = export(&model, &options).ok()?;
        let again = Graph::of_bytes(&written.bytes).ok()?;
        is_same(&again, graph).then(|| model.clone())
    })
}

/// Whether a table of positions could be larger than all that is in the file, so that it is not written to compare it: such tables have
/// no weights that would have to be there.
fn writes_more(spec: &ModelSpec, graph: &Graph) -> Option<bool> {
    /// The numbers of a table that costs little.
    const LITTLE: usize = 1 << 22;
    let held = graph.constants.values().fold(0usize, |sum, constant| {
        sum.saturating_add(constant.shape.iter().fold(1, |count, size| count.saturating_mul(*size)))
    });
    let layers = spec.placed_layers().ok()?;
    let mut sequences = layers.iter().filter_map(|layer| match layer.input.shape() {
        [steps, features] => Some(steps.saturating_mul(*features)),
        _ => None,
    });
    Some(sequences.any(|count| count > held.max(LITTLE)))
}

/// What a text of the metadata says; the outer `None` is for one that says something else.
fn read<T: DeserializeOwned>(texts: &HashMap<&str, &str>, key: &str) -> Option<Option<T>> {
    match texts.get(key) {
        None => Some(None),
        Some(text) => serde_json::from_str(text).ok().map(Some),
    }
}

/// Whether two graphs compute the same, with the same numbers in the same nodes. Words about them may differ.
fn is_same(a: &Graph, b: &Graph) -> bool {
    let nodes = |a: &Node, b: &Node| {
        (&a.kind, &a.domain, &a.inputs, &a.outputs, &a.attributes)
            == (&b.kind, &b.domain, &b.inputs, &b.outputs, &b.attributes)
    };
    a.opset == b.opset
        && a.inputs == b.inputs
        && a.outputs == b.outputs
        && a.nodes.len() == b.nodes.len()
        && a.nodes.iter().zip(&b.nodes).all(|(a, b)| nodes(a, b))
        && a.constants == b.constants
}

/// A tensor of the description, from the constant that it became.
fn find(graph: &Graph, recurrent: &Recurrent<'_>, tensor: TensorSpec) -> Option<NamedTensor> {
    let TensorSpec { name, shape, .. } = tensor;
    let as_it_is = |constant: &Constant| {
        (constant.shape == shape).then(|| constant.as_floats()).flatten().map(<[f32]>::to_vec)
    };
    let values = match graph.constants.get(&name) {
        Some(constant) => as_it_is(constant)?,
        None => match graph.constants.get(&format!("{name}.T")) {
            Some(constant) => turned(constant, &shape)?,
            None => match recurrent.values(&name, &shape) {
                Some(values) => values,
                None => bag(graph, &name, &shape)?,
            },
        },
    };
    Some(NamedTensor { name, shape, values })
}

fn turned(constant: &Constant, shape: &[usize]) -> Option<Vec<f32>> {
    let (&[rows, columns], values) = (shape, constant.as_floats()?) else { return None };
    (constant.shape == [columns, rows]).then(|| {
        (0..rows).flat_map(|row| (0..columns).map(move |column| values[column * rows + row])).collect()
    })
}

/// A bag's table is the product of both of its tensors, which one of them may as well be.
fn bag(graph: &Graph, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let (layer, part) = name.rsplit_once('.')?;
    let table = graph.constants.get(&format!("{layer}.table"))?;
    let values = table.as_floats().filter(|_| table.shape == shape)?;
    match part {
        "weight" => Some(values.to_vec()),
        "ratio" => Some(vec![1.0; values.len()]),
        _ => None,
    }
}

/// Tensors of recurrent layers, which are blocks of those in the file.
struct Recurrent<'a> {
    graph: &'a Graph,
    /// Kinds of operators by the weight that they read.
    kinds: HashMap<&'a str, &'a str>,
}

impl<'a> Recurrent<'a> {
    fn of(graph: &'a Graph) -> Self {
        let is_recurrent = |node: &&Node| matches!(node.kind.as_str(), "LSTM" | "GRU" | "RNN");
        let kinds = (graph.nodes.iter().filter(is_recurrent))
            .filter_map(|node| Some((node.input(1)?, node.kind.as_str())))
            .collect();
        Recurrent { graph, kinds }
    }

    /// Of `lstm_1.weight_hh_l0_reverse`.
    fn values(&self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let (layer, part) = name.rsplit_once('.')?;
        let (part, direction) = match part.strip_suffix("_reverse") {
            Some(part) => (part, 1),
            None => (part, 0),
        };
        let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size))?;
        let block = |constant: &str, of: usize, which: usize| {
            let values = self.graph.constants.get(&format!("{layer}.{constant}.onnx"))?.as_floats()?;
            let start = count.checked_mul(direction * of + which)?;
            values.get(start..start.checked_add(count)?)
        };
        if part.starts_with("h_0_l") || part.starts_with("c_0_l") {
            return block(part, 1, 0).map(<[f32]>::to_vec);
        }
        let (what, number) = part.rsplit_once("_l")?;
        let input = self.graph.constants.get_key_value(&format!("{layer}.weight_ih_l{number}.onnx"))?.0;
        let kind = self.kinds.get(input.as_str())?;
        let found = match what {
            "weight_ih" | "weight_hh" => block(part, 1, 0)?,
            "bias_ih" => block(&format!("bias_l{number}"), 2, 0)?,
            "bias_hh" => block(&format!("bias_l{number}"), 2, 1)?,
            _ => return None,
        };
        Some(super::layers::ours(kind, found))
    }
}

#[cfg(test)]
mod tests {
    use fireclay_nn::{ModelSpec, PositionKind};

    use super::*;

    #[test]
    fn a_table_larger_than_the_file_is_not_written() {
        let spec = |steps: usize| {
            let rows = ModelSpec::tokens(steps).embedding(8, 16).position_embedding(PositionKind::Sinusoidal);
            rows.lstm(2).dense(2)
        };
        let tensors = spec(4).tensors().unwrap();
        let zeros = |tensor: TensorSpec| {
            let values = vec![0.0; tensor.shape.iter().product()];
            NamedTensor { name: tensor.name, shape: tensor.shape, values }
        };
        let tensors = tensors.into_iter().map(zeros).collect();
        let model = ModelFile { card: ModelCard::new(spec(4)), tensors };
        let written = export(&model, &OnnxOptions::default()).unwrap();
        let graph = Graph::of_bytes(&written.bytes).unwrap();
        assert_eq!(writes_more(&spec(4), &graph), Some(false));
        // Sixteen million numbers, of a file with a few hundred; their weights are the same.
        assert_eq!(writes_more(&spec(1 << 20), &graph), Some(true));
        assert!(restore(&graph).is_some());
    }
}
