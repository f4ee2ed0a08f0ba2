//! What data a path holds, found out by looking.

mod file;
mod folder;
#[cfg(feature = "images")]
mod pictures;

use std::path::{Path, PathBuf};

#[cfg(feature = "images")]
pub use pictures::PictureSurvey;

use crate::DatasetsError;
use crate::error::DetectProblem;

/// A kind of data that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKind {
    /// A table of delimited text, such as CSV: a row for each sample. Read by [`TableRows`](crate::TableRows).
    Table,
    /// Pictures in a folder for each class. Read by `ImageFolder`.
    Images,
    /// Texts in a folder for each class. Read by [`TextFolder`](crate::TextFolder).
    Texts,
    /// NumPy's arrays, in an `.npz` file or in `.npy` files of a folder. Read by [`NumpyDataset`](crate::NumpyDataset).
    Numpy,
    /// MNIST's four IDX files, or another set in such files. Read by [`Mnist`](crate::Mnist).
    Idx,
    /// CIFAR-10 or CIFAR-100 in their binary records. Read by [`Cifar10`](crate::Cifar10) and [`Cifar100`](crate::Cifar100).
    Cifar,
    /// IMDB's reviews as published, packed or not. Read by [`Imdb`](crate::Imdb).
    Imdb,
}

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The kind.
    pub kind: DataKind,
    /// What to read: the path itself, or what it holds.
    pub path: PathBuf,
    /// The file of test samples beside it, for a folder with a table for each part.
    pub test: Option<PathBuf>,
    /// Why it is taken for that kind, in words that go on from "since": `its sub-folders hold pictures`.
    pub reason: String,
}

impl Detected {
    fn new(kind: DataKind, path: &Path, reason: impl Into<String>) -> Self {
        Detected { kind, path: path.to_owned(), test: None, reason: reason.into() }
    }
}

/// Finds out what data is at a path: what a file is by how it begins, what a folder is by what lies in it. Nothing is read
/// whole.
///
/// ```
/// use fireclay_datasets::{DataKind, detect};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// for class in ["neg", "pos"] {
///     std::fs::create_dir(folder.join(class))?;
///     std::fs::write(folder.join(class).join("1.txt"), "a text")?;
/// }
/// assert_eq!(detect(folder)?.kind, DataKind::Texts);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the path cannot be read, or holds nothing that this crate reads; the message says what it is, and what to do.
pub fn detect(path: &Path) -> Result<Detected, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    match metadata.is_dir() {
        true => folder::detect(path),
        false if metadata.is_file() => file::detect(path),
        false => Err(DatasetsError::NotAFile { path: path.to_owned(), expected: "a file or folder of data" }),
    }
}

