//! MNIST, and any other set published as its four IDX files (Fashion-MNIST, EMNIST).
//!
//! Handwritten digits by Y. LeCun, C. Cortes and C. J. C. Burges, <http://yann.lecun.com/exdb/mnist/>, published under
//! the terms of CC BY-SA 3.0. Images are `[1, 28, 28]` bytes, white (255) on black (0), the digit in a box of 20 x 20
//! pixels placed by its centre of mass; labels 0 to 9 mean the digits. 60,000 images train, 10,000 test.

use std::path::{Path, PathBuf};

use fireclay_data::{Dataset, Normalization, Provenance, Targets, sha256};

use crate::download::{DownloadProgress, RemoteFile, fetch};
use crate::formats::{Idx, IdxKind, read_idx};
use crate::{DataDir, DatasetsError};

/// The sub-folder, of a named folder and of the cache.
const SUBFOLDER: &str = "mnist";

/// Where the published files are served.
const MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"];

/// One of the four files, as published.
struct Published {
    /// For messages.
    what: &'static str,
    /// Without `.gz`.
    name: &'static str,
    /// Another spelling in use, as unpacked by some tools.
    dotted: &'static str,
    /// Of the gzip file.
    sha256: &'static str,
    bytes: u64,
}

const TRAIN: [Published; 2] = [
    Published {
        what: "training images",
        name: "train-images-idx3-ubyte",
        dotted: "train-images.idx3-ubyte",
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        bytes: 9_912_422,
    },
    Published {
        what: "training labels",
        name: "train-labels-idx1-ubyte",
        dotted: "train-labels.idx1-ubyte",
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        bytes: 28_881,
    },
];

const TEST: [Published; 2] = [
    Published {
        what: "test images",
        name: "t10k-images-idx3-ubyte",
        dotted: "t10k-images.idx3-ubyte",
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        bytes: 1_648_877,
    },
    Published {
        what: "test labels",
        name: "t10k-labels-idx1-ubyte",
        dotted: "t10k-labels.idx1-ubyte",
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        bytes: 4_542,
    },
];

/// Of the image bytes followed by the label bytes, without headers.
const TRAIN_CONTENT: &str = "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b";
const TEST_CONTENT: &str = "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b";

/// The MNIST digits, or any other set in the same four IDX files.
///
/// Images are `[1, height, width]` bytes; unless it is told otherwise a batch holds them as `byte / 255`.
#[derive(Clone, Copy, Debug)]
pub struct Mnist;

impl Mnist {
    /// The mean pixel of the training images, in units of `byte / 255`.
    pub const STANDARD_MEAN: f32 = 0.1307;

    /// The standard deviation of the training images' pixels, in the same units.
    pub const STANDARD_STD: f32 = 0.3081;

    /// The normalization by mean and standard deviation that is customary for MNIST.
    ///
    /// ```
    /// use fireclay_datasets::Mnist;
    ///
    /// assert_eq!(Mnist::standard().mean, [0.1307]);
    /// ```
    pub fn standard() -> Normalization {
        Normalization::uniform(Self::STANDARD_MEAN, Self::STANDARD_STD)
    }

    /// The four files as published, with their mirrors, sizes and digests.
    pub fn remote_files() -> Vec<RemoteFile> {
        TRAIN.iter().chain(&TEST).map(remote_file).collect()
    }

    /// Loads `(train, test)`.
    ///
    /// From a named folder: its four files, or those in its sub-folder `mnist`, plain or gzip; whatever is missing or
    /// broken there is an error, never a download. Without a name: the cache, into which the published files are
    /// downloaded and verified the first time.
    ///
    /// Files other than MNIST's own are read the same way: the set is then called `"IDX data set"`, its classes
    /// `"0"`, `"1"` and so on up to the largest training label.
    ///
    /// ```no_run
    /// use fireclay_datasets::{DataDir, Mnist};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let (train, test) = Mnist::load(&DataDir::default())?;
    /// assert_eq!((train.len(), test.len()), (60_000, 10_000));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a file is missing, broken or does not fit the others, or cannot be downloaded; see
    /// [`DatasetsError::is_offline`] for the case without a network.
    pub fn load(dir: &DataDir) -> Result<(Dataset, Dataset), DatasetsError> {
        Self::load_with(dir, &|_| {})
    }

