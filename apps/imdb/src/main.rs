//! `imdb`: train networks that tell whether a review praises a film, or that write reviews, evaluate them, and ask them.

mod cli;
mod generate;
mod models;
mod neighbours;
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
        cli::Command::Generate(flags) => generate::run(flags, &output),
        cli::Command::Neighbours(flags) => neighbours::run(flags, &output),
        cli::Command::Summary(flags) => commands::summary(flags, &output),
        cli::Command::Data(flags) => commands::text_data::<program::ImdbProgram>(flags, &output),
    })
}
