//! Where data is looked for.
//!
//! A folder that someone named is read and never written: what is missing there is an error, not a download. Only
//! without a name is the user's cache folder used, and filled.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::DatasetsError;

/// The environment variable that names the data folder.
const VARIABLE: &str = "FIRECLAY_DATA";

/// Where data is looked for: a folder someone named, or the cache.
///
/// ```
/// use fireclay_datasets::DataDir;
///
/// assert!(DataDir::named("my-data").is_named());
/// assert!(!DataDir::cache_at("scratch").is_named());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Named(PathBuf),
    /// `None` where the user has no home folder; an error only once it is needed.
    Cache(Option<PathBuf>),
}

impl DataDir {
    /// A folder that holds the files, directly or in a sub-folder per set; nothing is ever downloaded into it.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        let place = Place::Named(path.into());
        Self { place }
    }

    /// A cache in another place than the usual one; files missing from it are downloaded into it.
    pub fn cache_at(path: impl Into<PathBuf>) -> Self {
        let place = Place::Cache(Some(path.into()));
        Self { place }
    }

    /// Where this crate keeps what can be made or fetched again: `fireclay` in the user's cache folder, whatever
    /// `FIRECLAY_DATA` says. `None` if the user has no home folder.
    pub fn cache() -> Option<PathBuf> {
        etcetera::choose_base_strategy().map(|strategy| strategy.cache_dir().join("fireclay")).ok()
    }

    /// Whether someone named this folder, so that nothing is downloaded.
    pub fn is_named(&self) -> bool {
        matches!(self.place, Place::Named(_))
    }

    /// The folder itself.
    ///
    /// # Errors
    /// [`DatasetsError::NoCacheFolder`] if none was named and the user has no home folder to keep a cache in.
    pub fn path(&self) -> Result<&Path, DatasetsError> {
        match &self.place {
            Place::Named(path) | Place::Cache(Some(path)) => Ok(path),
            Place::Cache(None) => Err(DatasetsError::NoCacheFolder),
        }
    }
}

impl Default for DataDir {
    /// The folder named by `FIRECLAY_DATA` if that is set and not empty, otherwise `fireclay` in the user's cache
    /// folder (`~/.cache/fireclay` on Linux).
    fn default() -> Self {
        match std::env::var_os(VARIABLE) {
            Some(path) if !path.is_empty() => Self::named(path),
            _ => Self { place: Place::Cache(Self::cache()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_home_is_an_error_only_when_needed() {
        let dir = DataDir { place: Place::Cache(None) };
        assert!(!dir.is_named());
        let message = dir.path().unwrap_err().to_string();
        assert!(message.contains("FIRECLAY_DATA"), "{message}");
    }
}
