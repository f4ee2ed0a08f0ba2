//! `Slice`: places of some dimensions, from one to another with a step.

use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Slice))
}

#[derive(Debug)]
struct Slice;

impl Operator for Slice {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let starts = inputs.get(1)?.settings("starts")?;
        let ends = inputs.get(2)?.settings("ends")?;
        let axes = match inputs.optional(3) {
            Some(axes) => axes.settings("axes")?,
            None => (0..starts.len() as i64).collect(),
        };
        let steps = match inputs.optional(4) {
            Some(steps) => steps.settings("steps")?,
            None => vec![1; starts.len()],
        };
        if [ends.len(), axes.len(), steps.len()].iter().any(|count| *count != starts.len()) {
            return Err("starts, ends, axes and steps are not as many".to_owned());
        }
        if axes.len() > input.rank() {
            return Err(format!("{} axes of a value with {} dimensions", axes.len(), input.rank()));
        }
        let mut output = input.clone();
        for (((axis, start), end), step) in axes.iter().zip(starts).zip(ends).zip(steps) {
            let axis = input.axis(*axis)?;
            let places = places(output.dims[axis], start, end, step)?;
            if places.len() != output.dims[axis] || step < 0 {
                output = output.select(axis, &places, scope)?;
            }
        }
        Ok(vec![output])
    }
}

/// The places from `start` to before `end`, which count from the end if they are negative and are clamped to what there is.
fn places(size: usize, start: i64, end: i64, step: i64) -> Result<Vec<usize>, Reason> {
    let size = size as i64;
    let from_front = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
    Ok(match step {
        0 => return Err("a step of 0".to_owned()),
        1.. => {
            let (start, end) = (from_front(start).clamp(0, size), from_front(end).clamp(0, size));
            let step = usize::try_from(step).unwrap_or(usize::MAX);
            (start..end).step_by(step).map(|place| place as usize).collect()
        }
        _ => {
            // A start before the front is the front, an end before it is beyond it.
            let start = from_front(start).clamp(0.min(size - 1), size - 1);
            let end = from_front(end).clamp(-1, size - 1);
            let step = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
            (end + 1..=start).rev().step_by(step).map(|place| place as usize).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn ends_are_clamped_and_counted_from_behind() {
        assert_eq!(places(5, 1, -1, 1).unwrap(), [1, 2, 3]);
        assert_eq!(places(5, 0, i64::MAX, 2).unwrap(), [0, 2, 4]);
        assert_eq!(places(5, -1, i64::MIN, -1).unwrap(), [4, 3, 2, 1, 0]);
        assert_eq!(places(5, i64::MAX, 0, i64::MIN).unwrap(), [4]);
        assert_eq!(places(0, -3, 7, 1).unwrap(), [0usize; 0]);
        assert_eq!(places(3, 2, 1, 1).unwrap(), [0usize; 0]);
        assert_eq!(places(3, -100, i64::MAX, -1).unwrap(), [0usize; 0]);
        assert_eq!(places(3, -100, i64::MIN, -1).unwrap(), [0]);
        assert_eq!(places(3, 0, 1, 0).unwrap_err(), "a step of 0");
    }
}
