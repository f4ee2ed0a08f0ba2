//! `DepthToSpace` and `SpaceToDepth`: channels as blocks of places, and back.

use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let block = node.int("blocksize", 0)?;
    let block = usize::try_from(block).ok().filter(|block| (1..=1 << 10).contains(block));
    let block = block.ok_or("its blocksize is not 1 to 1024")?;
    let rows_first = match node.text("mode", "DCR")? {
        "DCR" => true,
        "CRD" => false,
        other => return Err(format!("mode is '{other}'; expected DCR or CRD")),
    };
    Ok(Box::new(Blocks { block, to_space: node.kind == "DepthToSpace", rows_first }))
}

#[derive(Debug)]
struct Blocks {
    block: usize,
    to_space: bool,
    /// Whether a block's places come before the channels (`DCR`) or behind them.
    rows_first: bool,
}

impl Operator for Blocks {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        let &[batch, channels, height, width] = input.dims.as_slice() else {
            return Err(format!("an input of {:?}; expected [batch, channels, height, width]", input.dims));
        };
        let block = self.block;
        let does_not_fit = || format!("blocks of {block} in an input of {:?}", input.dims);
        let (parts, order, dims) = if self.to_space {
            if channels % (block * block) != 0 {
                return Err(does_not_fit());
            }
            let rest = channels / (block * block);
            let (parts, order) = match self.rows_first {
                true => ([batch, block, block, rest, height, width], [0, 3, 4, 1, 5, 2]),
                false => ([batch, rest, block, block, height, width], [0, 1, 4, 2, 5, 3]),
            };
            (parts, order, [batch, rest, height * block, width * block])
        } else {
            if height % block != 0 || width % block != 0 {
                return Err(does_not_fit());
            }
            let (rows, columns) = (height / block, width / block);
            let parts = [batch, channels, rows, block, columns, block];
            (parts, [0, 3, 5, 1, 2, 4], [batch, channels * block * block, rows, columns])
        };
        let output = scope.compute(Element::Float, dims, |device| {
            input.tensor(device).reshape(&parts).permute(&order).reshape(&dims)
        })?;
        Ok(vec![output])
    }
}
