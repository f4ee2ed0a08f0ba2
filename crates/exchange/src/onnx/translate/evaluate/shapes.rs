//! The shapes that operators give, from those that they are given.

use super::windows::windows;
use super::{Known, Outcome, axis, broadcast, elementwise, numbers, product};
use crate::onnx::import::Node;

/// The shapes of a node's outputs; none for an operator that is not known.
pub(super) fn infer(known: &Known<'_>, node: &Node) -> Result<Outcome, String> {
    let Some(shape) = node.input(0).and_then(|name| known.shape(name)) else {
        return Ok(Outcome::Shapes(Vec::new()));
    };
    let shape = shape.to_vec();
    match node.kind.as_str() {
        "Dropout" => Ok(Outcome::Shapes(vec![Some(shape.clone()), Some(shape)])),
        "Relu"
        | "LeakyRelu"
        | "Elu"
        | "Selu"
        | "Celu"
        | "Gelu"
        | "Swish"
        | "Mish"
        | "HardSwish"
        | "HardSigmoid"
        | "Sigmoid"
        | "Tanh"
        | "Softplus"
        | "Softsign"
        | "Softmax"
        | "LogSoftmax"
        | "BatchNormalization"
        | "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "RMSNormalization"
        | "Clip"
        | "CastLike"
        | "LRN"
        | "ThresholdedRelu" => Outcome::shape(shape),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => Outcome::shape(reshaped(known, node, &shape)?),
        "Transpose" => {
            let order = order(node, shape.len())?;
            Outcome::shape(order.iter().map(|axis| shape[*axis]).collect())
        }
        "Expand" => Outcome::shape(expanded(known, node, &shape)?),
        "Slice" => Outcome::shape(cuts(known, node, &shape)?.iter().map(|cut| cut.count).collect()),
        "Gather" => {
            let along = axis(node.int("axis", 0)?, shape.len())?;
            match node.input(1).and_then(|name| known.shape(name)) {
                Some(which) => Outcome::shape([&shape[..along], which, &shape[along + 1..]].concat()),
                None => Ok(Outcome::Shapes(Vec::new())),
            }
        }
        "Concat" => Ok(Outcome::Shapes(vec![joined(known, node)?])),
        "Split" => {
            let along = axis(node.int("axis", 0)?, shape.len())?;
            let part = |size| {
                let mut shape = shape.clone();
                shape[along] = size;
                Some(shape)
            };
            Ok(Outcome::Shapes(parts(known, node, &shape)?.into_iter().map(part).collect()))
        }
        "Pad" => {
            let pads = known.ints(node, 1, "its sizes")?.unwrap_or_default();
            let all = padded_axes(known, node, shape.len())?;
            let mut shape = shape;
            for (place, axis) in all.iter().enumerate() {
                let around = pads
                    .get(place)
                    .copied()
                    .unwrap_or(0)
                    .checked_add(pads.get(place + all.len()).copied().unwrap_or(0));
                let size = around.and_then(|around| around.checked_add(shape[*axis] as i64));
                let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size < 1 << 32);
                shape[*axis] = size.ok_or_else(|| format!("it adds {pads:?} to {shape:?}"))?;
            }
            Outcome::shape(shape)
        }
        "MatMul" => {
            let Some(other) = node.input(1).and_then(|name| known.shape(name)) else {
                return Ok(Outcome::Shapes(Vec::new()));
            };
            Outcome::shape(multiplied(&shape, other)?)
        }
        "Gemm" => {
            let other = node.input(1).and_then(|name| known.shape(name)).unwrap_or_default();
            let (&[a, b], &[c, d]) = (shape.as_slice(), other) else {
                return Err(format!("it multiplies {shape:?} and {other:?}; expected two matrices"));
            };
            let (rows, inner) = if node.flag("transA", false)? { (b, a) } else { (a, b) };
            let (other_inner, columns) = if node.flag("transB", false)? { (d, c) } else { (c, d) };
            match inner == other_inner {
                true => Outcome::shape(vec![rows, columns]),
                false => Err(format!("it multiplies {shape:?} and {other:?}, which do not go together")),
            }
        }
        "Conv" | "MaxPool" | "AveragePool" | "LpPool" => Outcome::shape(windows(known, node, &shape)?),
        "Attention" => Outcome::shape(attention(known, node, shape)?),
        "GlobalAveragePool" | "GlobalMaxPool" => Outcome::shape(
            shape.iter().enumerate().map(|(axis, size)| if axis < 2 { *size } else { 1 }).collect(),
        ),
        "LSTM" | "GRU" | "RNN" => recurrent(node, &shape),
        "ArgMax" | "ArgMin" => {
            let along = axis(node.int("axis", 0)?, shape.len())?;
            let [_, shape] = numbers::reduced_shapes(&shape, &[along], node.flag("keepdims", true)?);
            Outcome::shape(shape)
        }
        kind if kind.starts_with("Reduce") => {
            let axes = numbers::reduced_axes(known, node, shape.len())?;
            let [_, shape] = numbers::reduced_shapes(&shape, &axes, node.flag("keepdims", true)?);
            Outcome::shape(shape)
        }
        kind if elementwise::is_known(kind) => {
            let mut all = Vec::new();
            for name in elementwise::shaping(node) {
                match known.shape(name) {
                    Some(shape) => all = broadcast(&all, shape)?,
                    None => return Ok(Outcome::Shapes(Vec::new())),
                }
            }
            Outcome::shape(all)
        }
        _ => Ok(Outcome::Shapes(Vec::new())),
    }
}

