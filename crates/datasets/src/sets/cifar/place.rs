//! Where the files of a set are in a folder that someone named.

use std::path::{Path, PathBuf};

use super::class_names;
use super::layout::Layout;
use super::records::{Content, MOST_FILE_BYTES};
use crate::formats::{ArchiveLimits, read_archive};
use crate::{DatasetsError, SetProblem};

/// What a folder holds of a set.
pub(super) struct Found {
    /// One for each file of the layout.
    pub(super) contents: Vec<Content>,
    pub(super) class_names: Vec<String>,
    /// The name of the archive they are from.
    pub(super) archive: Option<String>,
}

/// Finds unpacked files, or else the archive, in `folder` or where the cache would have them.
pub(super) fn find(layout: &'static Layout, column: usize, folder: &Path) -> Result<Found, DatasetsError> {
    // A folder that cannot be looked into is another error than a file missing from it.
    std::fs::read_dir(folder).map_err(|source| DatasetsError::Read { path: folder.to_owned(), source })?;
    let places = [folder.to_owned(), folder.join(layout.cache)];
    for place in &places {
        for place in [place.clone(), place.join(layout.folder)] {
            if let Some(contents) = unpacked(layout, &place)? {
                let class_names = class_names::of_folder(layout, column, &place)?;
                return Ok(Found { contents, class_names, archive: None });
            }
        }
    }
    for place in &places {
        let path = place.join(layout.archive);
        if path.exists() {
            let (contents, names) = read_packed(layout, column, &path)?;
            let class_names = match names {
                Some(content) => {
                    let path = path.join(layout.labels[column].names_file);
                    class_names::parse(layout, column, &path, &content)?
                }
                None => class_names::known(layout, column),
            };
            return Ok(Found { contents, class_names, archive: Some(layout.archive.to_owned()) });
        }
    }
    let files: Vec<&str> = layout.files.iter().map(|file| file.name).collect();
    let expected = format!(
        "the files {} of {} or the archive {}, there or in the sub-folder {} or {}",
        files.join(", "),
        layout.name,
        layout.archive,
        layout.folder,
        layout.cache
    );
    Err(DatasetsError::Set { path: folder.to_owned(), problem: SetProblem::Missing { expected } })
}

/// The unpacked files in `place`: all of them, or `None` if there is not a single one.
pub(super) fn unpacked(layout: &Layout, place: &Path) -> Result<Option<Vec<Content>>, DatasetsError> {
    let path = |name| place.join(name);
    let (there, missing): (Vec<_>, Vec<_>) = layout.files.iter().partition(|file| path(file.name).exists());
    match (there.first(), missing.first()) {
        (None, _) => Ok(None),
        (Some(there), Some(missing)) => {
            let problem = SetProblem::MissingFile { name: missing.name, other: there.name };
            Err(DatasetsError::Set { path: place.to_owned(), problem })
        }
        (Some(_), None) => Ok(Some(there.iter().map(|file| Content::File(path(file.name))).collect())),
    }
}

/// The files of a set in its archive, and the file of class names if it is there.
pub(super) fn read_packed(
    layout: &'static Layout,
    column: usize,
    archive: &Path,
) -> Result<(Vec<Content>, Option<Vec<u8>>), DatasetsError> {
    let names_file = layout.labels[column].names_file;
    let wanted: Vec<&str> = layout.files.iter().map(|file| file.name).chain([names_file]).collect();
    // The archive unpacks to a folder; one packed anew may do without.
    let position = |name: &str| {
        let name = name.strip_prefix(layout.folder).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        wanted.iter().position(|wanted| *wanted == name)
    };
    let limits = ArchiveLimits {
        entries: 1_000,
        entry_bytes: MOST_FILE_BYTES,
        total_bytes: 2 * MOST_FILE_BYTES,
        // Photographs hardly pack at all.
        ratio: 32,
    };
    let mut found: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
    read_archive(archive, &limits, &|name| position(name).is_some(), &mut |name, content| {
        let Some(place) = position(name).and_then(|position| found.get_mut(position)) else {
            return Ok(());
        };
        if place.replace(content).is_some() {
            let problem = crate::ArchiveProblem::Twice { name: name.to_owned() };
            return Err(DatasetsError::Archive { path: archive.to_owned(), problem });
        }
        Ok(())
    })?;
    let names = found.pop().flatten();
    let mut contents = Vec::new();
    for (file, content) in layout.files.iter().zip(found) {
        let Some(content) = content else {
            let problem = SetProblem::MissingEntry { name: file.name };
            return Err(DatasetsError::Set { path: archive.to_owned(), problem });
        };
        let path: PathBuf = archive.join(file.name);
        contents.push(Content::Memory(path, content));
    }
    Ok((contents, names))
}
