//! The file itself: safetensors whose metadata has one entry of ours.
//!
//! One entry only, because safetensors writes metadata in no fixed order, and the same model must give the same bytes.

use std::collections::HashMap;
use std::path::Path;

use fireclay_data::sha256::hex;
use fireclay_nn::NamedTensor;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::safetensors_file::SafetensorsFile;

/// The metadata entry of a model.
pub(crate) const MODEL: &str = "fireclay";
/// The metadata entry of a checkpoint.
pub(crate) const CHECKPOINT: &str = "fireclay-checkpoint";
/// The metadata entry of weights without an architecture.
pub(crate) const WEIGHTS: &str = "fireclay-weights";

/// What goes into a file.
pub(crate) struct Contents<'a> {
    /// The metadata entry.
    pub(crate) kind: &'static str,
    /// Its value.
    pub(crate) text: String,
    /// Floating-point tensors.
    pub(crate) tensors: &'a [NamedTensor],
    /// Bytes that another library reads back.
    pub(crate) bytes: &'a [(&'static str, &'a [u8])],
}

/// Lays the file out in memory.
pub(crate) fn encode(path: &Path, contents: &Contents) -> Result<Vec<u8>, StoreError> {
    let damaged = |source| StoreError::Damaged { path: path.to_path_buf(), source };
    let floats: Vec<Vec<u8>> = contents
        .tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(floats.len() + contents.bytes.len());
    for (tensor, bytes) in contents.tensors.iter().zip(&floats) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(damaged)?;
        views.push((tensor.name.as_str(), view));
    }
    for (name, bytes) in contents.bytes {
        views.push((name, TensorView::new(Dtype::U8, vec![bytes.len()], bytes).map_err(damaged)?));
    }
    let metadata = HashMap::from([(contents.kind.to_string(), contents.text.clone())]);
    serialize(views, Some(metadata)).map_err(damaged)
}

/// SHA-256 of tensors as [`encode`] lays them out: those of one type by their names, without gaps.
pub(crate) fn sha256(tensors: &[NamedTensor]) -> String {
    let mut ordered: Vec<&NamedTensor> = tensors.iter().collect();
    ordered.sort_by(|one, other| one.name.cmp(&other.name));
    let mut digest = Sha256::new();
    for tensor in ordered {
        for values in tensor.values.chunks(4096) {
            digest.update(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
        }
    }
    hex(&digest.finalize())
}

/// A file that has been read and whose layout holds together.
pub(crate) struct Opened<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
    /// What lies behind the header.
    data: &'a [u8],
    metadata: HashMap<String, String>,
}

/// Reads a file into memory. Nothing that the file claims is trusted: no more is allocated than the file is long.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let wrong = |source| StoreError::Read { path: path.to_path_buf(), source };
    // A pipe or a device may never end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(StoreError::NotAFile { path: path.to_path_buf() });
    }
    std::fs::read(path).map_err(wrong)
}

impl<'a> Opened<'a> {
    /// Checks the layout: header, sizes, types, no gaps, no overlaps, nothing left over.
    pub(crate) fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, StoreError> {
        let damaged = |source| StoreError::Damaged { path: path.to_path_buf(), source };
        let opened = SafetensorsFile::read(bytes).map_err(damaged)?;
        let metadata = opened.texts();
        Ok(Opened { path, file: opened.tensors, data: opened.data, metadata })
    }

    /// The text of a metadata entry.
    pub(crate) fn text(&self, kind: &'static str) -> Result<&str, StoreError> {
        if let Some(text) = self.metadata.get(kind) {
            return Ok(text);
        }
        let kinds = [
            (MODEL, "model", "a Fireclay model"),
            (CHECKPOINT, "checkpoint", "a Fireclay checkpoint, which `--resume` takes"),
            (WEIGHTS, "file of weights", "weights without their architecture, which `load_weights` takes"),
        ];
        let expected = kinds.iter().find(|(known, ..)| *known == kind).map_or("model", |(_, name, _)| name);
        let found = match kinds.iter().find(|(known, ..)| self.metadata.contains_key(*known)) {
            Some((.., found)) => (*found).to_string(),
            None => format!("{} tensors of another program", self.file.len()),
        };
        Err(StoreError::Kind { path: self.path.to_path_buf(), expected, found })
    }

    /// Refuses tensors that are not those that were written.
    pub(crate) fn check_sha256(&self, expected: &str) -> Result<(), StoreError> {
        let found = hex(&Sha256::digest(self.data));
        match found == expected {
            true => Ok(()),
            false => Err(StoreError::Checksum {
                path: self.path.to_path_buf(),
                expected: expected.chars().take(64).collect(),
                found,
            }),
        }
    }

    /// Names and shapes, without values.
    pub(crate) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        self.file.iter().map(|(name, view)| (name.to_string(), view.shape().to_vec())).collect()
    }

    /// All tensors, as f32.
    pub(crate) fn tensors(&self) -> Result<Vec<NamedTensor>, StoreError> {
        self.floats(|_| true)
    }

    /// The tensors of a checkpoint, which holds bytes as well.
    pub(crate) fn tensors_beside_bytes(&self) -> Result<Vec<NamedTensor>, StoreError> {
        self.floats(|dtype| dtype != Dtype::U8)
    }

    fn floats(&self, is_wanted: impl Fn(Dtype) -> bool) -> Result<Vec<NamedTensor>, StoreError> {
        let mut tensors = Vec::with_capacity(self.file.len());
        for (name, view) in self.file.iter().filter(|(_, view)| is_wanted(view.dtype())) {
            let two = |convert: fn([u8; 2]) -> f32| {
                let pairs = view.data().chunks_exact(2);
                pairs.map(|pair| convert([pair[0], pair[1]])).collect()
            };
            let values = match view.dtype() {
                Dtype::F32 => {
                    let quads = view.data().chunks_exact(4);
                    quads.map(|quad| f32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]])).collect()
                }
                Dtype::F16 => two(|pair| half::f16::from_le_bytes(pair).to_f32()),
                Dtype::BF16 => two(|pair| half::bf16::from_le_bytes(pair).to_f32()),
                other => {
                    return Err(StoreError::Dtype {
                        path: self.path.to_path_buf(),
                        name: name.to_string(),
                        found: format!("{other:?}"),
                    });
                }
            };
            tensors.push(NamedTensor { name: name.to_string(), shape: view.shape().to_vec(), values });
        }
        Ok(tensors)
    }

    /// The bytes stored under a name, if they are there.
    pub(crate) fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        let view = self.file.tensor(name).ok()?;
        (view.dtype() == Dtype::U8).then(|| view.data())
    }
}
