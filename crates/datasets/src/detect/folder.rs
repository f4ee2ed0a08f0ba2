//! What a folder is, by what lies in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{DataKind, Detected, refuse};
use crate::DatasetsError;
use crate::error::{DetectProblem, shown};
use crate::formats::is_hidden;

/// Entries that are looked at, and how deep: enough to tell what a folder of millions holds.
const MOST_ENTRIES: usize = 20_000;
const MOST_DEPTH: usize = 4;

/// Names that a message lists.
const MOST_LISTED: usize = 5;

/// Endings of files, in lower case.
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];
const TABLES: [&str; 3] = ["csv", "tsv", "tab"];

/// What CIFAR's records and IDX files are called, and the folders and archives that they come in.
const CIFAR: [&str; 6] = [
    "data_batch_1.bin",
    "cifar-10-batches-bin",
    "cifar-10-binary.tar.gz",
    "cifar-100-binary",
    "cifar-100-binary.tar.gz",
    "test_batch.bin",
];
const IDX: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-images.idx3-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-images.idx3-ubyte",
];

/// Whether a file of this name, in lower case, is a packed folder.
pub(super) fn is_archive(name: &str) -> bool {
    [".tar.gz", ".tgz", ".tar"].iter().any(|ending| name.ends_with(ending))
}

/// What lies in a folder, as far as it was looked at.
#[derive(Default)]
struct Inside {
    /// How many files there are of each ending.
    endings: BTreeMap<String, usize>,
    /// Files directly in it.
    files: Vec<PathBuf>,
    /// Whether there are pictures, and texts, in sub-folders.
    pictures_below: usize,
    texts_below: usize,
    /// The folders directly in it.
    folders: usize,
    entries: usize,
}

/// Finds out what a folder is.
pub(super) fn detect(path: &Path) -> Result<Detected, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    std::fs::read_dir(path).map_err(read_error)?;
    let has = |name: &str| path.join(name).exists();
    if let Some(name) = CIFAR.iter().find(|name| has(name)) {
        return Ok(Detected::new(DataKind::Cifar, path, format!("it holds {name}, as CIFAR's folder does")));
    }
    if has("train.bin") && has("test.bin") {
        return Ok(Detected::new(
            DataKind::Cifar,
            path,
            "it holds train.bin and test.bin, as CIFAR-100's folder does",
        ));
    }
    for sub in ["", "mnist"] {
        let found = IDX.iter().flat_map(|name| [name.to_string(), format!("{name}.gz")]);
        if let Some(name) = found.into_iter().find(|name| path.join(sub).join(name).exists()) {
            return Ok(Detected::new(
                DataKind::Idx,
                path,
                format!("it holds {name}, as MNIST's folder does"),
            ));
        }
    }
    if let Some(reason) = imdb(path) {
        return Ok(Detected::new(DataKind::Imdb, path, reason));
    }
    if has("data_batch_1") && has("test_batch") {
        let remedy = "download CIFAR's binary version, whose files end in .bin";
        return Err(refuse(
            path,
            DetectProblem::Other { found: "CIFAR's version for Python".into(), remedy },
        ));
    }
    let mut inside = Inside::default();
    inside.look(path, 0).map_err(read_error)?;
    inside.verdict(path)
}

/// Whether a folder holds IMDB's reviews, packed or not, and why: they are called `NUMBER_RATING.txt`.
fn imdb(path: &Path) -> Option<String> {
    for sub in ["aclImdb", "", "imdb", "imdb/aclImdb"] {
        let review = path.join(sub).join("train").join("pos");
        let mut names = std::fs::read_dir(&review).into_iter().flatten().flatten();
        let named = |name: &str| {
            let parts = name.strip_suffix(".txt").and_then(|name| name.split_once('_'));
            parts.is_some_and(|(number, rating)| {
                let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                digits(number) && digits(rating)
            })
        };
        if names.next().is_some_and(|entry| entry.file_name().to_str().is_some_and(named)) {
            return Some("its reviews are called NUMBER_RATING.txt, as IMDB's are".into());
        }
    }
    for sub in ["", "imdb"] {
        let entries = std::fs::read_dir(path.join(sub)).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_imdb = |name: &String| {
            let lower = name.to_ascii_lowercase();
            lower.starts_with("aclimdb") && is_archive(&lower)
        };
        if let Some(name) = names.find(is_imdb) {
            return Some(format!("it holds {name}, which is called as IMDB's archive is"));
        }
    }
    None
}

