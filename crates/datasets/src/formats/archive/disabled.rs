//! What stands in for `enabled/mod.rs` without the feature `archives`.

use std::path::Path;

use super::{ArchiveLimits, Each};
use crate::DatasetsError;

pub(super) fn read(
    path: &Path,
    _limits: &ArchiveLimits,
    _wanted: &dyn Fn(&str) -> bool,
    _each: &mut Each<'_>,
) -> Result<(), DatasetsError> {
    Err(DatasetsError::MissingFeature { path: path.to_owned(), what: "a tar archive", feature: "archives" })
}
