//! Event files for TensorBoard, written as the run goes.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fireclay_tensorboard::{EventWriter, GraphNode, HParamValue, ResumeAt, Summary};
use fireclay_train::{Callback, CallbackContext, EpochRecord, Event, TrainError};
use serde::{Deserialize, Serialize};

use crate::error::RunsError;
use crate::folder::RunFolder;
use crate::logged::{INTERVAL, LoggedStep, StepSummary, value};

/// Writes what is measured as TensorBoard reads it: loss, learning rate, norm of the gradients and speed of each tenth step, what was
/// measured at the end of each epoch, and if asked for histograms of all weights and gradients there.
///
/// Tags: `step/loss`, `step/learning_rate`, `step/gradient_norm`, `step/samples_per_s`; `train/loss` and the like; `validation/loss`
/// and the like; `weights/NAME`, `gradients/NAME`.
pub struct TensorBoardLog {
    folder: PathBuf,
    summary: StepSummary,
    histograms: bool,
    hparams: Vec<(String, HParamValue)>,
    texts: Vec<(String, String)>,
    graph: Vec<GraphNode>,
    writer: Mutex<Option<EventWriter>>,
    resumed: Option<State>,
    steps_per_epoch: usize,
}

#[derive(Serialize, Deserialize)]
struct State {
    position: u64,
    summary: StepSummary,
}

impl TensorBoardLog {
    /// Writes to the folder of a run.
    pub fn new(run: &RunFolder) -> Self {
        TensorBoardLog {
            folder: run.path().to_path_buf(),
            summary: StepSummary::new(INTERVAL),
            histograms: false,
            hparams: Vec::new(),
            texts: Vec::new(),
            graph: Vec::new(),
            writer: Mutex::new(None),
            resumed: None,
            steps_per_epoch: 1,
        }
    }

    /// Sets after how many steps each values are written; 10 by default.
    pub fn every(mut self, steps: usize) -> Self {
        self.summary = StepSummary::new(steps);
        self
    }

    /// Writes histograms of weights and gradients after each epoch, which copies all of them.
    pub fn histograms(mut self) -> Self {
        self.histograms = true;
        self
    }

    /// Adds hyper-parameters, by which TensorBoard compares runs.
    pub fn hparams<N: Into<String>>(mut self, hparams: impl IntoIterator<Item = (N, HParamValue)>) -> Self {
        self.hparams.extend(hparams.into_iter().map(|(name, value)| (name.into(), value)));
        self
    }

    /// Adds a text in Markdown under a tag, such as what was trained on what.
    pub fn text(mut self, tag: impl Into<String>, markdown: impl Into<String>) -> Self {
        self.texts.push((tag.into(), markdown.into()));
        self
    }

    /// Adds the graph of the network, as [`graph`](crate::graph) makes it.
    pub fn graph(mut self, nodes: Vec<GraphNode>) -> Self {
        self.graph = nodes;
        self
    }

    fn open(&mut self, is_new: bool) -> Result<(), RunsError> {
        let writer = match self.resumed.take() {
            Some(state) if !is_new => {
                self.summary.restore(state.summary);
                EventWriter::resume(&self.folder, ResumeAt::Position(state.position))?
            }
            _ => {
                let mut writer = EventWriter::create(&self.folder)?;
                if !self.hparams.is_empty() {
                    writer.start_session(self.hparams.clone())?;
                }
                if !self.graph.is_empty() {
                    writer.graph(&self.graph)?;
                }
                for (tag, text) in &self.texts {
                    writer.write(0, [Summary::text(tag.clone(), text.clone())])?;
                }
                writer.flush()?;
                writer
            }
        };
        *self.writer.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(())
    }

    fn write(&mut self, step: usize, summaries: Vec<Summary>) -> Result<(), RunsError> {
        if let Some(writer) = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner) {
            writer.write(step as u64, summaries)?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<Option<u64>, RunsError> {
        match self.writer.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(writer) => Ok(Some(writer.flush()?)),
            None => Ok(None),
        }
    }

    fn hear(&mut self, event: &Event, context: &CallbackContext) -> Result<(), RunsError> {
        match event {
            Event::FitStarted { steps_per_epoch, start, .. } => {
                let is_new = *start == (1, 0) && self.resumed.is_none();
                self.steps_per_epoch = *steps_per_epoch;
                self.summary.start(*steps_per_epoch, is_new);
                self.open(is_new)
            }
            Event::StepEnded { step, steps, epoch, .. } => {
                if let Some(logged) = self.summary.add(event) {
                    self.write(logged.step, of_step(&logged))?;
                }
                if self.histograms && step == steps {
                    let number = epoch * self.steps_per_epoch;
                    let of = |kind: &str, tensors: &[fireclay_nn::NamedTensor]| -> Vec<Summary> {
                        let summary = |tensor: &fireclay_nn::NamedTensor| {
                            Summary::histogram(format!("{kind}/{}", tensor.name), &tensor.values)
                        };
                        tensors.iter().map(summary).collect()
                    };
                    let mut summaries = of("weights", &context.weights());
                    summaries.extend(of("gradients", context.gradients()));
                    self.write(number, summaries)?;
                }
                Ok(())
            }
            Event::EpochEnded(record) => {
                self.write(record.epoch * self.steps_per_epoch, of_epoch(record))?;
                self.flush().map(drop)
            }
            Event::FitEnded(_) => {
                self.flush()?;
                // Whoever adds pictures and final measures opens it anew.
                *self.writer.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(())
            }
            other => {
                self.summary.add(other);
                Ok(())
            }
        }
    }
}

fn of_step(step: &LoggedStep) -> Vec<Summary> {
    let scalars = [
        ("step/loss", step.loss),
        ("step/learning_rate", Some(step.learning_rate)),
        ("step/gradient_norm", step.gradient_norm),
        ("step/samples_per_s", step.samples_per_s),
    ];
    scalars.into_iter().filter_map(|(tag, value)| Some(Summary::scalar(tag, value? as f32))).collect()
}

fn of_epoch(record: &EpochRecord) -> Vec<Summary> {
    let scalar = |(name, _): &(String, f64)| {
        let tag = match name.strip_prefix("val_") {
            Some(name) => format!("validation/{name}"),
            None => format!("train/{name}"),
        };
        Some(Summary::scalar(tag, value(record, name)? as f32))
    };
    record.values.iter().filter_map(scalar).collect()
}

impl Callback for TensorBoardLog {
    fn name(&self) -> String {
        "tensorboard_log".into()
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        self.hear(event, context).map_err(|error| TrainError::Callback(Box::new(error)))
    }

    fn needs_gradient_norm(&self, step: usize) -> bool {
        self.summary.is_logged(step)
    }

    fn needs_gradients(&self, step: usize) -> bool {
        self.histograms && step.is_multiple_of(self.steps_per_epoch)
    }

    fn state(&self) -> serde_json::Value {
        // What cannot be written now is an error of the next event.
        match self.flush() {
            Ok(Some(position)) => {
                let summary = self.summary.clone();
                serde_json::to_value(State { position, summary }).unwrap_or_default()
            }
            _ => serde_json::Value::Null,
        }
    }

    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        self.resumed = Some(serde_json::from_value(state)?);
        Ok(())
    }
}
