//! A model that answers: what it takes and gives, from tensors to samples and from predictions to tensors.

mod answer;
mod input;
mod question;
mod signature;

use std::path::Path;
use std::sync::OnceLock;

use fireclay_explain::Explainer;
use fireclay_nn::{Device, Sampling};
use fireclay_store::{ModelCard, load_card};
use fireclay_tabular::TablePreprocessing;
use fireclay_train::{Prediction, Predictor, TextGenerator, TrainError};

pub use self::answer::{Output, OutputValues};
pub use self::input::Input;
pub use self::question::Question;
pub use self::signature::{Signature, TensorSpec};

use self::signature::Kind;
use crate::error::ServeError;
use crate::refusal::Refusal;
use crate::tensor::Tensor;

/// A model from a file, tried and ready to answer.
#[derive(Debug)]
pub struct ServedModel {
    predictor: Predictor,
    card: ModelCard,
    kind: Kind,
    input: Input,
    signature: Signature,
    /// Made when an answer is first explained; why it cannot be, if it cannot.
    explainer: OnceLock<Result<Explainer, String>>,
}

impl ServedModel {
    /// Loads a model file and asks it once, so that the first request waits for nothing.
    ///
    /// # Errors
    /// If the file cannot be read, the model fails, or gives what is not served.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ServeError> {
        let card = load_card(path)?;
        let failed = |source| ServeError::Model { path: path.to_path_buf(), source: Box::new(source) };
        let predictor = Predictor::load(path, device).map_err(failed)?;
        let kind = Kind::of(&predictor, &card);
        let steps = card.spec.output_steps().map_err(|error| failed(error.into()))?;
        let input = Input::of(&kind, &card);
        if kind == Kind::Writes {
            let signature = Signature::of_writer();
            let model = ServedModel { predictor, card, kind, input, signature, explainer: OnceLock::new() };
            // A word, to see that it writes.
            let written = model.writer(Sampling::default(), 0).and_then(|mut text| text.next().transpose());
            return written.map(|_| model).map_err(failed);
        }
        let question = kind.example(&predictor);
        let example = predictor.predict(question.sample()).map_err(failed)?;
        if let Some(found) = example.outputs().iter().find(|value| !value.is_finite()) {
            return Err(ServeError::NotFinite { path: path.to_path_buf(), found: *found });
        }
        let signature = Signature::of(&kind, &predictor, &example, steps);
        Ok(ServedModel { predictor, card, kind, input, signature, explainer: OnceLock::new() })
    }

    /// What it takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What a sample is.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The names of its classes.
    pub fn classes(&self) -> &[String] {
        self.predictor.classes()
    }

    /// The columns of its table, if it takes rows.
    pub fn table(&self) -> Option<&TablePreprocessing> {
        self.predictor.table()
    }

    /// The name of what it predicts, if it is a column of a table.
    pub fn target(&self) -> Option<&str> {
        self.predictor.table().map(|table| table.target.as_str())
    }

    /// What explains its answers.
    ///
    /// # Errors
    /// Why they cannot be explained.
    pub fn explainer(&self) -> Result<&Explainer, &str> {
        let made =
            self.explainer.get_or_init(|| Explainer::new(&self.predictor).map_err(|error| error.to_string()));
        made.as_ref().map_err(String::as_str)
    }

    /// A text that is about to be written.
    ///
    /// # Errors
    /// If the model writes none, or the sampling is out of range.
    pub fn writer(&self, sampling: Sampling, seed: u64) -> Result<TextGenerator, TrainError> {
        match self.predictor.text() {
            Some(text) => TextGenerator::new(self.predictor.model(), text, sampling, seed),
            None => Err(TrainError::PredictorInput {
                expected: format!("{}", self.card.spec.input),
                found: "a request for a text".into(),
            }),
        }
    }

    /// What its file says.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The samples that tensors hold, checked and prepared.
    ///
    /// # Errors
    /// [`Refusal::Bad`] if they are not what the model takes.
    pub fn questions(&self, tensors: Vec<Tensor>) -> Result<Vec<Question>, Refusal> {
        self.kind.questions(&self.predictor, &self.signature, tensors)
    }

    /// Answers to samples, in their order.
    ///
    /// # Errors
    /// [`Refusal::Bad`] if the model does not take one of them.
    pub fn answer(&self, questions: &[&Question]) -> Result<Vec<Prediction>, Refusal> {
        let samples = questions.iter().map(|question| question.sample());
        self.predictor.predict_batch(samples).map_err(|error| Refusal::bad(error.to_string()))
    }

    /// Answers as tensors, those that were asked for by name or all.
    ///
    /// # Errors
    /// [`Refusal::Bad`] for a name that the model's outputs do not have.
    pub fn outputs(&self, answers: &[Prediction], asked: &[&str]) -> Result<Vec<Output>, Refusal> {
        answer::outputs(&self.signature, answers, asked)
    }
}
