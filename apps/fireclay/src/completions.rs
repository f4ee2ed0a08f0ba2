//! `completions`: what a shell needs to complete commands and flags.

use std::sync::Arc;

use clap::Args;
use clap_complete::Shell;
use fireclay_cli::{Command, Exit, Output, command_line};
use serde::Serialize;

/// Prints a script for a shell.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "completions")]
struct Script<'a> {
    shell: String,
    script: &'a str,
}

impl Command for Completions {
    const NAME: &'static str = "completions";
    const ABOUT: &'static str = "Print a script that lets a shell complete commands and flags";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        let mut parser = command_line(crate::program(), &crate::commands());
        clap_complete::generate(self.shell, &mut parser, "fireclay", &mut script);
        let script = String::from_utf8_lossy(&script);
        output.piece(&script);
        output.record(&Script { shell: self.shell.to_string(), script: &script });
        Ok(Exit::Done)
    }
}
