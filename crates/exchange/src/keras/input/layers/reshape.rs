//! Flatten, and the reshapes that are one.

use fireclay_nn::FlattenSpec;
use serde_json::Value;

use super::Outcome;
use crate::keras::input::config::shown;
use crate::keras::input::flow::{Flow, product};
use crate::keras::input::translation::{Failure, Layer, Translation};

pub(super) fn reshape(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let values = product(&flow.shape)?;
    if layer.class == "Reshape" {
        let target = layer.config.get("target_shape").ok_or("target_shape is missing")?;
        let sizes: Option<Vec<i64>> =
            target.as_array().and_then(|sizes| sizes.iter().map(Value::as_i64).collect());
        match sizes.as_deref() {
            Some(&[size]) if size == -1 || size as usize == values => {}
            // Before the first layer it says what an image of one channel looks like.
            Some(&[height, width, 1]) if into.layers.is_empty() && height > 0 && width > 0 => {
                let shape = vec![height as usize, width as usize, 1];
                if flow.flat_image.is_some()
                    || flow.tokens
                    || flow.shape.len() == 3
                    || product(&shape)? != values
                {
                    return Err(Failure::Reason(format!("it makes {} of {:?}", shown(target), flow.shape)));
                }
                into.notes.push(format!(
                    "'{}' (Reshape) is left out: the input is an image of {height} by {width} pixels",
                    layer.name
                ));
                let flow = Flow::of(shape);
                into.input = Some(flow.clone());
                return Ok(flow);
            }
            _ => {
                return Err(Failure::Reason(format!(
                    "it makes {} of {:?}; only a flat row can be taken over",
                    shown(target),
                    flow.shape
                )));
            }
        }
    }
    if flow.shape.len() == 1 {
        return Ok(flow);
    }
    into.push(&layer.name, FlattenSpec {});
    let flat_image = match flow.shape[..] {
        // Pixels of one channel, or channels of one pixel, are in the same order either way.
        [height, width, channels] if channels > 1 && height * width > 1 => Some([height, width, channels]),
        _ => None,
    };
    Ok(Flow { flat_image, positive: flow.positive, ..Flow::of(vec![values]) })
}
