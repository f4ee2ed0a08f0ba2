//! The files of a folder that has a sub-folder for each class.
//!
//! Links to folders are followed only where a class's folder is one, and never upwards, so that no loop is entered.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::FolderProblem;
use crate::DatasetsError;
use crate::error::shown;

/// Folders below a class's own.
const MOST_DEPTH: usize = 16;

/// Names kept for a report.
const MOST_EXAMPLES: usize = 5;

/// What the sub-folders of a folder that holds both parts of a set are called, in any case: the training part, and the one that
/// is held out, the preferred names first.
const TRAIN: [&str; 2] = ["train", "training"];
const HELD_OUT: [&str; 7] = ["test", "testing", "val", "valid", "validation", "dev", "eval"];
/// Of those, the names of test parts; the others are validation parts.
const TEST: [&str; 2] = ["test", "testing"];

/// Files that were passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Files and folders whose names begin with a dot, `__MACOSX` and `fireclay.toml`.
    pub hidden: usize,
    /// Files of other kinds, files outside of any class, links to folders, and whatever is neither file nor folder.
    pub other: usize,
    /// The names of the first few of the latter, relative to the folder.
    pub examples: Vec<String>,
}

/// A file of a class.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) class: u32,
    pub(super) bytes: u64,
    /// Nanoseconds since 1970; 0 where the file system does not say.
    #[cfg_attr(
        not(feature = "images"),
        expect(dead_code, reason = "the cache of decoded images asks for it")
    )]
    pub(super) modified: u128,
}

/// What a folder holds: files in the order of their classes, then of their paths.
pub(super) struct Listing {
    #[cfg_attr(not(feature = "images"), expect(dead_code, reason = "the reader of images asks for it"))]
    pub(super) folder: PathBuf,
    pub(super) classes: Vec<String>,
    pub(super) files: Vec<Found>,
    pub(super) skipped: Skipped,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// For messages, such as `"text files (.txt)"`.
    pub(super) expected: &'static str,
    /// In lower case.
    pub(super) extensions: &'static [&'static str],
    pub(super) most_files: usize,
    /// The classes of the training part, for a test part.
    pub(super) classes: Option<&'a [String]>,
}

/// The folders of both parts of a set.
pub(super) struct Parts {
    pub(super) train: PathBuf,
    pub(super) held_out: PathBuf,
    /// `test` or `validation`.
    pub(super) split: &'static str,
}

/// Whether a folder has sub-folders for both parts.
pub(super) fn has_parts(folder: &Path) -> bool {
    parts(folder).is_ok()
}

/// The folders of both parts.
pub(super) fn parts(folder: &Path) -> Result<Parts, DatasetsError> {
    // A folder that cannot be looked into is another error than one without parts.
    let entries = std::fs::read_dir(folder)
        .map_err(|source| DatasetsError::Read { path: folder.to_owned(), source })?;
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let find = |names: &[&'static str]| {
        names
            .iter()
            .find_map(|name| Some((*name, folders.iter().find(|path| is_called(path, name))?.clone())))
    };
    let missing = |missing| refuse(folder, FolderProblem::NoParts { missing });
    let (_, train) = find(&TRAIN).ok_or_else(|| missing("train"))?;
    let (name, held_out) = find(&HELD_OUT).ok_or_else(|| missing("test"))?;
    let split = if TEST.contains(&name) { "test" } else { "validation" };
    Ok(Parts { train, held_out, split })
}

fn is_called(path: &Path, name: &str) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// Whether a folder has the name of a part, and sub-folders as a part has.
fn is_part(path: &Path) -> bool {
    TRAIN.iter().chain(&HELD_OUT).any(|name| is_called(path, name)) && has_folders(path)
}

/// Whether a folder has a sub-folder that is not hidden.
fn has_folders(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.is_dir() && !path.file_name().is_none_or(is_hidden))
}

pub(super) fn refuse(path: &Path, problem: FolderProblem) -> DatasetsError {
    DatasetsError::File { path: path.to_owned(), problem: Box::new(problem.into()) }
}

/// Refuses a file where a folder is expected; an archive is called so.
fn check_folder(folder: &Path) -> Result<(), DatasetsError> {
    use std::io::Read;

    if !folder.is_file() {
        return Ok(());
    }
    let mut start = Vec::new();
    let read = std::fs::File::open(folder).and_then(|file| file.take(264).read_to_end(&mut start));
    read.map_err(|source| DatasetsError::Read { path: folder.to_owned(), source })?;
    let is_archive = start.starts_with(b"PK\x03\x04")
        || start.starts_with(&[0x1f, 0x8b])
        || start.starts_with(b"7z\xbc\xaf")
        || start.starts_with(b"Rar!")
        || start.get(257..262) == Some(b"ustar");
    let found =
        if is_archive { "an archive; unpack it and name the folder" } else { "a file; name the folder" };
    Err(refuse(folder, FolderProblem::NotAFolder { found }))
}

