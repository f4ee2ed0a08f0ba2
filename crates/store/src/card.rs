//! What a model file says about its model, besides the weights.

use std::path::Path;

use fireclay_data::{PictureForm, SampleDigests};
use fireclay_nn::{BuiltInLoss, Loss, ModelSpec, Stored};
use serde::{Deserialize, Serialize};

use crate::keys::{VerifyingKey, is_hex};
use crate::{PredictionIntervals, ReferenceDistributions, StoreError};

/// The format of model files. A new field with a default keeps the number; a changed meaning raises it.
pub(crate) const FORMAT: u64 = 1;

/// The format of model files with weights that are stored without their zeros, the newest that is read.
pub(crate) const SPARSE_FORMAT: u64 = 2;

/// What a model is, what it expects, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The file format's number. It is found when the file is written, whatever stands here.
    pub format: u64,
    /// The Fireclay that wrote the file.
    pub fireclay_version: String,
    /// The architecture.
    pub spec: ModelSpec,
    /// Names of the classes, in the order of the logits; empty for a model that predicts numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// What is done to an input before the network sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    /// How a text becomes the tokens that the network sees, in the form that `fireclay-data` gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<serde_json::Value>,
    /// How a row of a table becomes the numbers that the network sees, in the form that `fireclay-tabular` gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<serde_json::Value>,
    /// How a picture of a file becomes an image like those that the model was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<PictureForm>,
    /// Digests of the samples that the model was trained on, where they are the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SampleDigests>,
    /// How target values were standardised, mean and deviation for each output: what the model gives is turned back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_scale: Option<Preprocessing>,
    /// Of two classes the second is predicted where its probability is above this, from 0 to 1; 0.5 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Between which numbers the truth lies, where the model predicts one number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<PredictionIntervals>,
    /// How the samples of the training were distributed, so that a server sees when others come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceDistributions>,
    /// The data that the model was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetCard>,
    /// How the model was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingCard>,
    /// SHA-256 of the weights as they lie in the file, of all bytes behind its header. It is computed when the file is written,
    /// and a file whose weights have another is refused; the first files have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// Who signed the file, and the signature of all else that is in it. [`sign_model`](crate::sign_model) writes it; whatever
    /// saves a model leaves it out, as it would not hold for what is saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureCard>,
}

/// The signature of a model file. That it is there says nothing: [`verify_model`](crate::verify_model) checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureCard {
    /// `ed25519`, the only one.
    pub algorithm: String,
    /// The public key of who signed, 64 hexadecimal digits in lower case.
    pub key: String,
    /// The signature, 128 hexadecimal digits in lower case.
    pub signature: String,
}

impl SignatureCard {
    /// What [`algorithm`](Self::algorithm) says.
    pub const ED25519: &'static str = "ed25519";

    /// The fingerprint of the key, as [`VerifyingKey::fingerprint`] gives it.
    pub fn fingerprint(&self) -> String {
        VerifyingKey::fingerprint_of(&self.key)
    }

    fn check(&self, path: &Path) -> Result<(), StoreError> {
        let wrong = |what, found: &str, expected| {
            let (path, found) = (path.to_path_buf(), found.chars().take(140).collect());
            Err(StoreError::SignatureField { path, what, found, expected })
        };
        match self {
            _ if self.algorithm != Self::ED25519 => wrong("algorithm", &self.algorithm, Self::ED25519),
            _ if !is_hex(&self.key, 64) => wrong("key", &self.key, "64 hexadecimal digits"),
            _ if !is_hex(&self.signature, 128) => {
                wrong("signature", &self.signature, "128 hexadecimal digits")
            }
            _ => Ok(()),
        }
    }
}

/// What is done to an input: `(value - mean) / std`, where a byte's value is `byte / 255`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// One for each channel, or one for all.
    pub mean: Vec<f32>,
    /// One for each channel, or one for all; more than 0.
    pub std: Vec<f32>,
}

/// The data that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetCard {
    /// `MNIST`
    pub name: String,
    /// Which part of it: `train`.
    pub split: String,
    /// Where it came from, in words.
    pub source: String,
    /// Samples that the model was trained on.
    pub samples: usize,
    /// SHA-256 of the samples, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether it is the user's own, and not one of the sets that everybody can have; files of version 0.1 do not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// What a differentially private training gives away of single samples, and how that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyCard {
    /// What its steps have spent, by Rényi divergences of whole orders; of two data sets that differ by one sample neither makes any outcome
    /// more than e to the power of it times as likely as the other.
    pub epsilon: f64,
    /// The probability with which that does not hold.
    pub delta: f64,
    /// The deviation of the noise, divided by `clip_norm`.
    pub noise_multiplier: f64,
    /// The norm that the gradient of each sample was shortened to.
    pub clip_norm: f64,
    /// The probability with which a sample was in a step.
    pub sampling_rate: f64,
    /// Steps that were done.
    pub steps: u64,
    /// Where the noise came from: `system`, which nobody can repeat, or `seed`, which everybody can who knows the seed.
    pub noise: String,
}