/// Behind `Reshape`, `Flatten`, `Squeeze` and `Unsqueeze`.
pub(super) fn reshaped(known: &Known<'_>, node: &Node, shape: &[usize]) -> Result<Vec<usize>, String> {
    let rank = shape.len();
    match node.kind.as_str() {
        "Flatten" => {
            let at = node.int("axis", 1)?;
            let at = if at == rank as i64 { rank } else { axis(at, rank)? };
            Ok(vec![product(&shape[..at])?, product(&shape[at..])?])
        }
        "Squeeze" => match known.ints(node, 1, "its axes")? {
            None => Ok(shape.iter().copied().filter(|size| *size != 1).collect()),
            Some(axes) => {
                let axes = axes.iter().map(|given| axis(*given, rank)).collect::<Result<Vec<_>, _>>()?;
                match axes.iter().all(|axis| shape[*axis] == 1) {
                    true => {
                        let left = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
                        Ok(left.map(|(_, size)| *size).collect())
                    }
                    false => {
                        Err(format!("it removes axes {axes:?} of {shape:?}, which are not all of size 1"))
                    }
                }
            }
        },
        "Unsqueeze" => {
            let axes = known.ints(node, 1, "its axes")?.unwrap_or_default();
            let rank = rank + axes.len();
            let axes = axes.iter().map(|given| axis(*given, rank)).collect::<Result<Vec<_>, _>>()?;
            let mut sizes = shape.iter();
            let all: Option<Vec<usize>> = (0..rank)
                .map(|axis| if axes.contains(&axis) { Some(1) } else { sizes.next().copied() })
                .collect();
            all.ok_or_else(|| format!("it adds axes {axes:?} twice"))
        }
        _ => {
            let to = known.ints(node, 1, "its sizes")?.ok_or("it has no sizes")?;
            sizes(shape, to, node.flag("allowzero", false)?)
        }
    }
}

/// Sizes among which 0 stands for one that stays, and -1 for what is left.
fn sizes(shape: &[usize], to: &[i64], zero_is_zero: bool) -> Result<Vec<usize>, String> {
    let wrong = || format!("it makes {to:?} of {shape:?}");
    let mut found = Vec::new();
    let mut open = None;
    for (place, size) in to.iter().enumerate() {
        found.push(match *size {
            -1 if open.is_none() => {
                open = Some(place);
                1
            }
            0 if !zero_is_zero => *shape.get(place).ok_or_else(wrong)?,
            size => usize::try_from(size).map_err(|_| wrong())?,
        });
    }
    let (all, others) = (product(shape)?, product(&found)?);
    if let Some(open) = open {
        found[open] = all.checked_div(others).ok_or_else(wrong)?;
    }
    if product(&found)? == all { Ok(found) } else { Err(wrong()) }
}

