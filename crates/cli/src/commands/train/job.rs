//! A training that is about to begin or to be resumed, and what a checkpoint keeps of it for the program.

use std::path::{Path, PathBuf};

use fireclay::prelude::{Dataset, ModelSpec};
use fireclay::runs::RunFolder;
use fireclay::store::load_card;
use fireclay::train::{AnyMetric, Checkpoint};
use serde::{Deserialize, Serialize};

use super::flags::{Logging, Train};
use crate::device::ComputedOn;
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::format::{called, quoted, shown};
use crate::limit::Limit;
use crate::objective::Objective;
use crate::output_file::check_output;
use crate::program::{Program, SourceOf};
use crate::ranks::is_launched;
use crate::recipe::{BestEpoch, Recipe};

/// What a checkpoint keeps for the program, besides the state of the training itself.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramState<S, R> {
    /// The program's name, so that another program's checkpoint is recognised.
    pub program: String,
    pub model: String,
    pub spec: ModelSpec,
    pub data: S,
    #[serde(default)]
    pub limit: Limit,
    #[serde(alias = "preparation")]
    pub preprocessing: R,
    #[serde(default)]
    pub best: BestEpoch,
    /// What is measured besides what always is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<AnyMetric>,
    /// The value that says which epoch is best, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    pub out: PathBuf,
    /// The folder of the run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<PathBuf>,
    #[serde(default)]
    pub logging: Logging,
    /// Where it computes; older checkpoints do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_on: Option<ComputedOn>,
}

/// That of a program.
pub type StateOf<P> = ProgramState<SourceOf<P>, <P as Program>::Preprocessing>;

/// A training that is about to begin or to be resumed.
pub struct Job<P: Program> {
    pub state: StateOf<P>,
    pub train: Dataset,
    pub test: Dataset,
    /// Validation samples that were named.
    pub validation: Option<Dataset>,
    pub recipe: Recipe,
    pub seed: u64,
    /// The folder of the run, if there is one.
    pub run: Option<RunFolder>,
    /// Where the checkpoint is written while the training runs.
    pub checkpoint_path: PathBuf,
    /// The checkpoint to resume from.
    pub checkpoint: Option<Checkpoint>,
}

impl<P: Program> Job<P> {
    /// The value that says which epoch is best, if the best is kept.
    pub fn monitor(&self) -> Option<&str> {
        let usual = Objective::of(&self.train).monitor();
        self.recipe.best.keep.then(|| self.state.monitor.as_deref().unwrap_or(usual))
    }
}

/// Refuses a place where no model or checkpoint can be written, before the training rather than after it.
/// So is a file that is there and no model: it may be the data.
pub fn check_out(out: &Path) -> anyhow::Result<()> {
    check_output(out, "--out")?;
    if out.is_file() && load_card(out).is_err() {
        let problem = "it is there already and is no model file".to_owned();
        let path = out.to_path_buf();
        return Err(UsageError::of(CommandError::Out { path, problem, flag: "--out" }));
    }
    check_output(&checkpoint_beside(out), "--out")
}

/// `mnist.fireclay` has its checkpoint in `mnist.fireclay.checkpoint`.
pub fn checkpoint_beside(out: &Path) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(".checkpoint");
    PathBuf::from(path)
}

impl<P: Program> Job<P> {
    /// Makes the folder of the run, unless a model file alone was asked for; checkpoints are written there then.
    pub fn with_run_folder(mut self, flags: &Train<P>) -> anyhow::Result<Self> {
        let logging = &flags.logging;
        if flags.other_rank || self.checkpoint.is_some() || (flags.out.is_some() && logging.run.is_none()) {
            return Ok(self);
        }
        let folder = match &logging.run {
            Some(name) => RunFolder::create_named(&logging.runs_dir, name).map_err(UsageError::of)?,
            None => {
                let name = if flags.setup.model.spec.is_some() { "own" } else { self.state.model.as_str() };
                RunFolder::create(&logging.runs_dir, name)?
            }
        };
        self.checkpoint_path = folder.last_checkpoint();
        self.state.run = Some(std::path::absolute(folder.path())?);
        self.run = Some(folder);
        Ok(self)
    }
}

/// The command that resumes, as the user can type it: on as many ranks, where there are several.
pub fn resume_command<P: Program>(from: &Path) -> String {
    let launch = is_launched().map_or(String::new(), |words| format!("{words} -- "));
    format!("{} {launch}train --resume {}", called(P::NAME), quoted(&shown(from)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::{ImagePreprocessing, ImageSource};

    /// As the version before wrote it.
    #[test]
    fn a_checkpoint_of_an_older_version_is_read() {
        let spec = ModelSpec::new([1, 28, 28]).flatten().dense(10);
        for (written, source) in [
            (serde_json::json!("usual"), ImageSource::Default),
            (serde_json::json!("drawn"), ImageSource::Synthetic),
            (serde_json::json!({"folder": "data"}), ImageSource::Folder("data".into())),
        ] {
            let old = serde_json::json!({
                "program": "mnist", "model": "best", "spec": spec, "data": written, "out": "m.fireclay",
                "preparation": {"standardize": null, "augment": {
                    "words": "flip", "augmentation": {"flip": "random"},
                }},
                "best": {"keep": true, "patience": 2},
            });
            let state: ProgramState<ImageSource, ImagePreprocessing> = serde_json::from_value(old).unwrap();
            assert_eq!((state.data, state.limit), (source, Limit::NONE));
            assert_eq!(state.preprocessing.augment, Some("flip".parse().unwrap()));
            assert_eq!(state.best, BestEpoch { keep: true, patience: Some(2) });
        }
    }
}
