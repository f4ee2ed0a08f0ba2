//! A file that keeps the results of a search, so that one that was stopped, however it was, goes on where it was.
//!
//! JSON Lines: a header, then a line for each trial at each rung when it ends, and one for the plan when it is made. A line is
//! written at once and synchronised to the disk before the search takes it. Proposals are not kept: they follow from the
//! results, and what a line says of a trial's settings is compared with them.
//!
//! A process that is killed in the middle of a line leaves one without an end; it is dropped, and that trial runs again. Any
//! other damage is refused rather than skipped, because what would be proposed then is not what the finished trials came from.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Header, Outcome, Plan, Search, SearchOptions, Settings, Space, TuneError};

/// The version of the format.
const VERSION: u64 = 1;

/// What a journal's first bytes are.
const MARK: &str = r#"{"header":{"format":"fireclay-tune","#;

/// The largest journal that is read, in bytes: a million trials.
const LARGEST: u64 = 1 << 28;

/// A file with the results of a search. It is locked while this is alive.
///
/// The page of the [crate] has an example.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The length of the whole lines, in bytes.
    length: u64,
    plan: Option<Plan>,
}

/// A line of the file, by the name of what it is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Header(HeaderLine),
    Trial(TrialLine),
    Plan(Plan),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    format: String,
    version: u64,
    space: Space,
    options: SearchOptions,
    context: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrialLine {
    number: usize,
    rung: usize,
    settings: Settings,
    // Without this a line that lacks the field would be that of a failure.
    #[serde(deserialize_with = "Option::deserialize")]
    score: Option<f64>,
    seconds: f64,
}

