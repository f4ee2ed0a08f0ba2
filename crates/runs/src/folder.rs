//! The folder of a run.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fireclay_data::check_writable;

use crate::error::RunsError;

/// The folder of one run, with a place for each thing in it.
///
/// Nothing in it names a path outside, so it can be moved and copied as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// What the folder of checkpoints is called.
    pub const CHECKPOINTS: &'static str = "checkpoints";

    /// Makes the folder of a new run in the folder of all runs, which is made if it is not there: `NAME-1`, or the next number that
    /// is free.
    ///
    /// # Errors
    /// [`RunsError::Name`] for a name that no folder can have, and [`RunsError::File`].
    pub fn create(runs: impl AsRef<Path>, name: &str) -> Result<Self, RunsError> {
        check_name(name)?;
        let runs = made(runs.as_ref())?;
        let mut number = 1 + last_number(runs, name);
        loop {
            let path = runs.join(format!("{name}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(RunFolder { path }),
                // Another run began at the same time.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(RunsError::file("make", &path)(error)),
            }
        }
    }

    /// Makes the folder of a new run with just this name.
    ///
    /// # Errors
    /// [`RunsError::Exists`] if it is there, otherwise as [`create`](Self::create).
    pub fn create_named(runs: impl AsRef<Path>, name: &str) -> Result<Self, RunsError> {
        check_name(name)?;
        let path = made(runs.as_ref())?.join(name);
        match fs::create_dir(&path) {
            Ok(()) => Ok(RunFolder { path }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(RunsError::Exists { path }),
            Err(error) => Err(RunsError::file("make", &path)(error)),
        }
    }

    /// Whether the folder of a new run could be made, before the work that fills it; of this name, or one that is numbered. Nothing is
    /// left behind.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`create_named`](Self::create_named).
    pub fn check(runs: impl AsRef<Path>, name: Option<&str>) -> Result<(), RunsError> {
        let runs = runs.as_ref();
        if let Some(name) = name {
            check_name(name)?;
            let path = runs.join(name);
            if fs::symlink_metadata(&path).is_ok() {
                return Err(RunsError::Exists { path });
            }
        }
        // What is not there yet is made in the nearest folder that is.
        let there = runs.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        check_writable(there.join("run.json")).map_err(RunsError::file("make", runs))
    }

    /// The folder of a run that is there.
    ///
    /// # Errors
    /// [`RunsError::NoRun`] if it is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RunsError> {
        let run = RunFolder { path: path.as_ref().to_path_buf() };
        match run.record().is_file() {
            true => Ok(run),
            false => Err(RunsError::NoRun { path: run.path }),
        }
    }

    /// All runs in a folder, by name, `cnn-2` before `cnn-10`; none if it is not there.
    ///
    /// # Errors
    /// [`RunsError::File`] if the folder cannot be read.
    pub fn list(runs: impl AsRef<Path>) -> Result<Vec<Self>, RunsError> {
        let runs = runs.as_ref();
        let entries = match fs::read_dir(runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunsError::file("read", runs)(error)),
        };
        let mut found: Vec<RunFolder> =
            entries.flatten().filter_map(|entry| RunFolder::open(entry.path()).ok()).collect();
        found.sort_by_key(|run| {
            let name = run.name();
            let (stem, number) = name.rsplit_once('-').unwrap_or((&name, ""));
            match number.parse::<u64>() {
                Ok(number) => (stem.to_owned(), number),
                Err(_) => (name, 0),
            }
        });
        Ok(found)
    }

    /// The run's name, which is the folder's.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `run.json`: settings, environment and final measures.
    pub fn record(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// `config.toml`: the settings as flags give them.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// `metrics.csv`
    pub fn metrics_csv(&self) -> PathBuf {
        self.path.join("metrics.csv")
    }

    /// `metrics.jsonl`
    pub fn metrics_jsonl(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The folder of checkpoints, which may not be there.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(Self::CHECKPOINTS)
    }

    /// `checkpoints/last.checkpoint`, to go on from; the folder is made.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.checkpoint("last")
    }

    /// `checkpoints/best.checkpoint`; the folder is made.
    pub fn best_checkpoint(&self) -> PathBuf {
        self.checkpoint("best")
    }

    fn checkpoint(&self, name: &str) -> PathBuf {
        let folder = self.checkpoints();
        // Whoever writes there says why it cannot be done.
        let _ = fs::create_dir_all(&folder);
        folder.join(format!("{name}.checkpoint"))
    }

    /// `model.fireclay`
    pub fn model(&self) -> PathBuf {
        self.path.join("model.fireclay")
    }

    /// `report.html`
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }
}

