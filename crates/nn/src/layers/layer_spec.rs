//! One layer of a description: its kind with the kind's fields, an optional name, and whether it is frozen.

use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

use super::LayerKind;

/// The most layers that a description may have, blocks counted with what they hold.
pub(crate) const MAX_LAYERS: usize = 10_000;

/// A layer with its name.
///
/// A layer without a name is called after its kind and its place among the layers of that kind: `conv2d_1`,
/// `conv2d_2`, `dense_1`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// The name, where the user gave one.
    pub name: Option<String>,
    /// Whether training leaves the layer as it is: weights, running statistics and, in a block, all its layers. Dropout
    /// in it drops nothing.
    pub frozen: bool,
    /// What the layer is.
    pub kind: LayerKind,
}

impl LayerSpec {
    /// Gives the layer a name of one's own; its weights are saved under it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Lets training leave the layer as it is.
    ///
    /// ```
    /// use fireclay_nn::{DenseSpec, LayerSpec, ModelSpec};
    ///
    /// let body = LayerSpec::from(DenseSpec::new(8)).named("body").frozen();
    /// let toml = r#"
    ///     input = [4]
    ///     layers = [
    ///         { type = "dense", out_features = 8, name = "body", frozen = true },
    ///         { type = "dense", out_features = 3 },
    ///     ]
    /// "#;
    /// assert_eq!(ModelSpec::from_toml(toml)?, ModelSpec::new([4]).layer(body).dense(3));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub fn frozen(mut self) -> Self {
        self.frozen = true;
        self
    }
}

impl<K: Into<LayerKind>> From<K> for LayerSpec {
    fn from(kind: K) -> Self {
        LayerSpec { name: None, frozen: false, kind: kind.into() }
    }
}

impl Serialize for LayerSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            #[serde(flatten)]
            kind: &'a LayerKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: &'a Option<String>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            frozen: bool,
        }
        Named { kind: &self.kind, name: &self.name, frozen: self.frozen }.serialize(serializer)
    }
}

/// Reads the fields one by one, so that `name` and `frozen` can stand beside the fields of any kind, a field given twice is
/// refused, and an unknown field is reported by the kind that does not have it.
impl<'de> Deserialize<'de> for LayerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = LayerSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a layer such as { type = \"dense\", out_features = 10 }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LayerSpec, A::Error> {
                let mut fields = serde_json::Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value: serde_json::Value = map.next_value()?;
                    if fields.contains_key(&key) {
                        return Err(de::Error::custom(format!("field `{key}` is given twice")));
                    }
                    fields.insert(key, value);
                }
                let name = fields.remove("name").map(from_value).transpose().map_err(de::Error::custom)?;
                let frozen = fields
                    .remove("frozen")
                    .map(from_value)
                    .transpose()
                    .map_err(|error| de::Error::custom(format!("`frozen`: {error}")))?;
                let kind = match fields.get("type") {
                    Some(serde_json::Value::String(kind)) => kind.clone(),
                    _ => {
                        return Err(de::Error::custom("the layer has no `type`, such as \"dense\""));
                    }
                };
                let kind = from_value(serde_json::Value::Object(fields))
                    .map_err(|error| de::Error::custom(format!("'{kind}': {error}")))?;
                Ok(LayerSpec { name, frozen: frozen.unwrap_or(false), kind })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

/// Reads a list of layers and puts the place of a faulty one before its error.
pub(crate) fn deserialize_layers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<LayerSpec>, D::Error> {
    struct Layers;
    impl<'de> Visitor<'de> for Layers {
        type Value = Vec<LayerSpec>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of layers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<LayerSpec>, A::Error> {
            let mut layers = Vec::new();
            loop {
                let position = layers.len() + 1;
                match seq.next_element() {
                    Ok(Some(layer)) if position <= MAX_LAYERS => layers.push(layer),
                    Ok(Some(_)) => {
                        let message = format!("more than {MAX_LAYERS} layers");
                        return Err(de::Error::custom(message));
                    }
                    Ok(None) => return Ok(layers),
                    Err(error) => {
                        return Err(de::Error::custom(format!("layer {position} {error}")));
                    }
                }
            }
        }
    }
    deserializer.deserialize_seq(Layers)
}
