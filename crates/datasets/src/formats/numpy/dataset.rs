//! Datasets from NumPy's arrays: features and targets, each sample along the first dimension.

use std::path::Path;

use fireclay_data::{Dataset, Normalization, Provenance, Targets, sha256};

use super::header::refuse;
use super::{NpyArray, NpyValues, Npz, NumpyProblem};
use crate::DatasetsError;
use crate::formats::digest;
use crate::formats::whole::file_name;

/// More classes than this are no classes.
const MOST_CLASSES: usize = 65_536;

/// How the values of a sample lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageLayout {
    /// Rows for rank 1 and 2. Grey images for bytes of rank 3. For rank 4 the dimension of 1, 3 or 4 is the channels; if
    /// the second and the last are both such, and for anything else, it is an error.
    #[default]
    Guess,
    /// `[samples, height, width]`: one channel.
    Grey,
    /// `[samples, height, width, channels]`, as TensorFlow and image files have it.
    ChannelsLast,
    /// `[samples, channels, height, width]`, as PyTorch has it.
    ChannelsFirst,
    /// A sample has the dimensions after the first as they are.
    AsTheyAre,
}

/// What the targets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumpyTargets {
    /// Classes where there is one whole number for each sample, otherwise values.
    #[default]
    Guess,
    /// Classes: one whole number for each sample, from 0.
    Classes,
    /// Numbers to predict.
    Values,
}

/// How [`NumpyDataset`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumpyOptions {
    /// How the values of a sample lie.
    pub layout: ImageLayout,
    /// What the targets are.
    pub targets: NumpyTargets,
    /// The names, in an `.npz` or with which files in a folder begin, of training features and targets, then of test features and targets; `x_train`,
    /// `y_train`, `x_test` and `y_test` unless set, as in Keras's `mnist.npz`.
    pub names: [String; 4],
}

impl Default for NumpyOptions {
    fn default() -> Self {
        Self {
            layout: ImageLayout::default(),
            targets: NumpyTargets::default(),
            names: ["x_train", "y_train", "x_test", "y_test"].map(str::to_owned),
        }
    }
}

/// Datasets from NumPy's arrays.
///
/// Features that are bytes stay bytes, and so count as `byte / 255` in a batch like those of every image; features of any
/// other kind become 32-bit floats as they are. Images come out as `[channels, height, width]`, rows as `[features]`.
/// Whole numbers as targets are classes, called `"0"` up to the largest in the training part.
#[derive(Clone, Copy, Debug)]
pub struct NumpyDataset;

impl NumpyDataset {
    /// Loads `(train, test)` from an `.npz` file that holds both, such as Keras's `mnist.npz`.
    ///
    /// ```no_run
    /// use fireclay_datasets::{NumpyDataset, NumpyOptions};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let (train, test) = NumpyDataset::load_npz("mnist.npz".as_ref(), &NumpyOptions::default())?;
    /// assert_eq!((train.shape(), test.len()), (&[1, 28, 28][..], 10_000));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DatasetsError::File`] if an array is missing or broken, or if they do not fit one another;
    /// [`DataError::NotFinite`](fireclay_data::DataError::NotFinite) if a feature or target is NaN or infinite.
    pub fn load_npz(path: &Path, options: &NumpyOptions) -> Result<(Dataset, Dataset), DatasetsError> {
        let mut npz = Npz::open(path)?;
        let [x_train, y_train, x_test, y_test] = &options.names;
        let refuse = |problem| refuse(path, problem);
        let (features, targets) = (npz.array(x_train)?, npz.array(y_train)?);
        let layout = layout_of(&features, options).map_err(refuse)?;
        let train = dataset(path, "train", features, targets, layout, options.targets, None)?;
        let (features, targets) = (npz.array(x_test)?, npz.array(y_test)?);
        let test = dataset(path, "test", features, targets, layout, options.targets, Some(&train))?;
        Ok((train, test))
    }

    /// Loads the training part, and the test part if there is one, from an `.npz` file ([`load_npz`](Self::load_npz)) or a folder of
    /// `.npy` files ([`load_shards`](Self::load_shards)), which stay where they are from [`Bytes::MAP_ABOVE`](fireclay_data::Bytes::MAP_ABOVE) on.
    ///
    /// # Errors
    /// As those.
    pub fn load(path: &Path, options: &NumpyOptions) -> Result<(Dataset, Option<Dataset>), DatasetsError> {
        if path.is_dir() {
            return Self::load_shards(path, options, fireclay_data::Bytes::MAP_ABOVE);
        }
        match Self::has_test_part(path, options)? {
            true => Self::load_npz(path, options).map(|(train, test)| (train, Some(test))),
            false => Ok((Self::load_npz_whole(path, options)?, None)),
        }
    }

