//! The file itself: safetensors whose metadata has one entry of ours.
//!
//! One entry only, because safetensors writes metadata in no fixed order, and the same model must give the same bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use fireclay_data::sha256::hex;
use fireclay_nn::{NamedTensor, int8_rows};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors, serialize};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::safetensors_file::SafetensorsFile;
use crate::sparse;

/// The metadata entry of a model.
pub(crate) const MODEL: &str = "fireclay";
/// The metadata entry of a checkpoint.
pub(crate) const CHECKPOINT: &str = "fireclay-checkpoint";
/// The metadata entry of weights without an architecture.
pub(crate) const WEIGHTS: &str = "fireclay-weights";

/// Bytes in front of the header, which say how long it is.
const LENGTH_BYTES: usize = 8;

/// The longest header that is read.
const MOST_HEADER_BYTES: usize = 100_000_000;

/// Behind the name of a weight that is stored as whole numbers, the name of its scales.
const SCALE: &str = ".int8_scale";

/// What goes into a file.
pub(crate) struct Contents<'a> {
    /// The metadata entry.
    pub(crate) kind: &'static str,
    /// Its value.
    pub(crate) text: String,
    /// The tensors.
    pub(crate) tensors: Vec<StoredTensor>,
    /// Bytes that another library reads back.
    pub(crate) bytes: &'a [(&'static str, &'a [u8])],
}

