//! Constants that are made from sizes: lists, ranges, masks, sums.

use super::strided::{Places, strides};
use super::{Known, Outcome, axis, product};
use crate::onnx::import::{Attribute, Constant, Element, Node, Values};

/// The sizes of a value, or some of them.
pub(super) fn shape(known: &mut Known<'_>, node: &Node) -> Result<Outcome, String> {
    let shape = node.input(0).and_then(|name| known.shape(name));
    let Some(shape) = shape else { return Ok(Outcome::Shapes(Vec::new())) };
    let rank = shape.len() as i64;
    let place = |name: &str, default: i64| -> Result<usize, String> {
        let place = node.int(name, default)?;
        Ok((if place < 0 { place.saturating_add(rank) } else { place }).clamp(0, rank) as usize)
    };
    let (start, end) = (place("start", 0)?, place("end", rank)?);
    let sizes = shape.get(start..end).unwrap_or_default().iter().map(|size| *size as i64).collect();
    Outcome::constant(Constant::ints(sizes))
}

pub(super) fn size(known: &mut Known<'_>, node: &Node) -> Result<Outcome, String> {
    let shape = node.input(0).and_then(|name| known.shape(name));
    let Some(shape) = shape else { return Ok(Outcome::Shapes(Vec::new())) };
    let count = product(shape)? as i64;
    Outcome::constant(Constant { shape: Vec::new(), ..Constant::ints(vec![count]) })
}

pub(super) fn constant_of_shape(known: &mut Known<'_>, node: &Node) -> Result<Outcome, String> {
    let shape = known.ints(node, 0, "its sizes")?.ok_or("it has no input")?;
    let shape: Option<Vec<usize>> = shape.iter().map(|size| usize::try_from(*size).ok()).collect();
    let shape = shape.ok_or("its sizes are not all 0 or more")?;
    let count = known.spend(&shape)?;
    let one = match node.attributes.get("value") {
        None => Constant::float(0.0),
        Some(Attribute::Tensor(constant)) if constant.len() == 1 => constant.clone(),
        Some(_) => return Err("its value is not one number".into()),
    };
    let values = super::taken(&one.values, std::iter::repeat_n(0, count));
    Outcome::constant(Constant { shape, element: one.element, values })
}

pub(super) fn range(known: &mut Known<'_>, node: &Node) -> Result<Vec<Constant>, String> {
    let inputs: Option<Vec<&Constant>> = (0..3).map(|index| known.input(node, index)).collect();
    let inputs = inputs.ok_or("it has fewer than three inputs")?;
    let element = inputs[0].element;
    let numbers: Option<Vec<f64>> = inputs.iter().map(|constant| constant.single()).collect();
    let [start, limit, delta] = numbers.unwrap_or_default()[..] else {
        return Err("its limits are not single numbers".into());
    };
    let count = ((limit - start) / delta).ceil();
    if !(count.is_finite() && count < (1u64 << 40) as f64) {
        return Err(format!("it goes from {start} to {limit} by {delta}"));
    }
    let count = count.max(0.0) as usize;
    known.spend(&[count])?;
    let each = (0..count).map(|place| start + place as f64 * delta);
    let values = match element.is_float() {
        true => Values::Float(each.map(|value| value as f32).collect()),
        false => Values::Int(each.map(|value| value as i64).collect()),
    };
    Ok(vec![Constant { shape: vec![count], element, values }])
}

/// Sums along an axis, and triangles of matrices.
pub(super) fn lists(known: &mut Known<'_>, node: &Node) -> Result<Vec<Constant>, String> {
    let mut constant = known.input(node, 0).ok_or("it has no input")?.clone();
    known.spend(&constant.shape.clone())?;
    let rank = constant.shape.len();
    if node.kind == "Trilu" {
        let [.., rows, columns] = constant.shape[..] else { return Err("its input is no matrix".into()) };
        let upper = node.flag("upper", true)?;
        let diagonal =
            known.ints(node, 1, "its diagonal")?.and_then(|ints| ints.first().copied()).unwrap_or(0);
        let is_kept = |place: usize| {
            let (row, column) = ((place / columns) % rows, place % columns);
            let beyond = (column as i64 - row as i64).saturating_sub(diagonal);
            if upper { beyond >= 0 } else { beyond <= 0 }
        };
        match &mut constant.values {
            Values::Float(values) => zero_unless(values, is_kept, 0.0),
            Values::Int(values) => zero_unless(values, is_kept, 0),
            Values::Bool(values) => zero_unless(values, is_kept, false),
        }
        return Ok(vec![constant]);
    }
    let along =
        known.ints(node, 1, "its axis")?.and_then(|ints| ints.first().copied()).ok_or("it has no axis")?;
    let along = axis(along, rank)?;
    if node.flag("exclusive", false)? || node.flag("reverse", false)? {
        return Err("only a sum from the start with the value itself is computed".into());
    }
    let (size, stride) = (constant.shape[along], strides(&constant.shape)[along] as usize);
    for place in (0..constant.len()).filter(|place| (place / stride) % size > 0) {
        match &mut constant.values {
            Values::Float(values) => values[place] += values[place - stride],
            Values::Int(values) => values[place] = values[place].wrapping_add(values[place - stride]),
            Values::Bool(_) => return Err("it sums what is true or false".into()),
        }
    }
    Ok(vec![constant])
}

