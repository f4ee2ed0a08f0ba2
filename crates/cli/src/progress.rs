//! The progress of a training and of downloads: a bar on a terminal, a line for each epoch, a record with JSON.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fireclay::data::DownloadProgress;
use fireclay::train::{Callback, CallbackContext, EpochRecord, Event, TrainError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::format::{count, percent, seconds};
use crate::objective::measure;
use crate::output::Output;

/// Shows a run's progress.
pub struct Progress {
    output: Arc<Output>,
    epochs: usize,
    steps_per_epoch: usize,
    /// The epoch that the run began in and its steps that were done before.
    start: (usize, usize),
    bar: Option<ProgressBar>,
}

#[derive(Serialize)]
struct EpochLine<'a> {
    r#type: &'static str,
    epoch: usize,
    epochs: usize,
    values: BTreeMap<&'a str, f64>,
    seconds: f64,
    samples_per_s: f64,
}

impl Progress {
    /// Shows progress on an output.
    pub fn new(output: Arc<Output>) -> Self {
        Progress { output, epochs: 0, steps_per_epoch: 0, start: (1, 0), bar: None }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn epoch_line(&self, record: &EpochRecord) -> String {
        let values = record.values.iter().map(|(name, value)| format!("{name} {}", measure(name, *value)));
        format!(
            "epoch {}/{}  {}  {} samples/s  {}",
            record.epoch,
            self.epochs,
            values.collect::<Vec<_>>().join("  "),
            count(record.samples_per_s.round() as u64),
            seconds(record.seconds)
        )
    }
}

impl Callback for Progress {
    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { epochs, steps_per_epoch, start, .. } => {
                self.epochs = *epochs;
                self.steps_per_epoch = *steps_per_epoch;
                self.start = *start;
            }
            Event::Warning(warning) => self.output.note(format!("warning: {warning}")),
            Event::UnusedParameters(names) => self.output.note(format!(
                "note: these parameters have no part in the loss and will not change: {}",
                names.join(", ")
            )),
            Event::EpochStarted { epoch } if self.output.shows_bars() => {
                let bar = ProgressBar::with_draw_target(
                    Some(self.steps_per_epoch as u64),
                    ProgressDrawTarget::stderr_with_hz(10),
                );
                let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
                bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
                self.bar = Some(bar);
            }
            Event::StepEnded { epoch, step, steps, samples, seconds: elapsed, loss, accuracy, .. } => {
                let Some(bar) = &self.bar else { return Ok(()) };
                bar.set_position(*step as u64);
                let speed = *samples as f64 / elapsed.max(1e-9);
                let before = if *epoch == self.start.0 { self.start.1 } else { 0 };
                let left = elapsed / step.saturating_sub(before).max(1) as f64 * (steps - step) as f64;
                let mut parts = Vec::new();
                parts.extend(loss.map(|loss| format!("loss {loss:.4}")));
                parts.extend(accuracy.map(|accuracy| format!("accuracy {}", percent(accuracy))));
                parts.push(format!("{} samples/s", count(speed.round() as u64)));
                parts.push(format!("{} left", seconds(left)));
                bar.set_message(parts.join("  "));
            }
            Event::EpochEnded(record) => {
                self.clear();
                self.output.progress_line(self.epoch_line(record));
                self.output.record(&EpochLine {
                    r#type: "epoch",
                    epoch: record.epoch,
                    epochs: self.epochs,
                    values: record.values.iter().map(|(name, value)| (name.as_str(), *value)).collect(),
                    seconds: record.seconds,
                    samples_per_s: record.samples_per_s,
                });
            }
            Event::FitEnded(_) => self.clear(),
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Shows downloads: a bar for each file on a terminal, a line for each file otherwise.
pub struct DownloadBar {
    output: Arc<Output>,
    current: Mutex<Option<(String, ProgressBar)>>,
}

impl DownloadBar {
    /// Shows downloads on an output.
    pub fn new(output: Arc<Output>) -> Self {
        DownloadBar { output, current: Mutex::new(None) }
    }

    /// Takes a report from a download.
    pub fn show(&self, progress: &DownloadProgress<'_>) {
        let Ok(mut current) = self.current.lock() else {
            return;
        };
        let is_new = current.as_ref().is_none_or(|(file, _)| file != progress.file);
        if is_new {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            let target = match self.output.shows_bars() {
                true => ProgressDrawTarget::stderr_with_hz(10),
                false => {
                    self.output.note(format!("downloading {}", progress.file));
                    ProgressDrawTarget::hidden()
                }
            };
            let bar = ProgressBar::with_draw_target(None, target);
            let style =
                ProgressStyle::with_template("{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_prefix(progress.file.to_string());
            bar.enable_steady_tick(Duration::from_millis(200));
            *current = Some((progress.file.to_string(), bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.bytes);
        }
    }
}

impl Drop for DownloadBar {
    fn drop(&mut self) {
        if let Ok(mut current) = self.current.lock()
            && let Some((_, bar)) = current.take()
        {
            bar.finish_and_clear();
        }
    }
}
