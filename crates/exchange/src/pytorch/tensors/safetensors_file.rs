//! Safetensors of other programs.

use std::collections::HashMap;
use std::path::Path;

use fireclay_data::Bytes;
use fireclay_store::SafetensorsFile;

use super::{ElementType, Source, TensorFile, TensorInfo, View};
use crate::words::short;
use crate::{ExchangeError, FileFormat};

pub(super) fn read_table(path: &Path, bytes: Bytes) -> Result<TensorFile, ExchangeError> {
    let malformed = |problem: String| {
        let format = FileFormat::Safetensors;
        ExchangeError::Malformed { path: path.to_path_buf(), format, problem }
    };
    let opened = SafetensorsFile::read(&bytes).map_err(|error| malformed(error.to_string()))?;
    let (metadata, header) = (opened.metadata, bytes.len() - opened.data.len());
    let mut names: Vec<String> = metadata.offset_keys();
    names.sort_by(|a, b| crate::pytorch::natural::compare(a, b));
    let mut found = Vec::new();
    let mut ranges = HashMap::new();
    for name in names {
        let Some(info) = metadata.info(&name) else { continue };
        let Some(element) = ElementType::of_safetensors(info.dtype) else {
            let problem = format!("its numbers are {:?}, which are not read", info.dtype);
            return Err(ExchangeError::Tensor { path: path.to_path_buf(), name: short(&name), problem });
        };
        let (start, end) = info.data_offsets;
        ranges.insert(name.clone(), header + start..header + end);
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
