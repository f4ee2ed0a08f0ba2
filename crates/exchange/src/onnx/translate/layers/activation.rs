//! Functions of one value, softmax and dropout.

use fireclay_nn::{
    DropoutSpec, EluSpec, GeluSpec, LayerKind, LeakyReluSpec, ReluSpec, SigmoidSpec, SiluSpec, SoftmaxSpec,
    SoftplusSpec, TanhSpec,
};

use super::super::evaluate::axis;
use super::super::flow::Flow;
use super::super::functions::Function;
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};

pub(super) fn function(into: &mut Translation<'_>, function: Function, flow: Flow) -> Outcome {
    let kind: LayerKind = match function {
        Function::Identity => return Ok(flow),
        Function::Relu => ReluSpec {}.into(),
        Function::LeakyRelu(slope) => LeakyReluSpec { negative_slope: decimal(slope) }.into(),
        Function::Elu(alpha) => EluSpec { alpha: decimal(alpha) }.into(),
        Function::Gelu => GeluSpec {}.into(),
        Function::Silu => SiluSpec {}.into(),
        Function::Sigmoid => SigmoidSpec {}.into(),
        Function::Tanh => TanhSpec {}.into(),
        Function::Softplus => SoftplusSpec {}.into(),
        Function::Other(name) => return Err(format!("it computes {name}, for which there is no layer here")),
    };
    let flow = into.plain(flow)?;
    into.push(Piece::new(kind));
    Ok(flow)
}

/// The shortest decimal number that is this one in 32 bits: 0.2 rather than 0.20000000298.
pub(super) fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

pub(super) fn activation(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let found = match node.kind.as_str() {
        "Relu" => Function::Relu,
        "LeakyRelu" => Function::LeakyRelu(node.float("alpha", 0.01)?),
        "Elu" => Function::Elu(node.float("alpha", 1.0)?),
        "Sigmoid" => Function::Sigmoid,
        "Tanh" => Function::Tanh,
        "Softplus" => Function::Softplus,
        "Gelu" => match node.text("approximate", "none")? {
            "none" => Function::Gelu,
            _ => Function::Other("the approximation of GELU by tanh"),
        },
        "Swish" if node.float("alpha", 1.0)? == 1.0 => Function::Silu,
        "Softmax" | "LogSoftmax" => return softmax(into, operation, flow),
        _ => {
            return Err("what it computes of each value, with those around it, is none of the functions that there are layers for".into());
        }
    };
    function(into, found, flow)
}

fn softmax(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let flow = into.plain(flow)?;
    let rank = flow.dims.len();
    let along = axis(node.int("axis", -1)?, rank)?;
    let last = flow.sample.len() - 1;
    // Older versions put together what stands behind the axis.
    let is_one = !node.flag("flatten", false)? || (along + 1..rank).all(|dim| flow.dims[dim].is_empty());
    if !(is_one && flow.is_all_of(along, last)) {
        return Err("it makes shares along another axis than the last one".into());
    }
    let is_end = operation.outputs.first() == Some(&into.network.output);
    if node.kind == "LogSoftmax" {
        if !(is_end && flow.sample.len() == 1) {
            return Err("it gives logarithms, which is taken over at the end only".into());
        }
        into.ends_with_softmax = true;
        return Ok(flow);
    }
    if is_end && flow.sample.len() == 1 {
        into.ends_with_softmax = true;
        return Ok(flow);
    }
    into.push(Piece::new(SoftmaxSpec {}));
    Ok(flow)
}

/// Does something in training alone, so the file has it as it was written down for that.
pub(super) fn dropout(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let rate = into.constant(operation, 1).and_then(|rate| rate.single()).unwrap_or(0.5);
    let flow = into.plain(flow)?;
    if rate > 0.0 {
        into.push(Piece::new(DropoutSpec::new(decimal(rate as f32))));
    }
    Ok(flow)
}