/// The order of axes behind a `Transpose`.
pub(in crate::onnx::translate) fn order(node: &Node, rank: usize) -> Result<Vec<usize>, String> {
    let Some(order) = node.ints("perm")? else { return Ok((0..rank).rev().collect()) };
    let order = order.iter().map(|given| axis(*given, rank)).collect::<Result<Vec<_>, _>>()?;
    let is_whole = order.len() == rank && (0..rank).all(|axis| order.contains(&axis));
    if is_whole { Ok(order) } else { Err(format!("its order of axes is {order:?} of {rank}")) }
}

pub(super) fn expanded(known: &Known<'_>, node: &Node, shape: &[usize]) -> Result<Vec<usize>, String> {
    let to = known.ints(node, 1, "its sizes")?.unwrap_or_default();
    let to: Option<Vec<usize>> = to.iter().map(|size| usize::try_from(*size).ok()).collect();
    let to = to.ok_or("its sizes are not all 0 or more")?;
    product(&to)?;
    broadcast(shape, &to)
}

/// What a `Slice` takes along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::onnx::translate) struct Cut {
    pub(in crate::onnx::translate) start: usize,
    pub(in crate::onnx::translate) step: i64,
    pub(in crate::onnx::translate) count: usize,
}

/// What a `Slice` takes along every axis.
pub(in crate::onnx::translate) fn cuts(
    known: &Known<'_>,
    node: &Node,
    shape: &[usize],
) -> Result<Vec<Cut>, String> {
    let starts = known.ints(node, 1, "its starts")?.ok_or("it has no starts")?;
    let ends = known.ints(node, 2, "its ends")?.ok_or("it has no ends")?;
    let axes: Vec<i64> = match known.ints(node, 3, "its axes")? {
        Some(axes) => axes.to_vec(),
        None => (0..starts.len() as i64).collect(),
    };
    let steps = known.ints(node, 4, "its steps")?.map_or_else(|| vec![1; starts.len()], <[i64]>::to_vec);
    if [ends.len(), axes.len(), steps.len()].iter().any(|count| *count != starts.len()) {
        return Err("its starts, ends, axes and steps are not as many as one another".into());
    }
    let mut cuts: Vec<Cut> = shape.iter().map(|size| Cut { start: 0, step: 1, count: *size }).collect();
    for (place, given) in axes.iter().enumerate() {
        let along = axis(*given, shape.len())?;
        let (size, step) = (shape[along] as i64, steps[place]);
        let from_start = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
        let (start, end) = (from_start(starts[place]), from_start(ends[place]));
        let (start, reach) = match step {
            0 => return Err("its step is 0".into()),
            1.. => {
                let start = start.clamp(0, size);
                (start, end.clamp(0, size) - start)
            }
            _ => {
                let start = start.clamp(-1, size - 1);
                (start, start - end.clamp(-1, size - 1))
            }
        };
        let count = if reach > 0 { (reach as u64).div_ceil(step.unsigned_abs()) as usize } else { 0 };
        // A step from the only place goes nowhere, and may be of any size in a file.
        let step = if count > 1 { step } else { 1 };
        cuts[along] = Cut { start: start.max(0) as usize, step, count };
    }
    Ok(cuts)
}

/// Sizes of the parts of a `Split` along its axis.
pub(in crate::onnx::translate) fn parts(
    known: &Known<'_>,
    node: &Node,
    shape: &[usize],
) -> Result<Vec<usize>, String> {
    let along = axis(node.int("axis", 0)?, shape.len())?;
    let size = shape[along];
    let parts: Option<Vec<usize>> = match known.ints(node, 1, "its parts")? {
        Some(parts) => parts.iter().map(|part| usize::try_from(*part).ok()).collect(),
        None => {
            let count = usize::try_from(node.int("num_outputs", node.outputs.len() as i64)?).unwrap_or(0);
            if count == 0 || count > node.outputs.len() {
                return Err(format!("it makes {count} parts"));
            }
            let each = size.div_ceil(count);
            Some((0..count).map(|part| size.saturating_sub(part * each).min(each)).collect())
        }
    };
    let parts =
        parts.filter(|parts| parts.iter().try_fold(0usize, |sum, part| sum.checked_add(*part)) == Some(size));
    parts.ok_or_else(|| format!("its parts are not {size} together"))
}

