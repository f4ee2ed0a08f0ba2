//! What files say about a part of a training that the user may have written.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of a training in a file: a built-in one with its settings, or the name of one that the user wrote, which is
/// `{"type": "custom", "name": "focal"}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored<T> {
    /// A built-in one.
    BuiltIn(T),
    /// One that the user wrote, by its name.
    Custom {
        /// The name that it gives itself.
        name: String,
    },
}

const CUSTOM: &str = "custom";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Custom {
    r#type: String,
    name: String,
}

impl<T> Stored<T> {
    /// The built-in part, if it is one.
    pub fn built_in(&self) -> Option<&T> {
        match self {
            Stored::BuiltIn(part) => Some(part),
            Stored::Custom { .. } => None,
        }
    }

    /// What is written of a part that may be built in.
    pub fn of(built_in: Option<T>, name: impl FnOnce() -> String) -> Self {
        match built_in {
            Some(part) => Stored::BuiltIn(part),
            None => Stored::Custom { name: name() },
        }
    }
}

impl<T: Serialize> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Stored::BuiltIn(part) => part.serialize(serializer),
            Stored::Custom { name } => {
                Custom { r#type: CUSTOM.into(), name: name.clone() }.serialize(serializer)
            }
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value["type"].as_str() {
            Some(CUSTOM) => {
                let custom: Custom = serde_json::from_value(value).map_err(D::Error::custom)?;
                Ok(Stored::Custom { name: custom.name })
            }
            _ => serde_json::from_value(value).map(Stored::BuiltIn).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BuiltInLoss, CrossEntropyLoss};

    #[test]
    fn both_kinds_go_through_json() {
        for (stored, json) in [
            (
                Stored::BuiltIn(BuiltInLoss::from(CrossEntropyLoss::new())),
                r#"{"type":"cross_entropy","label_smoothing":0.0}"#,
            ),
            (Stored::Custom { name: "focal".into() }, r#"{"type":"custom","name":"focal"}"#),
        ] {
            assert_eq!(serde_json::to_string(&stored).unwrap(), json);
            assert_eq!(serde_json::from_str::<Stored<BuiltInLoss>>(json).unwrap(), stored);
        }
        let message = serde_json::from_str::<Stored<BuiltInLoss>>(r#"{"type":"focal"}"#).unwrap_err();
        assert!(message.to_string().contains("cross_entropy"), "{message}");
    }
}
