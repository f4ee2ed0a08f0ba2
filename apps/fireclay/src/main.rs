//! `fireclay`: train a model on data of your own, evaluate it, predict with it, and serve it.

mod card;
mod completions;
mod data;
mod error;
mod evaluate;
mod explain;
mod export;
mod import;
mod init;
mod inputs;
mod inspect;
mod models;
mod networks;
mod predict;
mod program;
mod serve;
mod sign;
mod source;
mod train;
mod verify;

use std::process::ExitCode;

use fireclay_cli::CommandEntry;
use fireclay_cli::commands::{Audit, Compress, Federate, FindLr, Launch, Runs, Summary, Tune};

use crate::card::Card;
use crate::completions::Completions;
use crate::data::Data;
use crate::evaluate::EvaluateGroups;
use crate::explain::Explain;
use crate::export::Export;
use crate::import::Import;
use crate::init::Init;
use crate::inspect::Inspect;
use crate::models::Models;
use crate::predict::Predict;
use crate::program::FireclayProgram;
use crate::serve::Serve;
use crate::sign::Sign;
use crate::train::TrainOnData;
use crate::verify::Verify;

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fireclay_cli::main_with(program(), &commands(), |parser, arguments| {
        fireclay_cli::with_config(parser, &["train", "tune", "find-lr", "data"], arguments)
    })
}

/// Its name and what it is for.
fn program() -> clap::Command {
    clap::Command::new("fireclay")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Train a model on a table, pictures or texts of your own, evaluate it, and predict with it")
}

/// The table of its commands.
fn commands() -> [CommandEntry; 23] {
    [
        CommandEntry::of::<TrainOnData>(),
        CommandEntry::of::<Launch<FireclayProgram>>(),
        CommandEntry::of::<Federate<FireclayProgram>>(),
        CommandEntry::of::<EvaluateGroups>(),
        CommandEntry::of::<Predict>(),
        CommandEntry::of::<Explain>(),
        CommandEntry::of::<Summary<FireclayProgram>>(),
        CommandEntry::of::<Tune<FireclayProgram>>(),
        CommandEntry::of::<FindLr<FireclayProgram>>(),
        CommandEntry::of::<Runs<FireclayProgram>>(),
        CommandEntry::of::<Data>(),
        CommandEntry::of::<Compress<FireclayProgram>>(),
        CommandEntry::of::<Audit<FireclayProgram>>(),
        CommandEntry::of::<Inspect>(),
        CommandEntry::of::<Export>(),
        CommandEntry::of::<Import>(),
        CommandEntry::of::<Sign>(),
        CommandEntry::of::<Verify>(),
        CommandEntry::of::<Card>(),
        CommandEntry::of::<Serve>(),
        CommandEntry::of::<Models>(),
        CommandEntry::of::<Init>(),
        CommandEntry::of::<Completions>(),
    ]
}