/// How a model was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingCard {
    /// What was made small.
    pub loss: Stored<BuiltInLoss>,
    /// The optimiser with its settings.
    pub optimizer: serde_json::Value,
    /// Parameters that had an optimiser of their own, with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<serde_json::Value>,
    /// How the learning rate changed; constant if null.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub schedule: serde_json::Value,
    /// Epochs in which the learning rate rose before that.
    #[serde(default)]
    pub warm_up: f64,
    /// Batches in a step, where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accumulate: Option<usize>,
    /// Which average of the weights was kept, such as `ema=0.999`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaging: Option<String>,
    /// The greatest size of a number in a gradient, where they were clipped by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// The greatest norm of all gradients together, where they were clipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// In what numbers products were made, such as `bf16`; `f32` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// What the training gives away of single samples, where it was differentially private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyCard>,
    /// How pictures were changed against the network, where it was trained on such; nothing if null.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub adversarial: serde_json::Value,
    /// Passes over the data that were done.
    pub epochs: usize,
    /// Samples in one step.
    pub batch_size: usize,
    /// Share of the data set aside for validation.
    #[serde(default)]
    pub validation_split: f64,
    /// The seed of weights, order and dropout.
    pub seed: u64,
}

impl ModelCard {
    /// A card with nothing but an architecture.
    pub fn new(spec: ModelSpec) -> Self {
        ModelCard {
            format: FORMAT,
            fireclay_version: env!("CARGO_PKG_VERSION").to_string(),
            spec,
            classes: Vec::new(),
            preprocessing: None,
            text: None,
            table: None,
            pictures: None,
            seen: None,
            target_scale: None,
            threshold: None,
            intervals: None,
            reference: None,
            dataset: None,
            training: None,
            weights_sha256: None,
            signature: None,
        }
    }

    /// How a picture becomes an image like those that the model was trained on, for a model of images `[channels, height, width]`.
    /// Files of version 0.1 do not say it; of those, grey pictures are digits unless the data has a name of its own.
    pub fn picture_form(&self) -> PictureForm {
        let channels = self.spec.input.shape().first().copied();
        let names = ["MNIST", "IDX data set", "drawn digits"];
        let of_old = match &self.dataset {
            _ if channels != Some(1) => PictureForm::Middle,
            Some(dataset) if !names.contains(&dataset.name.as_str()) => PictureForm::Middle,
            _ => PictureForm::Digit,
        };
        self.pictures.unwrap_or(of_old)
    }

    /// Reads the text inside a file; a later format is recognised before its unknown fields are.
    pub(crate) fn read(path: &Path, text: &str) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Stamp {
            format: u64,
            #[serde(default)]
            fireclay_version: String,
        }
        let wrong = |source| StoreError::Card { path: path.to_path_buf(), source };
        let stamp: Stamp = serde_json::from_str(text).map_err(wrong)?;
        if stamp.format > SPARSE_FORMAT {
            return Err(StoreError::Newer {
                path: path.to_path_buf(),
                found: stamp.format,
                version: stamp.fireclay_version.chars().take(40).collect(),
                newest: SPARSE_FORMAT,
            });
        }
        let card: ModelCard = serde_json::from_str(text).map_err(wrong)?;
        card.check(path)?;
        Ok(card)
    }

    /// Checks that classes and preprocessing fit the architecture.
    pub(crate) fn check(&self, path: &Path) -> Result<(), StoreError> {
        let count = |what, found, expected: String| StoreError::Count {
            path: path.to_path_buf(),
            what,
            found,
            expected,
        };
        let outputs = self
            .spec
            .output_features()
            .map_err(|source| StoreError::Model { path: path.to_path_buf(), source })?;
        let classes = self.classes.len();
        if classes != 0 && classes != outputs {
            return Err(count("classes", classes, format!("{outputs}, one for each output")));
        }
        if let Some(training) = &self.training {
            let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
            if let Some(loss) = training.loss.built_in() {
                loss.check(outputs).map_err(wrong)?;
            }
        }
        if let Some(threshold) = self.threshold.filter(|threshold| !(0.0..=1.0).contains(threshold)) {
            let expected = "from 0 to 1".to_owned();
            return Err(StoreError::OutOfRange {
                path: path.to_path_buf(),
                what: "threshold",
                found: threshold,
                expected,
            });
        }
        if let Some(intervals) = self.intervals.as_ref().filter(|_| classes != 0 || outputs != 1) {
            let expected = "1, as there are intervals around it".into();
            return Err(count("outputs", outputs.max(classes).max(intervals.edges.len()), expected));
        }
        if self.threshold.is_some() && classes != 2 {
            return Err(count("classes", classes, "2, as there is a threshold between them".into()));
        }
        if let Some(intervals) = self.intervals.as_ref().filter(|intervals| !intervals.is_whole()) {
            let expected = format!("{}, one more than edges that ascend", intervals.edges.len() + 1);
            return Err(count("intervals.offsets", intervals.offsets.len(), expected));
        }
        if let Some(signature) = &self.signature {
            signature.check(path)?;
        }
        if self.reference.as_ref().is_some_and(|reference| !reference.is_whole(classes)) {
            return Err(StoreError::Reference { path: path.to_path_buf() });
        }
        let channels = self.spec.input.shape().first().copied().unwrap_or(1);
        let scales = [
            (&self.preprocessing, ["preprocessing.mean", "preprocessing.std"], channels),
            (&self.target_scale, ["target_scale.mean", "target_scale.std"], outputs),
        ];
        for (scale, [mean, std], most) in scales {
            let Some(scale) = scale else { continue };
            if let Some(std) = scale.std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
                return Err(StoreError::Preprocessing { path: path.to_path_buf(), std: *std });
            }
            for (what, values) in [(mean, &scale.mean), (std, &scale.std)] {
                if values.len() != 1 && values.len() != most {
                    return Err(count(what, values.len(), format!("1 or {most}")));
                }
            }
        }
        Ok(())
    }
}
