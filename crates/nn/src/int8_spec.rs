//! What a description says of the layers that compute in 8-bit whole numbers; `int8` makes them compute so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::NnError;

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
    /// What the bytes that leave a layer stand for, by the layer's name. A convolution that would need one and has none runs in `f32`, a
    /// dense layer with a range for each row.
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

impl Int8Spec {
    /// Refuses names of no layer, and ranges of nothing.
    pub(crate) fn check(&self, names: Vec<String>) -> Result<(), NnError> {
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
