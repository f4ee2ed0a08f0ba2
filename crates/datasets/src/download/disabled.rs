//! What stands in for `enabled/mod.rs` without the feature `download`.

use std::path::Path;

use super::{DownloadProgress, FetchOptions, RemoteFile};
use crate::DatasetsError;

pub(super) fn run(
    _file: &RemoteFile,
    target: &Path,
    _progress: &dyn Fn(DownloadProgress<'_>),
    _options: FetchOptions,
) -> Result<(), DatasetsError> {
    Err(DatasetsError::MissingFeature {
        path: target.to_owned(),
        what: "a file to download",
        feature: "download",
    })
}