fn refuse(path: &Path, problem: DetectProblem) -> DatasetsError {
    DatasetsError::File { path: path.to_owned(), problem: Box::new(problem.into()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn made(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn kind(files: &[(&str, &[u8])]) -> (DataKind, String) {
        let folder = made(files);
        let found = detect(folder.path()).unwrap();
        let inner = found.path.strip_prefix(folder.path()).unwrap().display().to_string();
        (found.kind, inner)
    }

    #[test]
    fn folders_are_known_by_what_lies_in_them() {
        let images: &[(&str, &[u8])] = &[("a/1.PNG", b""), ("b/deep/2.jpeg", b""), ("b/notes.txt", b"")];
        assert_eq!(kind(images).0, DataKind::Images);
        assert_eq!(kind(&[("train/a/1.png", b""), ("test/a/1.png", b"")]).0, DataKind::Images);
        assert_eq!(kind(&[("neg/1.txt", b"x"), ("pos/a.txt", b"y")]).0, DataKind::Texts);
        let imdb: &[(&str, &[u8])] = &[("train/neg/1_2.txt", b"x"), ("train/pos/1_9.txt", b"y")];
        assert_eq!(kind(imdb).0, DataKind::Imdb);
        assert_eq!(kind(&[("train/neg/a.txt", b"x"), ("train/pos/b.txt", b"y")]).0, DataKind::Texts);
        assert_eq!(kind(&[("aclImdb/train/pos/1_9.txt", b"y")]).0, DataKind::Imdb);
        assert_eq!(kind(&[("aclImdb_v1.tar.gz", b"")]).0, DataKind::Imdb);
        assert_eq!(kind(&[("data_batch_1.bin", b""), ("test_batch.bin", b"")]).0, DataKind::Cifar);
        assert_eq!(kind(&[("cifar-100-binary/train.bin", b"")]).0, DataKind::Cifar);
        assert_eq!(kind(&[("train-images-idx3-ubyte.gz", b"")]).0, DataKind::Idx);
        assert_eq!(kind(&[("t10k-images.idx3-ubyte", b""), ("notes.md", b"")]).0, DataKind::Idx);
        assert_eq!(
            kind(&[("prices.csv", b"a,b\n"), ("README.md", b"")]),
            (DataKind::Table, "prices.csv".into())
        );
        assert_eq!(kind(&[("mnist.npz", b"")]), (DataKind::Numpy, "mnist.npz".into()));
        let shards: &[(&str, &[u8])] =
            &[("x_train-1.npy", b""), ("y_train-1.npy", b""), ("stats.npz", b""), ("a.csv", b"")];
        assert_eq!(kind(shards), (DataKind::Numpy, String::new()));
    }

    #[test]
    fn a_table_for_each_part_is_one_set() {
        let folder = made(&[("Train.csv", b"a,b\n"), ("test.csv", b"a,b\n")]);
        let found = detect(folder.path()).unwrap();
        assert_eq!(found.path, folder.path().join("Train.csv"));
        assert_eq!(found.test, Some(folder.path().join("test.csv")));
        let folder = made(&[("x-train.tsv", b"a\n"), ("x-test.tsv", b"a\n")]);
        assert_eq!(detect(folder.path()).unwrap().test, Some(folder.path().join("x-test.tsv")));
    }

    #[test]
    fn files_are_known_by_how_they_begin_and_not_by_their_names() {
        let of = |name: &str, content: &[u8]| {
            let folder = made(&[(name, content)]);
            detect(&folder.path().join(name))
                .map(|found| (found.kind, found.path != folder.path().join(name)))
        };
        assert_eq!(of("x.png", b"a,b\n1,2\n").unwrap(), (DataKind::Table, false));
        assert_eq!(of("x.csv", b"PAR1,b\n1,2\n").unwrap().0, DataKind::Table);
        assert_eq!(of("utf16.txt", b"\xff\xfea\0,\0b\0\n\0").unwrap().0, DataKind::Table);
        assert_eq!(of("train-images-idx3-ubyte", b"\0\0\x08\x03\0\0\0\x01").unwrap(), (DataKind::Idx, true));
        assert_eq!(of("data_batch_1.bin", &[3; 3073]).unwrap(), (DataKind::Cifar, true));
        let begins: [(&[u8], &str); 8] = [
            (b"\x89PNG\r\n\x1a\n", "a picture"),
            (b"PAR1.\0..", "Parquet"),
            (b"\x93NUMPY\x01\0", "np.savez"),
            (b"\x80\x04\x95.", "pickle"),
            (b"SQLite format 3\0", "database"),
            (b"\x89HDF\r\n", "HDF5"),
            (b"", "is empty"),
            (b"\0\x01\x02\xfe\xff\0\0", "no text"),
        ];
        for (content, expected) in begins {
            let message = format!("{:#}", anyhow_like(of("x.csv", content).unwrap_err()));
            assert!(message.contains(expected), "{message}");
        }
    }

    /// The error with its sources.
    fn anyhow_like(error: DatasetsError) -> String {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text += &format!(": {inner}");
            source = inner.source();
        }
        text
    }

    #[test]
    fn what_holds_no_data_is_said_with_what_was_found() {
        let of = |files: &[(&str, &[u8])]| anyhow_like(detect(made(files).path()).unwrap_err());
        assert!(of(&[]).contains("is empty"), "{}", of(&[]));
        let docs = of(&[("a.docx", b""), ("b.docx", b""), ("sub/c.pdf", b"")]);
        assert!(docs.contains("2 .docx") && docs.contains("1 .pdf"), "{docs}");
        let loose = of(&[("1.png", b""), ("2.png", b"")]);
        assert!(loose.contains("a sub-folder for each class"), "{loose}");
        let tables = of(&[("a.csv", b""), ("b.csv", b"")]);
        assert!(tables.contains("a.csv") && tables.contains("--test"), "{tables}");
        let pickles = of(&[("data_batch_1", b"\x80\x02"), ("test_batch", b"\x80\x02")]);
        assert!(pickles.contains("binary version"), "{pickles}");
    }
}
