//! Running any of the programs as a user does.

#![allow(dead_code, reason = "each test program uses its part")]

pub mod commands;
pub mod data_record;
pub mod earlier_version;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, with an environment in which nothing of the user's can be found or changed.
pub fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("FIRECLAY_DATA")
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("RUST_BACKTRACE", "0")
        // Set by `cargo test`; the program would take itself to be called through Cargo.
        .env_remove("CARGO")
        // A port where nobody answers: as good as no network, and nothing leaves the machine.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9");
    command
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a program to its end.
pub fn run(program: &str, folder: &Path, arguments: &[&str]) -> Run {
    command(program, folder).args(arguments).output().unwrap().into()
}

/// Runs a program and expects success.
#[track_caller]
pub fn succeed(program: &str, folder: &Path, arguments: &[&str]) -> Run {
    let run = run(program, folder, arguments);
    assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
    run
}

/// Runs a program and expects an exit code and words on standard error.
#[track_caller]
pub fn fail(program: &str, folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Run {
    let run = run(program, folder, arguments);
    assert_eq!(run.code, Some(code), "{arguments:?}: {run:#?}");
    for word in words {
        assert!(run.stderr.contains(word), "no '{word}' in: {}", run.stderr);
    }
    run
}

/// The lines from the measured loss to the end of the confusion matrix, before what simpler answers reach.
pub fn measures(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().skip_while(|line| !line.starts_with("loss"));
    lines
        .take_while(|line| !line.starts_with("saved"))
        // The comparison with simpler answers comes last.
        .take_while(|line| {
            ["95 % interval", "guessing by", "  always "].iter().all(|text| !line.contains(text))
        })
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect()
}

/// The accuracy that was printed, in per cent.
#[track_caller]
pub fn accuracy(run: &Run) -> f64 {
    let printed = run.stdout.lines().find_map(|line| line.strip_prefix("accuracy ")?.split(' ').next());
    printed.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no accuracy: {run:?}"))
}
