//! `card`: a model card in Markdown, made of what a model file says of itself, of the record of the run that made it, and of an audit.

mod audit;
mod markdown;
mod page;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::sha256;
use fireclay::runs::{RunFolder, RunRecord};
use fireclay::store::{ModelFile, StoreError, load_card, write_atomically};
use fireclay_cli::{Command, Exit, Output, UsageError, check_output, same_file, shown};
use serde::Serialize;

use self::page::{File, Run};
use crate::error::AppError;
use crate::source::check_is_model;

/// Writes a model card.
#[derive(Args, Debug)]
pub struct Card {
    /// Model file
    #[arg(value_name = "MODEL", default_value = "model.fireclay")]
    pub file: PathBuf,
    /// Folder of the run that made it, or run.json in it, for its measures
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,
    /// What `fireclay audit --json` printed of this model
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// File to write, in Markdown [default: standard output]
    #[arg(long, value_name = "CARD.md")]
    pub out: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "card")]
struct Written<'a> {
    model: String,
    file: Option<String>,
    /// Places that a person is to fill in.
    to_fill_in: usize,
    /// The card itself, where it is not in a file.
    text: Option<&'a str>,
}

impl Command for Card {
    const NAME: &'static str = "card";
    const ABOUT: &'static str = "Write a model card in Markdown: what a model is, what it was trained on, how well it does, and what is left to say";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_is_model(&self.file)?;
        if let Some(out) = &self.out {
            if same_file(out, &self.file) || self.audit.as_ref().is_some_and(|audit| same_file(out, audit)) {
                return Err(UsageError::of(AppError::OutIsInput { path: out.clone() }));
            }
            check_output(out, "--out")?;
        }
        let read = |source| StoreError::Read { path: self.file.clone(), source };
        let sha256 = sha256::of_file(&self.file).map_err(read)?;
        let bytes = std::fs::metadata(&self.file).map_err(read)?.len();
        let model = ModelFile::load(&self.file)?;
        let run = self.report.as_deref().map(|path| self.run_at(path, &model, output)).transpose()?;
        let audit =
            self.audit.as_deref().map(|path| audit::read(path, &self.file, &model.card)).transpose()?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = File { path: &self.file, name, sha256, bytes, card: &model.card };
        let page = page::write(&file, run.as_ref(), audit.as_ref())?;
        let to_fill_in = page.places_to_fill_in();
        let text = page.into_text();
        match &self.out {
            Some(out) => {
                write_atomically(out, text.as_bytes())?;
                output.line(format!(
                    "wrote {}; {to_fill_in} places in it are for a person to fill in",
                    shown(out)
                ));
            }
            None => output.line(text.trim_end()),
        }
        output.record(&Written {
            model: self.file.display().to_string(),
            file: self.out.as_ref().map(|out| out.display().to_string()),
            to_fill_in,
            text: self.out.is_none().then_some(text.as_str()),
        });
        Ok(Exit::Done)
    }
}

impl Card {
    /// The record of a run, if its model has the same weights.
    fn run_at(&self, path: &Path, model: &ModelFile, output: &Output) -> anyhow::Result<Run> {
        let folder = match path.is_file() && path.ends_with("run.json") {
            true => path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")),
            false => path,
        };
        let folder = RunFolder::open(folder).map_err(UsageError::of)?;
        let record = RunRecord::load(&folder)?;
        let its_model = folder.model();
        let is_of_this_model = match its_model.exists() {
            false => false,
            true => match (load_card(&its_model)?.weights_sha256, &model.card.weights_sha256) {
                (Some(found), Some(expected)) if found == *expected => true,
                (Some(_), Some(_)) => {
                    let (run, path) = (folder.path().to_path_buf(), self.file.clone());
                    return Err(UsageError::of(AppError::OtherRun { run, found: its_model, path }));
                }
                _ => false,
            },
        };
        if !is_of_this_model {
            output.warn(format!(
                "note: whether {} is the record of this model cannot be told, as no model with a checksum is there; the card says so",
                shown(folder.path())
            ));
        }
        Ok(Run { name: folder.name(), record, is_of_this_model })
    }
}
