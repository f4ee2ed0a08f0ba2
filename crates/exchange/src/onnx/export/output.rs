//! What comes out of a graph.

use fireclay_nn::{Loss, NnError, OutputActivation, TargetType};
use fireclay_store::{ModelCard, Preprocessing};

use super::OnnxOptions;
use super::attribute::integer;
use super::flow::Flow;
use super::graph::Graph;
use super::value::{OnnxSize, OnnxType, OnnxValue};

/// What a network's numbers are.
enum Kind {
    Logits,
    Values,
    Probabilities,
}

pub(super) fn write(
    graph: &mut Graph,
    card: &ModelCard,
    options: &OnnxOptions,
    flow: Flow,
    notes: &mut Vec<String>,
) -> Result<(), NnError> {
    graph.enter("output", "postprocessing");
    let outputs = card.spec.output_features()?;
    let targets = card.training.as_ref().and_then(|training| Some(training.loss.built_in()?.targets()));
    let kind = match (card.spec.output_activation(), targets, &card.target_scale) {
        (Some(_), ..) => Kind::Probabilities,
        (_, Some(TargetType::Values), _) | (_, _, Some(_)) => Kind::Values,
        _ => Kind::Logits,
    };
    let mut value = flow.value;
    let mut sizes = vec![OnnxSize::from("batch")];
    if options.stepwise {
        let last = graph.int(-1);
        value = graph.add("Gather", &[&value, &last], vec![integer("axis", 1)]);
    } else if let Some(steps) = &flow.steps {
        sizes.push(steps.fixed.map_or("out_steps".into(), OnnxSize::from));
    }
    // The input's steps, unless a convolution changed them.
    if let ([_, size], Some(steps)) = (sizes.as_mut_slice(), &flow.steps)
        && steps.fixed.is_none()
        && graph.is_input_size(&steps.name)
    {
        *size = "steps".into();
    }
    sizes.push(outputs.into());
    if let Some(Preprocessing { mean, std }) =
        card.target_scale.as_ref().filter(|_| options.include_preprocessing)
    {
        let std = graph.floats("target_scale.std", &[std.len()], std);
        let mean = graph.floats("target_scale.mean", &[mean.len()], mean);
        value = graph.add("Mul", &[&value, &std], Vec::new());
        value = graph.add("Add", &[&value, &mean], Vec::new());
    }
    let probabilities = match (&kind, options.probabilities) {
        (Kind::Logits, true) => Some(match probability(targets, outputs) {
            OutputActivation::Sigmoid => graph.add("Sigmoid", &[&value], Vec::new()),
            _ => graph.add("Softmax", &[&value], vec![integer("axis", -1)]),
        }),
        (Kind::Values, true) => {
            notes.push("The model predicts numbers, so there are no probabilities.".to_owned());
            None
        }
        _ => None,
    };
    let (name, description) = match kind {
        Kind::Logits => ("logits", described("logits", card, options)),
        Kind::Probabilities => ("probabilities", described("probabilities", card, options)),
        Kind::Values => ("values", scaled(card, options)),
    };
    graph.output(&value, OnnxValue::new(name, OnnxType::Float32, sizes.clone(), description));
    if let Some(value) = probabilities {
        let description = described("probabilities", card, options);
        graph.output(&value, OnnxValue::new("probabilities", OnnxType::Float32, sizes, description));
    }
    Ok(())
}

/// Classes exclude one another; labels, and one number for yes or no, do not.
fn probability(targets: Option<TargetType>, outputs: usize) -> OutputActivation {
    match (targets, outputs) {
        (Some(TargetType::Probabilities), _) | (None, 1) => OutputActivation::Sigmoid,
        _ => OutputActivation::Softmax,
    }
}

fn described(what: &str, card: &ModelCard, options: &OnnxOptions) -> String {
    match (options.stepwise, card.classes.is_empty()) {
        (true, _) => format!("{what} of the token that comes next"),
        (false, false) => format!("{what} of the classes in the metadata"),
        (false, true) => what.to_owned(),
    }
}

fn scaled(card: &ModelCard, options: &OnnxOptions) -> String {
    match (&card.target_scale, options.include_preprocessing) {
        (Some(Preprocessing { mean, std }), false) => {
            format!("numbers; value * {std:?} + {mean:?} is in the units of the data")
        }
        _ => "numbers in the units of the data".to_owned(),
    }
}
