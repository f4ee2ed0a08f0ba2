//! `mnist`: train networks that read handwritten digits, evaluate them, and ask them about pictures.

mod cli;
mod data;
mod evaluate;
mod models;
mod predict;
mod records;
mod summary;
mod train;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = Arc::new(cli.output.output());
    fireclay_cli::run(&output, || match cli.command {
        cli::Command::Train(flags) => train::run(*flags, &output),
        cli::Command::Evaluate(flags) => evaluate::run(flags, &output),
        cli::Command::Predict(flags) => predict::run(flags, &output),
        cli::Command::Summary(flags) => summary::run(flags, &output),
    })
}
