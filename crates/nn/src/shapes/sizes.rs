//! Heights, widths and paddings, which a description gives as one number or as two.

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::fmt;

/// A height and a width. In TOML and JSON one number stands for both: `3` is `[3, 3]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size2d {
    /// Along the height.
    pub height: usize,
    /// Along the width.
    pub width: usize,
}

impl Size2d {
    pub(crate) const ONE: Size2d = Size2d { height: 1, width: 1 };
    pub(crate) const ZERO: Size2d = Size2d { height: 0, width: 0 };

    pub(crate) fn is_one(&self) -> bool {
        *self == Size2d::ONE
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Size2d::ZERO
    }

    /// `[height, width]`
    pub fn dims(&self) -> [usize; 2] {
        [self.height, self.width]
    }
}

impl From<usize> for Size2d {
    fn from(side: usize) -> Self {
        Size2d { height: side, width: side }
    }
}

impl From<[usize; 2]> for Size2d {
    fn from([height, width]: [usize; 2]) -> Self {
        Size2d { height, width }
    }
}

impl Serialize for Size2d {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.height == self.width {
            return serializer.serialize_u64(self.height as u64);
        }
        let mut pair = serializer.serialize_seq(Some(2))?;
        pair.serialize_element(&self.height)?;
        pair.serialize_element(&self.width)?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for Size2d {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(SizeVisitor { words: false })? {
            Padding::Explicit(size) => Ok(size),
            Padding::Same | Padding::Valid => Err(de::Error::custom("expected a number or [height, width]")),
        }
    }
}

/// How a convolution treats its borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// No padding: the output shrinks by the kernel. Written `"valid"`, and the default.
    #[default]
    Valid,
    /// Zeros so that the output is the input divided by the stride, rounded up. Written `"same"`. Where the zeros
    /// cannot be halved, the extra row is at the bottom and the extra column at the right.
    Same,
    /// So many zeros above and below, and to the left and right. Written `1` or `[1, 2]`.
    Explicit(Size2d),
}

impl From<usize> for Padding {
    fn from(side: usize) -> Self {
        Padding::Explicit(side.into())
    }
}

impl From<[usize; 2]> for Padding {
    fn from(size: [usize; 2]) -> Self {
        Padding::Explicit(size.into())
    }
}

impl Padding {
    pub(crate) fn is_valid(&self) -> bool {
        *self == Padding::Valid
    }

    /// Zeros before and after the values of one dimension: `axis` 0 is the height, 1 the width; `input` values are there, and
    /// the kernel covers `covered` of them, holes of a dilation included.
    ///
    /// # Panics
    /// If `axis` is neither 0 nor 1, or `stride` is 0 with [`Padding::Same`].
    pub fn pair(&self, axis: usize, input: usize, covered: usize, stride: usize) -> (usize, usize) {
        match self {
            Padding::Valid => (0, 0),
            Padding::Explicit(size) => (size.dims()[axis], size.dims()[axis]),
            Padding::Same => {
                let output = input.div_ceil(stride);
                let total = (output.saturating_sub(1))
                    .saturating_mul(stride)
                    .saturating_add(covered)
                    .saturating_sub(input);
                (total / 2, total - total / 2)
            }
        }
    }
}

impl Serialize for Padding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Padding::Valid => serializer.serialize_str("valid"),
            Padding::Same => serializer.serialize_str("same"),
            Padding::Explicit(size) => size.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Padding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor { words: true })
    }
}

struct SizeVisitor {
    words: bool,
}

impl<'de> Visitor<'de> for SizeVisitor {
    type Value = Padding;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.words {
            true => "\"valid\", \"same\", a whole number or [height, width]",
            false => "a whole number or [height, width]",
        })
    }

    fn visit_u64<E: de::Error>(self, side: u64) -> Result<Padding, E> {
        usize::try_from(side)
            .map(Padding::from)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(side), &self))
    }

    fn visit_i64<E: de::Error>(self, side: i64) -> Result<Padding, E> {
        usize::try_from(side)
            .map(Padding::from)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(side), &self))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Padding, E> {
        match word {
            "valid" if self.words => Ok(Padding::Valid),
            "same" if self.words => Ok(Padding::Same),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Padding, A::Error> {
        let wrong = |length| de::Error::invalid_length(length, &"[height, width]");
        let height: usize = seq.next_element()?.ok_or_else(|| wrong(0))?;
        let width: usize = seq.next_element()?.ok_or_else(|| wrong(1))?;
        match seq.next_element::<de::IgnoredAny>()? {
            None => Ok(Padding::from([height, width])),
            Some(_) => Err(wrong(3)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_keeps_ceil_of_input_over_stride() {
        for input in 1..20 {
            for covered in 1..6 {
                for stride in 1..4 {
                    let (before, after) = Padding::Same.pair(0, input, covered, stride);
                    let padded = input + before + after;
                    assert!(after == before || after == before + 1);
                    if padded >= covered {
                        assert_eq!((padded - covered) / stride + 1, input.div_ceil(stride));
                    }
                }
            }
        }
    }

    #[test]
    fn words_numbers_and_pairs_parse_and_nothing_else() {
        let parse = |text: &str| serde_json::from_str::<Padding>(text).map_err(|error| error.to_string());
        assert_eq!(parse("\"same\""), Ok(Padding::Same));
        assert_eq!(parse("2"), Ok(Padding::from(2)));
        assert_eq!(parse("[1,2]"), Ok(Padding::from([1, 2])));
        for wrong in ["\"http://x\"", "-1", "1.5", "[1]", "[1,2,3]", "true"] {
            assert!(parse(wrong).unwrap_err().contains("expected"), "{wrong}");
        }
        assert!(serde_json::from_str::<Size2d>("\"same\"").is_err());
    }
}
