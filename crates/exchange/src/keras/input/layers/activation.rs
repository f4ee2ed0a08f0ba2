//! Activations: layers of their own, and those inside other layers.

use fireclay_nn::{
    EluSpec, GeluSpec, LayerKind, LeakyReluSpec, ReluSpec, SigmoidSpec, SiluSpec, SoftmaxSpec, SoftplusSpec,
    TanhSpec,
};
use serde_json::Value;

use super::Outcome;
use crate::keras::input::config::{Config, shown};
use crate::keras::input::flow::Flow;
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::words::short;

/// `Activation`, `ReLU` and the like.
pub(super) fn layer(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let kind = match layer.class {
        "Activation" => named(layer.config.get("activation"))?,
        class => Some(of_class(class, layer.config)?),
    };
    push(into, &layer.name, kind, flow)
}

/// The activation that a layer has in itself, as a layer behind it.
pub(super) fn behind(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let Some(kind) = named(layer.config.get("activation"))? else { return Ok(flow) };
    let name = into.name(&format!("{}_{}", layer.name, kind.type_name()));
    push(into, &name, Some(kind), flow)
}

fn push(into: &mut Translation<'_>, name: &str, kind: Option<LayerKind>, flow: Flow) -> Outcome {
    let Some(kind) = kind else { return Ok(flow) };
    if matches!(kind, LayerKind::Softmax(_)) && (flow.shape.len() == 3 || flow.flat_image.is_some()) {
        return Err("a softmax over the channels of an image cannot be taken over".into());
    }
    let positive = matches!(
        kind,
        LayerKind::Relu(_) | LayerKind::Sigmoid(_) | LayerKind::Softplus(_) | LayerKind::Softmax(_)
    );
    into.push(name, kind);
    Ok(Flow { positive, ..flow })
}

/// The layer for an activation by name, or written out as a layer; `None` for none.
fn named(value: Option<&Value>) -> Result<Option<LayerKind>, Failure> {
    let name = match value {
        None => return Ok(None),
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Object(object)) => {
            let class = object.get("class_name").and_then(Value::as_str).unwrap_or("");
            let config = object.get("config").and_then(Value::as_object);
            let is_own = object.get("registered_name").is_none_or(Value::is_null);
            return match (is_own, config) {
                (true, Some(config)) => Ok(Some(of_class(class, Config(config))?)),
                _ => Err(Failure::Reason(format!(
                    "its activation is {}, which is not one of Keras's",
                    shown(&Value::String(class.into()))
                ))),
            };
        }
        Some(other) => return Err(Failure::Reason(format!("its activation is {}", shown(other)))),
    };
    Ok(Some(match name {
        "linear" => return Ok(None),
        "relu" => ReluSpec {}.into(),
        "leaky_relu" => LeakyReluSpec { negative_slope: 0.2 }.into(),
        "elu" => EluSpec { alpha: 1.0 }.into(),
        "gelu" => GeluSpec {}.into(),
        "silu" | "swish" => SiluSpec {}.into(),
        "sigmoid" => SigmoidSpec {}.into(),
        "tanh" => TanhSpec {}.into(),
        "softplus" => SoftplusSpec {}.into(),
        "softmax" => SoftmaxSpec {}.into(),
        other => {
            return Err(Failure::Reason(format!(
                "its activation is '{}', for which there is no layer here",
                short(other)
            )));
        }
    }))
}

fn of_class(class: &str, config: Config<'_>) -> Result<LayerKind, Failure> {
    Ok(match class {
        "ReLU" => {
            if let Some(most) = config.get("max_value") {
                return Err(Failure::Reason(format!(
                    "max_value is {}; a ReLU with a bound cannot be taken over",
                    shown(most)
                )));
            }
            config.only("threshold", config.number("threshold", 0.0)?, 0.0)?;
            match config.number("negative_slope", 0.0)? {
                0.0 => ReluSpec {}.into(),
                negative_slope => LeakyReluSpec { negative_slope }.into(),
            }
        }
        "LeakyReLU" => {
            let negative_slope = config.number("negative_slope", config.number("alpha", 0.3)?)?;
            LeakyReluSpec { negative_slope }.into()
        }
        "ELU" => EluSpec { alpha: config.number("alpha", 1.0)? }.into(),
        "Softmax" => {
            let axis = config.number("axis", -1.0)?;
            config.only("axis", axis, -1.0)?;
            SoftmaxSpec {}.into()
        }
        other => {
            return Err(Failure::Reason(format!(
                "its activation is '{}', for which there is no layer here",
                short(other)
            )));
        }
    })
}
