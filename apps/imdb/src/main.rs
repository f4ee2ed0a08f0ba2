//! `imdb`: train networks that tell whether a review praises a film, evaluate them, and ask them about texts.

mod cli;
mod models;
mod predict;
mod program;
mod reviews;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use fireclay_cli::commands;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = Arc::new(cli.output.output());
    fireclay_cli::run(&output, || match cli.command {
        cli::Command::Train(flags) => commands::train(*flags, &output),
        cli::Command::Evaluate(flags) => commands::evaluate(flags, &output),
        cli::Command::Predict(flags) => predict::run(flags, &output),
        cli::Command::Summary(flags) => commands::summary(flags, &output),
        cli::Command::Data(flags) => commands::text_data::<program::ImdbProgram>(flags, &output),
    })
}
