//! Files of named tensors: PyTorch's and other programs' safetensors.

mod archive;
mod legacy;
mod safetensors_file;
mod state_dict;

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use fireclay_data::Bytes;
use fireclay_nn::NamedTensor;
use fireclay_store::map_file;

use super::element::ElementType;
use super::pickle::TensorRef;
use crate::words::short;
use crate::{ExchangeError, FileFormat, file};
use archive::Archive;

/// The longest name of a tensor, in bytes.
const MAX_NAME: usize = 1024;

/// The most tensors of one file.
const MAX_TENSORS: usize = 200_000;

/// A file of named tensors, `.pt` and `.pth` of PyTorch or `.safetensors`, whose values are read when they are asked for.
///
/// Nothing in the file is executed. A pickle that names anything but tensors, their storages and dictionaries is refused with
/// that name; a name inside the file is compared and never a path; beside the list of names no more
/// memory is taken than one storage is long, and the values that are asked for.
///
/// ```
/// use fireclay_exchange::pytorch::TensorFile;
/// # let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pytorch"));
///
/// let mut file = TensorFile::open(folder.join("sequential.pt"))?;
/// assert_eq!(file.tensors()[0].name, "0.weight");
/// let weight = file.read("0.weight")?;
/// assert_eq!(weight.values.len(), weight.shape.iter().product::<usize>());
/// # Ok::<(), fireclay_exchange::ExchangeError>(())
/// ```
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    format: FileFormat,
    key: Option<String>,
    ignored: Vec<String>,
    tensors: Vec<TensorInfo>,
    /// Where in the list each tensor is.
    places: HashMap<String, usize>,
    views: Vec<View>,
    source: Source,
    /// The storage that was read last, which the next tensor may share.
    last: Option<(String, Vec<u8>)>,
}

/// What a file says of one of its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// What its numbers are.
    pub element: ElementType,
}

/// Where a tensor's values are in a storage.
#[derive(Debug)]
struct View {
    storage: String,
    first: u64,
    strides: Vec<u64>,
    /// Values in the storage.
    count: u64,
}

#[derive(Debug)]
enum Source {
    Archive(Archive),
    /// A whole file, and where each storage is in it.
    Bytes(Bytes, HashMap<String, Range<usize>>),
}

impl TensorFile {
    /// Opens a file and reads the names of its tensors.
    ///
    /// Of a checkpoint of PyTorch the dictionary of weights is found by its usual names, such as `state_dict` and
    /// `model_state_dict`.
    ///
    /// # Errors
    /// An [`ExchangeError`] that names the file and says what was found and expected.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ExchangeError> {
        Self::read_table(path.as_ref(), None)
    }

    /// As [`open`](Self::open), with the tensors under some key of a checkpoint, such as `ema` or `net.encoder`.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and if there is no dictionary of tensors under the key.
    pub fn open_at(path: impl AsRef<Path>, key: &str) -> Result<Self, ExchangeError> {
        Self::read_table(path.as_ref(), Some(key))
    }

    fn read_table(path: &Path, key: Option<&str>) -> Result<Self, ExchangeError> {
        let wrong = |source| ExchangeError::Read { path: path.to_path_buf(), source };
        let mut file = file::open(path)?;
        let length = file.metadata().map_err(wrong)?.len();
        let mut head = Vec::new();
        file.by_ref().take(512).read_to_end(&mut head).map_err(wrong)?;
        file.seek(SeekFrom::Start(0)).map_err(wrong)?;
        match head.as_slice() {
            [b'P', b'K', 3 | 5 | 7, _, ..] => archive::read_table(path, file, length, key),
            [0x80, 2..=5, ..] => legacy::read_table(path, map_file(path)?, key),
            [_, _, _, _, _, _, _, _, b'{', ..] => {
                if let Some(key) = key {
                    return Err(ExchangeError::NoWeights {
                        path: path.to_path_buf(),
                        problem: format!("safetensors have no keys such as '{}'", short(key)),
                    });
                }
                safetensors_file::read_table(path, map_file(path)?)
            }
            _ => Err(ExchangeError::UnknownFormat { path: path.to_path_buf(), found: beginning(&head) }),
        }
    }

    /// What the file holds, in its order; of safetensors by name, as their order says nothing about the network.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// What the file is.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// Under which key of a checkpoint the tensors were found.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What stands among the tensors and is none, such as `epoch`.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Reads the values of a tensor, row-major and as f32.
    ///
    /// # Errors
    /// [`ExchangeError::Tensor`] if there is no such tensor, its view goes beyond its storage or repeats values of it, or a
    /// number is none that an f32 has: a whole number of more than 24 bits, an f64 beyond f32's range.
    pub fn read(&mut self, name: &str) -> Result<NamedTensor, ExchangeError> {
        let Some(&index) = self.places.get(name) else {
            return Err(self.wrong(name, "there is no such tensor".into()));
        };
        let (info, view) = (&self.tensors[index], &self.views[index]);
        let place = view.check(&info.shape).map_err(|problem| self.wrong(name, problem))?;
        if let Source::Archive(archive) = &mut self.source
            && self.last.as_ref().is_none_or(|(last, _)| *last != view.storage)
        {
            self.last = Some((view.storage.clone(), archive.storage(&self.path, &view.storage)?));
        }
        let bytes = match &self.source {
            Source::Archive(_) => self.last.as_ref().map_or(&[][..], |(_, bytes)| bytes),
            Source::Bytes(bytes, ranges) => {
                match ranges.get(&view.storage).and_then(|range| bytes.get(range.clone())) {
                    Some(bytes) => bytes,
                    None => {
                        let problem = format!("the storage '{}' is not in the file", short(&view.storage));
                        return Err(self.wrong(name, problem));
                    }
                }
            }
        };
        let values = view.gather(info, place, bytes).map_err(|problem| self.wrong(name, problem))?;
        Ok(NamedTensor { name: info.name.clone(), shape: info.shape.clone(), values })
    }

    fn wrong(&self, name: &str, problem: String) -> ExchangeError {
        ExchangeError::Tensor { path: self.path.clone(), name: short(name), problem }
    }

    fn new(
        path: &Path,
        format: FileFormat,
        found: Vec<(TensorInfo, View)>,
        source: Source,
    ) -> Result<Self, ExchangeError> {
        let path = path.to_path_buf();
        if found.len() > MAX_TENSORS {
            let (found, limit) = (found.len() as u64, MAX_TENSORS as u64);
            return Err(ExchangeError::TooLarge { path, what: "the number of tensors".into(), found, limit });
        }
        let mut places = HashMap::new();
        for (index, (info, _)) in found.iter().enumerate() {
            if info.name.len() > MAX_NAME {
                let (found, limit) = (info.name.len() as u64, MAX_NAME as u64);
                let what = "the length of a tensor's name in bytes".into();
                return Err(ExchangeError::TooLarge { path, what, found, limit });
            }
            if places.insert(info.name.clone(), index).is_some() {
                let problem = format!("there are two tensors '{}'", short(&info.name));
                return Err(ExchangeError::Malformed { path, format, problem });
            }
        }
        let (tensors, views) = found.into_iter().unzip();
        Ok(TensorFile {
            path,
            format,
            key: None,
            ignored: Vec::new(),
            tensors,
            places,
            views,
            source,
            last: None,
        })
    }
}

