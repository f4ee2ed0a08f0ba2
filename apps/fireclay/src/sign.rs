//! `sign`: signs a model file, in its card or in a file beside it, and makes the keys for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::store::{SigningKey, detached_signature_path, sign_detached, sign_model, write_atomically};
use fireclay_cli::{Command, Exit, Output, UsageError, bytes, check_output, quoted, same_file, shown};
use serde::Serialize;

use crate::error::AppError;
use crate::source::check_is_model;

/// Signs a model file.
#[derive(Args, Debug)]
pub struct Sign {
    /// Model file to sign
    #[arg(value_name = "MODEL", default_value = "model.fireclay")]
    pub file: PathBuf,
    /// File with the private key, Ed25519 in PEM
    #[arg(long, value_name = "KEYFILE", required_unless_present = "new_key")]
    pub key: Option<PathBuf>,
    /// Make a pair of keys instead: the private one goes to KEYFILE, which nobody else may read, the public one to KEYFILE.pub
    #[arg(long, value_name = "KEYFILE", conflicts_with_all = ["file", "key", "detached", "out"])]
    pub new_key: Option<PathBuf>,
    /// Write the signature to a file of its own, and leave MODEL as it is
    #[arg(long)]
    pub detached: bool,
    /// File to write [default: MODEL itself, with --detached MODEL.sig]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What `--json` prints of a signature.
#[derive(Serialize)]
#[serde(tag = "type", rename = "signed")]
struct Signed {
    model: String,
    file: String,
    bytes: u64,
    detached: bool,
    key: String,
    fingerprint: String,
}

/// What `--json` prints of a pair of keys.
#[derive(Serialize)]
#[serde(tag = "type", rename = "key")]
struct NewKey {
    file: String,
    public_file: String,
    key: String,
    fingerprint: String,
}

impl Command for Sign {
    const NAME: &'static str = "sign";
    const ABOUT: &'static str =
        "Sign a model file, so that whoever has your public key can tell that it is yours and unchanged";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        match (&self.new_key, &self.key) {
            (Some(path), _) => make_key(path, output),
            (None, Some(key)) => self.sign(key, output),
            (None, None) => unreachable!("clap requires one of both"),
        }
    }
}

impl Sign {
    fn sign(&self, key: &Path, output: &Output) -> anyhow::Result<Exit> {
        check_is_model(&self.file)?;
        let out = match (&self.out, self.detached) {
            (Some(out), _) => out.clone(),
            (None, true) => detached_signature_path(&self.file),
            (None, false) => self.file.clone(),
        };
        if same_file(&out, key) || self.detached && same_file(&out, &self.file) {
            return Err(UsageError::of(AppError::OutIsInput { path: out }));
        }
        check_output(&out, "--out")?;
        let signing = SigningKey::load(key).map_err(UsageError::of)?;
        if SigningKey::is_open_to_others(key) {
            output.warn(format!(
                "warning: others than you may read or change the private key {}; `chmod 600 {}` keeps it yours",
                shown(key),
                quoted(&shown(key))
            ));
        }
        let public = signing.verifying_key();
        let size = match self.detached {
            true => {
                let signature = sign_detached(&self.file, &signing)?;
                write_atomically(&out, &signature)?;
                signature.len() as u64
            }
            false => sign_model(&self.file, &out, &signing)?,
        };
        let fingerprint = public.fingerprint();
        output.line(match self.detached {
            true => format!(
                "wrote {}, the signature of {} by ed25519 {fingerprint}",
                shown(&out),
                shown(&self.file)
            ),
            false => format!("wrote {} ({}), signed by ed25519 {fingerprint}", shown(&out), bytes(size)),
        });
        let beside = detached_signature_path(&out);
        if !self.detached && beside.exists() {
            output.warn(format!(
                "note: {} is of the file as it was, and does not go with it any more; `sign --detached` makes another one",
                shown(&beside)
            ));
        }
        output.record(&Signed {
            model: self.file.display().to_string(),
            file: out.display().to_string(),
            bytes: size,
            detached: self.detached,
            key: public.to_hex(),
            fingerprint,
        });
        Ok(Exit::Done)
    }
}

fn make_key(path: &Path, output: &Output) -> anyhow::Result<Exit> {
    check_output(path, "--new-key")?;
    let key = SigningKey::generate()?;
    let public_file = key.save(path).map_err(UsageError::of)?;
    let public = key.verifying_key();
    output.line(format!("wrote {}, the private key: it signs, so keep it secret", shown(path)));
    output.line(format!(
        "wrote {}, the public key ed25519 {}: give it to whoever is to verify",
        shown(&public_file),
        public.fingerprint()
    ));
    output.record(&NewKey {
        file: path.display().to_string(),
        public_file: public_file.display().to_string(),
        key: public.to_hex(),
        fingerprint: public.fingerprint(),
    });
    Ok(Exit::Done)
}
