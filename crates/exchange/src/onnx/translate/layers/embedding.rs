//! Tables that tokens are looked up in.

use fireclay_nn::EmbeddingSpec;

use super::super::flow::Axis;
use super::super::flow::{Factor, Flow};
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};

pub(super) fn embedding(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let constant = into.weight(operation, 0, "table")?;
    let &[rows, width] = constant.shape.as_slice() else {
        return Err(format!("its table has the shape {:?}; expected a row for each token", constant.shape));
    };
    if into.node(operation).int("axis", 0)? != 0 || !flow.is_whole() {
        return Err("it takes something other than rows for tokens".into());
    }
    let values = constant.as_floats().unwrap_or_default().to_vec();
    let piece = Piece::new(EmbeddingSpec::new(rows, width)).named(into.name(operation, 0)).with(
        "weight",
        vec![rows, width],
        values,
    );
    into.push(piece);
    let mut dims = flow.dims;
    dims.push(match width {
        1 => Vec::new(),
        size => vec![Factor { axis: Axis::Sample(1), size, stride: 1 }],
    });
    let sample = vec![flow.sample[0], width];
    Ok(Flow { sample, tokens: false, dims, offset: vec![0, 0], zeros: None, heads: false })
}