    /// The shape of the training features of an `.npz` file or a folder of `.npy` files, `[samples, ..]`.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub fn training_shape(path: &Path, options: &NumpyOptions) -> Result<Vec<usize>, DatasetsError> {
        match path.is_dir() {
            true => Self::shape_of_shards(path, options),
            false => Ok(Npz::open(path)?.array(&options.names[0])?.shape),
        }
    }

    /// Whether an `.npz` file has arrays for a test part, or a folder files of one.
    ///
    /// # Errors
    /// As [`Npz::open`], or if the folder cannot be read.
    pub fn has_test_part(path: &Path, options: &NumpyOptions) -> Result<bool, DatasetsError> {
        if path.is_dir() {
            return Self::shards_have_test_part(path, options);
        }
        let npz = Npz::open(path)?;
        Ok(npz.names().any(|name| name == options.names[2]))
    }

    /// Loads the training arrays of an `.npz` file alone, as one set.
    ///
    /// # Errors
    /// As [`NumpyDataset::load_npz`].
    pub fn load_npz_whole(path: &Path, options: &NumpyOptions) -> Result<Dataset, DatasetsError> {
        let mut npz = Npz::open(path)?;
        let [x_train, y_train, ..] = &options.names;
        let (features, targets) = (npz.array(x_train)?, npz.array(y_train)?);
        let layout = layout_of(&features, options).map_err(|problem| refuse(path, problem))?;
        dataset(path, "all", features, targets, layout, options.targets, None)
    }

    /// Loads one set from two `.npy` files.
    ///
    /// # Errors
    /// As [`NumpyDataset::load_npz`].
    pub fn load_npy(
        features: &Path,
        targets: &Path,
        options: &NumpyOptions,
    ) -> Result<Dataset, DatasetsError> {
        let (array, labels) = (NpyArray::read(features)?, NpyArray::read(targets)?);
        let layout = layout_of(&array, options).map_err(|problem| refuse(features, problem))?;
        dataset(features, "all", array, labels, layout, options.targets, None)
    }

    /// Loads another set, such as the test part, with the shape and the classes of `train`.
    ///
    /// # Errors
    /// As [`NumpyDataset::load_npz`].
    pub fn load_npy_like(
        train: &Dataset,
        features: &Path,
        targets: &Path,
        options: &NumpyOptions,
    ) -> Result<Dataset, DatasetsError> {
        let (array, labels) = (NpyArray::read(features)?, NpyArray::read(targets)?);
        let layout = layout_of(&array, options).map_err(|problem| refuse(features, problem))?;
        dataset(features, "test", array, labels, layout, options.targets, Some(train))
    }
}

/// What layout an array has.
fn layout_of(features: &NpyArray, options: &NumpyOptions) -> Result<ImageLayout, NumpyProblem> {
    resolve(&features.shape, matches!(features.values, NpyValues::U8(_)), options.layout)
}

/// What a layout that is to be guessed is.
pub(super) fn resolve(
    shape: &[usize],
    is_bytes: bool,
    layout: ImageLayout,
) -> Result<ImageLayout, NumpyProblem> {
    if layout != ImageLayout::Guess {
        return Ok(layout);
    }
    let channels = |dim: usize| matches!(dim, 1 | 3 | 4);
    match *shape {
        [_] | [_, _] => Ok(ImageLayout::AsTheyAre),
        [_, _, _] if is_bytes => Ok(ImageLayout::Grey),
        [_, _, _] => {
            let ways = "grey images, or as many sequences of rows";
            Err(NumpyProblem::Ambiguous { shape: shape.to_vec(), ways })
        }
        [_, first, _, last] => match (channels(first), channels(last)) {
            (false, true) => Ok(ImageLayout::ChannelsLast),
            (true, false) => Ok(ImageLayout::ChannelsFirst),
            _ => {
                let ways = "channels first, channels last, or neither";
                Err(NumpyProblem::Ambiguous { shape: shape.to_vec(), ways })
            }
        },
        [] => Err(NumpyProblem::Samples { shape: shape.to_vec(), expected: "at least one dimension" }),
        _ => Err(NumpyProblem::Ambiguous { shape: shape.to_vec(), ways: "more than four dimensions" }),
    }
}

