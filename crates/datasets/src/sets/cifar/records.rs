//! Records of labels and pixels, taken apart while they are digested, several files at a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fireclay_data::sha256;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::layout::{CIFAR_10, CIFAR_100, Layout, PIXELS, Published};
use crate::{DatasetsError, SetProblem};

/// No file of such records comes near this size.
pub(super) const MOST_FILE_BYTES: u64 = 1 << 29;

/// Records read at a time: few enough to stay in a core's cache while they are digested and taken apart.
const AT_A_TIME: usize = 64;

/// Where the bytes of one file are.
pub(super) enum Content {
    File(PathBuf),
    /// Read out of an archive; the path is for messages.
    Memory(PathBuf, Vec<u8>),
}

impl Content {
    fn path(&self) -> &Path {
        match self {
            Content::File(path) | Content::Memory(path, _) => path,
        }
    }

    /// How many bytes there are.
    fn len(&self) -> Result<u64, DatasetsError> {
        match self {
            Content::File(path) => {
                let metadata = std::fs::metadata(path)
                    .map_err(|source| DatasetsError::Read { path: path.clone(), source })?;
                if metadata.is_file() {
                    Ok(metadata.len())
                } else {
                    Err(DatasetsError::NotAFile { path: path.clone(), expected: "a file of records" })
                }
            }
            Content::Memory(_, bytes) => Ok(bytes.len() as u64),
        }
    }
}

/// The training or the test part.
pub(super) struct Split {
    /// `[records, 3, 32, 32]`.
    pub(super) pixels: Vec<u8>,
    /// `[records]`, each below the number of classes.
    pub(super) labels: Vec<u8>,
    /// Of the files' digests, one after the other.
    pub(super) sha256: String,
    pub(super) is_published: bool,
    files: &'static [Published],
}

impl Split {
    /// For people: which files it is from.
    pub(super) fn files(&self) -> String {
        match self.files {
            [first, .., last] => format!("files {} to {}", first.name, last.name),
            [file] => format!("file {}", file.name),
            [] => String::new(),
        }
    }
}

/// Reads `contents`, one for each file of `layout`, into `[train, test]`, with the label that is `column` in a record.
pub(super) fn read(
    layout: &'static Layout,
    column: usize,
    contents: Vec<Content>,
) -> Result<[Split; 2], DatasetsError> {
    let (train_files, test_files) = layout.files.split_at(layout.files.len() - 1);
    let counts: Vec<usize> =
        contents.iter().map(|content| count(layout, content)).collect::<Result<_, _>>()?;
    let paths: Vec<PathBuf> = contents.iter().map(|content| content.path().to_owned()).collect();
    let split = |files, counts: &[usize]| {
        let records: usize = counts.iter().sum();
        let (pixels, labels) = (vec![0; records * PIXELS], vec![0; records]);
        Split { pixels, labels, sha256: String::new(), is_published: false, files }
    };
    let (train_counts, test_counts) = counts.split_at(train_files.len());
    let mut train = split(train_files, train_counts);
    let mut test = split(test_files, test_counts);

    let mut jobs = Vec::new();
    let mut contents = contents.into_iter();
    for (split, counts) in [(&mut train, train_counts), (&mut test, test_counts)] {
        let (mut pixels, mut labels) = (&mut split.pixels[..], &mut split.labels[..]);
        for (count, content) in counts.iter().zip(contents.by_ref()) {
            let (file_pixels, rest) = pixels.split_at_mut(count * PIXELS);
            let (file_labels, other_rest) = labels.split_at_mut(*count);
            jobs.push((content, file_pixels, file_labels));
            (pixels, labels) = (rest, other_rest);
        }
    }
    // Each file whole on one thread, since a digest has to see its bytes in order; a file that was in memory is freed
    // when it is done.
    let outcomes: Vec<Result<[u8; 32], DatasetsError>> = (jobs.into_par_iter().with_max_len(1))
        .map(|(content, pixels, labels)| take_apart(layout, column, content, pixels, labels))
        .collect();
    let digests: Vec<[u8; 32]> = outcomes.into_iter().collect::<Result<_, _>>()?;

    let hex: Vec<String> = digests.iter().map(|digest| sha256::hex(digest)).collect();
    check_distinct(layout, &paths, &hex)?;
    let (train_digests, test_digests) = digests.split_at(train_files.len());
    for (split, digests) in [(&mut train, train_digests), (&mut test, test_digests)] {
        split.sha256 = sha256::of_parts(&digests.iter().map(|digest| &digest[..]).collect::<Vec<_>>());
        split.is_published =
            split.files.iter().zip(digests).all(|(file, digest)| sha256::hex(digest) == file.sha256);
    }
    Ok([train, test])
}

/// How many records a file has, after checking its size.
fn count(layout: &Layout, content: &Content) -> Result<usize, DatasetsError> {
    let found = content.len()?;
    let record_bytes = layout.record_bytes();
    if found == 0 || found % record_bytes as u64 != 0 {
        return Err(wrong_size(layout, content.path(), found));
    }
    if found > MOST_FILE_BYTES {
        let problem = SetProblem::TooLarge { found, limit: MOST_FILE_BYTES };
        return Err(DatasetsError::Set { path: content.path().to_owned(), problem });
    }
    // At most the limit, which any machine can address.
    Ok(found as usize / record_bytes)
}

