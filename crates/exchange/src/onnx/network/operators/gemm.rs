//! `Gemm`: a matrix product with a sum, which a dense layer is.

use burn::tensor::Tensor;
use fireclay_backend::ops::{Activation, dense};

use super::super::any_rank::AnyRank;
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Gemm {
        alpha: node.float("alpha", 1.0)?,
        beta: node.float("beta", 1.0)?,
        transposed: [node.flag("transA", false)?, node.flag("transB", false)?],
    }))
}

#[derive(Debug)]
struct Gemm {
    alpha: f32,
    beta: f32,
    transposed: [bool; 2],
}

impl Operator for Gemm {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let matrices = [inputs.floats(0)?, inputs.floats(1)?];
        let mut sizes = [[0; 2]; 2];
        for place in 0..2 {
            let &[rows, columns] = matrices[place].dims.as_slice() else {
                return Err(format!(
                    "input {} has sizes {:?}; expected a matrix",
                    place + 1,
                    matrices[place].dims
                ));
            };
            sizes[place] = if self.transposed[place] { [columns, rows] } else { [rows, columns] };
        }
        let [[rows, inner], [of_weight, columns]] = sizes;
        if inner != of_weight {
            return Err(format!("matrices of {:?} and {:?} do not fit each other", sizes[0], sizes[1]));
        }
        let sum = inputs.optional_floats(2)?;
        if let Some(sum) = sum
            && host::broadcast(&sum.dims, &[rows, columns])? != [rows, columns]
        {
            return Err(format!("a sum of {:?} with a product of {:?}", sum.dims, [rows, columns]));
        }
        scope.spend(&[rows, inner, columns])?;
        let output = scope.compute(Element::Float, [rows, columns], |device| {
            let matrix = |place: usize| {
                let matrix: Tensor<2> = matrices[place].tensor(device).at();
                if self.transposed[place] { matrix.swap_dims(0, 1) } else { matrix }
            };
            let sum = sum.map(|sum| scaled(sum.tensor(device), &sum.dims, self.beta));
            self.product(matrix(0), matrix(1), sum).into()
        })?;
        Ok(vec![output])
    }
}

impl Gemm {
    fn product(&self, first: Tensor<2>, second: Tensor<2>, sum: Option<Tensor<2>>) -> Tensor<2> {
        let first = if self.alpha == 1.0 { first } else { first * self.alpha };
        let columns = second.dims()[1];
        match sum {
            Some(sum) if sum.dims() == [1, columns] => {
                dense(first, second, Some(sum.reshape([columns])), Activation::None)
            }
            Some(sum) => dense(first, second, None, Activation::None) + sum,
            None => dense(first, second, None, Activation::None),
        }
    }
}

/// The sum as a matrix, times its factor.
fn scaled(sum: AnyRank, dims: &[usize], factor: f32) -> Tensor<2> {
    let sum: Tensor<2> = sum.reshape(&host::widened(dims, 2)).at();
    if factor == 1.0 { sum } else { sum * factor }
}