impl View {
    fn of(tensor: &TensorRef) -> Self {
        View {
            storage: tensor.storage.key.to_string(),
            first: tensor.storage.first.saturating_add(tensor.offset),
            strides: tensor.strides.clone(),
            count: tensor.storage.first.saturating_add(tensor.storage.count),
        }
    }

    /// How many values the tensor has; all lie in the storage, and there are no more than in it.
    fn check(&self, shape: &[usize]) -> Result<usize, String> {
        let sizes = || shape.iter().map(|size| *size as u64);
        let Some(values) = sizes().try_fold(1u64, u64::checked_mul) else {
            return Err(format!("its sizes {shape:?} multiply to more than 64 bits hold"));
        };
        if values == 0 {
            return Ok(0);
        }
        let last = sizes().zip(&self.strides).try_fold(self.first, |last, (size, stride)| {
            (size - 1).checked_mul(*stride).and_then(|reach| last.checked_add(reach))
        });
        match last {
            Some(last) if last < self.count && values <= self.count => Ok(values as usize),
            Some(last) if last < self.count => Err(format!(
                "it is a view that repeats the {} values of its storage to {shape:?}; save a copy of it (tensor.clone())",
                self.count
            )),
            _ => Err(format!("its view {shape:?} goes beyond its storage of {} values", self.count)),
        }
    }

    fn gather(&self, info: &TensorInfo, values: usize, bytes: &[u8]) -> Result<Vec<f32>, String> {
        let width = info.element.bytes();
        if self.count.checked_mul(width as u64).is_none_or(|expected| expected > bytes.len() as u64) {
            return Err(format!(
                "its storage should have {} numbers of {width} bytes, and has {} bytes",
                self.count,
                bytes.len()
            ));
        }
        let mut gathered = Vec::with_capacity(values);
        let mut places = vec![0; info.shape.len()];
        let mut at = self.first;
        while gathered.len() < values {
            let start = at as usize * width;
            let number = info.element.to_f32(&bytes[start..start + width]);
            gathered.push(number.map_err(|number| format!("it holds {number}, which no f32 is"))?);
            // The next place, the last dimension first.
            for dimension in (0..places.len()).rev() {
                places[dimension] += 1;
                at += self.strides[dimension];
                if places[dimension] < info.shape[dimension] {
                    break;
                }
                at -= self.strides[dimension] * places[dimension] as u64;
                places[dimension] = 0;
            }
        }
        Ok(gathered)
    }
}

/// How a file begins, in words.
fn beginning(head: &[u8]) -> String {
    if head.is_empty() {
        return "it is empty".into();
    }
    let printable = head.iter().take(12).all(|byte| (32..127).contains(byte) || byte.is_ascii_whitespace());
    match printable {
        true => {
            format!(
                "it is a text that begins with '{}'",
                short(&String::from_utf8_lossy(&head[..head.len().min(12)]))
            )
        }
        false => format!("it begins with the bytes {:02x?}", &head[..head.len().min(8)]),
    }
}
