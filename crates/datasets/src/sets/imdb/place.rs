//! Where the reviews are in a folder that someone named, and reading them there.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use fireclay_text::Texts;
use rayon::prelude::*;

use super::name::{self, Folder, ROOT};
use super::reviews::{MOST_BYTES, MOST_REVIEW_BYTES, MOST_REVIEWS, Review, Reviews};
use super::{ARCHIVE, SUBFOLDER};
use crate::formats::{ArchiveLimits, read_archive};
use crate::{DatasetsError, SetProblem};

/// How archives are called.
const ENDINGS: [&str; 3] = [".tar.gz", ".tgz", ".tar"];

/// Where the reviews are.
pub(super) enum Place {
    /// A folder that holds `train` and `test`.
    Folder(PathBuf),
    Archive(PathBuf),
}

/// Finds unpacked reviews, or else an archive, in `folder` or its sub-folder.
pub(super) fn find(folder: &Path) -> Result<Place, DatasetsError> {
    // A folder that cannot be looked into is another error than one without reviews.
    fs::read_dir(folder).map_err(|source| DatasetsError::Read { path: folder.to_owned(), source })?;
    let places = [folder.to_owned(), folder.join(SUBFOLDER)];
    for place in &places {
        for place in [place.clone(), place.join(ROOT)] {
            if Folder::ALL.iter().any(|part| place.join(part.name()).is_dir()) {
                return Ok(Place::Folder(place));
            }
        }
    }
    for place in &places {
        if let Some(archive) = find_archive(place)? {
            return Ok(Place::Archive(archive));
        }
    }
    let parts = Folder::ALL.map(Folder::name).join(", ");
    let expected = format!(
        "the folders {parts} or the archive {ARCHIVE}, there or in the sub-folder {ROOT} or {SUBFOLDER}"
    );
    Err(DatasetsError::Set { path: folder.to_owned(), problem: SetProblem::Missing { expected } })
}

/// The published archive in `place`, or else the only one.
fn find_archive(place: &Path) -> Result<Option<PathBuf>, DatasetsError> {
    let published = place.join(ARCHIVE);
    if published.is_file() {
        return Ok(Some(published));
    }
    if !place.is_dir() {
        return Ok(None);
    }
    let mut found: Vec<String> = (list(place)?.into_iter())
        .filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)) && place.join(name).is_file())
        .collect();
    match &mut found[..] {
        [] => Ok(None),
        [name] => Ok(Some(place.join(name))),
        _ => {
            found.truncate(5);
            Err(DatasetsError::Set { path: place.to_owned(), problem: SetProblem::SeveralArchives { found } })
        }
    }
}

/// The names in a folder, sorted; those that are not UTF-8 cannot be reviews or archives.
fn list(folder: &Path) -> Result<Vec<String>, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(read_error)? {
        if let Ok(name) = entry.map_err(read_error)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

impl Place {
    /// The reviews, `(train, test)`.
    pub(super) fn read(&self) -> Result<(Texts, Texts), DatasetsError> {
        match self {
            Place::Folder(path) => {
                read_folder(path)?.into_texts(path, "files train/*/*.txt and test/*/*.txt")
            }
            Place::Archive(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                read_packed(path)?.into_texts(path, &format!("archive {name}"))
            }
        }
    }
}

fn read_packed(path: &Path) -> Result<Reviews, DatasetsError> {
    let limits = ArchiveLimits {
        // The published archive has another review without a label for each with one.
        entries: 4 * MOST_REVIEWS,
        entry_bytes: MOST_REVIEW_BYTES,
        total_bytes: 4 * MOST_BYTES,
        // The published archive has 4.
        ratio: 32,
    };
    let mut reviews = Reviews::default();
    read_archive(path, &limits, &|name| name::split(name).is_some(), &mut |name, content| {
        if let Some((folder, file)) = name::split(name) {
            reviews.add(folder, Review::new(file, content, path, name)?);
        }
        Ok(())
    })?;
    Ok(reviews)
}

fn read_folder(root: &Path) -> Result<Reviews, DatasetsError> {
    let mut reviews = Reviews::default();
    let mut count = 0;
    let mut bytes = 0;
    for part in Folder::ALL {
        let place = root.join(part.name());
        if !place.is_dir() {
            let problem = SetProblem::NoReviews { folder: part.name() };
            return Err(DatasetsError::Set { path: root.to_owned(), problem });
        }
        let files: Vec<String> = list(&place)?.into_iter().filter(|name| name::is_text(name)).collect();
        count += files.len() as u64;
        within(root, "reviews", count, MOST_REVIEWS)?;
        // Some at a time, so that what is read is known before too much of it is.
        for files in files.chunks(1_024) {
            let outcomes: Vec<Result<Review, DatasetsError>> =
                files.par_iter().map(|file| read_file(root, part, file)).collect();
            for outcome in outcomes {
                let review = outcome?;
                bytes += review.len();
                reviews.add(part, review);
            }
            within(root, "bytes of all reviews", bytes, MOST_BYTES)?;
        }
    }
    Ok(reviews)
}

fn read_file(root: &Path, part: Folder, file: &str) -> Result<Review, DatasetsError> {
    let shown = format!("{}/{file}", part.name());
    let path = root.join(&shown);
    let read_error = |source| DatasetsError::Read { path: path.clone(), source };
    let metadata = fs::metadata(&path).map_err(read_error)?;
    if !metadata.is_file() {
        return Err(DatasetsError::NotAFile { path, expected: "a review" });
    }
    within(&path, "bytes of a review", metadata.len(), MOST_REVIEW_BYTES)?;
    let mut content = Vec::with_capacity(metadata.len() as usize);
    // It may have grown since its size was asked.
    let read = File::open(&path).and_then(|file| file.take(MOST_REVIEW_BYTES + 1).read_to_end(&mut content));
    let bytes = read.map_err(read_error)?;
    within(&path, "bytes of a review", bytes as u64, MOST_REVIEW_BYTES)?;
    Review::new(file, content, root, &shown)
}

fn within(path: &Path, what: &str, found: u64, limit: u64) -> Result<(), DatasetsError> {
    if found <= limit {
        return Ok(());
    }
    let problem = SetProblem::Limit { what: what.to_owned(), found, limit };
    Err(DatasetsError::Set { path: path.to_owned(), problem })
}
