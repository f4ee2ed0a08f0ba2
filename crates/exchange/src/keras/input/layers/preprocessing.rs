//! What is done to values before the first layer: in the card for images, else a batch norm whose statistics are known.

use fireclay_nn::BatchNormSpec;
use fireclay_store::Preprocessing;
use serde_json::Value;

use super::{Outcome, positions};
use crate::keras::input::config::{Config, shown};
use crate::keras::input::flow::Flow;
use crate::keras::input::translation::{Failure, Layer, Translation};

/// Added to a variance that must not change by it.
const NO_EPSILON: f64 = 1e-30;

/// One number for all channels, or one for each.
fn numbers(config: Config<'_>, field: &str, features: usize) -> Result<Option<Vec<f64>>, Failure> {
    fn flat(value: &Value, out: &mut Vec<f64>) -> bool {
        match value {
            Value::Array(values) => values.iter().all(|value| flat(value, out)),
            value => value.as_f64().map(|number| out.push(number)).is_some(),
        }
    }
    let Some(value) = config.get(field) else { return Ok(None) };
    let mut found = Vec::new();
    match flat(value, &mut found) && (found.len() == 1 || found.len() == features) {
        true => Ok(Some(found)),
        false => {
            Err(Failure::Reason(format!("{field} is {}; expected one number or {features}", shown(value))))
        }
    }
}

/// `scale * x + offset`
pub(super) fn rescaling(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let features = flow.features();
    let scale = numbers(layer.config, "scale", features)?.ok_or("scale is missing")?;
    let offset = numbers(layer.config, "offset", features)?.unwrap_or_else(|| vec![0.0]);
    linear(into, layer, flow, &scale, &offset)
}

/// `(x - mean) / sqrt(variance)`
pub(super) fn normalization(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let features = flow.features();
    layer.config.only("invert", layer.config.flag("invert", false)?, false)?;
    if let &[steps, features] = flow.shape.as_slice()
        && layer.config.get("axis") == Some(&serde_json::json!([1, 2]))
        && layer.config.get("mean").is_none_or(Value::is_null)
    {
        return positions::taken_away(into, layer, flow, [steps, features]);
    }
    if let Some(axis) = layer.config.get("axis") {
        let one = axis.as_array().filter(|list| list.len() == 1).map_or(axis, |list| &list[0]);
        if one.as_i64().is_none_or(|axis| axis != -1 && axis != flow.shape.len() as i64) {
            return Err(Failure::Reason(format!(
                "axis is {}; only the last one can be taken over",
                shown(axis)
            )));
        }
    }
    let (mean, variance) = match numbers(layer.config, "mean", features)? {
        Some(mean) => {
            (mean, numbers(layer.config, "variance", features)?.ok_or("it has a mean and no variance")?)
        }
        None => {
            let mut read = |index, name| -> Result<Vec<f64>, Failure> {
                let part = crate::keras::input::weights::Part::WHOLE;
                let values = into.variable(&layer.owner, part, index, &[name], &[features])?;
                Ok(values.into_iter().map(f64::from).collect())
            };
            (read(0, "mean")?, read(1, "variance")?)
        }
    };
    into.leave(&layer.owner);
    // Keras does not divide by less than this.
    let scale: Vec<f64> = variance.iter().map(|variance| 1.0 / variance.sqrt().max(1e-7)).collect();
    let count = mean.len().max(scale.len());
    let offset: Vec<f64> =
        (0..count).map(|place| -mean[place % mean.len()] * scale[place % scale.len()]).collect();
    linear(into, layer, flow, &scale, &offset)
}

fn linear(
    into: &mut Translation<'_>,
    layer: &Layer<'_>,
    flow: Flow,
    scale: &[f64],
    offset: &[f64],
) -> Outcome {
    let of = |values: &[f64], place: usize| values[place % values.len()];
    let is_first = into.layers.is_empty() && into.preprocessing.is_none();
    if flow.shape.len() == 3 && is_first && scale.iter().all(|scale| *scale > 0.0) {
        // A byte reaches our networks as a number from 0 to 1, and Keras's from 0 to 255.
        let count = scale.len().max(offset.len());
        let std: Vec<f32> = (0..count).map(|place| (1.0 / (255.0 * of(scale, place))) as f32).collect();
        let mean: Vec<f32> =
            (0..count).map(|place| (-of(offset, place) / (255.0 * of(scale, place))) as f32).collect();
        if std.iter().chain(&mean).all(|value| value.is_finite()) && std.iter().all(|std| *std > 0.0) {
            into.notes.push(format!(
                "'{}' ({}) is part of the preprocessing: pictures are given as bytes, as they were to Keras",
                layer.name, layer.class
            ));
            into.preprocessing = Some(Preprocessing { mean, std });
            return Ok(flow);
        }
    }
    if flow.shape.len() == 2 || flow.tokens {
        return Err("it scales the values of sequences, for which there is no layer here".into());
    }
    let features = flow.features();
    into.unbacked(features.saturating_mul(4), "it scales")?;
    let each = |values: &[f64]| -> Vec<f32> {
        flow.feature_order().iter().map(|place| of(values, *place) as f32).collect()
    };
    into.layers.push(
        fireclay_nn::LayerSpec::from(BatchNormSpec::default().momentum(0.0).epsilon(NO_EPSILON))
            .named(layer.name.clone())
            .frozen(),
    );
    for (tensor, values) in [
        ("weight", each(scale)),
        ("bias", each(offset)),
        ("running_mean", vec![0.0; features]),
        ("running_var", vec![1.0; features]),
    ] {
        into.tensor(&layer.name, tensor, vec![features], values);
    }
    into.notes.push(format!("'{}' ({}) is a frozen batch norm here", layer.name, layer.class));
    Ok(Flow { positive: false, ..flow })
}
