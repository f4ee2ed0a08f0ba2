//! The published sets of images, and the synthetic ones for machines without files and network.

use std::path::Path;
use std::sync::Arc;

use fireclay::data::{
    Cifar10, Cifar100, DataDir, Dataset, DatasetsError, DownloadProgress, DrawnDigits, DrawnObjects, Mnist,
};
use serde::{Deserialize, Serialize};

use super::ImageSource;
use crate::limit::Limit;
use crate::output::Output;
use crate::progress::DownloadBar;

/// The synthetic images are always the same, so that models can be compared: `--seed` does not change them.
const SYNTHETIC_SEED: u64 = 0;

/// A family of published sets of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishedImages {
    /// MNIST, or any other set in its four IDX files.
    Mnist,
    /// CIFAR-10 or CIFAR-100, in their binary records.
    Cifar,
}

impl PublishedImages {
    /// `[channels, height, width]` of the images.
    pub fn shape(self) -> [usize; 3] {
        match self {
            PublishedImages::Mnist => [1, 28, 28],
            PublishedImages::Cifar => [3, 32, 32],
        }
    }

    /// The names that its data sets have in model files, and that of the synthetic one.
    pub fn names(self) -> (&'static [&'static str], &'static str) {
        match self {
            PublishedImages::Mnist => (&["MNIST", "IDX data set"], "drawn digits"),
            PublishedImages::Cifar => {
                (&["CIFAR-10", "CIFAR-10 records", "CIFAR-100", "CIFAR-100 records"], "drawn objects")
            }
        }
    }

    /// Where the images of a data set are that a model file names.
    pub fn known_source(self, dataset: &str) -> Option<ImageSource> {
        let (published, synthetic) = self.names();
        match dataset {
            _ if published.contains(&dataset) => Some(ImageSource::Default),
            _ if dataset == synthetic => Some(ImageSource::Synthetic),
            _ => None,
        }
    }

    /// Training and test images out of their files.
    ///
    /// # Errors
    /// What is wrong with the files, or with fetching them.
    pub fn load(self, dir: &DataDir, output: &Arc<Output>) -> Result<(Dataset, Dataset), DatasetsError> {
        let bar = DownloadBar::new(output.clone());
        let show = |progress: DownloadProgress<'_>| bar.show(&progress);
        match self {
            PublishedImages::Mnist => Mnist::load_with(dir, &show),
            // CIFAR-100 with its fine labels where a folder that was named holds that and not CIFAR-10.
            PublishedImages::Cifar => match dir.is_named() && holds_cifar_100(dir.path()?) {
                true => Cifar100::load_with(dir, &show),
                false => Cifar10::load_with(dir, &show),
            },
        }
    }

    /// Synthetic training and test images, no more of them than are used.
    pub fn synthetic(self, limit: Limit) -> (Dataset, Dataset) {
        match self {
            PublishedImages::Mnist => {
                DrawnDigits::new(SYNTHETIC_SEED).train_and_test(limit.of(30_000), limit.of(5_000))
            }
            PublishedImages::Cifar => {
                DrawnObjects::new(SYNTHETIC_SEED).train_and_test(limit.of(20_000), limit.of(4_000))
            }
        }
    }

    /// The synthetic test images alone.
    pub fn synthetic_test(self, limit: Limit) -> Dataset {
        match self {
            PublishedImages::Mnist => DrawnDigits::new(SYNTHETIC_SEED).train_and_test(0, limit.of(5_000)).1,
            PublishedImages::Cifar => DrawnObjects::new(SYNTHETIC_SEED).train_and_test(0, limit.of(4_000)).1,
        }
    }
}

fn holds_cifar_100(folder: &Path) -> bool {
    let holds = |names: &[&str]| names.iter().any(|name| folder.join(name).exists());
    holds(&["train.bin", "cifar-100-binary", "cifar-100-binary.tar.gz"])
        && !holds(&["data_batch_1.bin", "cifar-10-batches-bin", "cifar-10-binary.tar.gz"])
}
