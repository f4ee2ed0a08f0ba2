//! Operators that move values about, of which nothing is left but an order.

use fireclay_nn::{FirstStepSpec, LayerKind};

use super::super::evaluate::order;
use super::super::flow::{Axis, Flow};
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};
use super::parts::Part;

/// Whether an operator takes the values that it gives from one input and leaves none out.
pub(in crate::onnx::translate) fn is_view(kind: &str) -> bool {
    matches!(kind, "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose")
}

/// The flow behind such an operator.
pub(in crate::onnx::translate) fn view(into: &Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    if node.kind == "Transpose" {
        let order = order(node, flow.dims.len())?;
        return flow.transposed(&order);
    }
    let shape = operation.outputs.first().and_then(|name| into.network.known.shape(name));
    let shape = shape.ok_or("its sizes depend on the model's input")?;
    flow.reshaped(shape)
}

/// `Gather` and `Slice` on values: one step of a sequence, or a part that something behind has to make sense of.
pub(super) fn part(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let name = operation.outputs.first().map_or("", String::as_str);
    let mut flow = flow;
    // The last dimension first, so that those before it stay where they are.
    for part in Part::read(into, operation, name)?.iter().rev() {
        let is_steps = flow.sample.len() == 2 && flow.axes(part.dim) == [Axis::Sample(0)] && flow.is_whole();
        let size: usize = flow.dims[part.dim].iter().map(|factor| factor.size).product();
        if is_steps && part.count == 1 && size > 1 {
            flow = step(into, part.start, size, flow)?;
            if part.removes {
                flow = flow.without(&[part.dim]);
            }
            continue;
        }
        if is_steps && part.count != size {
            return Err("it takes some of the steps; only the first or the last one can be taken over".into());
        }
        flow = part.of(flow)?;
    }
    Ok(flow)
}

/// The first step of a sequence, or what a recurrent layer knows after the last.
fn step(into: &mut Translation<'_>, place: usize, steps: usize, flow: Flow) -> Outcome {
    if place + 1 == steps
        && let Some(piece) = into.pieces.last_mut()
        && super::recurrent::ends_at_last_step(piece)
    {
        return Ok(flow.reduced(&[0]));
    }
    if place != 0 {
        return Err(format!(
            "it takes step {} of {steps}; only the first, or the last behind a recurrent layer in one direction, can be taken over",
            place + 1
        ));
    }
    let flow = into.plain(flow)?;
    into.push(Piece::new(LayerKind::from(FirstStepSpec {})));
    Ok(flow.reduced(&[0]))
}
