//! What goes into a graph, and what is done to it before the first layer.

use fireclay_nn::{InputSpec, NnError};
use fireclay_store::{ModelCard, Preprocessing};

use super::OnnxOptions;
use super::flow::{Flow, Steps};
use super::graph::Graph;
use super::value::{OnnxSize, OnnxType, OnnxValue};
use crate::onnx::proto::DataType;

/// The name of the input.
const INPUT: &str = "input";

pub(super) fn write(graph: &mut Graph, card: &ModelCard, options: &OnnxOptions) -> Result<Flow, NnError> {
    graph.enter(INPUT, "preprocessing");
    match &card.spec.input {
        InputSpec::Tokens(most) => {
            let is_any = options.stepwise || card.spec.supports_variable_length()?;
            let size = if is_any { OnnxSize::from("steps") } else { OnnxSize::from(*most) };
            let value =
                OnnxValue::new(INPUT, OnnxType::Int64, vec!["batch".into(), size], tokens(card, options));
            let value = graph.input(value);
            let steps = match is_any {
                true => Steps { name: graph.size(&value, 1), fixed: None },
                false => Steps { name: graph.ints(&[*most as i64]), fixed: Some(*most) },
            };
            Ok(Flow { value, rank: 2, steps: Some(steps), lengths: None })
        }
        values => Ok(numbers(graph, card, options, values.shape())),
    }
}

fn tokens(card: &ModelCard, options: &OnnxOptions) -> String {
    let most = card.spec.input.shape()[0];
    let source =
        if card.text.is_some() { "; 'text' in the metadata says how a text becomes tokens" } else { "" };
    match options.stepwise {
        true => format!("the tokens that follow those read so far{source}"),
        false => format!("tokens, at most {most} of each sample{source}"),
    }
}

/// `[features]`, `[steps, features]` or `[channels, height, width]`.
fn numbers(graph: &mut Graph, card: &ModelCard, options: &OnnxOptions, shape: &[usize]) -> Flow {
    let takes_bytes = options.include_preprocessing && shape.len() == 3;
    let sizes =
        [OnnxSize::from("batch")].into_iter().chain(shape.iter().map(|size| (*size).into())).collect();
    let element_type = if takes_bytes { OnnxType::Uint8 } else { OnnxType::Float32 };
    let value = OnnxValue::new(INPUT, element_type, sizes, described(card, options, shape));
    let mut value = graph.input(value);
    if takes_bytes {
        let most = graph.float(255.0);
        let levels = graph.cast(&value, DataType::Float);
        value = graph.add("Div", &[&levels, &most], Vec::new());
    }
    if let Some(Preprocessing { mean, std }) = scale(card).filter(|_| options.include_preprocessing) {
        let mut constant = |name: &str, values: &[f32]| {
            let mut sizes = vec![1; shape.len()];
            sizes[0] = values.len();
            graph.floats(&format!("preprocessing.{name}"), &sizes, values)
        };
        let (mean, std) = (constant("mean", mean), constant("std", std));
        value = graph.add("Sub", &[&value, &mean], Vec::new());
        value = graph.add("Div", &[&value, &std], Vec::new());
    }
    let steps = match *shape {
        [steps, _] => Some(Steps { name: graph.ints(&[steps as i64]), fixed: Some(steps) }),
        _ => None,
    };
    Flow { value, rank: shape.len() + 1, steps, lengths: None }
}

/// What is done to numbers, if it changes them.
fn scale(card: &ModelCard) -> Option<&Preprocessing> {
    card.preprocessing.as_ref().filter(|scale| scale.mean != [0.0] || scale.std != [1.0])
}

fn described(card: &ModelCard, options: &OnnxOptions, shape: &[usize]) -> String {
    let what = match shape.len() {
        3 => "images, channels first",
        2 => "sequences",
        _ => "rows",
    };
    match (scale(card), options.include_preprocessing, shape.len()) {
        (_, true, 3) => format!("{what}: bytes, 0 to 255"),
        (Some(_), true, _) => format!("{what}, as they are in the data"),
        (Some(Preprocessing { mean, std }), false, 3) => {
            format!("{what}: (byte / 255 - {mean:?}) / {std:?}")
        }
        (Some(Preprocessing { mean, std }), false, _) => format!("{what}: (value - {mean:?}) / {std:?}"),
        (None, false, 3) => format!("{what}: byte / 255"),
        (None, _, _) => what.to_owned(),
    }
}