impl Inside {
    fn look(&mut self, folder: &Path, depth: usize) -> std::io::Result<()> {
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                break;
            }
            let path = entry?.path();
            if !path.file_name().is_none_or(is_hidden) {
                entries.push(path);
            }
        }
        entries.sort();
        for path in entries {
            if path.is_dir() {
                self.folders += usize::from(depth == 0);
                // What cannot be looked into is found out by whoever reads it.
                if depth < MOST_DEPTH && self.entries <= MOST_ENTRIES {
                    let _ = self.look(&path, depth + 1);
                }
                continue;
            }
            let ending = ending(&path);
            if depth > 0 {
                self.pictures_below += usize::from(PICTURES.contains(&ending.as_str()));
                self.texts_below += usize::from(ending == "txt");
            } else {
                self.files.push(path);
            }
            *self.endings.entry(ending).or_default() += 1;
        }
        Ok(())
    }

    fn verdict(self, path: &Path) -> Result<Detected, DatasetsError> {
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&PathBuf> {
            self.files.iter().filter(|path| wanted(&ending(path))).collect()
        };
        let count = |files: usize| match self.entries > MOST_ENTRIES {
            true => "many thousand".to_owned(),
            false => files.to_string(),
        };
        if self.pictures_below > 0 && self.pictures_below >= self.texts_below {
            let reason = format!("its sub-folders hold {} pictures (PNG, JPEG)", count(self.pictures_below));
            return Ok(Detected::new(DataKind::Images, path, reason));
        }
        if self.texts_below > 0 {
            let reason = format!("its sub-folders hold {} texts (.txt)", count(self.texts_below));
            return Ok(Detected::new(DataKind::Texts, path, reason));
        }
        let shards = of(&|ending| ending == "npy");
        let features = shards.iter().filter(|path| name(path).starts_with("x_train")).count();
        if features > 0 {
            let reason = format!("it holds {} files of NumPy's arrays x_train*.npy", count(features));
            return Ok(Detected::new(DataKind::Numpy, path, reason));
        }
        let tables = of(&|ending| TABLES.contains(&ending));
        match tables.as_slice() {
            [] => {}
            [table] => {
                let reason = format!("{} is the only table in the folder", name(table));
                return Ok(Detected::new(DataKind::Table, table, reason));
            }
            tables => return self.parts(path, tables),
        }
        if let [file] = of(&|ending| ending == "npz").as_slice() {
            let reason = format!("{} is the only file of NumPy's arrays in the folder", name(file));
            return Ok(Detected::new(DataKind::Numpy, file, reason));
        }
        let loose = of(&|ending| PICTURES.contains(&ending) || ending == "txt").len();
        if loose > 0 {
            return Err(refuse(path, DetectProblem::Loose { files: loose }));
        }
        if self.endings.is_empty() {
            return Err(refuse(path, DetectProblem::Empty { what: "the folder" }));
        }
        let mut found: Vec<(&String, &usize)> = self.endings.iter().collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let found: Vec<String> = found
            .iter()
            .take(MOST_LISTED)
            .map(|(ending, count)| match ending.is_empty() {
                true => format!("{count} without an ending"),
                false => format!("{count} .{ending}"),
            })
            .collect();
        let remedy = "name a table (CSV, TSV), an .npz file, a folder with x_train*.npy and y_train*.npy, or one with a sub-folder of pictures (PNG, JPEG) or texts (.txt) for each class";
        Err(refuse(
            path,
            DetectProblem::Other {
                found: format!("no data that can be read, but {}", found.join(", ")),
                remedy,
            },
        ))
    }

    /// Of several tables the one whose name says that it trains, and the one that tests.
    fn parts(&self, path: &Path, tables: &[&PathBuf]) -> Result<Detected, DatasetsError> {
        let called = |word: &str| -> Vec<&&PathBuf> {
            let stem =
                |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            tables
                .iter()
                .filter(|path| stem(path).split(|c: char| !c.is_alphanumeric()).any(|part| part == word))
                .collect()
        };
        match (called("train").as_slice(), called("test").as_slice()) {
            ([train], [test]) => {
                let reason = format!("{} and {} are a table for each part", name(train), name(test));
                let test = Some((**test).clone());
                Ok(Detected { test, ..Detected::new(DataKind::Table, train, reason) })
            }
            _ => {
                let names = tables.iter().take(MOST_LISTED).map(|path| name(path)).collect();
                Err(refuse(path, DetectProblem::Tables { count: tables.len(), names }))
            }
        }
    }
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn name(path: &Path) -> String {
    shown(path.file_name().unwrap_or_default())
}