/// Behind a `Concat`; `None` where the shape of an input is not known.
pub(super) fn joined(known: &Known<'_>, node: &Node) -> Result<Option<Vec<usize>>, String> {
    let shapes: Option<Vec<&[usize]>> = node.inputs.iter().map(|name| known.shape(name)).collect();
    let Some(shapes) = shapes else { return Ok(None) };
    let mut all = shapes.first().ok_or("it has no inputs")?.to_vec();
    let along = axis(node.int("axis", 0)?, all.len())?;
    for shape in &shapes[1..] {
        let fits = shape.len() == all.len()
            && shape.iter().zip(&all).enumerate().all(|(axis, (a, b))| axis == along || a == b);
        if !fits {
            return Err(format!("it joins {all:?} and {shape:?} along axis {along}"));
        }
        all[along] = all[along].checked_add(shape[along]).ok_or("it has too many values")?;
    }
    Ok(Some(all))
}

/// The axes that a `Pad` is about.
pub(in crate::onnx::translate) fn padded_axes(
    known: &Known<'_>,
    node: &Node,
    rank: usize,
) -> Result<Vec<usize>, String> {
    let pads = known.ints(node, 1, "its sizes")?.unwrap_or_default().len();
    let axes = match known.ints(node, 3, "its axes")? {
        Some(axes) => axes.iter().map(|given| axis(*given, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    match pads == 2 * axes.len() {
        true => Ok(axes),
        false => Err(format!("it has {pads} sizes for {} axes", axes.len())),
    }
}

/// Behind ONNX's `Attention`: the queries' sizes, with the values' width.
fn attention(known: &Known<'_>, node: &Node, mut shape: Vec<usize>) -> Result<Vec<usize>, String> {
    let values = node.input(2).and_then(|name| known.shape(name)).unwrap_or(&shape);
    let width = match (shape.len(), values) {
        (4, &[.., width]) => width,
        (3, &[.., width]) => {
            let [queries, keys] = [node.int("q_num_heads", 1)?, node.int("kv_num_heads", 1)?];
            let width =
                i64::try_from(width).ok().and_then(|width| width.checked_mul(queries)?.checked_div(keys));
            width
                .and_then(|width| usize::try_from(width).ok())
                .ok_or("its heads are not as many as it says")?
        }
        _ => return Err(format!("it is given {shape:?}; expected three or four dimensions")),
    };
    if let Some(last) = shape.last_mut() {
        *last = width;
    }
    Ok(shape)
}

fn multiplied(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let wrong = || format!("it multiplies {a:?} and {b:?}, which do not go together");
    let (&[ref outer_a @ .., rows, inner], &[ref outer_b @ .., other, columns]) = (a, b) else {
        return Err(wrong());
    };
    if inner != other {
        return Err(wrong());
    }
    let mut shape = broadcast(outer_a, outer_b)?;
    shape.extend([rows, columns]);
    Ok(shape)
}

fn recurrent(node: &Node, shape: &[usize]) -> Result<Outcome, String> {
    let &[steps, batch, _] = shape else {
        return Err(format!("it is given {shape:?}; expected [steps, batch, features]"));
    };
    let hidden = usize::try_from(node.int("hidden_size", 0)?).ok().filter(|size| (1..1 << 31).contains(size));
    let hidden = hidden.ok_or("it has no hidden_size")?;
    let directions = if node.text("direction", "forward")? == "bidirectional" { 2 } else { 1 };
    if node.int("layout", 0)? != 0 {
        return Err("its layout is 1; only 0 can be taken over".into());
    }
    let state = Some(vec![directions, batch, hidden]);
    Ok(Outcome::Shapes(vec![Some(vec![steps, directions, batch, hidden]), state.clone(), state]))
}