impl Journal {
    /// Opens a journal and takes its results into a new search, or begins a new journal if there is no such file or it is
    /// empty. The search goes on exactly as if it had never been stopped.
    ///
    /// # Errors
    /// - what [`Search::new`] refuses, before the file is touched
    /// - [`TuneError::File`] if the file cannot be opened, read or written
    /// - [`TuneError::Locked`] if another process, or another `Journal` of this one, has it open
    /// - [`TuneError::NotAJournal`], [`TuneError::Version`], [`TuneError::TooLarge`] if it is another kind of file
    /// - [`TuneError::OtherSearch`] with what differs, if it has another header
    /// - [`TuneError::Damaged`], [`TuneError::Inconsistent`] with the line, if it was changed
    pub fn open_or_create(path: impl AsRef<Path>, header: Header) -> Result<(Self, Search), TuneError> {
        let path = path.as_ref();
        let mut search = Search::new(header.space.clone(), header.options.clone())?;
        let failed = |action| move |source| TuneError::File { action, path: path.to_owned(), source };

        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(failed("open"))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => TuneError::Locked { path: path.to_owned() },
            TryLockError::Error(source) => failed("lock")(source),
        })?;
        let found = file.metadata().map_err(failed("read"))?.len();
        if found > LARGEST {
            return Err(TuneError::TooLarge { path: path.to_owned(), found, limit: LARGEST });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        let beginning = bytes.iter().zip(MARK.as_bytes());
        if beginning.into_iter().any(|(found, expected)| found != expected) {
            return Err(TuneError::NotAJournal { path: path.to_owned() });
        }

        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut journal = Self { path: path.to_owned(), file, length: whole as u64, plan: None };
        let mut lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate();
        let first = lines.next();
        if let Some((_, line)) = first {
            journal.compare(line, &header)?;
        }
        for (index, line) in lines {
            journal.replay(line, index + 1, &mut search)?;
        }
        if whole < bytes.len() {
            journal.file.set_len(journal.length).map_err(failed("shorten"))?;
        }
        if first.is_none() {
            let Header { space, options, context } = header;
            let (format, version) = ("fireclay-tune".to_owned(), VERSION);
            journal.append(&Line::Header(HeaderLine { format, version, space, options, context }))?;
        }
        Ok((journal, search))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the outcome of a trial and then reports it to the search that was opened with this journal. See
    /// [`Search::report`].
    ///
    /// # Errors
    /// What [`Search::report`] refuses, and [`TuneError::File`] if the outcome cannot be written; the search has not taken it
    /// then, and it can be reported again.
    pub fn report(
        &mut self,
        search: &mut Search,
        number: usize,
        rung: usize,
        outcome: Outcome,
    ) -> Result<(), TuneError> {
        let Outcome { score, seconds } = outcome.checked()?;
        let settings = search.find_ready(number, rung)?.settings;
        self.append(&Line::Trial(TrialLine { number, rung, settings, score, seconds }))?;
        search.report(number, rung, outcome)
    }

    /// The plan, if one was made.
    pub fn plan(&self) -> Option<Plan> {
        self.plan
    }

    /// How many brackets the search runs, the first one included. It is decided once, by the time that the first bracket took,
    /// and written down: a search that is stopped and goes on ends where it would have ended. See [`Plan::new`].
    ///
    /// `budget_seconds` is what all trials may take together, as their [`Outcome::seconds`] say: where several run at the same
    /// time and each says how long it took, it is that many times the time to wait.
    ///
    /// # Errors
    /// [`TuneError::TooEarly`] while the first bracket is not done, [`TuneError::Budget`] if the budget is not above 0,
    /// [`TuneError::OtherPlan`] if the plan was made for another budget, [`TuneError::File`] if it cannot be written.
    pub fn plan_brackets(&mut self, search: &Search, budget_seconds: f64) -> Result<usize, TuneError> {
        match self.plan {
            Some(plan) if plan.budget_seconds == budget_seconds => Ok(plan.brackets),
            Some(plan) => Err(TuneError::OtherPlan { planned: plan.budget_seconds, found: budget_seconds }),
            None => {
                let plan = planned(search, budget_seconds)?;
                self.append(&Line::Plan(plan))?;
                self.plan = Some(plan);
                Ok(plan.brackets)
            }
        }
    }

    fn append(&mut self, line: &Line) -> Result<(), TuneError> {
        let failed = |source| TuneError::File { action: "write", path: self.path.clone(), source };
        let mut bytes = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // What was written of the line would otherwise stand before the next one. If this fails too, the next line is
            // still written over it.
            let _ = self.file.set_len(self.length);
            return Err(failed(source));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Compares the first line with the header that was given.
    fn compare(&self, line: &[u8], header: &Header) -> Result<(), TuneError> {
        let (path, damaged) = (|| self.path.clone(), |source| self.damaged(1, source));
        let value: Value = serde_json::from_slice(line).map_err(damaged)?;
        let version = &value["header"]["version"];
        if version.as_u64() != Some(VERSION) {
            let found = version.to_string();
            return Err(TuneError::Version { path: path(), expected: VERSION, found });
        }
        let Line::Header(found) = serde_json::from_slice(line).map_err(damaged)? else {
            return Err(TuneError::NotAJournal { path: path() });
        };
        let found = Header { space: found.space, options: found.options, context: found.context };
        if found != *header {
            let differences = found.differences(header);
            return Err(TuneError::OtherSearch { path: path(), differences });
        }
        Ok(())
    }

    /// Takes a line after the first into the search.
    fn replay(&mut self, line: &[u8], number: usize, search: &mut Search) -> Result<(), TuneError> {
        let read: Line = serde_json::from_slice(line).map_err(|source| self.damaged(number, source))?;
        let taken = match read {
            Line::Header(_) => Err(TuneError::SecondHeader),
            Line::Plan(_) if self.plan.is_some() => Err(TuneError::SecondPlan),
            Line::Plan(plan) => planned(search, plan.budget_seconds).and_then(|expected| {
                self.plan = Some(plan);
                let (expected, found) = (expected.brackets, plan.brackets);
                if expected == found { Ok(()) } else { Err(TuneError::PlanCount { expected, found }) }
            }),
            Line::Trial(trial) => trial.replay(search),
        };
        let path = || self.path.clone();
        taken.map_err(|source| TuneError::Inconsistent {
            path: path(),
            line: number,
            source: Box::new(source),
        })
    }

    fn damaged(&self, line: usize, source: serde_json::Error) -> TuneError {
        TuneError::Damaged { path: self.path.clone(), line, source }
    }
}

impl TrialLine {
    fn replay(self, search: &mut Search) -> Result<(), TuneError> {
        let proposed = search.find_ready(self.number, self.rung)?.settings;
        if proposed != self.settings {
            let (expected, found) = (proposed.to_string(), self.settings.to_string());
            return Err(TuneError::OtherSettings { trial: self.number, expected, found });
        }
        search.report(self.number, self.rung, Outcome { score: self.score, seconds: self.seconds })
    }
}

fn planned(search: &Search, budget_seconds: f64) -> Result<Plan, TuneError> {
    if search.brackets_done() == 0 {
        return Err(TuneError::TooEarly);
    }
    Plan::new(budget_seconds, search.bracket_seconds(0))
}
