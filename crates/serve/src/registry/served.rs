//! A version of a model at work, with the requests that wait for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use fireclay_backend::{Precision, in_precision};
use fireclay_nn::Device;
use fireclay_train::{Prediction, SampleMeasures};

use super::source::VersionFiles;
use super::{RegistryOptions, golden};
use crate::drift::{Drift, DriftReport};
use crate::error::ServeError;
use crate::metrics::Metrics;
use crate::model::{Question, ServedModel};
use crate::queue::Queue;
use crate::refusal::Refusal;
use crate::tensor::Tensor;

/// Numbers of an answer at most.
const MOST_NUMBERS: usize = 1 << 21;

/// A version of a model, with the requests that wait for it.
#[derive(Debug)]
pub struct Served {
    name: String,
    version: u64,
    path: PathBuf,
    model: Arc<ServedModel>,
    queue: Queue<Question, Prediction>,
    precision: Precision,
    metrics: Arc<Metrics>,
    /// Where the model's file says how its training's samples were.
    drift: Option<Arc<Drift>>,
}

impl Served {
    /// Loads a version and tries it.
    pub(super) fn load(
        name: &str,
        version: u64,
        files: VersionFiles,
        device: &Device,
        options: RegistryOptions,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServeError> {
        let VersionFiles { model: path, golden } = files;
        let model = Arc::new(ServedModel::load(&path, device)?);
        let answering = model.clone();
        let answer = move |questions: &[&Question]| {
            let _precision = in_precision(options.precision);
            answering.answer(questions)
        };
        if let Some(golden) = golden {
            let wrong = |problem: String| ServeError::Golden { path: golden.clone(), problem };
            let bytes = std::fs::read(&golden).map_err(|error| wrong(error.to_string()))?;
            golden::check(&model, &answer, &bytes).map_err(wrong)?;
        }
        let measures = SampleMeasures::of(&model.card().spec, model.table());
        let drift = model.card().reference.clone().map(|known| Arc::new(Drift::new(known, measures)));
        let counted = drift.clone();
        let answer = move |questions: &[&Question]| {
            let answers = answer(questions)?;
            if let Some(drift) = &counted {
                drift.add(questions, &answers);
            }
            Ok(answers)
        };
        let queue = Queue::start(options.queue, metrics.clone(), answer)
            .map_err(|source| ServeError::System { source })?;
        let precision = options.precision;
        Ok(Served { name: name.to_owned(), version, path, model, queue, precision, metrics, drift })
    }

    /// By what name clients ask for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What answers.
    pub fn model(&self) -> &ServedModel {
        &self.model
    }

    /// What was counted of its requests, also when it was served before.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How far the samples of the last requests are from those of the training.
    pub(crate) fn drift(&self) -> Option<DriftReport> {
        self.drift.as_ref().map(|drift| drift.report(self.model.classes()))
    }

    /// In what numbers products are made.
    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    /// Samples that wait.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// The samples that tensors hold, checked and prepared, if there are not too many for the queue and their answer.
    ///
    /// # Errors
    /// If there are, or they are not what the model takes.
    pub fn questions(&self, tensors: Vec<Tensor>) -> Result<Vec<Question>, Refusal> {
        // Before they are prepared, which may take many times as much memory.
        let samples = tensors.iter().map(Tensor::samples).max().unwrap_or(0);
        self.queue.check_size(samples)?;
        let numbers = samples.saturating_mul(self.model.signature().numbers_of_sample());
        if numbers > MOST_NUMBERS {
            return Err(Refusal::bad(format!(
                "the answer to {samples} samples would have {numbers} numbers, and at most {MOST_NUMBERS} are given at once; ask about \
                 fewer"
            )));
        }
        self.model.questions(tensors)
    }

    /// Whether a request may wait at all, which is cheaper to know than what is in it.
    ///
    /// # Errors
    /// [`Refusal::Busy`] if too many wait.
    pub fn check_room(&self) -> Result<(), Refusal> {
        self.queue.check_room()
    }

    /// Answers to samples of a request that came at some time, once it is their turn. Dropping this calls them off.
    ///
    /// # Errors
    /// If too many wait, they waited too long, or the model failed.
    pub async fn ask(&self, questions: Vec<Question>, came: Instant) -> Result<Vec<Prediction>, Refusal> {
        self.queue.ask(questions, came).await
    }
}
