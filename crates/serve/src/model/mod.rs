//! A model that answers: what it takes and gives, from tensors to samples and from predictions to tensors.

mod answer;
mod question;
mod signature;

use std::path::Path;

use fireclay_nn::Device;
use fireclay_store::{ModelCard, load_card};
use fireclay_train::{Prediction, Predictor};

pub use self::answer::{Output, OutputValues};
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
    signature: Signature,
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
        if steps.is_some() && predictor.text().is_some_and(|_| predictor.classes().is_empty()) {
            let what = "a language model, which writes text,".to_owned();
            return Err(ServeError::Kind { path: path.to_path_buf(), what });
        }
        let question = kind.example(&predictor);
        let example = predictor.predict(question.sample()).map_err(failed)?;
        if let Some(found) = example.outputs().iter().find(|value| !value.is_finite()) {
            return Err(ServeError::NotFinite { path: path.to_path_buf(), found: *found });
        }
        let signature = Signature::of(&kind, &predictor, &example, steps);
        Ok(ServedModel { predictor, card, kind, signature })
    }

    /// What it takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
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
