//! `Pad`: values added at the ends of dimensions, of one number or of those that are there. A negative count takes away.

use super::super::any_rank::{AnyRank, carried};
use super::super::value::{Data, Element};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pad {
    Constant,
    /// The last value.
    Edge,
    /// Mirrored at the last value.
    Reflect,
    /// From the other end.
    Wrap,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(match node.text("mode", "constant")? {
        "constant" => Pad::Constant,
        "edge" => Pad::Edge,
        "reflect" => Pad::Reflect,
        "wrap" => Pad::Wrap,
        other => return Err(format!("mode is '{other}'; expected constant, edge, reflect or wrap")),
    }))
}

impl Operator for Pad {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let pads = inputs.get(1)?.settings("pads")?;
        let axes = match inputs.optional(3) {
            Some(axes) => axes.settings("axes")?,
            None => (0..input.rank() as i64).collect(),
        };
        if pads.len() != 2 * axes.len() || axes.len() > input.rank() {
            return Err(format!("{} pads for {} axes", pads.len(), axes.len()));
        }
        let number = match inputs.optional(2) {
            Some(value) if value.count() > 0 => value.single().ok_or("its value is no constant number")?,
            _ => 0.0,
        };
        let mut output = input.clone();
        for (place, axis) in axes.iter().enumerate() {
            let axis = input.axis(*axis)?;
            let (front, behind) = (pads[place], pads[axes.len() + place]);
            if (front, behind) == (0, 0) {
                continue;
            }
            let size = output.dims[axis] as i64;
            let most = 1i64 << 31;
            let padded = (front.clamp(-most, most)) + size + behind.clamp(-most, most);
            let limits = [front, behind].iter().all(|pad| (-size..most).contains(pad));
            if !limits || padded < 1 || size == 0 {
                return Err(format!("pads of {front} and {behind} for a size of {size}"));
            }
            let mut dims = output.dims.clone();
            dims[axis] = padded as usize;
            scope.admit(output.element, &dims, output.known().is_some())?;
            output = match self {
                Pad::Constant => constant(&output, axis, [front, behind], number, scope)?,
                _ => {
                    let places: Option<Vec<usize>> =
                        (-front..size + behind).map(|place| self.place(place, size)).collect();
                    let places =
                        places.ok_or_else(|| format!("pads of {front} and {behind} for a size of {size}"))?;
                    output.select(axis, &places, scope)?
                }
            };
        }
        Ok(vec![output])
    }
}

impl Pad {
    /// Where the value for a place beyond the ends comes from.
    fn place(self, place: i64, size: i64) -> Option<usize> {
        let inside = match self {
            Pad::Edge => place.clamp(0, size - 1),
            Pad::Wrap => place.rem_euclid(size),
            Pad::Constant | Pad::Reflect => {
                let place = if place < 0 { -place } else { place };
                if place < size { place } else { 2 * (size - 1) - place }
            }
        };
        usize::try_from(inside).ok().filter(|inside| (*inside as i64) < size)
    }
}

fn constant(input: &Value, axis: usize, pads: [i64; 2], number: f64, scope: &Scope) -> Result<Value, Reason> {
    let kept: Vec<usize> = {
        let (front, behind) = ((-pads[0]).max(0) as usize, (-pads[1]).max(0) as usize);
        (front..input.dims[axis].saturating_sub(behind)).collect()
    };
    if kept.is_empty() {
        return Err(format!("pads of {pads:?} leave nothing of a size of {}", input.dims[axis]));
    }
    let kept =
        if kept.len() == input.dims[axis] { input.clone() } else { input.select(axis, &kept, scope)? };
    let [front, behind] = pads.map(|pad| pad.max(0) as usize);
    let mut dims = kept.dims.clone();
    dims[axis] += front + behind;
    match &kept.data {
        Data::Host(_) => {
            // The filling is one more place at the end.
            let mut one = kept.dims.clone();
            one[axis] = 1;
            let filling = Value::host(kept.element, &*one, vec![number; one.iter().product()]);
            let size = kept.dims[axis];
            let places: Vec<usize> =
                (0..dims[axis]).map(|place| place.wrapping_sub(front)).map(|place| place.min(size)).collect();
            appended(&kept, &filling, axis).select(axis, &places, scope)
        }
        Data::Unknown if kept.element != Element::Float => Ok(Value::unknown(kept.element, dims)),
        _ => scope.compute(kept.element, &*dims, |device| {
            let filled = |count: usize| {
                let mut sizes = kept.dims.clone();
                sizes[axis] = count;
                AnyRank::upload(vec![number as f32], &vec![1; sizes.len()], device).expand(&carried(&sizes))
            };
            let parts =
                [(front, filled(front.max(1))), (0, kept.tensor(device)), (behind, filled(behind.max(1)))];
            let parts = parts.into_iter().enumerate().filter(|(place, (count, _))| *place == 1 || *count > 0);
            AnyRank::cat(parts.map(|(_, (_, part))| part).collect(), axis)
        }),
    }
}

/// One value behind another in host memory.
fn appended(first: &Value, second: &Value, axis: usize) -> Value {
    let (outer, _) = super::super::host::around(&first.dims, axis);
    let mut values = Vec::new();
    for row in 0..outer {
        for value in [first, second] {
            let numbers = value.known().unwrap_or_default();
            let width = numbers.len() / outer;
            values.extend_from_slice(&numbers[row * width..(row + 1) * width]);
        }
    }
    let mut dims = first.dims.clone();
    dims[axis] += second.dims[axis];
    Value::host(first.element, dims, values)
}