fn dataset(
    path: &Path,
    split: &str,
    features: NpyArray,
    targets: NpyArray,
    layout: ImageLayout,
    kind: NumpyTargets,
    train: Option<&Dataset>,
) -> Result<Dataset, DatasetsError> {
    let refuse = |problem| refuse(path, problem);
    let samples = features.shape.first().copied().unwrap_or(0);
    let shape = sample_shape(&features.shape, layout).map_err(refuse)?;
    if let Some(train) = train
        && train.shape() != shape
    {
        return Err(refuse(NumpyProblem::Shapes { train: train.shape().to_vec(), test: shape }));
    }
    let targets = to_targets(targets, samples, kind, train).map_err(refuse)?;
    let channels_last = layout == ImageLayout::ChannelsLast;
    let name = file_name(path);
    let mut provenance =
        Provenance::new(name.clone(), split, format!("NumPy arrays in {name}")).of_own_data();
    match features.values {
        NpyValues::U8(values) => {
            let values = if channels_last { channels_first(&values, &shape).into() } else { values };
            provenance.sha256 = Some(sha256::hex(&digest::of_bytes_and_targets(&values, &targets)));
            Ok(Dataset::from_u8(&shape, values, targets, Normalization::none(), provenance)?)
        }
        other => {
            let values = match other {
                NpyValues::F32(values) => values,
                other => other.to_f32(),
            };
            let values = if channels_last { channels_first(&values, &shape) } else { values };
            provenance.sha256 = Some(sha256::hex(&digest::of_floats(&values, &targets)));
            Ok(Dataset::from_f32(&shape, values, targets, provenance)?)
        }
    }
}

/// The shape of one sample, channels first.
pub(super) fn sample_shape(shape: &[usize], layout: ImageLayout) -> Result<Vec<usize>, NumpyProblem> {
    let refuse = |expected| Err(NumpyProblem::Samples { shape: shape.to_vec(), expected });
    if shape.contains(&0) {
        return refuse("no dimension of 0");
    }
    match (layout, shape) {
        (ImageLayout::Grey, [_, height, width]) => Ok(vec![1, *height, *width]),
        (ImageLayout::Grey, _) => refuse("[samples, height, width]"),
        (ImageLayout::ChannelsLast, [_, height, width, channels]) => Ok(vec![*channels, *height, *width]),
        (ImageLayout::ChannelsLast, _) => refuse("[samples, height, width, channels]"),
        (ImageLayout::ChannelsFirst, [_, channels, height, width]) => Ok(vec![*channels, *height, *width]),
        (ImageLayout::ChannelsFirst, _) => refuse("[samples, channels, height, width]"),
        (_, [_]) => Ok(vec![1]),
        (_, [_, sample @ ..]) => Ok(sample.to_vec()),
        (_, []) => refuse("at least one dimension"),
    }
}

/// Each sample from `[height, width, channels]` to `[channels, height, width]`, which is `shape`.
pub(super) fn channels_first<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let channels = shape.first().copied().unwrap_or(1);
    let mut ordered = Vec::with_capacity(values.len());
    for sample in values.chunks_exact(shape.iter().product()) {
        for channel in 0..channels {
            ordered.extend(sample.iter().skip(channel).step_by(channels));
        }
    }
    ordered
}

pub(super) fn to_targets(
    targets: NpyArray,
    samples: usize,
    kind: NumpyTargets,
    train: Option<&Dataset>,
) -> Result<Targets, NumpyProblem> {
    let count = targets.shape.first().copied().unwrap_or(0);
    if count != samples {
        return Err(NumpyProblem::Counts { features: samples, targets: count });
    }
    let single = targets.values.len() == samples;
    let integers = targets.values.integers().filter(|_| single && kind != NumpyTargets::Values);
    let Some(integers) = integers else {
        if kind == NumpyTargets::Classes {
            let kind = if single { "floats" } else { "several numbers" };
            return Err(NumpyProblem::NoLabels { kind, shape: targets.shape });
        }
        let width = targets.values.len() / samples.max(1);
        return Ok(Targets::Values { width, values: targets.values.to_f32() });
    };
    let known = train.map(|train| train.class_names());
    let most = known.map_or(MOST_CLASSES, <[String]>::len);
    let mut labels = Vec::with_capacity(samples);
    for (index, label) in integers.enumerate() {
        match u32::try_from(label) {
            Ok(fits) if (fits as usize) < most => labels.push(fits),
            _ => return Err(NumpyProblem::Label { index, label, most: most.saturating_sub(1) }),
        }
    }
    let names = match known {
        Some(known) => known.to_vec(),
        None => {
            let classes = labels.iter().max().map_or(0, |largest| *largest + 1);
            (0..classes).map(|class| class.to_string()).collect()
        }
    };
    Ok(Targets::Classes { labels, names })
}