/// A tensor as it lies in a file.
pub(crate) struct StoredTensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl StoredTensor {
    fn numbers(name: &str, shape: &[usize], values: &[f32]) -> Self {
        StoredTensor {
            name: name.to_string(),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    /// Tensors as they are, in the order in which a file holds them.
    pub(crate) fn as_they_are(tensors: &[NamedTensor]) -> Vec<Self> {
        let one = |tensor: &NamedTensor| StoredTensor::numbers(&tensor.name, &tensor.shape, &tensor.values);
        StoredTensor::in_order(tensors.iter().map(one).collect())
    }

    /// Tensors of a model in as few bytes as give the same bits again: weights that bf16 can hold in two each, and with `int8` those
    /// that are whole numbers times a scale for each row as these numbers, a byte each, and a tensor of the scales; weights of which
    /// half or more are 0 without the zeros.
    pub(crate) fn of_model(tensors: &[NamedTensor], int8: bool) -> Vec<Self> {
        let mut stored = Vec::with_capacity(tensors.len());
        for tensor in tensors {
            match int8.then(|| int8_rows(tensor)).flatten() {
                Some((whole, scales)) => {
                    let name = format!("{}{SCALE}", tensor.name);
                    stored.push(StoredTensor::numbers(&name, &[scales.len()], &scales));
                    stored.push(StoredTensor {
                        name: tensor.name.clone(),
                        dtype: Dtype::I8,
                        shape: tensor.shape.clone(),
                        bytes: whole.into_iter().map(|number| number as u8).collect(),
                    });
                }
                None if is_bf16(tensor) => stored.push(StoredTensor {
                    name: tensor.name.clone(),
                    dtype: Dtype::BF16,
                    shape: tensor.shape.clone(),
                    bytes: tensor
                        .values
                        .iter()
                        .flat_map(|value| half::bf16::from_f32(*value).to_le_bytes())
                        .collect(),
                }),
                None => stored.push(StoredTensor::numbers(&tensor.name, &tensor.shape, &tensor.values)),
            }
        }
        StoredTensor::in_order(stored.into_iter().flat_map(StoredTensor::without_zeros).collect())
    }

    /// Whether it is the bits of a tensor that is stored without its zeros.
    pub(crate) fn is_sparse(&self) -> bool {
        self.name.ends_with(sparse::MASK)
    }

    /// The tensor, or if half of it or more is 0 its values but for zeros, and where they are.
    fn without_zeros(self) -> Vec<Self> {
        let width = self.dtype.bitsize() / 8;
        let Some(packed) = sparse::pack(&self.shape, &self.bytes, width) else { return vec![self] };
        let beside = |suffix: &str, dtype, shape, bytes| StoredTensor {
            name: format!("{}{suffix}", self.name),
            dtype,
            shape,
            bytes,
        };
        let shape: Vec<u8> = self.shape.iter().flat_map(|size| (*size as u64).to_le_bytes()).collect();
        vec![
            beside(sparse::SHAPE, Dtype::U64, vec![self.shape.len()], shape),
            beside(sparse::MASK, Dtype::U8, vec![packed.mask.len()], packed.mask),
            beside("", self.dtype, vec![packed.values.len() / width], packed.values),
        ]
    }

    /// Those of wider types first, as safetensors has them.
    fn in_order(mut stored: Vec<Self>) -> Vec<Self> {
        stored.sort_by(|one, other| (other.dtype, &one.name).cmp(&(one.dtype, &other.name)));
        stored
    }
}

/// Whether a tensor is a weight whose values are all numbers of bf16.
fn is_bf16(tensor: &NamedTensor) -> bool {
    tensor.shape.len() > 1 && tensor.values.iter().all(|value| value.to_bits() << 16 == 0)
}

/// Lays the file out in memory.
pub(crate) fn encode(path: &Path, contents: &Contents) -> Result<Vec<u8>, StoreError> {
    let damaged = |source| StoreError::Damaged { path: path.to_path_buf(), source };
    let mut views = Vec::with_capacity(contents.tensors.len() + contents.bytes.len());
    for tensor in &contents.tensors {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(damaged)?;
        views.push((tensor.name.as_str(), view));
    }
    for (name, bytes) in contents.bytes {
        views.push((name, TensorView::new(Dtype::U8, vec![bytes.len()], bytes).map_err(damaged)?));
    }
    let metadata = HashMap::from([(contents.kind.to_string(), contents.text.clone())]);
    serialize(views, Some(metadata)).map_err(damaged)
}

/// The header of a file, with its length in front and another text in its metadata entry; whatever lies behind it can stay as it is.
pub(crate) fn header_with_text(
    path: &Path,
    header: &[u8],
    kind: &'static str,
    text: String,
) -> Result<Vec<u8>, StoreError> {
    let damaged = |source| StoreError::Damaged { path: path.to_path_buf(), source };
    let json = header.get(LENGTH_BYTES..).unwrap_or_default();
    let mut entries: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json)
        .map_err(|error| damaged(SafeTensorError::InvalidHeaderDeserialization(error)))?;
    // The file was read, so the entry is there.
    match entries.get_mut("__metadata__").and_then(|texts| texts.get_mut(kind)) {
        Some(entry) => *entry = text.into(),
        None => return Err(damaged(SafeTensorError::InvalidHeaderLength)),
    }
    let mut json = serde_json::Value::from(entries).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    if json.len() > MOST_HEADER_BYTES {
        return Err(damaged(SafeTensorError::HeaderTooLarge));
    }
    Ok([&(json.len() as u64).to_le_bytes(), json.as_slice()].concat())
}

/// SHA-256 of tensors as [`encode`] lays them out: in their order, without gaps.
pub(crate) fn sha256(tensors: &[StoredTensor]) -> String {
    let mut digest = Sha256::new();
    tensors.iter().for_each(|tensor| digest.update(&tensor.bytes));
    hex(&digest.finalize())
}

/// A file that has been read and whose layout holds together.
pub(crate) struct Opened<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
    /// What lies behind the header.
    data: &'a [u8],
    /// Whether tensors may be stored without their zeros, as those of a model may, whose description bounds them.
    sparse: bool,
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
        Ok(Opened { path, file: opened.tensors, data: opened.data, sparse: false, metadata })
    }

    /// The same file, whose tensors may be stored without their zeros.
    pub(crate) fn with_sparse(self, sparse: bool) -> Self {
        Opened { sparse, ..self }
    }

    /// What lies behind the header.
    pub(crate) fn data(&self) -> &'a [u8] {
        self.data
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

    /// Names and shapes, without values, and without what belongs to another tensor.
    pub(crate) fn shapes(&self) -> Result<Vec<(String, Vec<usize>)>, StoreError> {
        let tensors = self.file.iter().filter(|(name, _)| !self.is_beside(name));
        tensors.map(|(name, view)| Ok((name.to_string(), self.shape(name, &view)?))).collect()
    }

    /// Whether a tensor is the scales, the shape or the mask of another one.
    fn is_beside(&self, name: &str) -> bool {
        let is_whole = |name: &str| self.file.tensor(name).is_ok_and(|view| view.dtype() == Dtype::I8);
        name.strip_suffix(SCALE).is_some_and(is_whole)
            || [sparse::SHAPE, sparse::MASK].iter().any(|suffix| {
                name.strip_suffix(suffix)
                    .is_some_and(|name| self.is_sparse(name) && self.file.tensor(name).is_ok())
            })
    }

    /// Whether a tensor is stored without its zeros.
    fn is_sparse(&self, name: &str) -> bool {
        let has = |suffix: &str| self.file.tensor(&format!("{name}{suffix}")).is_ok();
        self.sparse && has(sparse::SHAPE) && has(sparse::MASK)
    }

    /// The shape of a tensor, zeros included.
    fn shape(&self, name: &str, view: &TensorView<'_>) -> Result<Vec<usize>, StoreError> {
        if !self.is_sparse(name) {
            return Ok(view.shape().to_vec());
        }
        let sizes = self.beside(name, sparse::SHAPE, Dtype::U64)?;
        if sizes.shape()[0] > sparse::MOST_SIZES {
            let expected = format!("at most {} sizes", sparse::MOST_SIZES);
            return Err(self.wrong_sparse(name, expected, sizes.shape()[0].to_string()));
        }
        let sizes = sizes.data().as_chunks::<8>().0.iter().map(|size| u64::from_le_bytes(*size));
        sizes.map(usize::try_from).collect::<Result<_, _>>().map_err(|_| {
            self.wrong_sparse(name, "sizes that fit into this machine".into(), "one that does not".into())
        })
    }

    /// A list that belongs to a tensor which is stored without its zeros.
    fn beside(&self, name: &str, suffix: &str, dtype: Dtype) -> Result<TensorView<'_>, StoreError> {
        let view = self.file.tensor(&format!("{name}{suffix}"));
        let view = view.map_err(|source| StoreError::Damaged { path: self.path.to_path_buf(), source })?;
        match (view.dtype(), view.shape()) {
            (found, [_]) if found == dtype => Ok(view),
            (found, shape) => {
                let expected = format!("a list of {dtype:?} in '{name}{suffix}'");
                Err(self.wrong_sparse(name, expected, format!("{found:?} {shape:?}")))
            }
        }
    }

    fn wrong_sparse(&self, name: &str, expected: String, found: String) -> StoreError {
        StoreError::Sparse { path: self.path.to_path_buf(), name: name.to_string(), expected, found }
    }

    /// Shape and bytes of a tensor, zeros included.
    fn dense<'v>(
        &self,
        name: &str,
        view: &TensorView<'v>,
    ) -> Result<(Vec<usize>, Cow<'v, [u8]>), StoreError> {
        let shape = self.shape(name, view)?;
        if !self.is_sparse(name) {
            return Ok((shape, Cow::Borrowed(view.data())));
        }
        let mask = self.beside(name, sparse::MASK, Dtype::U8)?;
        let width = view.dtype().bitsize() / 8;
        match sparse::unpack(&shape, mask.data(), view.data(), width) {
            Ok(bytes) => Ok((shape, Cow::Owned(bytes))),
            Err(sparse::Wrong { expected, found }) => Err(self.wrong_sparse(name, expected, found)),
        }
    }

    /// A tensor of whole numbers, each times the scale of its row.
    fn scaled(&self, name: &str, shape: &[usize], data: &[u8]) -> Result<Vec<f32>, StoreError> {
        let wrong = |expected: String, found: String| StoreError::Int8Scales {
            path: self.path.to_path_buf(),
            name: name.to_string(),
            expected,
            found,
        };
        let rows = &shape[..shape.len().min(1)];
        let wrong_scales = |found| wrong(format!("F32 {rows:?}"), found);
        let scales = match self.file.tensor(&format!("{name}{SCALE}")) {
            Err(_) => return Err(wrong_scales("none".to_string())),
            Ok(scales) if scales.dtype() != Dtype::F32 || scales.shape() != rows => {
                return Err(wrong_scales(format!("{:?} {:?}", scales.dtype(), scales.shape())));
            }
            Ok(scales) => quads(scales.data()).collect::<Vec<f32>>(),
        };
        let row = data.len() / scales.len().max(1);
        let numbers = data.iter().map(|byte| *byte as i8);
        if let Some(at) = numbers.clone().position(|number| number == i8::MIN) {
            let found = format!("-128 in row {}", at / row.max(1));
            return Err(wrong("numbers from -127 to 127".to_string(), found));
        }
        Ok(numbers.enumerate().map(|(at, number)| f32::from(number) * scales[at / row]).collect())
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
        let is_tensor = |name: &str, dtype| is_wanted(dtype) && !self.is_beside(name);
        for (name, view) in self.file.iter().filter(|(name, view)| is_tensor(name, view.dtype())) {
            let dtype = view.dtype();
            if !matches!(dtype, Dtype::F32 | Dtype::I8 | Dtype::F16 | Dtype::BF16) {
                return Err(StoreError::Dtype {
                    path: self.path.to_path_buf(),
                    name: name.to_string(),
                    found: format!("{dtype:?}"),
                });
            }
            let (shape, data) = self.dense(name, &view)?;
            let two = |convert: fn([u8; 2]) -> f32| {
                data.as_chunks::<2>().0.iter().map(|pair| convert(*pair)).collect()
            };
            let values = match dtype {
                Dtype::I8 => self.scaled(name, &shape, &data)?,
                Dtype::F16 => two(|pair| half::f16::from_le_bytes(pair).to_f32()),
                Dtype::BF16 => two(|pair| half::bf16::from_le_bytes(pair).to_f32()),
                _ => quads(&data).collect(),
            };
            tensors.push(NamedTensor { name: name.to_string(), shape, values });
        }
        Ok(tensors)
    }

    /// The bytes stored under a name, if they are there.
    pub(crate) fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        let view = self.file.tensor(name).ok()?;
        (view.dtype() == Dtype::U8).then(|| view.data())
    }
}

fn quads(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|quad| f32::from_le_bytes(*quad))
}
