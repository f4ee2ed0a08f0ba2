//! Reductions: sums, means, extremes and norms over dimensions.

use burn::tensor::Tensor;

use super::super::any_rank::{AnyRank, by_rank};
use super::super::host::{self, rounded};
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug)]
enum Reduction {
    L1,
    L2,
    LogSum,
    LogSumExp,
    Max,
    Mean,
    Min,
    Prod,
    Sum,
    SumSquare,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let reduction = match node.kind.as_str() {
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        "ReduceMax" => Reduction::Max,
        "ReduceMean" => Reduction::Mean,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Prod,
        "ReduceSum" => Reduction::Sum,
        _ => Reduction::SumSquare,
    };
    Ok(Box::new(Reduce {
        reduction,
        keep: node.flag("keepdims", true)?,
        noop: node.flag("noop_with_empty_axes", false)?,
    }))
}

#[derive(Debug)]
struct Reduce {
    reduction: Reduction,
    keep: bool,
    /// Whether no axes mean none rather than all.
    noop: bool,
}

impl Operator for Reduce {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let axes = match inputs.optional(1) {
            Some(axes) => axes.settings("axes")?,
            None => Vec::new(),
        };
        let axes = match axes.is_empty() {
            // Each number by itself, of which a sum is the number and a norm its size.
            true if self.noop => Vec::new(),
            true => (0..input.rank()).collect(),
            false => host::axes(&axes, input.rank())?,
        };
        let kept = |axis: usize, size: usize| match axes.contains(&axis) {
            true => self.keep.then_some(1),
            false => Some(size),
        };
        let dims: Vec<usize> =
            input.dims.iter().enumerate().filter_map(|(axis, size)| kept(axis, *size)).collect();
        // All that is reduced comes last, and is one dimension then.
        let order: Vec<usize> =
            (0..input.rank()).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
        let inner: usize = axes.iter().map(|axis| input.dims[*axis]).product();
        if input.element == Element::Bool || (inner == 0 && !matches!(self.reduction, Reduction::Sum)) {
            return Err("there is nothing to reduce".to_owned());
        }
        if let Some(reduce) = self.reduction.of_host()
            && input.known().is_some()
        {
            // Reading them takes as long as there are numbers, however few come out.
            scope.admit(input.element, &input.dims, true)?;
            let moved = input.permute(&order);
            let values = moved.known().unwrap_or_default();
            let output = scope.host(input.element, &*dims, || match inner {
                0 => vec![0.0; dims.iter().product()],
                _ => values.chunks(inner).map(|row| whole_or_rounded(reduce(row), input.element)).collect(),
            })?;
            return Ok(vec![output]);
        }
        if input.element == Element::Int && self.reduction.of_host().is_some() {
            return Ok(vec![Value::unknown(Element::Int, dims)]);
        }
        let input = inputs.floats(0)?;
        let output = scope.compute(Element::Float, &*dims, |device| {
            let tensor = input.tensor(device);
            // Dimensions are reduced where they are, but for those reductions that want all at once.
            let tensor = match self.reduction {
                Reduction::Mean | Reduction::Sum | Reduction::Max | Reduction::Min => {
                    by_rank!(tensor.rank(), D => self.reduction.by_axis(tensor.at::<D>(), &axes).into())
                }
                _ => {
                    let rows = tensor.permute(&order).reshape(&[input.count() / inner, inner]);
                    AnyRank::from(self.reduction.of_rows(rows.at()))
                }
            };
            tensor.reshape(&dims)
        })?;
        Ok(vec![output])
    }
}

/// Means of whole numbers are cut off.
fn whole_or_rounded(value: f64, element: Element) -> f64 {
    if element == Element::Float { rounded(value) } else { value.trunc() }
}

impl Reduction {
    /// The same of numbers in host memory, for those with which sizes are computed.
    fn of_host(self) -> Option<fn(&[f64]) -> f64> {
        Some(match self {
            Reduction::Max => |row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Reduction::Mean => |row| row.iter().sum::<f64>() / row.len() as f64,
            Reduction::Min => |row| row.iter().copied().fold(f64::INFINITY, f64::min),
            Reduction::Prod => |row| row.iter().product(),
            Reduction::Sum => |row| row.iter().sum(),
            _ => return None,
        })
    }

    fn by_axis<const D: usize>(self, input: Tensor<D>, axes: &[usize]) -> Tensor<D> {
        axes.iter().fold(input, |tensor, axis| match self {
            Reduction::Max => tensor.max_dim(*axis),
            Reduction::Mean => tensor.mean_dim(*axis),
            Reduction::Min => tensor.min_dim(*axis),
            _ => tensor.sum_dim(*axis),
        })
    }

    fn of_rows(self, rows: Tensor<2>) -> Tensor<2> {
        match self {
            Reduction::L1 => rows.abs().sum_dim(1),
            Reduction::L2 => {
                // The slope of a root at 0 is infinite; that of a row of zeros is 0 here, as in PyTorch.
                let squares = rows.square().sum_dim(1);
                let is_zero = squares.clone().equal_scalar(0.0);
                squares.mask_fill(is_zero.clone(), 1.0).sqrt().mask_fill(is_zero, 0.0)
            }
            Reduction::LogSum => rows.sum_dim(1).log(),
            Reduction::LogSumExp => {
                let greatest = rows.clone().max_dim(1).detach();
                (rows - greatest.clone()).exp().sum_dim(1).log() + greatest
            }
            Reduction::Prod => rows.prod_dim(1),
            Reduction::SumSquare => rows.square().sum_dim(1),
            _ => self.by_axis(rows, &[1]),
        }
    }
}
