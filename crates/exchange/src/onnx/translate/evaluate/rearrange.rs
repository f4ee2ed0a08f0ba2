//! Operators that move values and change none, on constants.

use super::shapes::{self, Cut};
use super::strided::{Places, strides};
use super::{Known, axis, product};
use crate::onnx::import::{Constant, Node, Values};

/// What the node gives; `None` if it is no such operator.
pub(super) fn evaluate(known: &mut Known<'_>, node: &Node) -> Result<Option<Vec<Constant>>, String> {
    let Some(constant) = known.input(node, 0) else { return Ok(None) };
    let (element, shape) = (constant.element, constant.shape.clone());
    let made = |shape: Vec<usize>, values: Values| Ok(Some(vec![Constant { shape, element, values }]));
    match node.kind.as_str() {
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
            let to = shapes::reshaped(known, node, &shape)?;
            known.spend(&to)?;
            let values = known.input(node, 0).map(|constant| constant.values.clone());
            made(to, values.ok_or("it has no input")?)
        }
        "Transpose" => {
            let order = shapes::order(node, shape.len())?;
            let to: Vec<usize> = order.iter().map(|axis| shape[*axis]).collect();
            let own = strides(&shape);
            let steps = order.iter().map(|axis| own[*axis]).collect();
            placed(known, node, to, steps, 0).map(Some)
        }
        "Expand" => {
            let to = shapes::expanded(known, node, &shape)?;
            known.spend(&to)?;
            let own = Places::repeated(&to, &shape);
            let constant = known.input(node, 0).ok_or("it has no input")?;
            let values = super::taken(&constant.values, own);
            made(to, values)
        }
        "Slice" => {
            let cuts = shapes::cuts(known, node, &shape)?;
            let own = strides(&shape);
            let start = cuts.iter().zip(&own).map(|(cut, stride)| cut.start as isize * stride).sum();
            let steps = cuts.iter().zip(&own).map(|(cut, stride)| cut.step as isize * stride).collect();
            placed(known, node, cuts.iter().map(|Cut { count, .. }| *count).collect(), steps, start).map(Some)
        }
        "Gather" => gather(known, node).map(Some),
        "Concat" => concat(known, node).map(Some),
        "Split" => {
            let parts = shapes::parts(known, node, &shape)?;
            let along = axis(node.int("axis", 0)?, shape.len())?;
            let own = strides(&shape);
            let mut start = 0;
            let mut all = Vec::new();
            for part in parts {
                let mut to = shape.clone();
                to[along] = part;
                all.extend(placed(known, node, to, own.clone(), start as isize * own[along])?);
                start += part;
            }
            Ok(Some(all))
        }
        "Tile" => {
            let repeats = known.ints(node, 1, "its repeats")?.unwrap_or_default();
            if repeats.len() != shape.len() || repeats.iter().any(|repeat| *repeat < 0) {
                return Err(format!("it repeats {shape:?} by {repeats:?}"));
            }
            let to: Option<Vec<usize>> =
                shape.iter().zip(repeats).map(|(size, repeat)| size.checked_mul(*repeat as usize)).collect();
            let to = to.ok_or("it has more values than any machine holds")?;
            known.spend(&to)?;
            let constant = known.input(node, 0).ok_or("it has no input")?;
            let own = strides(&shape);
            let mut place = vec![0usize; to.len()];
            let mut places = Vec::with_capacity(product(&to)?);
            for _ in 0..product(&to)? {
                places.push(
                    place
                        .iter()
                        .zip(&shape)
                        .zip(&own)
                        .map(|((at, size), step)| at % size * *step as usize)
                        .sum(),
                );
                for axis in (0..to.len()).rev() {
                    place[axis] += 1;
                    if place[axis] < to[axis] {
                        break;
                    }
                    place[axis] = 0;
                }
            }
            let values = super::taken(&constant.values, places.into_iter());
            made(to, values)
        }
        _ => Ok(None),
    }
}

/// The values of the first input at places that lie regularly.
fn placed(
    known: &mut Known<'_>,
    node: &Node,
    to: Vec<usize>,
    steps: Vec<isize>,
    start: isize,
) -> Result<Vec<Constant>, String> {
    known.spend(&to)?;
    let constant = known.input(node, 0).ok_or("it has no input")?;
    let values = super::taken(&constant.values, Places::new(&to, steps, start));
    Ok(vec![Constant { element: constant.element, shape: to, values }])
}

fn gather(known: &mut Known<'_>, node: &Node) -> Result<Vec<Constant>, String> {
    let (from, which) = (known.input(node, 0), known.input(node, 1));
    let (from, which) = from.zip(which).ok_or("it has fewer than two inputs")?;
    let along = axis(node.int("axis", 0)?, from.shape.len())?;
    let size = from.shape[along] as i64;
    let which_shape = which.shape.clone();
    let which = which.as_ints().ok_or("its indices are no whole numbers")?;
    let which: Option<Vec<usize>> = which
        .iter()
        .map(|index| if *index < 0 { index.checked_add(size) } else { Some(*index) })
        .map(|index| index.filter(|index| (0..size).contains(index)).map(|index| index as usize))
        .collect();
    let which = which.ok_or_else(|| format!("it takes what is not among {size}"))?;
    let (outer, inner) = (product(&from.shape[..along])?, product(&from.shape[along + 1..])?);
    let shape = [&from.shape[..along], &which_shape, &from.shape[along + 1..]].concat();
    known.spend(&shape)?;
    let from = known.input(node, 0).ok_or("it has no input")?;
    let size = size as usize;
    let places = (0..outer).flat_map(|outer| {
        which.iter().flat_map(move |index| {
            (0..inner).map(move |inner_place| (outer * size + index) * inner + inner_place)
        })
    });
    let values = super::taken(&from.values, places);
    Ok(vec![Constant { element: from.element, shape, values }])
}

fn concat(known: &mut Known<'_>, node: &Node) -> Result<Vec<Constant>, String> {
    let shape = shapes::joined(known, node)?.ok_or("the shape of an input is not known")?;
    known.spend(&shape)?;
    let parts: Option<Vec<&Constant>> =
        (0..node.inputs.len()).map(|index| known.input(node, index)).collect();
    let parts = parts.ok_or("an input is missing")?;
    let along = axis(node.int("axis", 0)?, shape.len())?;
    let outer = product(&shape[..along])?;
    let element = parts[0].element;
    let width = |part: &Constant| part.len() / outer.max(1);
    macro_rules! join {
        ($kind:ident, $as:ident) => {{
            let lists: Option<Vec<_>> = parts.iter().map(|part| part.$as()).collect();
            let lists = lists.ok_or("its inputs are of different types")?;
            let mut values = Vec::new();
            for row in 0..outer {
                for (list, part) in lists.iter().zip(&parts) {
                    values.extend_from_slice(&list[row * width(part)..(row + 1) * width(part)]);
                }
            }
            Values::$kind(values)
        }};
    }
    let values = match parts[0].values {
        Values::Float(_) => join!(Float, as_floats),
        Values::Int(_) => join!(Int, as_ints),
        Values::Bool(_) => join!(Bool, as_bools),
    };
    Ok(vec![Constant { element, shape, values }])
}
