//! What one sample is: numbers in rows, sequences or images, or tokens.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

use super::count_values;
use crate::tensor::AnyTensor;

/// What one sample is, without the batch; a description's `input`, and what flows between its layers.
///
/// In TOML and JSON numbers are a list of sizes, `input = [1, 28, 28]`, and tokens are `input = { tokens = 250 }`.
///
/// ```
/// use fireclay_nn::{InputSpec, ModelSpec};
///
/// let spec = ModelSpec::from_toml(r#"
///     input = { tokens = 250 }
///     layers = [
///         { type = "embedding", num_embeddings = 20000, embedding_dim = 128 },
///         { type = "lstm", hidden_size = 128 },
///         { type = "dense", out_features = 2 },
///     ]
/// "#)?;
/// assert_eq!(spec.input, InputSpec::Tokens(250));
/// assert_eq!(spec, ModelSpec::tokens(250).embedding(20_000, 128).lstm(128).dense(2));
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputSpec {
    /// Numbers: `[features]`, `[steps, features]` or `[channels, height, width]`.
    Values(Vec<usize>),
    /// So many tokens: whole numbers that stand for words or letters, for an embedding to look up.
    Tokens(usize),
}

impl InputSpec {
    /// The sizes: `[250]` for 250 tokens.
    pub fn shape(&self) -> &[usize] {
        match self {
            InputSpec::Values(shape) => shape,
            InputSpec::Tokens(count) => std::slice::from_ref(count),
        }
    }

    /// Whether a batch consists of such samples. The samples of a batch may all have fewer tokens.
    pub fn fits(&self, batch: &AnyTensor) -> bool {
        match (self, batch) {
            (InputSpec::Tokens(most), AnyTensor::Tokens(tokens)) => (1..=*most).contains(&tokens.dims()[1]),
            (InputSpec::Tokens(_), _) | (InputSpec::Values(_), AnyTensor::Tokens(_)) => false,
            (InputSpec::Values(shape), values) => values.dims()[1..] == *shape,
        }
    }

    /// Whether samples of this shape can be.
    pub(crate) fn is_possible(&self) -> bool {
        let shape = self.shape();
        (1..=3).contains(&shape.len()) && !shape.contains(&0) && count_values(shape).is_some()
    }
}

impl From<Vec<usize>> for InputSpec {
    fn from(shape: Vec<usize>) -> Self {
        InputSpec::Values(shape)
    }
}

impl From<&[usize]> for InputSpec {
    fn from(shape: &[usize]) -> Self {
        InputSpec::Values(shape.to_vec())
    }
}

impl<const D: usize> From<[usize; D]> for InputSpec {
    fn from(shape: [usize; D]) -> Self {
        InputSpec::Values(shape.to_vec())
    }
}

/// `[1, 28, 28]` or `250 tokens`
impl fmt::Display for InputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputSpec::Values(shape) => write!(f, "{shape:?}"),
            InputSpec::Tokens(1) => f.write_str("1 token"),
            InputSpec::Tokens(count) => write!(f, "{count} tokens"),
        }
    }
}

impl Serialize for InputSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            InputSpec::Values(shape) => shape.serialize(serializer),
            InputSpec::Tokens(count) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("tokens", count)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for InputSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Input;
        impl<'de> Visitor<'de> for Input {
            type Value = InputSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the sizes of one sample such as [1, 28, 28], or { tokens = 250 }")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<InputSpec, A::Error> {
                let mut shape = Vec::new();
                while let Some(size) = seq.next_element()? {
                    // Longer lists are refused, with their length known well enough, when the shape is checked.
                    if shape.len() < 8 {
                        shape.push(size);
                    }
                }
                Ok(InputSpec::Values(shape))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InputSpec, A::Error> {
                let mut tokens = None;
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "tokens" if tokens.is_none() => tokens = Some(map.next_value()?),
                        "tokens" => return Err(de::Error::duplicate_field("tokens")),
                        other => return Err(de::Error::unknown_field(other, &["tokens"])),
                    }
                }
                tokens.map(InputSpec::Tokens).ok_or_else(|| de::Error::missing_field("tokens"))
            }
        }
        deserializer.deserialize_any(Input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_survive_json_and_print_readably() {
        for (input, json, shown) in [
            (InputSpec::from([1, 28, 28]), "[1,28,28]", "[1, 28, 28]"),
            (InputSpec::Tokens(250), r#"{"tokens":250}"#, "250 tokens"),
        ] {
            assert_eq!(serde_json::to_string(&input).unwrap(), json);
            assert_eq!(serde_json::from_str::<InputSpec>(json).unwrap(), input);
            assert_eq!(input.to_string(), shown);
        }
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        let refused = |json: &str| serde_json::from_str::<InputSpec>(json).unwrap_err().to_string();
        assert!(refused("250").contains("{ tokens = 250 }"));
        assert!(refused("{}").contains("missing field `tokens`"));
        assert!(refused(r#"{"token":3}"#).contains("unknown field `token`"));
        assert!(refused(r#"{"tokens":3,"tokens":4}"#).contains("duplicate field `tokens`"));
        assert!(refused(r#"{"tokens":"all"}"#).contains("expected usize"));
        assert!(refused("[-1]").contains("expected usize"));
    }
}
