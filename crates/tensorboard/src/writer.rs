//! The writer of an event file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::file_name::FileName;
use crate::proto::{self, What};
use crate::resume::{self, Resumed};
use crate::{
    Experiment, GraphNode, HParamValue, ResumeAt, SessionStatus, Summary, TensorboardError, graph, hparams,
    record,
};

/// How many bytes wait until they are written together.
const BUFFER_BYTES: usize = 1 << 16;

/// Writes an event file. It is locked while this is alive.
///
/// Events wait in memory until [`EventWriter::flush`], or until there are 64 KiB of them; a TensorBoard that is looking on sees
/// them from then on. Dropping it flushes as well, but cannot say what went wrong.
///
/// The page of the [crate] has an example.
pub struct EventWriter {
    path: PathBuf,
    file: File,
    /// How many bytes of the file are whole records that were written.
    written: u64,
    /// Whole records that are to be written behind them.
    buffer: Vec<u8>,
    clock: Box<dyn FnMut() -> f64 + Send>,
}

impl EventWriter {
    /// Begins an event file in the folder of a run, which is made if it is not there. A folder should hold one run alone, as
    /// TensorBoard takes all its files together.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if folder or file cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self, TensorboardError> {
        Self::create_with_clock(folder, system_clock)
    }

    /// As [`EventWriter::create`], with a clock of one's own that tells seconds since 1970. Each event is written with the time
    /// that it tells, and the file has it in its name.
    ///
    /// ```
    /// use fireclay_tensorboard::EventWriter;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let mut seconds = 1_700_000_000.0;
    /// let writer = EventWriter::create_with_clock(folder.path(), move || {
    ///     seconds += 0.5;
    ///     seconds
    /// })?;
    /// assert!(writer.path().ends_with("events.out.tfevents.1700000000.fireclay.000.000"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`EventWriter::create`].
    pub fn create_with_clock(
        folder: impl AsRef<Path>,
        clock: impl FnMut() -> f64 + Send + 'static,
    ) -> Result<Self, TensorboardError> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(TensorboardError::file("create", folder))?;
        let mut clock = Box::new(clock);
        let mut name = FileName { seconds: clock() as u64, number: 0, revision: 0 };
        let (path, file) = loop {
            let path = folder.join(name.to_string());
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => name.number += 1,
                Err(error) => return Err(TensorboardError::file("create", path)(error)),
            }
        };
        resume::lock(&file, &path)?;
        let mut writer = Self { path, file, written: 0, buffer: Vec::new(), clock };
        writer.append(0, What::FileVersion(resume::FILE_VERSION.to_owned()))?;
        // TensorBoard's reader in Python forgets what it knows of a run at the second of these: so it does when a file that was
        // shortened takes the place of the one before.
        writer.append(0, What::SessionLog(proto::SessionLog { status: proto::SESSION_START }))?;
        writer.flush()?;
        Ok(writer)
    }

    /// Continues the event file of a folder; of several the last that was begun. A record at its end that was cut short or
    /// damaged, as by a crash, is dropped, and so is what `at` says.
    ///
    /// If something is to be dropped, the rest is copied into a new file, and the old one stays behind empty until the run goes on
    /// once more. A TensorBoard that is looking on then reads the new file and forgets what was dropped.
    ///
    /// # Errors
    /// - [`TensorboardError::NoEventFile`] if the folder has none of this crate, [`TensorboardError::Locked`] if a writer has it
    ///   open
    /// - [`TensorboardError::NotAnEventFile`], [`TensorboardError::Damaged`] if it is something else
    /// - [`TensorboardError::TooShort`], [`TensorboardError::NotABorder`] if the position is not one of the file
    /// - [`TensorboardError::File`] if it cannot be read or written
    pub fn resume(folder: impl AsRef<Path>, at: ResumeAt) -> Result<Self, TensorboardError> {
        Self::resume_with_clock(folder, at, system_clock)
    }

    /// As [`EventWriter::resume`], with a clock of one's own that tells seconds since 1970.
    ///
    /// # Errors
    /// Those of [`EventWriter::resume`].
    pub fn resume_with_clock(
        folder: impl AsRef<Path>,
        at: ResumeAt,
        clock: impl FnMut() -> f64 + Send + 'static,
    ) -> Result<Self, TensorboardError> {
        let Resumed { path, file, length } = resume::resume(folder.as_ref(), at)?;
        Ok(Self { path, file, written: length, buffer: Vec::new(), clock: Box::new(clock) })
    }

    /// The event file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next event begins, in bytes, those that wait to be written counted in. To be kept with a checkpoint, for
    /// [`ResumeAt::Position`].
    pub fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Writes values of a step, as one event.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if the file cannot be written; the event is not taken then.
    pub fn write(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = Summary>,
    ) -> Result<(), TensorboardError> {
        let value = values.into_iter().map(Summary::into_message).collect();
        self.append(step, What::Summary(proto::Summary { value }))
    }

    /// Writes the graph of the network. Of several in a run TensorBoard shows the first.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if the file cannot be written.
    pub fn graph(&mut self, nodes: &[GraphNode]) -> Result<(), TensorboardError> {
        self.append(0, What::GraphDef(graph::encode(nodes)))
    }

    /// Writes with which hyper-parameters the run begins; of two of one name the later counts. TensorBoard puts the last value of
    /// each scalar beside them.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if the file cannot be written.
    pub fn start_session<N: Into<String>>(
        &mut self,
        hparams: impl IntoIterator<Item = (N, HParamValue)>,
    ) -> Result<(), TensorboardError> {
        let values: BTreeMap<String, HParamValue> =
            hparams.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let value = hparams::session_start(values, (self.clock)());
        self.append(0, What::Summary(proto::Summary { value: vec![value] }))
    }

    /// Writes that the run has ended at a step, and how.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if the file cannot be written.
    pub fn end_session(&mut self, step: u64, status: SessionStatus) -> Result<(), TensorboardError> {
        let value = hparams::session_end(status, (self.clock)());
        self.append(step, What::Summary(proto::Summary { value: vec![value] }))
    }

    /// Writes what runs are compared by.
    ///
    /// It may be left out: without one TensorBoard compares all hyper-parameters of all runs and every scalar. It takes one for
    /// all runs of a folder, whichever it finds first; so of several runs one alone should write it, or all the same.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if the file cannot be written.
    pub fn experiment(&mut self, experiment: &Experiment) -> Result<(), TensorboardError> {
        let value = hparams::experiment(experiment, (self.clock)());
        self.append(0, What::Summary(proto::Summary { value: vec![value] }))
    }

    /// Hands all events to the system, and returns the [position](EventWriter::position), which is now the file's length. They
    /// survive the end of this process, however it ends.
    ///
    /// # Errors
    /// [`TensorboardError::File`] if the file cannot be written; the events still wait then, and the next call tries again.
    pub fn flush(&mut self) -> Result<u64, TensorboardError> {
        // After a failure some of the bytes may be there; the same ones are written over them.
        let written = self.file.seek(SeekFrom::Start(self.written));
        written
            .and_then(|_| self.file.write_all(&self.buffer))
            .map_err(TensorboardError::file("write", &self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(self.written)
    }

    /// As [`EventWriter::flush`], and waits until the disk has them, so that they survive the end of the system as well.
    ///
    /// # Errors
    /// Those of [`EventWriter::flush`].
    pub fn sync(&mut self) -> Result<u64, TensorboardError> {
        let position = self.flush()?;
        self.file.sync_data().map_err(TensorboardError::file("write", &self.path))?;
        Ok(position)
    }

    fn append(&mut self, step: u64, what: What) -> Result<(), TensorboardError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let event = proto::Event { wall_time: (self.clock)(), step, what: Some(what) };
        let before = self.buffer.len();
        record::append(&mut self.buffer, &prost::Message::encode_to_vec(&event));
        if self.buffer.len() < BUFFER_BYTES {
            return Ok(());
        }
        // So a full disk does not fill the memory.
        let flushed = self.flush();
        if flushed.is_err() {
            self.buffer.truncate(before);
        }
        flushed.map(|_| ())
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

impl std::fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventWriter").field("path", &self.path).field("position", &self.position()).finish()
    }
}

/// A clock before 1970 tells 0.
fn system_clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    /// A file that may only be read stands for a disk that is full for a while.
    #[test]
    fn what_could_not_be_written_is_written_later_and_memory_stays_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create_with_clock(folder.path(), || 1.0).unwrap();
        is_send(&writer);
        let begun = writer.position();
        let writable = std::mem::replace(&mut writer.file, File::open(&writer.path).unwrap());
        writer.write(1, [Summary::scalar("loss", 0.5)]).unwrap();
        let waiting = writer.position();
        let message = writer.flush().unwrap_err().to_string();
        assert!(message.starts_with("cannot write ") && message.contains("tfevents"), "{message}");
        let long = || Summary::text("notes", "x".repeat(BUFFER_BYTES));
        for _ in 0..3 {
            assert!(writer.write(2, [long()]).is_err());
            assert_eq!(writer.position(), waiting, "the event is not taken");
        }
        writer.file = writable;
        assert_eq!(writer.flush().unwrap(), waiting);
        writer.write(3, [long()]).unwrap();
        assert_eq!(std::fs::metadata(writer.path()).unwrap().len(), writer.position());
        assert!(begun < waiting && waiting + BUFFER_BYTES as u64 <= writer.position());
    }
}
