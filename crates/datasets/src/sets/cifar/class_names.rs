//! The classes' names, from the file that is published beside the records.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::layout::Layout;
use crate::{DatasetsError, SetProblem};

/// No file of names is longer.
pub(super) const MOST_BYTES: u64 = 1 << 16;

/// The published names.
pub(super) fn known(layout: &Layout, column: usize) -> Vec<String> {
    layout.labels[column].names.iter().map(|name| (*name).to_owned()).collect()
}

/// The names in the file of `folder` where there is one, else the published names.
pub(super) fn of_folder(layout: &Layout, column: usize, folder: &Path) -> Result<Vec<String>, DatasetsError> {
    let path = folder.join(layout.labels[column].names_file);
    let read_error = |source| DatasetsError::Read { path: path.clone(), source };
    match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => {
            Err(DatasetsError::NotAFile { path, expected: "a file of class names" })
        }
        Ok(_) => {
            let mut content = Vec::new();
            let file = File::open(&path).map_err(read_error)?;
            file.take(MOST_BYTES + 1).read_to_end(&mut content).map_err(read_error)?;
            parse(layout, column, &path, &content)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(known(layout, column)),
        Err(source) => Err(read_error(source)),
    }
}

/// One name on each line; empty lines at the end are none.
pub(super) fn parse(
    layout: &Layout,
    column: usize,
    path: &Path,
    content: &[u8],
) -> Result<Vec<String>, DatasetsError> {
    let classes = layout.labels[column].names.len();
    let refuse = |found: String| DatasetsError::Set {
        path: path.to_owned(),
        problem: SetProblem::ClassNames { classes, found },
    };
    if content.len() as u64 > MOST_BYTES {
        return Err(refuse(format!("more than {MOST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(content).map_err(|_| refuse("bytes that are not UTF-8".into()))?;
    let names: Vec<String> = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    if names.len() != classes {
        return Err(refuse(format!("{} lines", names.len())));
    }
    let mut seen = HashSet::new();
    for (line, name) in names.iter().enumerate() {
        let line = line + 1;
        if name.is_empty() {
            return Err(refuse(format!("none on line {line}")));
        }
        if name.chars().any(char::is_control) {
            return Err(refuse(format!("{name:?} on line {line}")));
        }
        if !seen.insert(name) {
            return Err(refuse(format!("{name:?} again on line {line}")));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::layout::{CIFAR_10, CIFAR_100};
    use super::*;

    fn ten(content: &[u8]) -> Result<Vec<String>, String> {
        parse(&CIFAR_10, 0, Path::new("names.txt"), content).map_err(|error| error.to_string())
    }

    #[test]
    fn the_published_names_are_read_back() {
        for layout in [&CIFAR_10, &CIFAR_100] {
            for column in 0..layout.labels.len() {
                let known = known(layout, column);
                for end in ["\n", "\n\n", "", "\r\n"] {
                    let content = known.join(if end == "\r\n" { end } else { "\n" }) + end;
                    let names = parse(layout, column, Path::new("names.txt"), content.as_bytes()).unwrap();
                    assert_eq!(names, known);
                }
            }
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        for (content, found) in [
            (&b"a\nb\nc\n"[..], "3 lines"),
            (b"", "0 lines"),
            (b"a\nb\nc\nd\n\nf\ng\nh\ni\nj", "none on line 5"),
            (b"a\nb\nc\nd\na\nf\ng\nh\ni\nj", "\"a\" again on line 5"),
            (b"a\nb\nc\nd\n\xff\nf\ng\nh\ni\nj", "not UTF-8"),
            (b"a\nb\nc\nd\ne\0\nf\ng\nh\ni\nj", "on line 5"),
            (&[b'\n'; 70_000], "more than 65536 bytes"),
        ] {
            let message = ten(content).unwrap_err();
            assert!(message.contains(found) && message.contains("names.txt: expected"), "{message}");
            assert!(message.contains("names of 10 classes"), "{message}");
        }
    }
}
