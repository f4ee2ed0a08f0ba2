//! `verify`: whether a model file is signed by a key and unchanged since, and which data it says that it was trained on.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::store::{
    DatasetCard, ModelCard, VerifyingKey, detached_signature_path, load_card, verify_detached, verify_model,
};
use fireclay_cli::{Command, Exit, Output, UsageError, shown};
use serde::Serialize;

use crate::error::AppError;
use crate::inspect::data_facts;
use crate::source::check_is_model;

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
        output.record(&Verified {
            model: self.file.display().to_string(),
            signature: detached.map(|path| path.display().to_string()),
            key: key.to_hex(),
            fingerprint: key.fingerprint(),
            weights_sha256: card.weights_sha256.as_deref(),
            dataset: card.dataset.as_ref(),
            seen: card.seen.as_ref().map(|seen| seen.len()),
        });
        Ok(Exit::Done)
    }
}

impl Verify {
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
