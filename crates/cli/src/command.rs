//! What a command is, and how a program runs the one that was typed.
//!
//! A command is one file: a struct of flags (clap's `Args`) with an implementation of [`Command`], listed in a table of
//! [`CommandEntry`]. Help, parsing and running all follow from the table.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::Resettable;
use clap::{ArgMatches, Args, FromArgMatches};

use crate::error::CommandError;
use crate::exit::{Exit, UsageError, run};
use crate::output::{Output, OutputArgs};

/// A command of a program: its flags and what it does.
pub trait Command: Args {
    /// The word on the command line.
    const NAME: &'static str;
    /// Its help, in a line.
    const ABOUT: &'static str;

    /// Carries the command out.
    ///
    /// # Errors
    /// A [`UsageError`](crate::exit::UsageError) for flags that are wrong, before any work; else what went wrong.
    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit>;
}

/// A command in a program's table.
#[derive(Clone, Copy, Debug)]
pub struct CommandEntry {
    name: &'static str,
    parser: fn() -> clap::Command,
    run: fn(&ArgMatches, &Arc<Output>) -> anyhow::Result<Exit>,
}

impl CommandEntry {
    /// The entry of a command.
    pub const fn of<C: Command>() -> Self {
        CommandEntry { name: C::NAME, parser: parser::<C>, run: parse_and_run::<C> }
    }

    /// The word on the command line.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

fn parser<C: Command>() -> clap::Command {
    // Flattened flags have documentation of their own, which clap would take for the command's.
    C::augment_args(clap::Command::new(C::NAME)).about(C::ABOUT).long_about(None)
}

fn parse_and_run<C: Command>(matches: &ArgMatches, output: &Arc<Output>) -> anyhow::Result<Exit> {
    C::from_arg_matches(matches).unwrap_or_else(|error| error.exit()).run(output)
}

/// The parser of a program: `program` (name, version and what it is for) with its commands.
pub fn command_line(program: clap::Command, commands: &[CommandEntry]) -> clap::Command {
    let about = program.get_about().cloned();
    let program = OutputArgs::augment_args(program)
        .about(Resettable::from(about))
        .long_about(None)
        .after_help("Exit codes: 0 done, 1 the run failed, 2 a flag was wrong, 75 another rank of the training is lost, 130 interrupted with Ctrl-C.")
        .max_term_width(100)
        .subcommand_required(true)
        .arg_required_else_help(true);
    commands.iter().fold(program, |program, command| program.subcommand((command.parser)()))
}

/// Runs the command that was typed; to be returned from `main`.
pub fn main(program: clap::Command, commands: &[CommandEntry]) -> ExitCode {
    main_with(program, commands, |_, arguments| Ok(arguments))
}

/// As [`main`], with arguments that `change` makes of those that were typed, such as [`with_config`](crate::with_config).
pub fn main_with(
    program: clap::Command,
    commands: &[CommandEntry],
    change: impl FnOnce(&clap::Command, Vec<OsString>) -> Result<Vec<OsString>, CommandError>,
) -> ExitCode {
    let parser = command_line(program, commands);
    let typed: Vec<OsString> = std::env::args_os().collect();
    let arguments = change(&parser, typed.clone());
    let matches = parser.get_matches_from(arguments.as_ref().unwrap_or(&typed));
    let output = OutputArgs::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).output();
    let output = Arc::new(output);
    if let Err(wrong) = arguments {
        return run(&output, || Err(UsageError::of(wrong)));
    }
    run(&output, || match matches.subcommand() {
        Some((name, flags)) => match commands.iter().find(|command| command.name == name) {
            Some(command) => (command.run)(flags, &output),
            None => unreachable!("clap accepts only the commands of the table"),
        },
        None => unreachable!("clap requires a command"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Args)]
    struct Echo {
        /// A word
        word: String,
    }

    impl Command for Echo {
        const NAME: &'static str = "echo";
        const ABOUT: &'static str = "Repeat a word";

        fn run(self, _: &Arc<Output>) -> anyhow::Result<Exit> {
            match self.word.as_str() {
                "fail" => anyhow::bail!("as asked"),
                _ => Ok(Exit::Done),
            }
        }
    }

    #[test]
    fn a_table_of_commands_is_parsed_and_run() {
        let table = [CommandEntry::of::<Echo>()];
        let mut parser = command_line(clap::Command::new("test").about("Tests"), &table);
        parser.clone().debug_assert();
        assert!(parser.render_help().to_string().contains("Repeat a word"));
        let matches = parser.clone().try_get_matches_from(["test", "echo", "fail", "-q"]).unwrap();
        let (name, flags) = matches.subcommand().unwrap();
        assert_eq!(name, table[0].name());
        let output = Arc::new(Output::new(false, true));
        assert_eq!((table[0].run)(flags, &output).unwrap_err().to_string(), "as asked");
        assert!(parser.clone().try_get_matches_from(["test"]).is_err(), "a command is required");
        assert!(parser.try_get_matches_from(["test", "other"]).is_err());
    }
}
