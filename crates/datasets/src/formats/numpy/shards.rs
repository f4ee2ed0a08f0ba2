//! Sets of NumPy's arrays in many files, which may be larger than memory together.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use fireclay_data::{Bytes, DataError, Dataset, Normalization, Provenance};

use super::dataset::{channels_first, resolve, sample_shape, to_targets};
use super::header::refuse;
use super::{ImageLayout, NpyArray, NpyHeader, NpyKind, NpyValues, NumpyDataset, NumpyOptions, NumpyProblem};
use crate::DatasetsError;
use crate::error::shown;
use crate::formats::whole::file_name;

/// A file of features and the file of their targets.
type Pair = (PathBuf, PathBuf);

impl NumpyDataset {
    /// Loads the training part, and the test part if there is one, from a folder of `.npy` files: features in `x_train-00001.npy`,
    /// `x_train-00002.npy` and so on, the targets of the same samples in `y_train-00001.npy` and so on, likewise `x_test` and `y_test`.
    /// What follows the names may be anything, or nothing where one file has all.
    ///
    /// Files are [shards](Dataset::from_u8_shards) in the order of their names. Where they take more than `map_above` bytes together,
    /// features stay in their files ([`Bytes::read_or_map`]): they have to be bytes, or 32-bit floats whose first byte is the lowest,
    /// with the last dimension fastest, and images with their channels first.
    ///
    /// # Errors
    /// [`DatasetsError::File`] if there are no such files, one is missing or broken, or they do not fit one another;
    /// [`DataError::NotFinite`] if a target, or a feature that is read into memory, is NaN or infinite.
    pub fn load_shards(
        folder: &Path,
        options: &NumpyOptions,
        map_above: u64,
    ) -> Result<(Dataset, Option<Dataset>), DatasetsError> {
        let [x_train, y_train, x_test, y_test] = &options.names;
        let pairs = pairs(folder, x_train, y_train, &options.names)?;
        if pairs.is_empty() {
            return Err(refuse(folder, NumpyProblem::NoShards { features: x_train.clone() }));
        }
        let of_test = self::pairs(folder, x_test, y_test, &options.names)?;
        let split = if of_test.is_empty() { "all" } else { "train" };
        let train = of_pairs(folder, split, &pairs, options, map_above, None)?;
        let test = match of_test.is_empty() {
            true => None,
            false => Some(of_pairs(folder, "test", &of_test, options, map_above, Some(&train))?),
        };
        Ok((train, test))
    }

    pub(super) fn shards_have_test_part(
        folder: &Path,
        options: &NumpyOptions,
    ) -> Result<bool, DatasetsError> {
        Ok(!files(folder, &options.names[2], &options.names)?.is_empty())
    }

    /// The shape of the first file of training features, with the samples of all.
    pub(super) fn shape_of_shards(
        folder: &Path,
        options: &NumpyOptions,
    ) -> Result<Vec<usize>, DatasetsError> {
        let begin = &options.names[0];
        let headers = files(folder, begin, &options.names)?
            .iter()
            .map(|file| NpyHeader::read(file))
            .collect::<Result<Vec<_>, _>>()?;
        let counts = headers.iter().filter_map(|header| header.shape.first());
        let samples = counts.fold(0usize, |all, count| all.saturating_add(*count));
        let mut shape = match headers.into_iter().next() {
            Some(first) => first.shape,
            None => return Err(refuse(folder, NumpyProblem::NoShards { features: begin.clone() })),
        };
        if let Some(first) = shape.first_mut() {
            *first = samples;
        }
        Ok(shape)
    }
}

/// The `.npy` files of a folder whose names begin so, in the order of their names.
fn files(folder: &Path, begin: &str, names: &[String; 4]) -> Result<BTreeSet<PathBuf>, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: folder.to_owned(), source };
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).map_err(read_error)? {
        let path = entry.map_err(read_error)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // `x_test` is none of `x`.
        let is_other =
            names.iter().any(|other| other.len() > begin.len() && name.starts_with(other.as_str()));
        if name.starts_with(begin) && !is_other && name.to_ascii_lowercase().ends_with(".npy") {
            found.insert(path);
        }
    }
    Ok(found)
}

/// Files of features, each with that of its targets.
fn pairs(
    folder: &Path,
    features: &str,
    targets: &str,
    names: &[String; 4],
) -> Result<Vec<Pair>, DatasetsError> {
    let mut rest = files(folder, targets, names)?;
    let mut pairs = Vec::new();
    for path in files(folder, features, names)? {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        // The name begins with text, so that what follows is whole.
        let behind = String::from_utf8_lossy(&name[features.len()..]).into_owned();
        let partner = path.with_file_name(OsString::from(format!("{targets}{behind}")));
        if !rest.remove(&partner) {
            let missing = shown(partner.file_name().unwrap_or_default());
            return Err(refuse(&path, NumpyProblem::NoPartner { missing }));
        }
        pairs.push((path, partner));
    }
    match rest.pop_first() {
        None => Ok(pairs),
        Some(left) => {
            let name = left.file_name().unwrap_or_default().to_string_lossy();
            let missing = format!("{features}{}", name.strip_prefix(targets).unwrap_or_default());
            Err(refuse(&left, NumpyProblem::NoPartner { missing }))
        }
    }
}

/// What all shards of a part have to have.
#[derive(Clone, PartialEq)]
struct Form {
    is_bytes: bool,
    shape: Vec<usize>,
    layout: ImageLayout,
}

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = if self.layout == ImageLayout::ChannelsLast { " with their channels last" } else { "" };
        let values = if self.is_bytes { "bytes" } else { "numbers" };
        write!(out, "samples of {:?}{last}, {values}", self.shape)
    }
}

