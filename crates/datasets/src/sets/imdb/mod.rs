//! The Large Movie Review Dataset.
//!
//! Reviews from the Internet Movie Database, collected by A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and
//! C. Potts, "Learning Word Vectors for Sentiment Analysis", ACL 2011, <https://ai.stanford.edu/~amaas/data/sentiment/>,
//! version 1.0; published without a licence, for research. A review is negative (label 0) if its author gave 1 to 4
//! stars of 10, positive (label 1) for 7 to 10. 25,000 reviews train, 25,000 test, half of each kind; no film is in
//! both. The 50,000 reviews without a label are not read.

mod digest;
mod name;
mod place;
mod reviews;

use fireclay_text::Texts;
use place::Place;

use crate::download::{DownloadProgress, RemoteFile, fetch};
use crate::{DataDir, DatasetsError};

/// The sub-folder of the cache.
const SUBFOLDER: &str = "imdb";

const ARCHIVE: &str = "aclImdb_v1.tar.gz";

/// The IMDB reviews, or one's own in the same folders.
///
/// Texts are exactly as published, `<br />` and all; the classes are `"neg"` and `"pos"`.
#[derive(Clone, Copy, Debug)]
pub struct Imdb;

impl Imdb {
    /// The published archive, with its address, size and digest.
    pub fn remote_files() -> Vec<RemoteFile> {
        vec![RemoteFile {
            name: ARCHIVE.to_owned(),
            sha256: "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe".to_owned(),
            bytes: 84_125_825,
            urls: vec![format!("https://ai.stanford.edu/~amaas/data/sentiment/{ARCHIVE}")],
        }]
    }

    /// Loads `(train, test)`.
    ///
    /// From a named folder, or its sub-folder `imdb`: the unpacked folders `train/neg`, `train/pos`, `test/neg` and
    /// `test/pos`, there or in the sub-folder `aclImdb`; or the published archive `aclImdb_v1.tar.gz`, or another that
    /// unpacks to those folders. Whatever is missing or broken there is an error, never a download. Without a name: the
    /// cache, into which the published archive is downloaded and verified the first time.
    ///
    /// A review is a file `NUMBER_RATING.txt` in UTF-8; reviews are in the order of label, number and rating. Those
    /// other than the published ones are read the same way: the set is then called `"movie reviews"`. The digest of a
    /// split ([`Provenance::sha256`](fireclay_data::Provenance::sha256)) is the SHA-256 of each text after its length in bytes
    /// as eight bytes, the lowest first, then of one byte for each label.
    ///
    /// ```no_run
    /// use fireclay_datasets::{DataDir, Imdb};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let (train, test) = Imdb::load(&DataDir::default())?;
    /// assert_eq!((train.len(), test.len()), (25_000, 25_000));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a folder of reviews is missing, a file is broken, not UTF-8 or not named as a review, or the archive cannot be
    /// downloaded; see [`DatasetsError::is_offline`] for the case without a network.
    pub fn load(dir: &DataDir) -> Result<(Texts, Texts), DatasetsError> {
        Self::load_with(dir, &|_| {})
    }

    /// Loads `(train, test)` like [`Imdb::load`], and calls `progress` as downloads advance.
    ///
    /// # Errors
    /// As [`Imdb::load`].
    pub fn load_with(
        dir: &DataDir,
        progress: &dyn Fn(DownloadProgress<'_>),
    ) -> Result<(Texts, Texts), DatasetsError> {
        let folder = dir.path()?;
        let place = if dir.is_named() {
            place::find(folder)?
        } else {
            let [archive] = &Self::remote_files()[..] else { unreachable!("there is one") };
            Place::Archive(fetch(archive, &folder.join(SUBFOLDER), progress)?)
        };
        place.read()
    }
}
