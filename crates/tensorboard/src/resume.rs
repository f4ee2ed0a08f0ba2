//! Going on with an event file.
//!
//! A reader of a growing file knows how far it has read, so bytes that it may have seen must not change. What is to be dropped is
//! left out of a copy, which gets a name of its own, and the old file is emptied: TensorBoard then reads the new one from its
//! beginning, and forgets what it knew. The empty file stays until the run goes on once more, as TensorBoard's reader in Python
//! never comes to the next file if the one that it reads is gone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use prost::Message;

use crate::TensorboardError;
use crate::file_name::FileName;
use crate::proto::{Event, What};
use crate::record::Records;

/// What the first event of a file says.
pub const FILE_VERSION: &str = "brain.Event:2";

/// Where a run goes on with its event file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeAt {
    /// Behind the last whole record.
    End,
    /// At a position that [`EventWriter::flush`](crate::EventWriter::flush) returned, such as that of a checkpoint. What comes
    /// after it is dropped. Positions before it are still those of the file then; after [`ResumeAt::Step`] they are only up to
    /// the first event that was dropped.
    Position(u64),
    /// After a step. Events of later steps are dropped, wherever they are.
    Step(u64),
}

/// A file that is locked and ready for more.
pub struct Resumed {
    pub path: PathBuf,
    pub file: File,
    pub length: u64,
}

/// Opens the last file of a folder and drops what is to be dropped.
pub fn resume(folder: &Path, at: ResumeAt) -> Result<Resumed, TensorboardError> {
    let names = FileName::all(folder).map_err(TensorboardError::file("read", folder))?;
    let Some(name) = names.last().copied() else {
        return Err(TensorboardError::NoEventFile { path: folder.to_owned() });
    };
    let path = folder.join(name.to_string());
    let opened = OpenOptions::new().read(true).write(true).open(&path);
    let mut file = opened.map_err(TensorboardError::file("open", &path))?;
    lock(&file, &path)?;
    let length = file.metadata().map_err(TensorboardError::file("read", &path))?.len();
    let kept = kept(&file, length, &path, at)?;
    // Empty, or whole if a crash came between making a new file and emptying the one before.
    for old in names.iter().filter(|old| old.is_same_run(name) && **old != name) {
        remove(&folder.join(old.to_string()))?;
    }
    if kept.iter().map(|part| part.end - part.start).sum::<u64>() == length {
        return Ok(Resumed { path, file, length });
    }
    let next = FileName { revision: name.revision + 1, ..name };
    let resumed = copy(&mut file, &kept, folder, next)?;
    file.set_len(0).map_err(TensorboardError::file("write", &path))?;
    Ok(resumed)
}

/// Takes the file for this writer alone. Where the system has no locks it does without; on Windows they would keep readers away.
pub fn lock(file: &File, path: &Path) -> Result<(), TensorboardError> {
    if cfg!(windows) {
        return Ok(());
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(TensorboardError::Locked { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Which bytes of a file are kept, from the first to the last.
fn kept(file: &File, length: u64, path: &Path, at: ResumeAt) -> Result<Vec<Range<u64>>, TensorboardError> {
    let mut records = Records::new(BufReader::new(file), length);
    let mut kept: Vec<Range<u64>> = Vec::new();
    loop {
        let begin = records.position();
        if at == ResumeAt::Position(begin) && begin > 0 {
            break;
        }
        let Some(data) = records.next().map_err(TensorboardError::file("read", path))? else {
            break;
        };
        let damaged = |source| TensorboardError::Damaged { path: path.to_owned(), position: begin, source };
        let event = Event::decode(data).map_err(damaged)?;
        if begin == 0 && event.what != Some(What::FileVersion(FILE_VERSION.to_owned())) {
            break;
        }
        let end = records.position();
        if let ResumeAt::Position(position) = at
            && position < end
        {
            return Err(TensorboardError::NotABorder { path: path.to_owned(), position, before: begin });
        }
        let is_dropped =
            matches!(at, ResumeAt::Step(last) if u64::try_from(event.step).is_ok_and(|step| step > last));
        match kept.last_mut() {
            _ if is_dropped => {}
            Some(range) if range.end == begin => range.end = end,
            _ => kept.push(begin..end),
        }
    }
    if kept.is_empty() {
        return Err(TensorboardError::NotAnEventFile { path: path.to_owned() });
    }
    let found = records.position();
    match at {
        ResumeAt::Position(expected) if expected != found => {
            Err(TensorboardError::TooShort { path: path.to_owned(), expected, found })
        }
        _ => Ok(kept),
    }
}

/// Makes a file of parts of another, which is there whole or not at all.
fn copy(
    from: &mut File,
    parts: &[Range<u64>],
    folder: &Path,
    name: FileName,
) -> Result<Resumed, TensorboardError> {
    let path = folder.join(name.to_string());
    // TensorBoard does not read it under this name.
    let partial = folder.join(format!(".fireclay-events-{}.{}.partial", name.seconds, name.number));
    let mut write = |file: &mut File| -> io::Result<u64> {
        let mut length = 0;
        for part in parts {
            from.seek(SeekFrom::Start(part.start))?;
            length += io::copy(&mut from.take(part.end - part.start), file)?;
        }
        file.sync_all()?;
        Ok(length)
    };
    let mut file = File::create(&partial).map_err(TensorboardError::file("create", &partial))?;
    lock(&file, &path)?;
    let length = write(&mut file).map_err(TensorboardError::file("write", &partial))?;
    std::fs::rename(&partial, &path).map_err(TensorboardError::file("rename", &partial))?;
    Ok(Resumed { path, file, length })
}

fn remove(path: &Path) -> Result<(), TensorboardError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(TensorboardError::file("remove", path)),
    }
}