fn of_pairs(
    folder: &Path,
    split: &str,
    pairs: &[Pair],
    options: &NumpyOptions,
    map_above: u64,
    train: Option<&Dataset>,
) -> Result<Dataset, DatasetsError> {
    let headers =
        pairs.iter().map(|(features, _)| NpyHeader::read(features)).collect::<Result<Vec<_>, _>>()?;
    let total = headers.iter().fold(0u64, |total, header| total.saturating_add(header.data_bytes));
    let maps = total > map_above;
    let mut form: Option<Form> = None;
    let (mut shards, mut targets, mut samples) = (Vec::new(), Vec::new(), 0);
    for ((path, of_targets), header) in pairs.iter().zip(headers) {
        let refuse = |problem| refuse(path, problem);
        let layout = resolve(&header.shape, header.kind == NpyKind::U8, options.layout).map_err(refuse)?;
        let shape = sample_shape(&header.shape, layout).map_err(refuse)?;
        let own = Form { is_bytes: header.kind == NpyKind::U8, shape, layout };
        match &form {
            None => form = Some(own.clone()),
            Some(first) if *first == own => {}
            Some(first) => {
                return Err(refuse(NumpyProblem::UnlikeShards {
                    found: own.to_string(),
                    first: first.to_string(),
                }));
            }
        }
        let count = header.shape.first().copied().unwrap_or(0);
        let labels = NpyArray::read(of_targets)?;
        if labels.shape.first() != Some(&count) {
            let targets = labels.shape.first().copied().unwrap_or(0);
            return Err(refuse(NumpyProblem::Counts { features: count, targets }));
        }
        if let Some(first) = targets.first() {
            let [own, first] = [&labels, first].map(form_of_targets);
            if own != first {
                let problem = NumpyProblem::UnlikeShards { found: own, first };
                return Err(super::header::refuse(of_targets, problem));
            }
        }
        samples += count;
        targets.push(labels);
        shards.push(match maps {
            true => mapped(path, &header, &own, total, map_above)?,
            false => read(NpyArray::read(path)?.values, &own, samples - count)?,
        });
    }
    let Some(form) = form else { unreachable!("there is a pair") };
    if let Some(train) = train
        && train.shape() != form.shape
    {
        let shapes = NumpyProblem::Shapes { train: train.shape().to_vec(), test: form.shape };
        return Err(refuse(folder, shapes));
    }
    let targets = to_targets(joined(samples, targets), samples, options.targets, train);
    let targets = targets.map_err(|problem| refuse(folder, problem))?;
    let name = file_name(folder);
    let from = format!("NumPy arrays in {} files of {name}", pairs.len());
    // Without a digest of all values: they would all be read for it.
    let provenance = Provenance::new(name, split, from).of_own_data();
    Ok(match form.is_bytes {
        true => Dataset::from_u8_shards(&form.shape, shards, targets, Normalization::none(), provenance)?,
        false => Dataset::from_f32_shards(&form.shape, shards, targets, provenance)?,
    })
}

/// What the targets of all files have to have in common, in words.
fn form_of_targets(targets: &NpyArray) -> String {
    let kind = if targets.values.integers().is_some() { "whole numbers" } else { "floats" };
    format!("targets of {:?}, {kind}", targets.shape.get(1..).unwrap_or_default())
}

/// Targets one behind the other, which are alike.
fn joined(samples: usize, parts: Vec<NpyArray>) -> NpyArray {
    let integers = || parts.iter().map(|part| part.values.integers());
    let values = match integers().all(|part| part.is_some()) {
        // What 64 bits with a sign do not hold is no class either, and far from one.
        true => NpyValues::I64(
            integers().flatten().flatten().map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect(),
        ),
        false => NpyValues::F32(parts.iter().flat_map(|part| part.values.to_f32()).collect()),
    };
    let of_sample = parts.first().and_then(|first| first.shape.get(1..)).unwrap_or_default();
    NpyArray { shape: std::iter::once(samples).chain(of_sample.iter().copied()).collect(), values }
}

/// Values that stay in their file.
fn mapped(
    path: &Path,
    header: &NpyHeader,
    form: &Form,
    total: u64,
    limit: u64,
) -> Result<Bytes, DatasetsError> {
    let as_they_lie = matches!(header.kind, NpyKind::U8 | NpyKind::F32)
        && !header.big_endian
        && (!header.fortran_order || header.shape.len() < 2)
        && form.layout != ImageLayout::ChannelsLast;
    match usize::try_from(header.data_bytes) {
        Ok(len) if as_they_lie => Ok(Bytes::read_or_map(path, header.data_offset, len, 0)?),
        _ => Err(refuse(path, NumpyProblem::NotMappable { bytes: total, limit })),
    }
}

/// Values in memory, as a shard has them; so many samples come before.
fn read(values: NpyValues, form: &Form, before: usize) -> Result<Bytes, DataError> {
    let last = form.layout == ImageLayout::ChannelsLast;
    Ok(match values {
        NpyValues::U8(values) if last => channels_first(&values, &form.shape).into(),
        NpyValues::U8(values) => values,
        other => {
            let values = other.to_f32();
            let sample_len: usize = form.shape.iter().product();
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let index = before + at / sample_len.max(1);
                return Err(DataError::NotFinite { what: "feature", index, value: values[at] });
            }
            let values = if last { channels_first(&values, &form.shape) } else { values };
            values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
        }
    })
}
