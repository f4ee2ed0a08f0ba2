//! Files of safetensors, whoever wrote them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use fireclay_data::{Bytes, DataError};
use safetensors::tensor::Metadata;
use safetensors::{SafeTensorError, SafeTensors};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::StoreError;

/// The bytes of a file of safetensors whose layout holds together: header, sizes, types, no gaps, no overlaps, nothing left
/// over, no name twice.
#[derive(Debug)]
pub struct SafetensorsFile<'a> {
    /// The tensors.
    pub tensors: SafeTensors<'a>,
    /// Texts, and where each tensor lies.
    pub metadata: Metadata,
    /// What lies behind the header, which the places of tensors count from.
    pub data: &'a [u8],
}

impl<'a> SafetensorsFile<'a> {
    /// Checks the layout of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, SafeTensorError> {
        let (header, metadata) = SafeTensors::read_metadata(bytes)?;
        let names: Result<NamesOnce, _> =
            serde_json::from_slice(bytes.get(8..8 + header).unwrap_or_default());
        names.map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        let tensors = SafeTensors::deserialize(bytes)?;
        Ok(SafetensorsFile { tensors, metadata, data: bytes.get(8 + header..).unwrap_or_default() })
    }

    /// The texts of the file, by their names.
    pub fn texts(&self) -> HashMap<String, String> {
        self.metadata.metadata().clone().unwrap_or_default()
    }
}

/// A file that stays where it is, of which only the pages that are looked at come into memory.
///
/// # Errors
/// [`StoreError::Read`] if it cannot be read, [`StoreError::NotAFile`] for anything that may never end.
pub fn map_file(path: &Path) -> Result<Bytes, StoreError> {
    let wrong = |source| StoreError::Read { path: path.to_path_buf(), source };
    let metadata = std::fs::metadata(path).map_err(wrong)?;
    if !metadata.is_file() {
        return Err(StoreError::NotAFile { path: path.to_path_buf() });
    }
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    Bytes::read_or_map(path, 0, length, 0).map_err(|error| match error {
        DataError::Read { source, .. } => wrong(source),
        other => wrong(std::io::Error::other(other.to_string())),
    })
}

/// The names in a header, each of which is there once: of two the library would take the last.
struct NamesOnce;

impl<'de> Deserialize<'de> for NamesOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = NamesOnce;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamesOnce, A::Error> {
                let mut names = HashSet::new();
                while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    if names.contains(&name) {
                        let name: String = name.chars().take(80).collect();
                        return Err(serde::de::Error::custom(format!("the tensor '{name}' is there twice")));
                    }
                    names.insert(name);
                }
                Ok(NamesOnce)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
