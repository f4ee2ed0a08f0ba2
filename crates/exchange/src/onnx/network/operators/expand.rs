//! `Expand` and `Tile`: values repeated.

use super::super::host;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(match node.kind.as_str() {
        "Expand" => Repeat::Expand,
        _ => Repeat::Tile,
    }))
}

#[derive(Debug)]
enum Repeat {
    /// Dimensions of size 1.
    Expand,
    /// The whole, so many times along each dimension.
    Tile,
}

impl Operator for Repeat {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let what = if matches!(self, Repeat::Expand) { "shape" } else { "repeats" };
        let sizes = inputs.get(1)?.settings(what)?;
        let sizes: Option<Vec<usize>> = sizes.iter().map(|size| usize::try_from(*size).ok()).collect();
        let sizes = sizes.ok_or_else(|| format!("its {what} has a negative number"))?;
        match self {
            Repeat::Expand => {
                let dims = host::broadcast(&input.dims, &sizes)?;
                Ok(vec![input.expand(&dims, scope)?])
            }
            Repeat::Tile => tiled(input, &sizes, scope).map(|output| vec![output]),
        }
    }
}

fn tiled(input: &Value, repeats: &[usize], scope: &Scope) -> Result<Value, Reason> {
    if repeats.len() != input.rank() {
        return Err(format!("{} repeats for a value of {:?}", repeats.len(), input.dims));
    }
    let mut output = input.clone();
    for (axis, times) in repeats.iter().enumerate().filter(|(_, times)| **times != 1) {
        let mut dims = output.dims.clone();
        dims[axis] = dims[axis].saturating_mul(*times);
        scope.admit(output.element, &dims, output.known().is_some())?;
        if dims[axis] == 0 {
            output = output.select(axis, &[], scope)?;
            continue;
        }
        let places: Vec<usize> = (0..*times).flat_map(|_| 0..output.dims[axis]).collect();
        output = output.select(axis, &places, scope)?;
    }
    Ok(output)
}
