//! `MatMul`: products of matrices, or of many at once, as NumPy has them.

use burn::tensor::Tensor;
use fireclay_backend::ops::{Activation, dense};

use super::super::any_rank::{AnyRank, by_rank};
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(MatMul))
}

#[derive(Debug)]
struct MatMul;

impl Operator for MatMul {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (first, second) = (inputs.floats(0)?, inputs.floats(1)?);
        let fits = || format!("values of {:?} and {:?} do not fit each other", first.dims, second.dims);
        if first.rank() == 0 || second.rank() == 0 {
            return Err(fits());
        }
        // A list is a row on the left and a column on the right; the dimension is dropped again.
        let left = if first.rank() == 1 { vec![1, first.dims[0]] } else { first.dims.clone() };
        let right = if second.rank() == 1 { vec![second.dims[0], 1] } else { second.dims.clone() };
        let ([outer_left @ .., rows, inner], [outer_right @ .., of_right, columns]) = (&left[..], &right[..])
        else {
            return Err(fits());
        };
        if inner != of_right {
            return Err(fits());
        }
        let outer = host::broadcast(outer_left, outer_right)?;
        let mut dims = outer.clone();
        dims.extend((first.rank() > 1).then_some(*rows));
        dims.extend((second.rank() > 1).then_some(*columns));
        let count = outer.iter().product();
        scope.spend(&[count, *rows, *inner, *columns])?;
        let output = scope.compute(Element::Float, &*dims, |device| {
            let (left_tensor, right_tensor) = (first.tensor(device), second.tensor(device).reshape(&right));
            let product = match outer_right.is_empty() {
                true => {
                    let all_rows = first.count() / inner;
                    let matrix: Tensor<2> = left_tensor.reshape(&[all_rows, *inner]).at();
                    AnyRank::from(dense(matrix, right_tensor.at(), None, Activation::None))
                }
                false => {
                    let rank = outer.len() + 2;
                    let wide = |tensor: AnyRank, sizes: &[usize]| tensor.reshape(&host::widened(sizes, rank));
                    let (one, other) = (wide(left_tensor, &left), wide(right_tensor, &right));
                    by_rank!(rank, D => one.at::<D>().matmul(other.at::<D>()).into())
                }
            };
            product.reshape(&dims)
        })?;
        Ok(vec![output])
    }
}
