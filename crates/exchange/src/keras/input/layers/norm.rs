//! Normalisations.

use fireclay_nn::{BatchNormSpec, LayerNormSpec};

use super::Outcome;
use crate::keras::input::config::shown;
use crate::keras::input::flow::Flow;
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::keras::input::weights::Part;

/// Keras counts the batch as an axis; the last one may also be given by its number, or in a list of one.
fn check_axis(layer: &Layer<'_>, flow: &Flow) -> Result<(), Failure> {
    let Some(value) = layer.config.get("axis") else { return Ok(()) };
    let one = value.as_array().filter(|list| list.len() == 1).map_or(value, |list| &list[0]);
    match one.as_i64() {
        Some(-1) => Ok(()),
        Some(axis) if axis == flow.shape.len() as i64 => Ok(()),
        _ => Err(Failure::Reason(format!("axis is {}; only the last one can be taken over", shown(value)))),
    }
}

/// The values of one variable for each feature, in our order, or the same for all where the layer has none.
fn values(
    into: &mut Translation<'_>,
    layer: &Layer<'_>,
    flow: &Flow,
    index: Option<usize>,
    names: &[&str],
    fallback: f32,
) -> Result<Vec<f32>, Failure> {
    let features = flow.features();
    match index {
        None => {
            into.unbacked(features, "it normalises")?;
            Ok(vec![fallback; features])
        }
        Some(index) => {
            let values = into.variable(&layer.owner, Part::WHOLE, index, names, &[features])?;
            Ok(flow.feature_order().iter().map(|place| values[*place]).collect())
        }
    }
}

pub(super) fn batch(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let config = layer.config;
    check_axis(layer, &flow)?;
    config.only("renorm", config.flag("renorm", false)?, false)?;
    if flow.shape.len() == 2 {
        return Err(
            "it normalises the features of sequences, for which there is LayerNormalization here".into()
        );
    }
    let (scale, center) = (config.flag("scale", true)?, config.flag("center", true)?);
    let mut next = 0;
    let mut index = |has: bool| {
        next += usize::from(has);
        has.then(|| next - 1)
    };
    let tensors = [
        ("weight", index(scale), &["gamma"], 1.0),
        ("bias", index(center), &["beta"], 0.0),
        ("running_mean", index(true), &["moving_mean"], 0.0),
        ("running_var", index(true), &["moving_variance"], 1.0),
    ];
    let features = flow.features();
    for (tensor, index, names, fallback) in tensors {
        let values = values(into, layer, &flow, index, names, fallback)?;
        into.tensor(&layer.name, tensor, vec![features], values);
    }
    // Keras says what share of the statistics stays, we what share of the batch comes in.
    let momentum = 1.0 - config.number("momentum", 0.99)?;
    let epsilon = config.number("epsilon", 1e-3)?;
    into.push(
        &layer.name,
        BatchNormSpec::default().momentum(rounded(momentum)).epsilon(epsilon).scale(scale),
    );
    Ok(Flow { positive: false, ..flow })
}

/// Without the error of a subtraction, for people to read.
fn rounded(share: f64) -> f64 {
    (share * 1e12).round() / 1e12
}

pub(super) fn layer(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let config = layer.config;
    check_axis(layer, &flow)?;
    config.only("rms_scaling", config.flag("rms_scaling", false)?, false)?;
    if flow.shape.len() == 3 {
        return Err("it normalises the channels of each pixel, for which there is no layer here".into());
    }
    let (scale, center) = (config.flag("scale", true)?, config.flag("center", true)?);
    let weight = values(into, layer, &flow, scale.then_some(0), &["gamma"], 1.0)?;
    let bias = values(into, layer, &flow, center.then_some(usize::from(scale)), &["beta"], 0.0)?;
    let features = flow.features();
    into.tensor(&layer.name, "weight", vec![features], weight);
    into.tensor(&layer.name, "bias", vec![features], bias);
    into.push(&layer.name, LayerNormSpec::default().epsilon(config.number("epsilon", 1e-3)?));
    Ok(Flow { positive: false, ..flow })
}
