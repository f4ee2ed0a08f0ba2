//! `cifar`: train networks that classify small colour pictures, evaluate them, and predict what pictures show.

mod program;

use std::process::ExitCode;

use fireclay_cli::commands::image_commands;

use crate::program::CifarProgram;

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let program = clap::Command::new("cifar").version(env!("CARGO_PKG_VERSION")).about(
        "Train networks that classify small colour pictures, evaluate them, and predict what pictures show",
    );
    fireclay_cli::main(program, &image_commands::<CifarProgram>())
}
