//! `predict`: pictures, texts or a table in, the same with answers out.

mod answers;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::write_atomically;
use fireclay::prelude::load_card;
use fireclay::train::Predictor;
use fireclay_cli::{Command, DeviceArgs, Exit, Output, UsageError, check_output, count, same_file};

use self::answers::Answers;
use crate::error::AppError;
use crate::inputs::{InputArgs, Inputs};
use crate::source::check_is_model;

/// Asks a model about pictures, texts or the rows of a table, which may be larger than memory.
#[derive(Args, Debug)]
pub struct Predict {
    /// What to ask about.
    #[command(flatten)]
    pub asked: InputArgs,
    /// Model file to use
    #[arg(long, value_name = "MODEL", default_value = "model.fireclay")]
    pub from: PathBuf,
    /// Table to write, as CSV: all columns of the input, the answer, and the probability of each class or both ends of the
    /// interval [default: standard output]
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub out: Option<PathBuf>,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl Command for Predict {
    const NAME: &'static str = "predict";
    const ABOUT: &'static str =
        "Predict what pictures show, of which class texts are, or the target of each row of a table";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if let Some(out) = &self.out {
            check_output(out, "--out")?;
            if let Some(path) = self.asked.inputs.iter().chain([&self.from]).find(|path| same_file(path, out))
            {
                return Err(UsageError::of(AppError::OutIsInput { path: path.clone() }));
            }
        }
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        check_is_model(&self.from)?;
        let card = load_card(&self.from)?;
        let predictor = Predictor::load(&self.from, &device)?;
        let inputs = Inputs::open(&self.asked, &self.from, &predictor, card)?;
        let mut answers = Answers::new(&predictor, inputs);
        match &self.out {
            Some(out) => {
                let mut failure = None;
                let written = write_atomically(out, |file| {
                    answers.write_csv(file, output).map_err(|error| {
                        error.downcast::<io::Error>().unwrap_or_else(|error| {
                            failure = Some(error);
                            io::Error::other("the answers could not be computed")
                        })
                    })
                });
                if let Some(failure) = failure {
                    return Err(failure);
                }
                written.map_err(|source| AppError::Write { path: out.clone(), source })?;
                let (answered, what) = (count(answers.answered), answers.inputs.what());
                output.note(format!("{answered} {what} answered in {}", out.display()));
            }
            None if output.is_json() => answers.write_json(output)?,
            None if !answers.inputs.is_table() => answers.write_lines(output)?,
            None => match answers.write_csv(&mut io::stdout().lock(), output) {
                Err(error) if is_closed(&error) => {}
                written => written?,
            },
        }
        answers.inputs.warn_of_unread(&predictor, output);
        Ok(if answers.inputs.failed() { Exit::Failed } else { Exit::Done })
    }
}

/// Whether nobody reads standard output any more.
fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
