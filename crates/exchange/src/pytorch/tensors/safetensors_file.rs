//! Safetensors of other programs.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use safetensors::SafeTensors;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{ElementType, Source, TensorFile, TensorInfo, View};
use crate::{ExchangeError, FileFormat};

pub(super) fn read_table(path: &Path, bytes: Vec<u8>) -> Result<TensorFile, ExchangeError> {
    let malformed = |problem: String| {
        let format = FileFormat::Safetensors;
        ExchangeError::Malformed { path: path.to_path_buf(), format, problem }
    };
    let (header, metadata) =
        SafeTensors::read_metadata(&bytes).map_err(|error| malformed(error.to_string()))?;
    // Of two tensors of one name the library takes the last.
    let once: Result<NamesOnce, _> = serde_json::from_slice(bytes.get(8..8 + header).unwrap_or_default());
    once.map_err(|error| malformed(error.to_string()))?;
    let mut names: Vec<String> = metadata.offset_keys();
    names.sort_by(|a, b| crate::pytorch::natural::compare(a, b));
    let mut found = Vec::new();
    let mut ranges = HashMap::new();
    for name in names {
        let Some(info) = metadata.info(&name) else { continue };
        let Some(element) = ElementType::of_safetensors(info.dtype) else {
            let problem = format!("its numbers are {:?}, which are not read", info.dtype);
            return Err(ExchangeError::Tensor {
                path: path.to_path_buf(),
                name: super::short(&name),
                problem,
            });
        };
        let (start, end) = info.data_offsets;
        // Eight bytes are before the header, which says how long it is.
        ranges.insert(name.clone(), 8 + header + start..8 + header + end);
        // Sizes multiply to no more than the bytes that are there, which was checked.
        let mut strides = vec![1u64; info.shape.len()];
        for dimension in (1..info.shape.len()).rev() {
            strides[dimension - 1] = strides[dimension].saturating_mul(info.shape[dimension] as u64);
        }
        let count = ((end - start) / element.bytes()) as u64;
        let view = View { storage: name.clone(), first: 0, strides, count };
        found.push((TensorInfo { name, shape: info.shape.clone(), element }, view));
    }
    TensorFile::new(path, FileFormat::Safetensors, found, Source::Bytes(bytes, ranges))
}

/// A header in which no name is there twice.
struct NamesOnce;

impl<'de> Deserialize<'de> for NamesOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = NamesOnce;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tensors by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamesOnce, A::Error> {
                let mut names = HashSet::new();
                while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    if names.contains(&name) {
                        return Err(A::Error::custom(format!(
                            "there are two tensors '{}'",
                            super::short(&name)
                        )));
                    }
                    names.insert(name);
                }
                Ok(NamesOnce)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
