//! `run.json`: what a run was, and what came of it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use fireclay_data::write_atomically;
use fireclay_report::RunReport;
use serde::{Deserialize, Serialize};

use crate::error::RunsError;
use crate::folder::RunFolder;

/// The version of the format.
const VERSION: u32 = 1;

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It trains, or it was killed: whoever wrote this was not asked to stop.
    #[default]
    Running,
    /// It came to its end.
    Completed,
    /// It was broken off, and can go on from its last checkpoint.
    Interrupted,
    /// It ended with an error.
    Failed,
}

impl Status {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Completed => "completed",
            Status::Interrupted => "interrupted",
            Status::Failed => "failed",
        }
    }
}

/// What a run was, and what came of it, for lists and comparisons.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The version of the format.
    pub version: u32,
    /// How the run stands.
    pub status: Status,
    /// Why it failed, or stopped early.
    pub reason: Option<String>,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// How long it took, in seconds; of all its parts, if it was broken off.
    pub seconds: f64,
    /// The process that wrote this.
    pub process: u32,
    /// Everything that a page says but the predictions for each sample.
    pub report: RunReport,
}

impl RunRecord {
    /// A run that begins now.
    pub fn begin(report: RunReport) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        RunRecord {
            version: VERSION,
            started: since.as_secs(),
            process: std::process::id(),
            report,
            ..RunRecord::default()
        }
    }

    /// Reads the record of a run.
    ///
    /// # Errors
    /// [`RunsError::File`] and [`RunsError::Record`].
    pub fn load(run: &RunFolder) -> Result<Self, RunsError> {
        let path = run.record();
        let text = fs::read_to_string(&path).map_err(RunsError::file("read", &path))?;
        serde_json::from_str(&text).map_err(|source| RunsError::Record { path, source })
    }

    /// Writes it, whole or not at all, without what is only in the page.
    ///
    /// # Errors
    /// [`RunsError::File`]
    pub fn save(&self, run: &RunFolder) -> Result<(), RunsError> {
        let report = RunReport {
            task: None,
            mistakes: Vec::new(),
            augmented: Vec::new(),
            steps: Vec::new(),
            ..self.report.clone()
        };
        let record = RunRecord { report, ..self.clone() };
        let path = run.record();
        let write = |out: &mut dyn std::io::Write| {
            serde_json::to_writer_pretty(&mut *out, &record)?;
            out.write_all(b"\n")
        };
        write_atomically(&path, write).map_err(RunsError::file("write", &path))
    }

    /// Whether the process that trains is still there; a run that says so and has none was killed.
    pub fn is_alive(&self) -> bool {
        let known = cfg!(target_os = "linux");
        self.status == Status::Running && (!known || fs::metadata(format!("/proc/{}", self.process)).is_ok())
    }
}
