//! Safetensors, our own and others.

use std::path::Path;

use fireclay_store::{SafetensorsFile, load_card, map_file};
use safetensors::{Dtype, SafeTensorError};

use super::{Inspection, TensorEntry, ValueRange};
use crate::{ExchangeError, FileFormat};

pub(super) fn inspect(path: &Path, ranges: bool) -> Result<Inspection, ExchangeError> {
    let bytes = map_file(path)?;
    let damaged = |error: SafeTensorError| ExchangeError::Malformed {
        path: path.to_path_buf(),
        format: FileFormat::Safetensors,
        problem: error.to_string(),
    };
    let opened = SafetensorsFile::read(&bytes).map_err(damaged)?;
    let mut texts: Vec<(String, String)> = opened.texts().into_iter().collect();
    texts.sort();
    let file = opened.tensors;
    let is_ours = texts.iter().any(|(name, _)| name == "fireclay");
    let card = is_ours.then(|| load_card(path)).transpose()?.map(Box::new);
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        let range = match ranges {
            true => range(view.dtype(), view.data()),
            false => None,
        };
        tensors.push(TensorEntry {
            name: name.to_owned(),
            shape: view.shape().iter().map(|size| *size as u64).collect(),
            dtype: format!("{:?}", view.dtype()).to_lowercase(),
            range,
        });
    }
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Inspection {
        format: FileFormat::of_texts(&texts),
        bytes: bytes.len() as u64,
        facts: texts.into_iter().filter(|(name, _)| !name.starts_with("fireclay")).collect(),
        card,
        layers: Vec::new(),
        tensors,
    })
}

/// `None` for types whose numbers are not read here.
fn range(dtype: Dtype, data: &[u8]) -> Option<ValueRange> {
    macro_rules! of {
        ($type:ty, $size:literal) => {
            ValueRange::of(
                data.as_chunks::<$size>().0.iter().map(|bytes| <$type>::from_le_bytes(*bytes) as f64),
            )
        };
    }
    Some(match dtype {
        Dtype::F64 => of!(f64, 8),
        Dtype::F32 => of!(f32, 4),
        Dtype::F16 => ValueRange::of(
            data.as_chunks::<2>().0.iter().map(|bytes| half::f16::from_le_bytes(*bytes).to_f64()),
        ),
        Dtype::BF16 => ValueRange::of(
            data.as_chunks::<2>().0.iter().map(|bytes| half::bf16::from_le_bytes(*bytes).to_f64()),
        ),
        Dtype::I64 => of!(i64, 8),
        Dtype::I32 => of!(i32, 4),
        Dtype::I16 => of!(i16, 2),
        Dtype::I8 => of!(i8, 1),
        Dtype::U64 => of!(u64, 8),
        Dtype::U32 => of!(u32, 4),
        Dtype::U16 => of!(u16, 2),
        Dtype::U8 | Dtype::BOOL => of!(u8, 1),
        _ => return None,
    })
}
