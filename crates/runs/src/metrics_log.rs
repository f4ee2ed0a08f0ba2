//! `metrics.csv` and `metrics.jsonl`.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fireclay_train::{Callback, CallbackContext, EpochRecord, Event, TrainError};
use serde::{Deserialize, Serialize};

use crate::appender::Appender;
use crate::error::RunsError;
use crate::folder::RunFolder;
use crate::logged::{INTERVAL, LoggedStep, StepSummary, value};

/// Writes what is measured to `metrics.csv` and `metrics.jsonl`, a line for each tenth step and for the last of each epoch, which has
/// the values of the epoch as well.
///
/// In both a line has `step` (counted from 1 over the run), `epoch`, `step_loss` (the mean over the steps since the line before),
/// `learning_rate`, `gradient_norm` (before clipping), `samples_per_s`, and for the last step of an epoch what was measured, such as
/// `loss` and `val_accuracy`. What does not exist is empty in the one and absent from the other.
pub struct MetricsLog {
    csv: PathBuf,
    jsonl: PathBuf,
    summary: StepSummary,
    /// The columns of epochs.
    names: Vec<String>,
    /// The last step of an epoch, which waits for the epoch's values.
    pending: Option<LoggedStep>,
    files: Mutex<Option<Files>>,
    /// Where a run that goes on had written to.
    resumed: Option<State>,
}

struct Files {
    csv: Appender,
    jsonl: Appender,
}

#[derive(Serialize, Deserialize)]
struct State {
    csv: u64,
    jsonl: u64,
    summary: StepSummary,
}

/// A line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line {
    step: usize,
    epoch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_loss: Option<f64>,
    learning_rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples_per_s: Option<f64>,
    #[serde(flatten)]
    values: serde_json::Map<String, serde_json::Value>,
}

impl MetricsLog {
    /// Writes to the folder of a run.
    pub fn new(run: &RunFolder) -> Self {
        MetricsLog {
            csv: run.metrics_csv(),
            jsonl: run.metrics_jsonl(),
            summary: StepSummary::new(INTERVAL),
            names: Vec::new(),
            pending: None,
            files: Mutex::new(None),
            resumed: None,
        }
    }

    /// Sets after how many steps each a line is written; 10 by default, and 1 writes each step.
    pub fn every(mut self, steps: usize) -> Self {
        self.summary = StepSummary::new(steps);
        self
    }

    fn open(&mut self, is_new: bool) -> Result<(), RunsError> {
        let (csv, jsonl) = match self.resumed.take() {
            Some(state) if !is_new => {
                self.summary.restore(state.summary);
                (state.csv, state.jsonl)
            }
            _ => (0, 0),
        };
        let mut files =
            Files { csv: Appender::open(&self.csv, csv)?, jsonl: Appender::open(&self.jsonl, jsonl)? };
        if csv == 0 {
            let names: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
            let comma = if names.is_empty() { "" } else { "," };
            files.csv.write(&format!(
                "step,epoch,step_loss,learning_rate,gradient_norm,samples_per_s{comma}{}\n",
                names.join(",")
            ))?;
        }
        *self.files.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(files);
        Ok(())
    }

    fn write(&mut self, step: &LoggedStep, record: Option<&EpochRecord>) -> Result<(), RunsError> {
        let Some(files) = self.files.get_mut().unwrap_or_else(PoisonError::into_inner) else { return Ok(()) };
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut line = format!(
            "{},{},{},{},{},{}",
            step.step,
            step.epoch,
            number(step.loss),
            step.learning_rate,
            number(step.gradient_norm),
            number(step.samples_per_s)
        );
        let mut values = serde_json::Map::new();
        for name in &self.names {
            let value = record.and_then(|record| value(record, name));
            let _ = write!(line, ",{}", number(value));
            values.extend(value.map(|value| (name.clone(), value.into())));
        }
        line.push('\n');
        files.csv.write(&line)?;
        let line = Line {
            step: step.step,
            epoch: step.epoch,
            step_loss: step.loss,
            learning_rate: step.learning_rate,
            gradient_norm: step.gradient_norm.filter(|norm| norm.is_finite()),
            samples_per_s: step.samples_per_s,
            values,
        };
        let mut line = serde_json::to_string(&line).unwrap_or_default();
        line.push('\n');
        files.jsonl.write(&line)
    }

    fn flush(&self) -> Result<Option<[u64; 2]>, RunsError> {
        match self.files.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(files) => Ok(Some([files.csv.flush()?, files.jsonl.flush()?])),
            None => Ok(None),
        }
    }

    fn hear(&mut self, event: &Event) -> Result<(), RunsError> {
        match event {
            Event::FitStarted { steps_per_epoch, start, measured, .. } => {
                let is_new = *start == (1, 0);
                self.names = measured.iter().map(|value| value.name.clone()).collect();
                self.summary.start(*steps_per_epoch, is_new && self.resumed.is_none());
                self.open(is_new && self.resumed.is_none())?;
            }
            Event::StepEnded { step, steps, .. } => {
                if let Some(logged) = self.summary.add(event) {
                    match step == steps {
                        true => self.pending = Some(logged),
                        false => self.write(&logged, None)?,
                    }
                }
            }
            Event::EpochEnded(record) => {
                if let Some(logged) = self.pending.take() {
                    self.write(&logged, Some(record))?;
                }
                self.flush()?;
            }
            Event::FitEnded(_) => {
                self.flush()?;
            }
            other => {
                self.summary.add(other);
            }
        }
        Ok(())
    }
}

impl Callback for MetricsLog {
    fn name(&self) -> String {
        "metrics_log".into()
    }

    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        self.hear(event).map_err(|error| TrainError::Callback(Box::new(error)))
    }

    fn needs_gradient_norm(&self, step: usize) -> bool {
        self.summary.is_logged(step)
    }

    fn state(&self) -> serde_json::Value {
        // What cannot be written now is an error of the next line.
        match self.flush() {
            Ok(Some([csv, jsonl])) => {
                let summary = self.summary.clone();
                serde_json::to_value(State { csv, jsonl, summary }).unwrap_or_default()
            }
            _ => serde_json::Value::Null,
        }
    }

    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        self.resumed = Some(serde_json::from_value(state)?);
        Ok(())
    }
}

/// A name of a column, in quotes where it has commas or quotes.
fn quoted(name: &str) -> String {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}
