//! `fireclay`: train a model on data of your own, evaluate it, and predict with it.

mod completions;
mod error;
mod networks;
mod predict;
mod program;
mod source;
mod train;

use std::process::ExitCode;

use fireclay_cli::CommandEntry;
use fireclay_cli::commands::{Evaluate, Summary, Tune};

use crate::completions::Completions;
use crate::predict::Predict;
use crate::program::FireclayProgram;
use crate::train::TrainOnData;

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
        .about("Train a model on a table, pictures or texts of your own, evaluate it, and predict with it")
}

/// The table of its commands.
fn commands() -> [CommandEntry; 6] {
    [
        CommandEntry::of::<TrainOnData>(),
        CommandEntry::of::<Evaluate<FireclayProgram>>(),
        CommandEntry::of::<Predict>(),
        CommandEntry::of::<Summary<FireclayProgram>>(),
        CommandEntry::of::<Tune<FireclayProgram>>(),
        CommandEntry::of::<Completions>(),
    ]
}
