//! Networks that compute in 8-bit whole numbers once they are trained.
//!
//! A description says which number each byte between two layers stands for ([`Int8Spec`](crate::Int8Spec)); the weights are whole numbers from -127
//! to 127 with a scale for each row ([`round_to_int8`]), and stay `f32` tensors of exactly these values, so that everything
//! that takes a model takes this one. On a CPU [`Model::forward`](crate::Model) runs the layers of each [`Segment`] as
//! one operation on bytes, and outside the segments products of rows are made of bytes whose range is found row by row
//! (`dynamic.rs`): no range holds for all rows of recurrent and attention layers. Elsewhere, and while gradients
//! are recorded, the same layers run in `f32`.

mod dynamic;
mod segments;
mod weights;

use std::ops::Range;

use fireclay_backend::ops::Int8Description;

use crate::error::NnError;
use crate::spec::ModelSpec;
use crate::state::{NamedTensor, check_tensors};
pub(crate) use dynamic::{Products, in_turn, products};
pub(crate) use segments::{Segment, segments};
pub use weights::{int8_rows, round_to_int8};

/// What a network could compute in 8-bit whole numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Int8Candidates {
    /// Whether the range of the network's input must be known.
    pub input: bool,
    /// Layers of whose output the range must be known, in order.
    pub outputs: Vec<String>,
    /// Layers with weights that would compute so, in order.
    pub layers: Vec<String>,
    /// Layers of the first level whose products would be made so with a range for each row, which need not be known: recurrent and
    /// attention layers, dense layers that are not among the others, and residual blocks with such layers in them.
    pub dynamic: Vec<DynamicInt8Layer>,
}

/// A layer of the first level that makes products of rows with a range of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct DynamicInt8Layer {
    /// Its name, by which it can be left in `f32`.
    pub name: String,
    /// The layers that make them: the layer itself, or those of a block that do.
    pub layers: Vec<String>,
}

/// Layers of a network, one after another, that compute in 8-bit whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Segment {
    /// Which of the network's first level.
    pub layers: Range<usize>,
    /// What they compute, batch norm folded into the weights.
    pub description: Int8Description,
    /// Names of the layers with weights and, behind those inside it, of each residual block, in the order of the description.
    pub names: Vec<String>,
    /// One sample that leaves, in `f32`: `[features]` or `[channels, height, width]`.
    pub output: Vec<usize>,
}

impl ModelSpec {
    /// The layers that compute in 8-bit whole numbers, with these weights; none of a network without
    /// [`int8`](ModelSpec::int8).
    ///
    /// # Errors
    /// As for [`check_tensors`].
    pub fn int8_segments(&self, tensors: &[NamedTensor]) -> Result<Vec<Int8Segment>, NnError> {
        check_tensors(self, tensors)?;
        let plan = self.plan()?;
        let segments = self.int8.as_ref().map_or(Vec::new(), |int8| segments(&plan, &self.input, int8));
        Ok(segments.iter().map(|segment| segment.published(tensors)).collect())
    }

    /// Which layers could compute in 8-bit whole numbers, and which ranges that takes: convolutions without groups and dense
    /// layers, with batch norm and ReLU behind them, also behind a max pooling, pooling without padding, and residual blocks of these;
    /// and what multiplies rows otherwise, such as recurrent and attention layers.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    ///
    /// let spec = ModelSpec::new([1, 28, 28]).conv2d(8, 3).relu().max_pool2d(2).flatten().dense(10);
    /// let candidates = spec.int8_candidates()?;
    /// // The last layer gives numbers in `f32`, so nothing need be known of them.
    /// assert_eq!(candidates.layers, ["conv2d_1", "dense_1"]);
    /// assert!(candidates.input);
    /// assert_eq!(candidates.outputs, ["relu_1"]);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn int8_candidates(&self) -> Result<Int8Candidates, NnError> {
        let plan = ModelSpec { int8: None, ..self.clone() }.plan()?;
        let mut candidates = segments::candidates(&plan, &self.input);
        candidates.dynamic = dynamic::candidates(&plan.layers, &candidates.layers);
        Ok(candidates)
    }
}