fn zero_unless<T: Copy>(values: &mut [T], is_kept: impl Fn(usize) -> bool, zero: T) {
    for (_, value) in values.iter_mut().enumerate().filter(|(place, _)| !is_kept(*place)) {
        *value = zero;
    }
}

pub(super) fn is_reduction(kind: &str) -> bool {
    matches!(kind, "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd")
}

/// The axes that a reduction puts together.
pub(super) fn reduced_axes(known: &Known<'_>, node: &Node, rank: usize) -> Result<Vec<usize>, String> {
    let axes = known.ints(node, 1, "its axes")?.unwrap_or_default();
    match axes {
        [] if node.flag("noop_with_empty_axes", false)? => Ok(Vec::new()),
        [] => Ok((0..rank).collect()),
        axes => axes.iter().map(|given| axis(*given, rank)).collect(),
    }
}

/// The shape behind a reduction, with its axes and without them.
pub(super) fn reduced_shapes(shape: &[usize], axes: &[usize], keep: bool) -> [Vec<usize>; 2] {
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(axis, size)| if axes.contains(&axis) { 1 } else { *size }).collect();
    let left = kept.iter().enumerate().filter(|(axis, _)| keep || !axes.contains(axis));
    let left = left.map(|(_, size)| *size).collect();
    [kept, left]
}

pub(super) fn reduce(known: &mut Known<'_>, node: &Node) -> Result<Option<Vec<Constant>>, String> {
    let shape = known.input(node, 0).ok_or("it has no input")?.shape.clone();
    known.spend(&shape)?;
    let constant = known.input(node, 0).ok_or("it has no input")?;
    let axes = reduced_axes(known, node, constant.shape.len())?;
    let [kept, shape] = reduced_shapes(&constant.shape, &axes, node.flag("keepdims", true)?);
    let count: usize = kept.iter().product();
    if constant.len() == 0 {
        return Err("it has no values to put together".into());
    }
    // Where each value of the input goes: a size of 1 is never stepped along.
    let steps: Vec<isize> =
        strides(&kept).iter().zip(&kept).map(|(stride, size)| if *size == 1 { 0 } else { *stride }).collect();
    let places = Places::new(&constant.shape, steps, 0);
    let kind = node.kind.as_str();
    let each = constant.len() / count.max(1);
    let (element, values) = match &constant.values {
        Values::Float(values) => {
            let mut sums: Vec<Option<f64>> = vec![None; count];
            for (place, value) in places.zip(values) {
                let value = f64::from(*value);
                sums[place] = Some(match (sums[place], kind) {
                    (None, _) => value,
                    (Some(sum), "ReduceMax") => sum.max(value),
                    (Some(sum), "ReduceMin") => sum.min(value),
                    (Some(sum), "ReduceProd") => sum * value,
                    (Some(sum), _) => sum + value,
                });
            }
            let scale = if kind == "ReduceMean" { each as f64 } else { 1.0 };
            let done = sums.into_iter().map(|sum| (sum.unwrap_or_default() / scale) as f32).collect();
            (constant.element, Values::Float(done))
        }
        Values::Int(values) if kind != "ReduceMean" => {
            let mut sums: Vec<Option<i64>> = vec![None; count];
            for (place, value) in places.zip(values) {
                sums[place] = Some(match (sums[place], kind) {
                    (None, _) => *value,
                    (Some(sum), "ReduceMax") => sum.max(*value),
                    (Some(sum), "ReduceMin") => sum.min(*value),
                    (Some(sum), "ReduceProd") => sum.wrapping_mul(*value),
                    (Some(sum), _) => sum.wrapping_add(*value),
                });
            }
            (Element::Int64, Values::Int(sums.into_iter().map(Option::unwrap_or_default).collect()))
        }
        _ => return Ok(None),
    };
    let constant = Constant { shape, element, values };
    known.spend(&constant.shape.clone())?;
    Ok(Some(vec![constant]))
}