fn wrong_size(layout: &Layout, path: &Path, found: u64) -> DatasetsError {
    let other = [&CIFAR_10, &CIFAR_100]
        .into_iter()
        .find(|other| other.name != layout.name && found.is_multiple_of(other.record_bytes() as u64));
    let hint = match other {
        _ if found == 0 => "the file is empty, replace it with a whole copy".into(),
        Some(other) => format!("it may hold records of {}, use those of {}", other.name, layout.name),
        None => "replace the file with a whole copy from the set's binary version".into(),
    };
    let problem = SetProblem::Size { record_bytes: layout.record_bytes(), found, hint };
    DatasetsError::Set { path: path.to_owned(), problem }
}

/// Takes one file apart into pixels and labels, and digests it.
fn take_apart(
    layout: &Layout,
    column: usize,
    content: Content,
    pixels: &mut [u8],
    labels: &mut [u8],
) -> Result<[u8; 32], DatasetsError> {
    match &content {
        Content::File(path) => {
            let file =
                File::open(path).map_err(|source| DatasetsError::Read { path: path.clone(), source })?;
            take_apart_from(layout, column, path, file, pixels, labels)
        }
        Content::Memory(path, bytes) => take_apart_from(layout, column, path, &bytes[..], pixels, labels),
    }
}

fn take_apart_from(
    layout: &Layout,
    column: usize,
    path: &Path,
    mut file: impl Read,
    pixels: &mut [u8],
    labels: &mut [u8],
) -> Result<[u8; 32], DatasetsError> {
    let record_bytes = layout.record_bytes();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; AT_A_TIME * record_bytes];
    let mut done = 0;
    for (pixels, labels) in pixels.chunks_mut(AT_A_TIME * PIXELS).zip(labels.chunks_mut(AT_A_TIME)) {
        let records = &mut buffer[..labels.len() * record_bytes];
        file.read_exact(records).map_err(|source| match source.kind() {
            // The file has shrunk since its size was asked.
            io::ErrorKind::UnexpectedEof => wrong_size(layout, path, (done * record_bytes) as u64),
            _ => DatasetsError::Read { path: path.to_owned(), source },
        })?;
        hasher.update(&records);
        let images = pixels.chunks_exact_mut(PIXELS).zip(labels.iter_mut());
        for (at, (record, (image, label))) in records.chunks_exact(record_bytes).zip(images).enumerate() {
            let (found, values) = record.split_at(layout.labels.len());
            check_labels(layout, path, done + at, found)?;
            image.copy_from_slice(values);
            *label = found[column];
        }
        done += labels.len();
    }
    let mut beyond = [0];
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    if file.read(&mut beyond).map_err(read_error)? > 0 {
        // It has grown.
        return Err(wrong_size(layout, path, (done * record_bytes) as u64 + 1));
    }
    Ok(hasher.finalize().into())
}

fn check_labels(layout: &Layout, path: &Path, record: usize, found: &[u8]) -> Result<(), DatasetsError> {
    for (label, kind) in found.iter().zip(layout.labels) {
        if usize::from(*label) >= kind.names.len() {
            let classes = kind.names.len();
            let problem = SetProblem::Label { record, what: kind.what, label: *label, classes };
            return Err(DatasetsError::Set { path: path.to_owned(), problem });
        }
    }
    Ok(())
}

/// Refuses files that are one another's, as far as their digests tell.
fn check_distinct(layout: &Layout, paths: &[PathBuf], digests: &[String]) -> Result<(), DatasetsError> {
    for (at, (file, digest)) in layout.files.iter().zip(digests).enumerate() {
        let refuse = |problem| Err(DatasetsError::Set { path: paths[at].clone(), problem });
        if let Some(real) = layout.files.iter().find(|other| other.sha256 == digest)
            && real.name != file.name
        {
            return refuse(SetProblem::Swapped { expected: file.name, found: real.name });
        }
        if let Some(other) = digests[..at].iter().position(|other| other == digest) {
            return refuse(SetProblem::SameContent { name: file.name, other: layout.files[other].name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(layout: &Layout, file: &[u8], records: usize) -> String {
        let (mut pixels, mut labels) = (vec![0; records * PIXELS], vec![0; records]);
        let path = Path::new("some.bin");
        take_apart_from(layout, 0, path, file, &mut pixels, &mut labels).unwrap_err().to_string()
    }

    /// Files whose size changes between the question and the answer.
    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused() {
        let two = vec![0; 2 * CIFAR_10.record_bytes()];
        assert!(message(&CIFAR_10, &two, 3).contains("expected records of 3073 bytes"));
        assert!(message(&CIFAR_10, &two, 1).contains("found 3074 bytes"));
        let two = vec![0; 2 * CIFAR_100.record_bytes()];
        assert!(message(&CIFAR_100, &two, 1).contains("which is 1 records and 1 bytes"));
    }

    #[test]
    fn published_files_in_one_anothers_place_are_named() {
        let paths: Vec<PathBuf> = CIFAR_10.files.iter().map(|file| PathBuf::from(file.name)).collect();
        let mut digests: Vec<String> = CIFAR_10.files.iter().map(|file| file.sha256.to_owned()).collect();
        check_distinct(&CIFAR_10, &paths, &digests).unwrap();
        digests.swap(1, 5);
        let message = check_distinct(&CIFAR_10, &paths, &digests).unwrap_err().to_string();
        assert!(
            message.contains("data_batch_2.bin: expected the content of data_batch_2.bin")
                && message.contains("found that of test_batch.bin: files are swapped"),
            "{message}"
        );
    }
}
