//! A loss that became NaN or infinite, or a rank that is lost: from where the training can go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fireclay::runs::RunFolder;
use fireclay::store::load_checkpoint;
use fireclay::train::{Checkpoint, TrainError};

use super::job::Job;
use crate::error::CommandError;
use crate::format::shown;
use crate::program::Program;

/// The learning rates of a training that goes on are to be this times what they were.
const FACTOR: f64 = 0.1;

/// Where a training keeps its checkpoints.
pub struct LastCheckpoint {
    path: PathBuf,
    /// Of a file that was there before and is not this training's, when it was written.
    foreign: Option<SystemTime>,
    run: Option<RunFolder>,
}

impl LastCheckpoint {
    /// That of a training that is about to begin or to go on.
    pub fn of<P: Program>(job: &Job<P>) -> Self {
        let foreign = match job.checkpoint {
            Some(_) => None,
            None => modified(&job.checkpoint_path),
        };
        LastCheckpoint { path: job.checkpoint_path.clone(), foreign, run: job.run.clone() }
    }

    /// Adds to the error of a loss that is not finite the last checkpoint whose weights are, and the command that goes on from it;
    /// `resume` is that command without the change of learning rates. Other errors stay as they are.
    pub fn explain(&self, error: anyhow::Error, resume: impl Fn(&Path) -> String) -> anyhow::Error {
        match error.downcast_ref() {
            Some(TrainError::NotFinite { .. }) => {}
            Some(TrainError::Group(_)) => {
                let written = modified(&self.path).filter(|when| self.foreign != Some(*when));
                let from = self.run.as_ref().map_or(self.path.as_path(), RunFolder::path);
                let resume = written.map(|_| resume(from));
                return CommandError::RankLost { failure: format!("{error:#}"), resume }.into();
            }
            _ => return error,
        }
        let Some((path, place)) = self.last_finite() else { return error };
        let from = match &self.run {
            // The command is shorter, and means the same.
            Some(run) if run.last_checkpoint() == path => run.path(),
            _ => path.as_path(),
        };
        let resume = format!("{} --learning-rate-factor {FACTOR}", resume(from));
        let (message, checkpoint) = (format!("{error:#}"), shown(&path));
        CommandError::Diverged { message, checkpoint, place, resume }.into()
    }

    /// The checkpoint that came furthest of those whose weights are finite, and where that was.
    fn last_finite(&self) -> Option<(PathBuf, String)> {
        let mut paths = vec![self.path.clone()];
        // Others that are kept beside it.
        let kept = self.run.iter().filter_map(|run| fs::read_dir(run.checkpoints()).ok());
        paths.extend(kept.flatten().flatten().map(|entry| entry.path()).filter(|path| *path != self.path));
        let ours = |path: &PathBuf| match (*path == self.path, self.foreign) {
            (true, Some(before)) => modified(path) != Some(before),
            _ => true,
        };
        let mut best: Option<((usize, usize), PathBuf)> = None;
        for path in paths.into_iter().filter(ours) {
            let Ok(checkpoint) = load_checkpoint(&path) else { continue };
            let checkpoint: Checkpoint = checkpoint;
            let state = &checkpoint.progress.state;
            let reached = (state.epoch, state.step);
            let is_finite = checkpoint.tensors.iter().all(|tensor| tensor.check_finite().is_ok());
            if is_finite && best.as_ref().is_none_or(|(other, _)| *other < reached) {
                best = Some((reached, path));
            }
        }
        let (reached, path) = best?;
        let place = match reached {
            (1, 0) => "written before the first step".to_owned(),
            (epoch, 0) => format!("written at the end of epoch {}", epoch.saturating_sub(1)),
            (epoch, step) => format!("written in epoch {epoch} after step {step}"),
        };
        Some((path, place))
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
