//! `verify`: whether a model file is signed by a key and unchanged since, and which data it says that it was trained on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::Source;
use fireclay::store::{
    DatasetCard, ModelCard, VerifyingKey, detached_signature_path, load_card, verify_detached, verify_model,
};
use fireclay_cli::{Command, Exit, Limit, Output, Part, Program, UsageError, count, shown};
use serde::Serialize;

use crate::error::AppError;
use crate::inspect::data_facts;
use crate::program::FireclayProgram;
use crate::source::{AnySource, check_is_model};

/// Checks the signature of a model file.
#[derive(Args, Debug)]
pub struct Verify {
    /// Model file to check
    #[arg(value_name = "MODEL", default_value = "model.fireclay")]
    pub file: PathBuf,
    /// File with the public key of who is to have signed it, Ed25519 in PEM
    #[arg(long, value_name = "PUBLICKEY")]
    pub key: PathBuf,
    /// File with the signature [default: that in MODEL, or else MODEL.sig]
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Also compare data with what the file says of the data that the model was trained on
    #[arg(long, value_name = "DATA")]
    pub data: Option<PathBuf>,
}

/// What data has in common with that which a model was trained on.
#[derive(Serialize)]
#[serde(tag = "same", rename_all = "snake_case")]
enum Compared {
    /// All of it.
    Sha256 { sha256: String },
    /// All samples that the model has seen; what else is there is not known, and targets do not count.
    Samples { samples: usize },
}

/// What `--json` prints of a good signature.
#[derive(Serialize)]
#[serde(tag = "type", rename = "verified")]
struct Verified<'a> {
    model: String,
    signature: Option<String>,
    key: String,
    fingerprint: String,
    weights_sha256: Option<&'a str>,
    dataset: Option<&'a DatasetCard>,
    seen: Option<usize>,
    data: Option<&'a Compared>,
}

impl Command for Verify {
    const NAME: &'static str = "verify";
    const ABOUT: &'static str =
        "Check that a model file is signed by a key and unchanged since; say which data it names";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_is_model(&self.file)?;
        let key = VerifyingKey::load(&self.key).map_err(UsageError::of)?;
        let detached = self.detached()?;
        let card: ModelCard = match &detached {
            Some(signature) => verify_detached(&self.file, signature, &key)?.card,
            None => verify_model(&self.file, &key)?.card,
        };
        let place = detached.as_ref().map_or("in it".to_owned(), |path| format!("in {}", shown(path)));
        output.line(format!(
            "{} is signed by ed25519 {} (the signature is {place}) and unchanged since",
            shown(&self.file),
            key.fingerprint()
        ));
        for (name, text) in data_facts(&card) {
            output.line(format!("{name:<10} {text}"));
        }
        let compared = self.data.as_deref().map(|data| self.compare(data, &card)).transpose();
        if let (Some(data), Ok(Some(compared))) = (&self.data, &compared) {
            let data = shown(data);
            output.line(match compared {
                Compared::Sha256 { .. } => format!("{data} is this data: its SHA-256 is the same"),
                Compared::Samples { samples } => format!(
                    "{data} has all {} samples whose digests are in the file; its SHA-256 as a whole is another",
                    count(*samples as u64)
                ),
            });
        }
        output.record(&Verified {
            model: self.file.display().to_string(),
            signature: detached.map(|path| path.display().to_string()),
            key: key.to_hex(),
            fingerprint: key.fingerprint(),
            weights_sha256: card.weights_sha256.as_deref(),
            dataset: card.dataset.as_ref(),
            seen: card.seen.as_ref().map(|seen| seen.len()),
            data: compared.as_ref().ok().and_then(Option::as_ref),
        });
        compared?;
        Ok(Exit::Done)
    }
}

impl Verify {
    /// Whether data is what the file says that the model was trained on.
    fn compare(&self, data: &Path, card: &ModelCard) -> anyhow::Result<Compared> {
        let expected = card.dataset.as_ref().and_then(|dataset| dataset.sha256.clone());
        if expected.is_none() && card.seen.is_none() {
            return Err(AppError::NoDataDigest { path: self.file.clone(), data: data.to_path_buf() }.into());
        }
        let source = AnySource::at(data);
        let output = Arc::new(Output::silent());
        let found = FireclayProgram::load_part(&source, Part::Train, Limit::NONE, card, &output)?;
        let sha256 = found.provenance().sha256.clone();
        if let (Some(sha256), true) = (&sha256, sha256 == expected) {
            return Ok(Compared::Sha256 { sha256: sha256.clone() });
        }
        let (data, path) = (data.to_path_buf(), self.file.clone());
        let Some(seen) = &card.seen else {
            let [found, expected] =
                [sha256, expected].map(|digest| digest.unwrap_or_else(|| "unknown".into()));
            return Err(AppError::OtherData { data, path, found, expected }.into());
        };
        let indices = found.seen_indices(seen);
        let again = match indices.is_empty() {
            true => None,
            false => found.subset(&indices)?.with_sample_digests().metadata().digests,
        };
        let samples = again.map_or(0, |digests| digests.len());
        match samples == seen.len() {
            true => Ok(Compared::Samples { samples }),
            false => {
                Err(AppError::MissingSamples { data, path, found: samples, expected: seen.len() }.into())
            }
        }
    }

    /// The file with the signature, if that in the model is not to be checked.
    fn detached(&self) -> anyhow::Result<Option<PathBuf>> {
        if self.signature.is_some() {
            return Ok(self.signature.clone());
        }
        if load_card(&self.file)?.signature.is_some() {
            return Ok(None);
        }
        let detached = detached_signature_path(&self.file);
        match detached.exists() {
            true => Ok(Some(detached)),
            false => Err(AppError::NotSigned { path: self.file.clone(), detached }.into()),
        }
    }
}
