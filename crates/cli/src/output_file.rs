//! Files that commands write.

use std::path::Path;

use fireclay::data::check_writable;

use crate::error::CommandError;
use crate::exit::UsageError;

/// Whether two paths lead to one file; one that is not there is no other's.
pub fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Refuses, before any work, a place where no file can be written; `flag` is the one that names it.
///
/// # Errors
/// A [`UsageError`] that says why.
pub fn check_output(path: &Path, flag: &'static str) -> anyhow::Result<()> {
    let wrong =
        |problem: String| Err(UsageError::of(CommandError::Out { path: path.to_path_buf(), problem, flag }));
    match path.parent().filter(|folder| *folder != Path::new("")) {
        Some(folder) if !folder.is_dir() => wrong(format!("the folder {} does not exist", folder.display())),
        _ => check_writable(path).or_else(|error| wrong(error.to_string())),
    }
}
