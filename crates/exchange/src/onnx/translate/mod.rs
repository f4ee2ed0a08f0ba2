//! From a graph of operators to a description of layers, with their tensors.
//!
//! The graph is looked at with numbers for all sizes ([`evaluate`]), operators that are one function are put together
//! ([`regions`], [`attention`]), and what is left must be a chain with residual additions ([`walk`]).

mod affine;
mod attention;
mod evaluate;
mod flow;
mod functions;
mod input;
mod layer_norms;
mod layers;
mod network;
mod operation;
mod operators;
mod own;
mod pieces;
mod probe;
mod regions;
mod sizes;
mod translation;
mod values;
mod walk;

use std::path::Path;

use fireclay_nn::ModelSpec;
use fireclay_store::Preprocessing;

use super::import::{Graph, GraphValue};
use crate::{ExchangeError, Imported, Unsupported};
use flow::{Axis, Flow};
use network::Network;
use translation::Translation;

/// The most classes that are given names.
const MOST_CLASSES: usize = 1 << 16;

/// Translates a graph that was read from the file at `path`.
pub(super) fn translate(path: &Path, graph: &Graph) -> Result<Imported, ExchangeError> {
    if let Some(model) = own::restore(graph) {
        let wrong = |source| ExchangeError::Model { path: path.to_path_buf(), source };
        fireclay_nn::check_tensors(&model.card.spec, &model.tensors).map_err(wrong)?;
        return Ok(Imported { model, notes: Vec::new() });
    }
    let unsupported = |items| ExchangeError::Unsupported { path: path.to_path_buf(), items };
    let (input, output) = ends(graph).map_err(|item| unsupported(vec![item]))?;
    let shapes = sizes::candidates(graph, input)
        .map_err(|reason| unsupported(vec![at("the input", &input.name, "input", reason)]))?;
    let mut refused = Vec::new();
    for shape in shapes {
        match attempt(graph, input, shape, &output.name) {
            Ok(done) => return finish(path, graph, done),
            // The likeliest size says best what is wrong.
            Err(items) if refused.is_empty() => refused = items,
            Err(_) => {}
        }
    }
    Err(unsupported(refused))
}

/// The one input and the one output of a graph.
fn ends(graph: &Graph) -> Result<(&GraphValue, &GraphValue), Unsupported> {
    let names = |values: &[GraphValue]| {
        let names: Vec<String> =
            values.iter().take(8).map(|value| crate::words::short(&value.name)).collect();
        names.join(", ")
    };
    let wrong = |what: &str, values: &[GraphValue]| {
        let reason = format!(
            "there are {}: {}; a description of layers has one, and OnnxGraph runs the graph as it is",
            values.len(),
            names(values)
        );
        at(&format!("the {what}"), "", what, reason)
    };
    match (graph.inputs.as_slice(), graph.outputs.as_slice()) {
        ([input], [output]) => Ok((input, output)),
        ([_], outputs) => Err(wrong("output", outputs)),
        (inputs, _) => Err(wrong("input", inputs)),
    }
}

fn at(position: &str, name: &str, kind: &str, reason: String) -> Unsupported {
    let name = crate::words::short(name);
    Unsupported { position: position.to_owned(), name, kind: kind.to_owned(), reason }
}

/// A network that was translated.
struct Done {
    spec: ModelSpec,
    tensors: Vec<fireclay_nn::NamedTensor>,
    notes: Vec<String>,
    preprocessing: Option<Preprocessing>,
    classes: Vec<String>,
}

/// Translates a graph at sizes that are known.
fn attempt(
    graph: &Graph,
    input: &GraphValue,
    shape: Vec<usize>,
    output: &str,
) -> Result<Done, Vec<Unsupported>> {
    let refused = |reason| vec![at("the input", &input.name, "input", reason)];
    evaluate::check_shape(&shape).map_err(refused)?;
    let mut network = Network::of(graph, (&input.name, shape.clone()), output)?;
    regions::join(&mut network);
    attention::join(&mut network);
    let (flow, notes) = input::read(&network, &shape).map_err(refused)?;
    let mut translation = Translation::new(&network, input.element);
    translation.notes = notes;
    let end = translation.walk(flow.clone());
    let end = match end.map(|end| last(&mut translation, end)) {
        Some(Ok(end)) => Some(end),
        Some(Err(reason)) => {
            translation.unsupported.push(at("the output", output, "output", reason));
            None
        }
        None => None,
    };
    let preprocessing = match translation.preprocessing(&flow) {
        Ok(preprocessing) => preprocessing,
        Err(reason) => {
            translation.unsupported.push(at("the input", &input.name, "input", reason));
            None
        }
    };
    let Some(end) = end.filter(|_| translation.unsupported.is_empty()) else {
        return Err(translation.unsupported);
    };
    let mut notes = translation.notes;
    let mut classes = Vec::new();
    if translation.ends_with_softmax {
        let outputs = end.features();
        if outputs <= MOST_CLASSES {
            classes = (0..outputs).map(|class| class.to_string()).collect();
        }
        notes.push("the softmax at the end is left out, as our networks give logits: predictions have its probabilities; classes are called by their numbers".into());
    }
    let is_open = |size: &super::import::Size| matches!(size, super::import::Size::Any(_));
    let sizes = input.sizes.as_deref().unwrap_or_default();
    if flow.sample.len() < 3 && sizes.iter().skip(1).any(is_open) {
        notes.push(format!("the number of steps is open; {} are taken as the most", flow.sample[0]));
    }
    let mut spec = ModelSpec::new(input::spec(&flow));
    let tensors;
    (spec.layers, tensors) = pieces::finish(translation.pieces);
    Ok(Done { spec, tensors, notes, preprocessing, classes })
}

/// The end of a network: rows, or steps of rows, in our order.
fn last(into: &mut Translation<'_>, flow: Flow) -> Result<Flow, String> {
    let flow = into.plain(flow)?;
    let batch = Some(Axis::Batch);
    let dims: Vec<Option<Axis>> = (0..flow.sample.len()).map(|axis| Some(Axis::Sample(axis))).collect();
    let used: Vec<usize> = (0..flow.dims.len()).filter(|dim| !flow.dims[*dim].is_empty()).collect();
    let of_one = Flow { dims: used.iter().map(|dim| flow.dims[*dim].clone()).collect(), ..flow.clone() };
    let order: Vec<Option<Axis>> = [batch].into_iter().chain(dims).collect();
    let plain = Flow::laid_out(flow.sample.clone(), flow.batch(), &order);
    let plain: Vec<_> = plain.dims.into_iter().filter(|dim| !dim.is_empty()).collect();
    match of_one.dims == plain {
        true => Ok(flow),
        false if flow.sample.len() == 2 && flow.is_whole() && !flow.is_mixed() => {
            into.notes.push("what comes out is [batch, steps, features] here, and in another order in the file".into());
            Ok(flow)
        }
        false => Err("the values that come out are in another order than ours, with no dense layer behind them that could change it".into()),
    }
}

fn finish(path: &Path, graph: &Graph, done: Done) -> Result<Imported, ExchangeError> {
    let mut imported = Imported::new(path, done.spec, done.tensors)?;
    imported.model.card.classes = done.classes;
    imported.model.card.preprocessing = done.preprocessing;
    imported.notes = graph.notes.iter().cloned().chain(done.notes).collect();
    Ok(imported)
}
