//! What is to be run, and what came of it.

use serde::{Deserialize, Serialize};

use crate::{Settings, TuneError};

/// Something to run: these settings, with this much of the resource, from the beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Counted from 0 over the whole search. A trial that goes on to the next rung keeps it, as it keeps its settings.
    pub number: usize,
    /// The bracket, counted from 0.
    pub bracket: usize,
    /// The rung, counted from 0.
    pub rung: usize,
    /// What the trial is given at this rung, for example epochs.
    pub resource: usize,
    /// The values to run with.
    pub settings: Settings,
}

/// What came of a trial at a rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The score, for example the validation loss: lower is better. None if the trial failed, which counts as the worst; a
    /// score that is not finite, that of a training that diverged, is kept as none.
    pub score: Option<f64>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Outcome {
    /// The outcome as it is kept: a score that is not finite is a failure.
    pub(crate) fn checked(self) -> Result<Self, TuneError> {
        if !(self.seconds.is_finite() && self.seconds >= 0.0) {
            return Err(TuneError::Seconds { found: self.seconds });
        }
        Ok(Self { score: self.score.filter(|score| score.is_finite()), ..self })
    }
}

/// A trial at a rung, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialResult {
    /// What was run.
    pub trial: Trial,
    /// What came of it.
    pub outcome: Outcome,
}
