//! `Reshape`, `Flatten`, `Squeeze` and `Unsqueeze`: the same numbers under other sizes.

use super::super::batch::FIXED_BATCH;
use super::super::host;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(match node.kind.as_str() {
        "Flatten" => Reshape::Flatten(node.int("axis", 1)?),
        "Squeeze" => Reshape::Squeeze,
        "Unsqueeze" => Reshape::Unsqueeze,
        _ => Reshape::To { zero_is_size: node.flag("allowzero", false)?, batch: node.int(FIXED_BATCH, -1)? },
    }))
}

#[derive(Debug)]
enum Reshape {
    /// To the sizes in the second input, of which 0 keeps one, and -1 is what is left.
    To {
        zero_is_size: bool,
        /// Where that is the first size, it stands for the batch; -1 if none does.
        batch: i64,
    },
    /// To a matrix, with the dimensions before one in its rows.
    Flatten(i64),
    Squeeze,
    Unsqueeze,
}

impl Operator for Reshape {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let dims = match self {
            Reshape::To { zero_is_size, batch } => {
                let mut sizes = inputs.get(1)?.settings("shape")?;
                let has_batch = input.dims.first() == Some(&scope.samples()) && *batch > 0;
                if let Some(first) = sizes.first_mut().filter(|first| has_batch && **first == *batch) {
                    *first = scope.samples() as i64;
                }
                target(&input.dims, &sizes, *zero_is_size)?
            }
            Reshape::Flatten(axis) => {
                let rank = input.rank() as i64;
                let axis = if *axis == rank { input.rank() } else { input.axis(*axis)? };
                let rows: usize = input.dims[..axis].iter().product();
                vec![rows, input.dims[axis..].iter().product()]
            }
            Reshape::Squeeze => squeezed(input, inputs.optional(1))?,
            Reshape::Unsqueeze => {
                let axes = inputs.get(1)?.settings("axes")?;
                if axes.len() > 16 {
                    return Err(format!("{} axes are added", axes.len()));
                }
                let axes = host::axes(&axes, input.rank() + axes.len())?;
                let mut dims = input.dims.clone();
                axes.iter().for_each(|axis| dims.insert(*axis, 1));
                dims
            }
        };
        scope.admit(input.element, &dims, input.known().is_some())?;
        Ok(vec![input.reshape(dims)])
    }
}

fn target(dims: &[usize], sizes: &[i64], zero_is_size: bool) -> Result<Vec<usize>, Reason> {
    let does_not_fit = || format!("a value of {dims:?} does not become one of {sizes:?}");
    let mut open = None;
    let mut target = Vec::with_capacity(sizes.len());
    for (place, size) in sizes.iter().enumerate() {
        target.push(match size {
            0 if !zero_is_size => *dims.get(place).ok_or_else(does_not_fit)?,
            -1 if open.is_none() => {
                open = Some(place);
                1
            }
            size => usize::try_from(*size).map_err(|_| does_not_fit())?,
        });
    }
    let count: usize = dims.iter().product();
    let known =
        target.iter().try_fold(1usize, |all, size| all.checked_mul(*size)).ok_or_else(does_not_fit)?;
    if let Some(place) = open {
        target[place] = count.checked_div(known).ok_or_else(does_not_fit)?;
    }
    let made = target.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
    if made == Some(count) { Ok(target) } else { Err(does_not_fit()) }
}

fn squeezed(input: &Value, axes: Option<&Value>) -> Result<Vec<usize>, Reason> {
    let axes = match axes {
        Some(axes) => host::axes(&axes.settings("axes")?, input.rank())?,
        None => (0..input.rank()).filter(|axis| input.dims[*axis] == 1).collect(),
    };
    if let Some(axis) = axes.iter().find(|axis| input.dims[**axis] != 1) {
        return Err(format!("axis {axis} of a value of {:?} is not 1", input.dims));
    }
    let kept = input.dims.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    Ok(kept.map(|(_, size)| *size).collect())
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn sizes_are_kept_found_and_held_against_the_count() {
        assert_eq!(target(&[2, 3, 4], &[0, -1], false).unwrap(), [2, 12]);
        assert_eq!(target(&[2, 3, 4], &[4, 6], false).unwrap(), [4, 6]);
        assert_eq!(target(&[1], &[], false).unwrap(), [0usize; 0]);
        let refused = |sizes: &[i64]| target(&[2, 3], sizes, false).unwrap_err();
        assert_eq!(refused(&[-1, -1]), "a value of [2, 3] does not become one of [-1, -1]");
        for sizes in [&[4, -1][..], &[7], &[-2, 3], &[i64::MAX, i64::MAX], &[1, 1, 0]] {
            assert!(refused(sizes).contains("does not become"));
        }
        assert!(target(&[2, 3], &[0, -1], true).is_err());
    }
}
