//! Reads what `prepare.py` wrote: of a tensor no more than the samples that are used.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, ensure};
use safetensors::tensor::{Dtype, Metadata};

use crate::Workload;

/// The longest header that is believed.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// The first samples of a split.
#[derive(Debug)]
pub struct Split {
    /// The shape of one sample, for example `[1, 28, 28]`.
    pub shape: Vec<usize>,
    /// `[samples, ..shape]`, row-major.
    pub inputs: Inputs,
    /// One for each sample, or for each of its words the next one.
    pub labels: Vec<u32>,
}

/// What a network reads.
#[derive(Debug)]
pub enum Inputs {
    /// Images.
    Bytes(Vec<u8>),
    /// Word numbers.
    Tokens(Vec<i32>),
}

impl Split {
    /// Reads the samples of one epoch of training.
    ///
    /// # Errors
    /// If the file is not there or not what `prepare.py` writes.
    pub fn train(folder: &Path, workload: &Workload) -> anyhow::Result<Self> {
        Split::read(folder, workload, "train", workload.samples)
    }

    /// Reads the samples of one pass of inference.
    ///
    /// # Errors
    /// If the file is not there or not what `prepare.py` writes.
    pub fn test(folder: &Path, workload: &Workload) -> anyhow::Result<Self> {
        Split::read(folder, workload, "test", workload.test_samples)
    }

    fn read(folder: &Path, workload: &Workload, split: &str, samples: usize) -> anyhow::Result<Self> {
        let path = folder.join(format!("{}.safetensors", workload.data));
        let mut file = File::open(&path)
            .with_context(|| format!("cannot open {}; prepare.py makes it", path.display()))?;
        let mut tensors = Tensors::of(&mut file).with_context(|| path.display().to_string())?;
        let labels = match workload.name.predicts_next_tokens() {
            true => words(&tensors.first(&format!("{split}_next_tokens"), Dtype::I32, samples)?.1),
            false => {
                let (_, labels) = tensors.first(&format!("{split}_labels"), Dtype::U8, samples)?;
                labels.into_iter().map(u32::from).collect()
            }
        };
        let (shape, inputs) = match workload.name.reads_tokens() {
            true => {
                let (shape, bytes) = tensors.first(&format!("{split}_tokens"), Dtype::I32, samples)?;
                (shape, Inputs::Tokens(words(&bytes).into_iter().map(|word| word as i32).collect()))
            }
            false => {
                let (shape, bytes) = tensors.first(&format!("{split}_images"), Dtype::U8, samples)?;
                (shape, Inputs::Bytes(bytes))
            }
        };
        Ok(Split { shape, inputs, labels })
    }

    /// The labels of the first samples.
    pub fn first_labels(&self, samples: usize) -> &[u32] {
        let all = match &self.inputs {
            Inputs::Bytes(bytes) => bytes.len() / self.sample_len(),
            Inputs::Tokens(tokens) => tokens.len() / self.sample_len(),
        };
        &self.labels[..self.labels.len() / all * samples]
    }

    /// Values of one sample.
    pub fn sample_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Pixels / 255 of some samples, `[indices, ..shape]`; nothing for tokens.
    pub fn pixels(&self, indices: impl IntoIterator<Item = usize>) -> Vec<f32> {
        let Inputs::Bytes(bytes) = &self.inputs else { return Vec::new() };
        let len = self.sample_len();
        indices
            .into_iter()
            .flat_map(|index| bytes[index * len..][..len].iter().map(|byte| f32::from(*byte) / 255.0))
            .collect()
    }

    /// Word numbers of some samples, `[indices, tokens]`; nothing for images.
    pub fn tokens(&self, indices: impl IntoIterator<Item = usize>) -> Vec<i32> {
        let Inputs::Tokens(tokens) = &self.inputs else { return Vec::new() };
        let len = self.sample_len();
        indices.into_iter().flat_map(|index| &tokens[index * len..][..len]).copied().collect()
    }
}

/// Numbers of words, none of them negative.
fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// A file and what its header says.
struct Tensors<'f> {
    file: &'f mut File,
    metadata: Metadata,
    /// Where the first tensor begins.
    start: u64,
}

impl<'f> Tensors<'f> {
    fn of(file: &'f mut File) -> anyhow::Result<Self> {
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let header_bytes = u64::from_le_bytes(length);
        ensure!(
            header_bytes <= MAX_HEADER_BYTES,
            "a header of {header_bytes} bytes; prepare.py writes a short one"
        );
        let mut header = vec![0; header_bytes as usize];
        file.read_exact(&mut header)?;
        let metadata = serde_json::from_slice(&header)?;
        Ok(Tensors { file, metadata, start: 8 + header_bytes })
    }

    /// The first rows of a tensor, and the shape of one row.
    fn first(&mut self, name: &str, dtype: Dtype, rows: usize) -> anyhow::Result<(Vec<usize>, Vec<u8>)> {
        let info = self.metadata.info(name).with_context(|| format!("there is no tensor '{name}'"))?;
        ensure!(info.dtype == dtype, "'{name}' holds {:?}, not {dtype:?}", info.dtype);
        let (all, shape) = info.shape.split_first().with_context(|| format!("'{name}' has no rows"))?;
        ensure!(rows <= *all, "'{name}' has {all} rows; the workload needs {rows}");
        let (begin, end) = info.data_offsets;
        let mut bytes = vec![0; (end - begin) / all * rows];
        self.file.seek(SeekFrom::Start(self.start + begin as u64))?;
        self.file.read_exact(&mut bytes)?;
        Ok((shape.to_vec(), bytes))
    }
}
