//! Where a set of samples came from, kept with the model trained on it.

use serde::{Deserialize, Serialize};

/// Where the samples of a [`Dataset`](crate::Dataset) came from.
///
/// It never holds an absolute path: it goes into saved models, which travel.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The set's name: `"MNIST"`, `"drawn digits"`.
    pub name: String,
    /// Which part of it: `"train"`, `"test"`.
    pub split: String,
    /// A sentence for people: `"files train-images-idx3-ubyte.gz and ..."`, `"drawn by Fireclay, seed 0"`.
    pub source: String,
    /// How many samples. A [`Dataset`](crate::Dataset) fills this in from its data.
    pub samples: usize,
    /// SHA-256, in lower-case hexadecimal, of all feature bytes followed by all label bytes of the whole split as it
    /// was read, or as the set's own `load` says; a part of the split keeps the digest of the whole. `None` when it was
    /// not computed.
    pub sha256: Option<String>,
    /// Whether they are the user's own, and not one of the sets that everybody can have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

impl Provenance {
    /// A provenance without a digest; the number of samples is filled in by the dataset.
    pub fn new(name: impl Into<String>, split: impl Into<String>, source: impl Into<String>) -> Self {
        let (name, split, source) = (name.into(), split.into(), source.into());
        Self { name, split, source, samples: 0, sha256: None, own: false }
    }

    /// The same of samples that are the user's own.
    pub fn of_own_data(self) -> Self {
        Self { own: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saved models hold these names: another spelling is another file format.
    #[test]
    fn the_stored_form_is_pinned() {
        let provenance = Provenance::new("MNIST", "train", "two files");
        let json = serde_json::to_string(&provenance).unwrap();
        assert_eq!(
            json,
            r#"{"name":"MNIST","split":"train","source":"two files","samples":0,"sha256":null}"#
        );
        assert_eq!(serde_json::from_str::<Provenance>(&json).unwrap(), provenance);
        let normalization = serde_json::to_string(&crate::Normalization::none()).unwrap();
        assert_eq!(normalization, r#"{"mean":[0.0],"std":[1.0]}"#);
    }
}
