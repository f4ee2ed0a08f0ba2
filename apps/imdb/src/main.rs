//! `imdb`: train networks that classify film reviews or write them, evaluate them, and ask them.

mod generate;
mod neighbours;
mod predict;
mod program;

use std::process::ExitCode;

use fireclay_cli::CommandEntry;
use fireclay_cli::commands::text_commands;

use crate::generate::Generate;
use crate::neighbours::Neighbours;
use crate::predict::Predict;
use crate::program::ImdbProgram;

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The commands that only this program has.
const OWN: [CommandEntry; 3] =
    [CommandEntry::of::<Predict>(), CommandEntry::of::<Generate>(), CommandEntry::of::<Neighbours>()];

fn main() -> ExitCode {
    let program = clap::Command::new("imdb")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Train networks that classify film reviews or write them, evaluate them, and ask them");
    fireclay_cli::main(program, &[text_commands::<ImdbProgram>(), OWN.to_vec()].concat())
}
