//! What stands in for `enabled.rs` without the feature `archives`.

use std::io::BufRead;
use std::path::Path;

use super::{Idx, IdxKind};
use crate::DatasetsError;

pub(super) fn read_packed(
    path: &Path,
    _kind: IdxKind,
    _file: impl BufRead,
    _file_bytes: u64,
) -> Result<Idx, DatasetsError> {
    Err(DatasetsError::MissingFeature { path: path.to_owned(), what: "a gzip file", feature: "archives" })
}
