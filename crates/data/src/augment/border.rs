//! What lies beyond the edge of an image, and what hidden parts are filled with.

use serde::{Deserialize, Serialize};

use super::AugmentationProblem;
use crate::Normalization;

/// What lies beyond the edge of an image.
///
/// ```
/// use fireclay_data::{Border, Fill};
///
/// # fn main() -> Result<(), serde_json::Error> {
/// assert_eq!(serde_json::from_str::<Border>(r#""reflect""#)?, Border::Reflect);
/// assert_eq!(serde_json::from_str::<Border>(r#"{"constant": [0]}"#)?, Border::Constant(Fill::black()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// The image in a mirror that stands on its outermost pixels: `d c b | a b c d | c b a`. The default, as it adds no
    /// edge that was not there.
    #[default]
    Reflect,
    /// The outermost pixels again and again: `a a a | a b c d | d d d`.
    Edge,
    /// One level everywhere.
    Constant(Fill),
}

/// Where a position beyond an edge finds its pixel.
pub(super) enum Found {
    /// At this place.
    At(usize),
    /// Nowhere: it has the constant level.
    Nowhere,
}

impl Border {
    /// The place in `0..len` that stands for `position`.
    pub(super) fn find(&self, position: isize, len: usize) -> Found {
        let last = len as isize - 1;
        if (0..=last).contains(&position) {
            return Found::At(position as usize);
        }
        match self {
            Border::Reflect if last == 0 => Found::At(0),
            Border::Reflect => {
                let place = position.rem_euclid(2 * last);
                Found::At(place.min(2 * last - place) as usize)
            }
            Border::Edge => Found::At(position.clamp(0, last) as usize),
            Border::Constant(_) => Found::Nowhere,
        }
    }

    /// The level beyond the edge, where it is constant; otherwise it is not asked for.
    pub(super) fn level(&self, channel: usize) -> u8 {
        match self {
            Border::Constant(fill) => fill.level(channel),
            _ => 0,
        }
    }

    pub(super) fn check(&self, name: &'static str, channels: usize) -> Result<(), AugmentationProblem> {
        match self {
            Border::Constant(fill) => fill.check(name, channels),
            _ => Ok(()),
        }
    }
}

/// Levels to fill with: one for all channels, or one for each.
///
/// ```
/// use fireclay_data::{Fill, Normalization};
///
/// assert_eq!(Fill::black(), Fill::new([0]));
/// let cifar = Normalization { mean: vec![0.4914, 0.4822, 0.4465], std: vec![0.2470, 0.2435, 0.2616] };
/// assert_eq!(Fill::mean_of(&cifar), Fill::new([125, 123, 114]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fill {
    levels: Vec<u8>,
}

impl Fill {
    /// One level for all channels, or one for each; `0..=255`.
    pub fn new(levels: impl Into<Vec<u8>>) -> Self {
        Fill { levels: levels.into() }
    }

    /// 0 in every channel.
    pub fn black() -> Self {
        Fill::new([0])
    }

    /// The levels that a normalisation makes 0, or nearly so.
    pub fn mean_of(normalization: &Normalization) -> Self {
        // A conversion from float keeps to 0..=255.
        Fill { levels: normalization.mean.iter().map(|mean| (mean * 255.0).round() as u8).collect() }
    }

    /// The level of a channel, for a fill that was checked.
    pub(super) fn level(&self, channel: usize) -> u8 {
        if self.levels.len() == 1 { self.levels[0] } else { self.levels[channel] }
    }

    pub(super) fn check(&self, name: &'static str, channels: usize) -> Result<(), AugmentationProblem> {
        let found = self.levels.len();
        if found != 1 && found != channels {
            return Err(AugmentationProblem::Fill { name, found, channels });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(border: &Border, len: usize) -> String {
        (-5..len as isize + 5)
            .map(|position| match border.find(position, len) {
                Found::At(place) => (b'a' + place as u8) as char,
                Found::Nowhere => '.',
            })
            .collect()
    }

    #[test]
    fn borders_continue_a_row() {
        assert_eq!(row(&Border::Reflect, 4), "bcdcbabcdcbabc");
        assert_eq!(row(&Border::Edge, 4), "aaaaaabcdddddd");
        assert_eq!(row(&Border::Constant(Fill::black()), 4), ".....abcd.....");
        assert_eq!(row(&Border::Reflect, 1), "aaaaaaaaaaa");
        assert_eq!(row(&Border::Reflect, 2), "babababababa");
    }
}
