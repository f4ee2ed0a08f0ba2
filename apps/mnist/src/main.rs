//! `mnist`: train networks that read handwritten digits, evaluate them, and predict what pictures show.

mod program;

use std::process::ExitCode;

use fireclay_cli::commands::image_commands;

use crate::program::MnistProgram;

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let program = clap::Command::new("mnist")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Train networks that read handwritten digits, evaluate them, and predict what pictures show");
    fireclay_cli::main(program, &image_commands::<MnistProgram>())
}