/// The folder of all runs, made if it is not there.
fn made(runs: &Path) -> Result<&Path, RunsError> {
    fs::create_dir_all(runs).map_err(RunsError::file("make", runs))?;
    Ok(runs)
}

fn check_name(name: &str) -> Result<(), RunsError> {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let is_name = !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(fits);
    match is_name {
        true => Ok(()),
        false => Err(RunsError::Name { name: name.into() }),
    }
}

/// The greatest number behind a name.
fn last_number(runs: &Path, name: &str) -> u64 {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| {
        let found = entry.file_name();
        found.to_str()?.strip_prefix(name)?.strip_prefix('-')?.parse::<u64>().ok()
    };
    entries.filter_map(number).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_numbered_and_listed_in_order() {
        let scratch = tempfile::tempdir().unwrap();
        let runs = scratch.path().join("deep/runs");
        assert_eq!(RunFolder::list(&runs).unwrap(), []);
        for number in 1..=11 {
            let run = RunFolder::create(&runs, "cnn").unwrap();
            assert_eq!(run.name(), format!("cnn-{number}"));
            fs::write(run.record(), "{}").unwrap();
        }
        fs::remove_dir_all(runs.join("cnn-4")).unwrap();
        assert_eq!(RunFolder::create(&runs, "cnn").unwrap().name(), "cnn-12", "numbers are not used again");
        let named = RunFolder::create_named(&runs, "best-of-all").unwrap();
        fs::write(named.record(), "{}").unwrap();
        fs::create_dir(runs.join("notes")).unwrap();
        let names: Vec<String> = RunFolder::list(&runs).unwrap().iter().map(RunFolder::name).collect();
        let cnn = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11].map(|number| format!("cnn-{number}"));
        assert_eq!(names, [&["best-of-all".to_string()], &cnn[..]].concat());
    }

    #[test]
    fn whether_a_run_could_be_made_is_known_without_making_it() {
        let scratch = tempfile::tempdir().unwrap();
        let runs = scratch.path().join("deep/runs");
        RunFolder::check(&runs, None).unwrap();
        RunFolder::check(&runs, Some("first")).unwrap();
        assert!(!scratch.path().join("deep").exists());
        RunFolder::create_named(&runs, "first").unwrap();
        let refused = |name: &str| RunFolder::check(&runs, Some(name)).unwrap_err().to_string();
        assert!(refused("first").contains("is there already"));
        assert!(refused("../x").contains("cannot be the name of a run"));
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(RunFolder::check(file.join("runs"), None).is_err());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn names_stay_in_the_folder_of_runs() {
        let scratch = tempfile::tempdir().unwrap();
        for wrong in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "a\0", "C:"] {
            let message = RunFolder::create_named(scratch.path(), wrong).unwrap_err().to_string();
            assert!(message.contains("cannot be the name of a run"), "{wrong}: {message}");
        }
        RunFolder::create_named(scratch.path(), "größe_2.1").unwrap();
        let message = RunFolder::create_named(scratch.path(), "größe_2.1").unwrap_err().to_string();
        assert!(message.contains("is there already") && message.contains("another name"), "{message}");
        let message = RunFolder::open(scratch.path()).unwrap_err().to_string();
        assert!(message.contains("no run.json"), "{message}");
    }
}
