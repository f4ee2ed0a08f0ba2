//! `fireclay`: train a model on a table of your own, evaluate it, and predict with it.

mod completions;
mod error;
mod models;
mod predict;
mod program;
mod source;
mod train;

use std::process::ExitCode;

use fireclay_cli::CommandEntry;
use fireclay_cli::commands::{Evaluate, Summary};

use crate::completions::Completions;
use crate::predict::Predict;
use crate::program::TableProgram;
use crate::train::TrainOnTable;

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fireclay_cli::main(program(), &commands())
}

/// Its name and what it is for.
fn program() -> clap::Command {
    clap::Command::new("fireclay")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Train a model on a table of your own, evaluate it, and predict with it")
}

/// The table of its commands.
fn commands() -> [CommandEntry; 5] {
    [
        CommandEntry::of::<TrainOnTable>(),
        CommandEntry::of::<Evaluate<TableProgram>>(),
        CommandEntry::of::<Predict>(),
        CommandEntry::of::<Summary<TableProgram>>(),
        CommandEntry::of::<Completions>(),
    ]
}