    /// Loads `(train, test)` like [`Mnist::load`], and calls `progress` as downloads advance.
    ///
    /// # Errors
    /// As [`Mnist::load`].
    pub fn load_with(
        dir: &DataDir,
        progress: &dyn Fn(DownloadProgress<'_>),
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let folder = dir.path()?;
        let locate = |published: &Published| {
            if dir.is_named() {
                find(folder, published)
            } else {
                fetch(&remote_file(published), &folder.join(SUBFOLDER), progress)
            }
        };
        let [train_images, train_labels] = [locate(&TRAIN[0])?, locate(&TRAIN[1])?];
        let [test_images, test_labels] = [locate(&TEST[0])?, locate(&TEST[1])?];
        let (train, test) =
            rayon::join(|| Pair::read(train_images, train_labels), || Pair::read(test_images, test_labels));
        let (train, test) = (train?, test?);
        if train.size != test.size {
            return Err(DatasetsError::ImageSizes {
                path: test.images_path,
                train: train.size,
                test: test.size,
            });
        }
        let is_mnist = train.sha256 == TRAIN_CONTENT && test.sha256 == TEST_CONTENT;
        let classes = train.labels.iter().max().map_or(0, |max| usize::from(*max) + 1);
        Ok((train.into_dataset("train", is_mnist, classes)?, test.into_dataset("test", is_mnist, classes)?))
    }
}

fn remote_file(published: &Published) -> RemoteFile {
    let name = format!("{}.gz", published.name);
    RemoteFile {
        urls: MIRRORS.iter().map(|m| format!("{m}{name}")).collect(),
        name,
        sha256: published.sha256.to_owned(),
        bytes: published.bytes,
    }
}

/// The file in `folder` or its sub-folder, under any of its spellings.
fn find(folder: &Path, published: &Published) -> Result<PathBuf, DatasetsError> {
    // A folder that cannot be looked into is another error than a file missing from it.
    std::fs::read_dir(folder).map_err(|source| DatasetsError::Read { path: folder.to_owned(), source })?;
    for place in [folder.to_owned(), folder.join(SUBFOLDER)] {
        for spelling in [published.name, published.dotted] {
            for name in [format!("{spelling}.gz"), spelling.to_owned()] {
                let path = place.join(name);
                if path.exists() {
                    return Ok(path);
                }
            }
        }
    }
    Err(DatasetsError::Missing {
        folder: folder.to_owned(),
        name: published.what,
        spellings: vec![published.name.to_owned(), published.dotted.to_owned()],
        subfolder: SUBFOLDER,
    })
}

/// The images and labels of one split.
struct Pair {
    images_path: PathBuf,
    labels_path: PathBuf,
    /// Height and width.
    size: [usize; 2],
    images: Vec<u8>,
    labels: Vec<u8>,
    sha256: String,
}

impl Pair {
    fn read(images_path: PathBuf, labels_path: PathBuf) -> Result<Self, DatasetsError> {
        let Idx { dims, values: images } = read_idx(&images_path, IdxKind::Images)?;
        let labels = read_idx(&labels_path, IdxKind::Labels)?.values;
        let [count, height, width] = dims[..] else {
            unreachable!("images are read with rank 3");
        };
        if count != labels.len() {
            return Err(DatasetsError::Counts {
                images_path,
                images: count,
                labels_path,
                labels: labels.len(),
            });
        }
        let sha256 = sha256::of_parts(&[&images, &labels]);
        Ok(Self { images_path, labels_path, size: [height, width], images, labels, sha256 })
    }

    fn into_dataset(self, split: &str, is_mnist: bool, classes: usize) -> Result<Dataset, DatasetsError> {
        let stray = self.labels.iter().position(|l| usize::from(*l) >= classes);
        if let Some(index) = stray {
            return Err(DatasetsError::FileLabel {
                label: u32::from(self.labels[index]),
                path: self.labels_path,
                index,
                classes,
            });
        }
        let name = if is_mnist { "MNIST" } else { "IDX data set" };
        let source = format!("files {} and {}", file_name(&self.images_path), file_name(&self.labels_path));
        let mut provenance = Provenance::new(name, split, source);
        provenance.sha256 = Some(self.sha256);
        let targets = Targets::Classes {
            labels: self.labels.into_iter().map(u32::from).collect(),
            names: (0..classes).map(|class| class.to_string()).collect(),
        };
        let [height, width] = self.size;
        let normalization = Normalization::none();
        Dataset::from_u8(&[1, height, width], self.images, targets, normalization, provenance)
    }
}

/// The last part of a path, never the whole of it: it goes into saved models.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
