//! Position embeddings, for which Keras has no layer of its own, in the forms that [`export`](crate::keras::export) gives them.

use fireclay_nn::{PositionEmbeddingSpec, PositionKind};

use super::Outcome;
use crate::keras::input::config::shown;
use crate::keras::input::flow::Flow;
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::keras::input::weights::Part;

/// A `Normalization` of each place of a sequence by itself: what it takes away, a position embedding adds.
pub(super) fn taken_away(
    into: &mut Translation<'_>,
    layer: &Layer<'_>,
    flow: Flow,
    shape: [usize; 2],
) -> Outcome {
    let mut read = |index, name| into.variable(&layer.owner, Part::WHOLE, index, &[name], &shape);
    let (mean, variance) = (read(0, "mean")?, read(1, "variance")?);
    if variance.iter().any(|variance| *variance != 1.0) {
        return Err("it scales each place of a sequence, for which there is no layer here".into());
    }
    embedding(into, layer, flow, shape, mean.into_iter().map(|mean| -mean).collect())
}

/// An `EinsumDense` that leaves each step as it is and adds a row to it.
pub(super) fn einsum(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let (equation, axes) = (layer.config.text("equation")?, layer.config.text("bias_axes")?);
    let &[steps, features] = flow.shape.as_slice() else {
        return Err("it is given no sequence".into());
    };
    if (equation, axes) != (Some("abc,cd->abd"), Some("bd")) {
        let found = [layer.config.get("equation"), layer.config.get("bias_axes")];
        let [equation, axes] = found.map(|value| value.map_or("none".into(), shown));
        return Err(Failure::Reason(format!(
            "its equation is {equation} with bias axes {axes}; only a position embedding can be taken over, \"abc,cd->abd\" with \"bd\""
        )));
    }
    let kernel = into.variable(&layer.owner, Part::WHOLE, 0, &["kernel"], &[features, features])?;
    let is_one =
        |(place, value): (usize, &f32)| *value == if place % (features + 1) == 0 { 1.0 } else { 0.0 };
    if !kernel.iter().enumerate().all(is_one) {
        return Err("it multiplies by a matrix besides adding positions; use a Dense layer before it".into());
    }
    let rows = into.variable(&layer.owner, Part::WHOLE, 1, &["bias"], &[steps, features])?;
    embedding(into, layer, flow, [steps, features], rows)
}

fn embedding(
    into: &mut Translation<'_>,
    layer: &Layer<'_>,
    flow: Flow,
    shape: [usize; 2],
    rows: Vec<f32>,
) -> Outcome {
    into.leave(&layer.owner);
    into.push(&layer.name, PositionEmbeddingSpec::new(PositionKind::Learnt));
    into.tensor(&layer.name, "weight", shape.to_vec(), rows);
    Ok(Flow { positive: false, ..flow })
}
