//! CIFAR-10 and CIFAR-100 in their binary version.
//!
//! Small photographs by A. Krizhevsky, V. Nair and G. Hinton, <https://www.cs.toronto.edu/~kriz/cifar.html>, described
//! in A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; published without a licence, for
//! research. Images are `[3, 32, 32]` bytes, red, green and blue planes of 32 rows, `0..=255`. 50,000 images train,
//! 10,000 test, as many of each class.

mod cache;
mod class_names;
mod layout;
mod place;
mod records;

use fireclay_data::{Dataset, Normalization, Provenance, Targets};
use layout::{CIFAR_10, CIFAR_100, Layout};
use place::Found;
use records::Split;

use crate::download::{DownloadProgress, RemoteFile};
use crate::{DataDir, DatasetsError};

/// CIFAR-10: ten classes, 6,000 photographs of each.
///
/// Images are `[3, 32, 32]` bytes; unless it is told otherwise a batch holds them as `byte / 255`. The classes are
/// airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck.
#[derive(Clone, Copy, Debug)]
pub struct Cifar10;

impl Cifar10 {
    /// The mean of each channel of the training images, in units of `byte / 255`.
    pub const STANDARD_MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];

    /// The standard deviation of each channel of the training images, in the same units.
    pub const STANDARD_STD: [f32; 3] = [0.2470, 0.2435, 0.2616];

    /// The normalization by mean and standard deviation of each channel that is customary for CIFAR-10.
    ///
    /// ```
    /// use fireclay_datasets::Cifar10;
    ///
    /// assert_eq!(Cifar10::standard().mean, [0.4914, 0.4822, 0.4465]);
    /// assert_eq!(Cifar10::standard().std, [0.2470, 0.2435, 0.2616]);
    /// ```
    pub fn standard() -> Normalization {
        Normalization { mean: Self::STANDARD_MEAN.to_vec(), std: Self::STANDARD_STD.to_vec() }
    }

    /// The published archive, with its address, size and digest.
    pub fn remote_files() -> Vec<RemoteFile> {
        vec![CIFAR_10.remote_file()]
    }

    /// Loads `(train, test)`.
    ///
    /// From a named folder: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, or the published archive
    /// `cifar-10-binary.tar.gz`, in it or in its sub-folder `cifar-10-batches-bin` or `cifar-10`; whatever is missing
    /// or broken there is an error, never a download. Class names are read from `batches.meta.txt` where there is one.
    /// Without a name: the cache, into which the published archive is downloaded, verified and unpacked the first time.
    /// Unpacked files are compared with their digests at each use; damaged ones are unpacked again.
    ///
    /// Records other than the published ones are read the same way: the set is then called `"CIFAR-10 records"`. The
    /// digest of a split ([`Provenance::sha256`]) is the SHA-256 of its files' SHA-256 digests, 32 bytes each, in order.
    ///
    /// ```no_run
    /// use fireclay_datasets::{Cifar10, DataDir};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let (train, test) = Cifar10::load(&DataDir::default())?;
    /// assert_eq!((train.len(), test.len()), (50_000, 10_000));
    /// assert_eq!(train.class_names()[3], "cat");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a file is missing or broken, or cannot be downloaded; see [`DatasetsError::is_offline`] for the case without a
    /// network.
    pub fn load(dir: &DataDir) -> Result<(Dataset, Dataset), DatasetsError> {
        Self::load_with(dir, &|_| {})
    }

    /// Loads `(train, test)` like [`Cifar10::load`], and calls `progress` as downloads advance.
    ///
    /// # Errors
    /// As [`Cifar10::load`].
    pub fn load_with(
        dir: &DataDir,
        progress: &dyn Fn(DownloadProgress<'_>),
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        load(&CIFAR_10, 0, dir, progress)
    }
}

/// CIFAR-100: a hundred classes, 600 photographs of each, in twenty groups of five.
///
/// Images are as in [`Cifar10`]. Each has a fine label (apple, aquarium fish, ...) and a coarse one (fruit and
/// vegetables, fish, ...).
#[derive(Clone, Copy, Debug)]
pub struct Cifar100;

impl Cifar100 {
    /// The mean of each channel of the training images, in units of `byte / 255`.
    pub const STANDARD_MEAN: [f32; 3] = [0.5071, 0.4865, 0.4409];

