//! Where the versions of a model lie.

use std::path::{Path, PathBuf};

use crate::error::ServeError;

/// Characters of a model's name at most.
pub(super) const LONGEST_NAME: usize = 100;

/// What a version's folder may have beside the model: a request and the answer to it, which the model must give.
const GOLDEN: &str = "golden.json";

/// A model that is to be served: its name, and its file or the folder of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSource {
    /// By what name clients ask for it.
    pub name: String,
    /// A model file, or a folder with one in each of its folders `1`, `2`, ..., of which the highest is served at first.
    pub path: PathBuf,
}

/// The files of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VersionFiles {
    pub(super) model: PathBuf,
    /// Of a version in a folder, where it is there.
    pub(super) golden: Option<PathBuf>,
}

impl ModelSource {
    /// Reads `NAME=PATH`, or a path alone, whose file's or folder's name without its ending is the model's.
    ///
    /// ```
    /// use fireclay_serve::ModelSource;
    ///
    /// let source = ModelSource::parse("digits=runs/mlp-1/model.fireclay")?;
    /// assert_eq!((source.name.as_str(), source.path.to_str()), ("digits", Some("runs/mlp-1/model.fireclay")));
    /// assert_eq!(ModelSource::parse("models/mnist.fireclay")?.name, "mnist");
    /// assert!(ModelSource::parse("a b=mnist.fireclay").is_err());
    /// # Ok::<(), fireclay_serve::ServeError>(())
    /// ```
    ///
    /// # Errors
    /// [`ServeError::Name`] if the name cannot stand in a path of the protocols.
    pub fn parse(text: &str) -> Result<Self, ServeError> {
        let (name, path) = match text.split_once('=') {
            // A path may hold one, behind a folder.
            Some((name, path)) if !name.contains(['/', '\\']) => (name.to_owned(), PathBuf::from(path)),
            _ => {
                let path = PathBuf::from(text);
                let name = match path.is_dir() {
                    true => path.file_name(),
                    false => path.file_stem(),
                };
                (name.unwrap_or_default().to_string_lossy().into_owned(), path)
            }
        };
        let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
        match !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.chars().all(allowed)
            && !name.starts_with('.')
        {
            true => Ok(ModelSource { name, path }),
            false => Err(ServeError::Name { name }),
        }
    }

    /// The numbers of the versions that are there, ascending; a file that is named is version 1.
    pub(super) fn versions(&self) -> Result<Vec<u64>, ServeError> {
        if !self.path.is_dir() {
            return Ok(vec![1]);
        }
        let number = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            // `007` and `+7` are no names of version 7, which would have several folders.
            name.parse::<u64>().ok().filter(|number| number.to_string() == name && path.is_dir())
        };
        let mut versions: Vec<u64> = entries(&self.path)?.iter().filter_map(number).collect();
        versions.sort_unstable();
        match versions.is_empty() {
            true => Err(ServeError::NoVersions { path: self.path.clone() }),
            false => Ok(versions),
        }
    }

    /// The files of a version that is there.
    pub(super) fn files(&self, version: u64) -> Result<VersionFiles, ServeError> {
        if !self.path.is_dir() {
            return Ok(VersionFiles { model: self.path.clone(), golden: None });
        }
        let folder = self.path.join(version.to_string());
        let is_model = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "fireclay");
        let mut files: Vec<PathBuf> = entries(&folder)?.into_iter().filter(is_model).collect();
        match (files.pop(), files.len()) {
            (Some(model), 0) => {
                let golden = folder.join(GOLDEN);
                Ok(VersionFiles { model, golden: golden.exists().then_some(golden) })
            }
            (found, more) => {
                Err(ServeError::ModelFiles { path: folder, found: more + usize::from(found.is_some()) })
            }
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ServeError> {
    let wrong = |source| ServeError::ReadFolder { path: folder.to_path_buf(), source };
    let entries = std::fs::read_dir(folder).map_err(wrong)?;
    entries.map(|entry| Ok(entry.map_err(wrong)?.path())).collect()
}
