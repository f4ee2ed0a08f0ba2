//! Exit codes, and how an error becomes a message and a code.

use std::process::ExitCode;

use fireclay::distribute::GroupError;
use fireclay::train::TrainError;

use crate::error::CommandError;
use crate::output::Output;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is done.
    Done = 0,
    /// The run failed.
    Failed = 1,
    /// A flag or a value was wrong; nothing was done.
    Usage = 2,
    /// Another rank of the training is lost or has ended: this one could go on.
    RankLost = 75,
    /// Interrupted with Ctrl-C.
    Interrupted = 130,
}

/// Marks an error as one of the flags: exit code 2 instead of 1.
#[derive(Debug)]
pub struct UsageError(pub anyhow::Error);

impl UsageError {
    /// For `map_err`: a library's error about a value that came from a flag.
    pub fn of(error: impl Into<anyhow::Error>) -> anyhow::Error {
        anyhow::Error::new(UsageError(error.into()))
    }
}

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for UsageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Runs a program's work and turns an error into a message and an exit code.
pub fn run(output: &Output, work: impl FnOnce() -> anyhow::Result<Exit>) -> ExitCode {
    let exit = work().unwrap_or_else(|error| {
        match error.downcast_ref() {
            Some(CommandError::Diverged { checkpoint, resume, .. }) => {
                output.resumable_error(&describe(&error), Some(checkpoint), resume);
            }
            Some(
                CommandError::RankLost { resume: Some(resume), .. }
                | CommandError::FederationFailed { resume, .. },
            ) => {
                output.resumable_error(&describe(&error), None, resume);
            }
            _ => output.error(&describe(&error)),
        }
        code(&error)
    });
    match output.failure() {
        Some(failure) => {
            output.error(&format!("standard output cannot be written, so results are missing: {failure}"));
            ExitCode::from(Exit::Failed as u8)
        }
        None => ExitCode::from(exit as u8),
    }
}

/// The exit code of an error.
fn code(error: &anyhow::Error) -> Exit {
    if error.is::<UsageError>() {
        return Exit::Usage;
    }
    let is_rank_lost = error.is::<GroupError>()
        || matches!(error.downcast_ref(), Some(CommandError::RankLost { .. }))
        || matches!(error.downcast_ref(), Some(TrainError::Group(_)));
    if is_rank_lost { Exit::RankLost } else { Exit::Failed }
}

/// The error and its causes, each said once: many messages already end with their cause.
fn describe(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        match text.contains(&cause) {
            true => text,
            false => format!("{text}: {cause}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_what_scripts_rely_on() {
        let codes = [Exit::Done, Exit::Failed, Exit::Usage, Exit::RankLost, Exit::Interrupted];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 75, 130]);
    }

    #[test]
    fn a_cause_is_said_once() {
        let inner = anyhow::anyhow!("no such file");
        assert_eq!(describe(&inner.context("cannot read x: no such file")), "cannot read x: no such file");
        let inner = anyhow::anyhow!("no such file");
        assert_eq!(describe(&inner.context("cannot read x")), "cannot read x: no such file");
    }
}
