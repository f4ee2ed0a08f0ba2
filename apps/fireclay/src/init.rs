//! `init`: writes a file of settings beside data, with a line for everything that can be set.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{detect, write_atomically};
use fireclay_cli::{
    CONFIG_FILE, Command, Exit, NOT_IN_FILE, Output, UsageError, called, command_line, config_path, quoted,
};
use serde::Serialize;

use crate::error::AppError;
use crate::source::Kind;

/// Characters in a line of a comment.
const WIDTH: usize = 100;

/// Writes `fireclay.toml`.
#[derive(Args, Debug)]
pub struct Init {
    /// Data to write it for
    #[arg(value_name = "DATA")]
    pub path: PathBuf,
    /// Write it anew where it is there already
    #[arg(long)]
    pub force: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "init")]
struct Written {
    file: String,
}

impl Command for Init {
    const NAME: &'static str = "init";
    const ABOUT: &'static str = "Write fireclay.toml beside data: a file with all settings, commented";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let found = detect(&self.path)?;
        let path = config_path(&self.path);
        if path.exists() && !self.force {
            return Err(UsageError::of(AppError::ConfigExists { path }));
        }
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (data, test) = match self.path.is_dir() {
            true if found.path == self.path => (".".to_owned(), None),
            true => (name(&found.path), found.test.as_ref().map(name)),
            false => (name(&self.path), None),
        };
        let text = |text: &str| toml::Value::String(text.to_owned());
        let mut lines = vec![
            format!("# Settings for `fireclay train` and `fireclay tune` on this data, in {CONFIG_FILE}."),
            "# What the command line says takes precedence. A line that begins with # is not set.".into(),
            String::new(),
            format!("data = {}", text(&data)),
            format!("kind = {} # {}", text(Kind::from(found.kind).word()), found.reason),
        ];
        let has_test = test.is_some();
        lines.extend(test.map(|test| format!("test = {}", text(&test))));
        let parser = command_line(crate::program(), &crate::commands());
        let train = parser.find_subcommand("train").cloned().unwrap_or_default();
        let mut heading = "";
        let flags = train.get_arguments().filter_map(|arg| Some((arg, arg.get_long()?)));
        let mut flags: Vec<_> = flags
            .filter(|(_, name)| {
                *name != "kind" && !NOT_IN_FILE.contains(name) && !(has_test && *name == "test")
            })
            .collect();
        flags.sort_by_key(|(arg, _)| arg.get_help_heading().is_some());
        for (arg, name) in flags {
            let of = arg.get_help_heading().unwrap_or("Model");
            if of != heading {
                lines.extend([String::new(), format!("## {of}")]);
                heading = of;
            }
            lines.push(String::new());
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            lines.extend(wrapped(&help));
            let choices = arg.get_possible_values();
            if !choices.is_empty() {
                let names: Vec<&str> = choices.iter().map(clap::builder::PossibleValue::get_name).collect();
                lines.extend(wrapped(&format!("One of {}", names.join(", "))));
            }
            let default = arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
            let example = default.unwrap_or_else(|| match arg.get_value_names() {
                Some([name, ..]) => name.to_string(),
                _ => "true".into(),
            });
            let is_plain = example.parse::<f64>().is_ok() || example == "true";
            let shown = if is_plain { example } else { text(&example).to_string() };
            let shown = if matches!(arg.get_action(), clap::ArgAction::Append) {
                format!("[{shown}]")
            } else {
                shown
            };
            lines.push(format!("# {name} = {shown}"));
        }
        let content = lines.join("\n") + "\n";
        write_atomically(&path, |file| file.write_all(content.as_bytes()))
            .map_err(|source| AppError::WriteConfig { path: path.clone(), source })?;
        let file = fireclay_cli::shown(&path);
        let data = quoted(&fireclay_cli::shown(&self.path));
        output.line(format!("{file} is written; look it over, then: {} train {data}", called("fireclay")));
        output.record(&Written { file });
        Ok(Exit::Done)
    }
}

/// A text as lines of a comment.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines
}
