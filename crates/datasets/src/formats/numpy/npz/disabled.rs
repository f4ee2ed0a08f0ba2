//! What stands in for `enabled.rs` without the feature `archives`: an archive that never opens.

use std::convert::Infallible;
use std::path::Path;

use super::super::NpyArray;
use crate::DatasetsError;

/// An `.npz` file: arrays under names. This build lacks the feature `archives`, so there is none.
#[derive(Debug)]
pub struct Npz {
    never: Infallible,
}

impl Npz {
    /// Refuses the file.
    ///
    /// # Errors
    /// [`DatasetsError::MissingFeature`].
    pub fn open(path: &Path) -> Result<Self, DatasetsError> {
        Err(DatasetsError::MissingFeature {
            path: path.to_owned(),
            what: "an .npz file",
            feature: "archives",
        })
    }

    /// Refuses the bytes.
    ///
    /// # Errors
    /// [`DatasetsError::MissingFeature`].
    pub fn from_bytes(name: &str, _bytes: Vec<u8>) -> Result<Self, DatasetsError> {
        Self::open(Path::new(name))
    }

    /// The arrays' names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        match self.never {}
        #[allow(unreachable_code, reason = "it names the type of the iterator")]
        std::iter::empty()
    }

    /// Reads the array `name`.
    ///
    /// # Errors
    /// None: there is no such archive.
    pub fn array(&mut self, _name: &str) -> Result<NpyArray, DatasetsError> {
        match self.never {}
    }
}