/// Lists a folder.
pub(super) fn list(folder: &Path, wanted: Wanted<'_>) -> Result<Listing, DatasetsError> {
    check_folder(folder)?;
    if wanted.classes.is_none() && has_parts(folder) {
        return Err(refuse(folder, FolderProblem::Parts));
    }
    let mut walk = Walk { folder, wanted, seen: 0, files: Vec::new(), skipped: Skipped::default() };
    let mut found = Vec::new();
    for path in walk.entries(folder)? {
        match path.file_name() {
            Some(name) if path.is_dir() && !leads_up(&path, folder) => match name.to_str() {
                Some(name) => found.push((name.to_owned(), path)),
                None => return Err(refuse(folder, FolderProblem::Name { name: shown(name) })),
            },
            _ => walk.skip(&path),
        }
    }
    if found.is_empty() {
        return Err(refuse(folder, FolderProblem::NoClasses));
    }
    if let Some((name, _)) = found.iter().find(|(_, path)| is_part(path)) {
        return Err(refuse(folder, FolderProblem::PartAmongClasses { name: name.clone() }));
    }
    // As archives unpack: a folder in a folder.
    if let ([(name, inner)], None) = (found.as_slice(), wanted.classes)
        && has_folders(inner)
    {
        return Err(refuse(folder, FolderProblem::Wrapped { name: name.clone(), inner: inner.clone() }));
    }
    let classes: Vec<String> = match wanted.classes {
        Some(known) => known.to_vec(),
        None => found.iter().map(|(name, _)| name.clone()).collect(),
    };
    let numbers: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    for (name, path) in found {
        let Some(class) = numbers.get(name.as_str()).copied() else {
            return Err(refuse(folder, FolderProblem::UnknownClass { class: name, known: classes.clone() }));
        };
        let before = walk.files.len();
        walk.class(path, class)?;
        if walk.files.len() == before && wanted.classes.is_none() {
            let problem = FolderProblem::EmptyClass { class: name, expected: wanted.expected };
            return Err(refuse(folder, problem));
        }
    }
    if walk.files.is_empty() {
        return Err(refuse(folder, FolderProblem::NoFiles { expected: wanted.expected }));
    }
    let Walk { mut files, skipped, .. } = walk;
    files.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
    Ok(Listing { folder: folder.to_owned(), classes, files, skipped })
}

/// Whether a link leads to a folder that it is in.
fn leads_up(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(target), Ok(folder)) => folder.starts_with(target),
        _ => true,
    }
}

struct Walk<'a> {
    folder: &'a Path,
    wanted: Wanted<'a>,
    /// Entries met, of all kinds.
    seen: usize,
    files: Vec<Found>,
    skipped: Skipped,
}

impl Walk<'_> {
    fn class(&mut self, folder: PathBuf, class: u32) -> Result<(), DatasetsError> {
        let mut open = vec![(folder, 0)];
        while let Some((folder, depth)) = open.pop() {
            for path in self.entries(&folder)? {
                let read_error = |source| DatasetsError::Read { path: path.clone(), source };
                let kind = std::fs::symlink_metadata(&path).map_err(read_error)?;
                if kind.is_dir() {
                    if depth + 1 > MOST_DEPTH {
                        return Err(refuse(&path, FolderProblem::TooDeep { limit: MOST_DEPTH }));
                    }
                    open.push((path, depth + 1));
                    continue;
                }
                let metadata = match kind.is_symlink() {
                    // A link that leads nowhere is no file.
                    true => std::fs::metadata(&path).unwrap_or(kind),
                    false => kind,
                };
                if !metadata.is_file() || !self.is_wanted(&path) {
                    self.skip(&path);
                    continue;
                }
                let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                self.files.push(Found {
                    path,
                    class,
                    bytes: metadata.len(),
                    modified: modified.map_or(0, |since| since.as_nanos()),
                });
            }
        }
        Ok(())
    }

    /// What is in a folder and not hidden, in the order of names.
    fn entries(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DatasetsError> {
        let read_error = |source| DatasetsError::Read { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read_error)? {
            self.seen += 1;
            if self.seen > self.wanted.most_files {
                let problem = FolderProblem::TooManyFiles { limit: self.wanted.most_files };
                return Err(refuse(self.folder, problem));
            }
            let path = entry.map_err(read_error)?.path();
            if path.file_name().is_none_or(is_hidden) {
                self.skipped.hidden += 1;
            } else {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn is_wanted(&self, path: &Path) -> bool {
        let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        extension.is_some_and(|extension| self.wanted.extensions.contains(&extension.as_str()))
    }

    fn skip(&mut self, path: &Path) {
        self.skipped.other += 1;
        if self.skipped.examples.len() < MOST_EXAMPLES {
            let relative = path.strip_prefix(self.folder).unwrap_or(path);
            self.skipped.examples.push(shown(relative.as_os_str()));
        }
    }
}

/// Whether a file or folder of this name is passed over.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    // The last is a file of settings that lies beside data.
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX" || name == "fireclay.toml"
}
