//! Dense layers and embeddings.

use fireclay_nn::{Conv2dSpec, DenseSpec, EmbeddingSpec};
use serde_json::Value;

use super::{Outcome, activation};
use crate::keras::input::config::Config;
use crate::keras::input::flow::{Flow, permuted};
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::keras::input::weights::Part;

pub(super) fn dense(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    with_part(into, layer, flow, Part::WHOLE)
}

/// A layer for each step; of dense layers that is what they are anyway.
pub(super) fn time_distributed(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    flow.sequence()?;
    let inner = layer.config.get("layer").and_then(Value::as_object);
    let class = inner.and_then(|inner| inner.get("class_name")).and_then(Value::as_str);
    let config = inner.and_then(|inner| inner.get("config")).and_then(Value::as_object);
    match (class, config) {
        (Some("Dense"), Some(config)) => {
            super::check(Config(config))?;
            let inner = Layer { config: Config(config), ..layer.clone() };
            with_part(into, &inner, flow, Part("layer/", ""))
        }
        _ => Err("only a Dense layer can be applied to each step".into()),
    }
}

fn with_part(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow, part: Part) -> Outcome {
    let (features, units) = (flow.features(), layer.config.size("units")?);
    let bias = layer.config.flag("use_bias", true)?;
    let kernel = into.variable(&layer.owner, part, 0, &["kernel"], &[features, units])?;
    let mut weight = permuted(&kernel, &[features, units], &[1, 0]);
    let mut shape = vec![units, features];
    if flow.flat_image.is_some() {
        let order = flow.feature_order();
        weight =
            weight.chunks_exact(features).flat_map(|row| order.iter().map(|place| row[*place])).collect();
    }
    match flow.shape.len() {
        // Of an image Keras takes each pixel by itself.
        3 => {
            shape.extend([1, 1]);
            into.push(&layer.name, Conv2dSpec::new(units, 1).bias(bias));
        }
        _ => into.push(&layer.name, DenseSpec::new(units).bias(bias)),
    }
    into.tensor(&layer.name, "weight", shape, weight);
    if bias {
        let values = into.variable(&layer.owner, part, 1, &["bias"], &[units])?;
        into.tensor(&layer.name, "bias", vec![units], values);
    }
    let mut out = flow.shape.clone();
    if let Some(last) = out.last_mut() {
        *last = units;
    }
    activation::behind(into, layer, flow.shaped(out))
}

pub(super) fn embedding(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let [steps] = flow.shape[..] else {
        return Err(Failure::Reason(format!("it is given {:?}; expected tokens", flow.shape)));
    };
    if into.layers.is_empty()
        && let Some(input) = &mut into.input
    {
        input.tokens = true;
    } else {
        return Err("it is not the first layer".into());
    }
    let (rows, width) = (layer.config.size("input_dim")?, layer.config.size("output_dim")?);
    let mask = layer.config.flag("mask_zero", false)?;
    let spec = EmbeddingSpec::new(rows, width);
    into.push(&layer.name, if mask { spec.padding_idx(0) } else { spec });
    let values = into.variable(&layer.owner, Part::WHOLE, 0, &["embeddings"], &[rows, width])?;
    into.tensor(&layer.name, "weight", vec![rows, width], values);
    Ok(Flow { mask, ..Flow::of(vec![steps, width]) })
}
