//! What a file is, by how it begins.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::{DataKind, Detected, refuse};
use crate::DatasetsError;
use crate::error::DetectProblem;

/// How much of a file is looked at.
const LOOKED_AT: usize = 4096;

/// A label and the pixels of three planes of 32 rows: CIFAR-10's records.
const CIFAR_RECORD: u64 = 1 + 3 * 32 * 32;

/// How other files begin, what those are, and what to do.
const OTHERS: [(&[u8], &str, &str); 19] = [
    (b"\x89PNG", "a picture", "name the folder of pictures that it is in"),
    (b"\xff\xd8\xff", "a picture", "name the folder of pictures that it is in"),
    (b"GIF8", "a GIF picture", "convert it to PNG, and name the folder of pictures that it is in"),
    (
        b"\x93NUMPY",
        "a single NumPy array",
        "save all of them with np.savez(FILE, x_train=..., y_train=..., x_test=..., y_test=...)",
    ),
    (b"PAR1", "a Parquet file", "export it as CSV"),
    (b"ARROW1", "an Arrow file", "export it as CSV"),
    (b"SQLite format 3", "an SQLite database", "export a table as CSV"),
    (b"\x89HDF", "an HDF5 file", "save its arrays with np.savez, or as CSV"),
    (b"%PDF", "a PDF document", "save its text or table as .txt or CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "save it as CSV"),
    (b"7z\xbc\xaf", "an archive", "unpack it and name what was in it"),
    (b"Rar!", "an archive", "unpack it and name what was in it"),
    (b"\xfd7zXZ", "a compressed file", "unpack it and name what was in it"),
    (b"BZh", "a compressed file", "unpack it and name what was in it"),
    (b"\x28\xb5\x2f\xfd", "a compressed file", "unpack it and name what was in it"),
    (b"\x1f\x8b", "a compressed file", "unpack it and name what was in it"),
    (b"\x80\x02", "a pickle of Python", "save its data as CSV, or its arrays with np.savez"),
    (b"\x80\x04", "a pickle of Python", "save its data as CSV, or its arrays with np.savez"),
    (b"\x80\x05", "a pickle of Python", "save its data as CSV, or its arrays with np.savez"),
];

/// Finds out what a file is.
pub(super) fn detect(path: &Path) -> Result<Detected, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read_error)?;
    let mut start = Vec::new();
    (&mut file).take(LOOKED_AT as u64).read_to_end(&mut start).map_err(read_error)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let folder = path.parent().unwrap_or(Path::new("."));
    if start.is_empty() {
        return Err(refuse(path, DetectProblem::Empty { what: "the file" }));
    }
    if start.starts_with(b"PK\x03\x04") {
        return zip(path, &mut file);
    }
    if start.starts_with(&[0, 0, 8, 3]) || start.starts_with(&[0, 0, 8, 1]) || is_packed_idx(&name) {
        return Ok(Detected::new(DataKind::Idx, folder, format!("{name} is an IDX file, as MNIST's are")));
    }
    if name.starts_with("aclimdb") && super::folder::is_archive(&name) {
        return Ok(Detected::new(DataKind::Imdb, folder, format!("{name} is called as IMDB's archive is")));
    }
    if name.starts_with("cifar-10") && super::folder::is_archive(&name) && name.contains("binary") {
        return Ok(Detected::new(
            DataKind::Cifar,
            folder,
            format!("{name} is called as CIFAR's archives are"),
        ));
    }
    let bytes = file.seek(SeekFrom::End(0)).map_err(read_error)?;
    if name.ends_with(".bin") && bytes % CIFAR_RECORD == 0 && start[0] < 10 {
        return Ok(Detected::new(DataKind::Cifar, folder, format!("{name} has records as CIFAR-10's")));
    }
    let is_tar = start.get(257..262) == Some(b"ustar");
    // A text may begin with any letters, and no such file is one.
    let is_binary = start.contains(&0) || !start.iter().all(u8::is_ascii);
    let other = OTHERS.iter().find(|(begin, ..)| is_binary && start.starts_with(begin)).copied();
    let tar = is_tar.then_some((&b""[..], "an archive", "unpack it and name what was in it"));
    if let Some((_, found, remedy)) = other.or(tar) {
        return Err(refuse(path, DetectProblem::Other { found: found.into(), remedy }));
    }
    let is_utf_16 = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    if start.contains(&0) && !is_utf_16 {
        let remedy = "name a table (CSV, TSV), an .npz file, or a folder of pictures or texts";
        return Err(refuse(path, DetectProblem::Other { found: "no text".into(), remedy }));
    }
    Ok(Detected::new(DataKind::Table, path, "it is a file of text"))
}

fn is_packed_idx(name: &str) -> bool {
    name.ends_with("-ubyte.gz")
}

/// NumPy's arrays, a document of Office, or another archive: by the names in its directory, which is at its end.
fn zip(path: &Path, file: &mut File) -> Result<Detected, DatasetsError> {
    const DIRECTORY: u64 = 1 << 16;
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    let bytes = file.seek(SeekFrom::End(0)).map_err(read_error)?;
    file.seek(SeekFrom::Start(bytes.saturating_sub(DIRECTORY))).map_err(read_error)?;
    let mut end = Vec::new();
    file.take(DIRECTORY).read_to_end(&mut end).map_err(read_error)?;
    let holds = |name: &[u8]| end.windows(name.len()).any(|window| window == name);
    if holds(b".npy") {
        return Ok(Detected::new(DataKind::Numpy, path, "it is an archive of NumPy's arrays"));
    }
    let (found, remedy) = match holds(b"xl/workbook") || holds(b"content.xml") {
        true => ("a spreadsheet", "save it as CSV"),
        false => ("an archive", "unpack it and name what was in it"),
    };
    Err(refuse(path, DetectProblem::Other { found: found.into(), remedy }))
}
