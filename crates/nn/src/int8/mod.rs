//! Networks that compute in 8-bit whole numbers once they are trained.
//!
//! A description says which number each byte between two layers stands for ([`Int8Spec`]); the weights are whole numbers from -127
//! to 127 with a scale for each row ([`round_to_int8`]), and stay `f32` tensors of exactly these values, so that everything
//! that takes a model takes this one. On a CPU [`Model::forward`](crate::Model) runs the layers of each [`Segment`] as
//! one operation on bytes; elsewhere, and while gradients are recorded, the same layers run in `f32`.

mod observe;
mod segments;
mod weights;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::NnError;
use crate::spec::{ModelSpec, Plan};
pub(crate) use segments::{Segment, segments};
pub use weights::{int8_rows, round_to_int8};

/// Which layers of a network compute in 8-bit whole numbers, and what their bytes stand for.
///
/// `fireclay-compress` makes it from a trained network and samples of its training data.
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse names of no layer, and scales that are not
/// above 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Int8Spec {
    /// What the bytes of the network's input stand for, if the first layer takes bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Int8Range>,
    /// What the bytes that leave a layer stand for, by the layer's name. A layer that would need one and has none runs in `f32`.
    pub ranges: BTreeMap<String, Int8Range>,
    /// Layers that would lose too much and run in `f32`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_in_f32: Vec<String>,
}

/// Which numbers the bytes of a tensor stand for: `scale * (byte - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Int8Range {
    /// The step from one byte to the next; more than 0.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero_point: u8,
}

impl Int8Range {
    /// The range whose bytes reach from `least` to `greatest`, or to 0 where that lies outside: 0 is always one of its numbers,
    /// as zeros fill up the borders of images.
    ///
    /// ```
    /// use fireclay_nn::Int8Range;
    ///
    /// assert_eq!(Int8Range::covering(0.0, 2.55).zero_point, 0);
    /// assert_eq!(Int8Range::covering(-0.55, 2.0).zero_point, 55);
    /// assert_eq!(Int8Range::covering(-4.0, -1.0).zero_point, 255);
    /// assert_eq!(Int8Range::covering(0.0, 0.0), Int8Range { scale: 1.0, zero_point: 0 });
    /// ```
    pub fn covering(least: f32, greatest: f32) -> Self {
        let (least, greatest) = (least.min(0.0), greatest.max(0.0));
        let scale = greatest / 255.0 - least / 255.0;
        if !(scale >= f32::MIN_POSITIVE && scale.is_finite()) {
            return Int8Range { scale: 1.0, zero_point: 0 };
        }
        Int8Range { scale, zero_point: (-least / scale).round_ties_even() as u8 }
    }
}

/// What a network could compute in 8-bit whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Candidates {
    /// Whether the range of the network's input must be known.
    pub input: bool,
    /// Layers of whose output the range must be known, in order.
    pub outputs: Vec<String>,
    /// Layers with weights that would compute so, in order.
    pub layers: Vec<String>,
}

impl ModelSpec {
    /// Which layers could compute in 8-bit whole numbers, and which ranges that takes: convolutions without groups and dense
    /// layers, with batch norm and ReLU behind them, pooling without padding, and residual blocks of these.
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
        Ok(segments::candidates(&plan, &self.input))
    }
}

impl Int8Spec {
    /// Refuses names of no layer, and ranges of nothing.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), NnError> {
        let names = plan.names();
        let unknown = |name: &&String| !names.contains(name);
        if let Some(name) = self.ranges.keys().chain(&self.left_in_f32).find(unknown) {
            return Err(NnError::UnknownLayer { name: name.clone(), known: names });
        }
        let is_range = |range: &Int8Range| range.scale >= f32::MIN_POSITIVE && range.scale.is_finite();
        let input = self.input.iter().map(|range| ("input", range));
        let mut all = input.chain(self.ranges.iter().map(|(name, range)| (name.as_str(), range)));
        match all.find(|(_, range)| !is_range(range)) {
            Some((name, range)) => {
                Err(NnError::Int8Scale { name: name.to_string(), found: range.scale.to_string() })
            }
            None => Ok(()),
        }
    }
}