    /// The standard deviation of each channel of the training images, in the same units.
    pub const STANDARD_STD: [f32; 3] = [0.2673, 0.2564, 0.2762];

    /// The normalization by mean and standard deviation of each channel that is customary for CIFAR-100.
    ///
    /// ```
    /// use fireclay_datasets::Cifar100;
    ///
    /// assert_eq!(Cifar100::standard().mean, [0.5071, 0.4865, 0.4409]);
    /// ```
    pub fn standard() -> Normalization {
        Normalization { mean: Self::STANDARD_MEAN.to_vec(), std: Self::STANDARD_STD.to_vec() }
    }

    /// The published archive, with its address, size and digest.
    pub fn remote_files() -> Vec<RemoteFile> {
        vec![CIFAR_100.remote_file()]
    }

    /// Loads `(train, test)` with the 100 fine labels.
    ///
    /// From a named folder: `train.bin` and `test.bin`, or the published archive `cifar-100-binary.tar.gz`, in it or in
    /// its sub-folder `cifar-100-binary` or `cifar-100`. Class names are read from `fine_label_names.txt` where there is
    /// one. Everything else is as for [`Cifar10::load`].
    ///
    /// ```no_run
    /// use fireclay_datasets::{Cifar100, DataDir};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let (train, _test) = Cifar100::load(&DataDir::default())?;
    /// assert_eq!(train.class_names()[99], "worm");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Cifar10::load`].
    pub fn load(dir: &DataDir) -> Result<(Dataset, Dataset), DatasetsError> {
        Self::load_with(dir, &|_| {})
    }

    /// Loads `(train, test)` like [`Cifar100::load`], and calls `progress` as downloads advance.
    ///
    /// # Errors
    /// As [`Cifar10::load`].
    pub fn load_with(
        dir: &DataDir,
        progress: &dyn Fn(DownloadProgress<'_>),
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        load(&CIFAR_100, 1, dir, progress)
    }

    /// Loads `(train, test)` with the 20 coarse labels; their names are from `coarse_label_names.txt`.
    ///
    /// ```no_run
    /// use fireclay_datasets::{Cifar100, DataDir};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let (train, _test) = Cifar100::load_coarse(&DataDir::default())?;
    /// assert_eq!(train.class_names()[1], "fish");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Cifar10::load`].
    pub fn load_coarse(dir: &DataDir) -> Result<(Dataset, Dataset), DatasetsError> {
        Self::load_coarse_with(dir, &|_| {})
    }

    /// Loads `(train, test)` like [`Cifar100::load_coarse`], and calls `progress` as downloads advance.
    ///
    /// # Errors
    /// As [`Cifar10::load`].
    pub fn load_coarse_with(
        dir: &DataDir,
        progress: &dyn Fn(DownloadProgress<'_>),
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        load(&CIFAR_100, 0, dir, progress)
    }
}

/// Both splits, labelled by the label that is `column` in a record.
fn load(
    layout: &'static Layout,
    column: usize,
    dir: &DataDir,
    progress: &dyn Fn(DownloadProgress<'_>),
) -> Result<(Dataset, Dataset), DatasetsError> {
    let folder = dir.path()?;
    let (splits, names, archive) = if dir.is_named() {
        let Found { contents, class_names, archive } = place::find(layout, column, folder)?;
        (records::read(layout, column, contents)?, class_names, archive)
    } else {
        (cache::read(layout, column, folder, progress)?, class_names::known(layout, column), None)
    };
    let [train, test] = splits;
    let is_published = train.is_published && test.is_published;
    let dataset = |split: Split, part: &str| {
        let name = if is_published { layout.name } else { layout.other_name };
        let source = archive.as_ref().map_or_else(|| split.files(), |name| format!("archive {name}"));
        let mut provenance = Provenance::new(name, part, source);
        provenance.sha256 = Some(split.sha256);
        let labels = split.labels.into_iter().map(u32::from).collect();
        let targets = Targets::Classes { labels, names: names.clone() };
        Dataset::from_u8(&layout::SHAPE, split.pixels, targets, Normalization::none(), provenance)
    };
    Ok((dataset(train, "train")?, dataset(test, "test")?))
}
