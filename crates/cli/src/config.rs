//! `fireclay.toml`: flags in a file beside the data.
//!
//! A key is a flag's name, with dashes or underscores, and `data` is what stands without a flag. The file is turned into flags
//! before the command line is read, so that a value is checked in one place and errors are the same. What the command line
//! says itself takes precedence.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use crate::error::CommandError;

/// What the file is called.
pub const CONFIG_FILE: &str = "fireclay.toml";

/// The key of what stands without a flag, and the identifier of that argument.
const DATA: &str = "data";
const DATA_ARGUMENT: &str = "path";

/// Flags that are for the command line alone.
pub const NOT_IN_FILE: [&str; 9] = [
    "check",
    "config",
    "dashboard",
    "help",
    "json",
    "learning-rate-factor",
    "print-config",
    "quiet",
    "resume",
];

/// Flags of which one takes the place of the other.
const EXCLUSIVE: [(&str, &str); 2] = [("model", "spec"), ("minutes", "brackets")];

/// Where the file lies for some data: in its folder, or beside the file that it is.
pub fn config_path(data: &Path) -> PathBuf {
    match data.is_dir() {
        true => data.join(CONFIG_FILE),
        false => data.parent().unwrap_or(Path::new("")).join(CONFIG_FILE),
    }
}

/// Arguments with what the file says added to them. `parser` is that of the whole program, `commands` those that read the file,
/// the first of which has all keys.
///
/// # Errors
/// If there is such a file and it cannot be read, is no TOML, or has a key that is no flag.
pub fn with_config(
    parser: &clap::Command,
    commands: &[&str],
    mut arguments: Vec<OsString>,
) -> Result<Vec<OsString>, CommandError> {
    // What is wrong on the command line is said by whoever reads it.
    let Ok(matches) = parser.clone().try_get_matches_from(&arguments) else { return Ok(arguments) };
    let Some((name, given)) = matches.subcommand().filter(|(name, _)| commands.contains(name)) else {
        return Ok(arguments);
    };
    let is_resumed = given.try_contains_id("resume").unwrap_or(false) && given.contains_id("resume");
    let named = given.try_get_one::<PathBuf>("config").ok().flatten();
    let data = given.try_get_one::<PathBuf>(DATA_ARGUMENT).ok().flatten();
    let path = match (named, data) {
        _ if is_resumed => return Ok(arguments),
        (Some(named), _) => named.clone(),
        (None, Some(data)) => config_path(data),
        (None, None) => PathBuf::from(CONFIG_FILE),
    };
    if named.is_none() && !path.is_file() {
        return Ok(arguments);
    }
    let wrong = |problem: String| CommandError::Config { path: path.clone(), problem };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let command = |name: &str| parser.find_subcommand(name);
    // Of several tables in a folder it is for the one that it names.
    if let (None, Some(typed), Some(of_file)) = (named, data, table.get(DATA).and_then(toml::Value::as_str)) {
        let of_file = path.parent().unwrap_or(Path::new("")).join(of_file);
        if typed.canonicalize().ok() != of_file.canonicalize().ok() {
            return Ok(arguments);
        }
    }
    let known: Vec<&Arg> = commands
        .iter()
        .take(1)
        .filter_map(|name| command(name))
        .flat_map(|command| command.get_arguments())
        .collect();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut added = Vec::new();
    for (key, value) in &table {
        let flag = key.replace('_', "-");
        if flag == DATA {
            if data.is_none() {
                let text = value
                    .as_str()
                    .ok_or_else(|| wrong(format!("{key} is {value}; expected a path in quotes")))?;
                added.push(folder.join(text).into_os_string());
            }
            continue;
        }
        let is_known =
            |arg: &&Arg| arg.get_long() == Some(flag.as_str()) && !NOT_IN_FILE.contains(&flag.as_str());
        if !known.iter().any(is_known) {
            let names = known.iter().filter_map(|arg| arg.get_long()).chain([DATA]);
            return Err(wrong(format!("{key} is no setting{}", near(&flag, names))));
        }
        // Another command may do without it.
        let own = command(name)
            .and_then(|command| command.get_arguments().find(|arg| arg.get_long() == Some(flag.as_str())));
        let Some(arg) = own else { continue };
        if is_given(given, arg) || is_excluded(&flag, given) {
            continue;
        }
        flags(arg, &flag, value, folder, &mut added).map_err(|problem| wrong(format!("{key} {problem}")))?;
    }
    if named.is_none() {
        added.push("--config".into());
        added.push(path.clone().into_os_string());
    }
    arguments.append(&mut added);
    Ok(arguments)
}

fn is_given(given: &ArgMatches, arg: &Arg) -> bool {
    given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// Whether the command line has a flag in the place of this one.
fn is_excluded(flag: &str, given: &ArgMatches) -> bool {
    let other = EXCLUSIVE.iter().find_map(|(one, other)| match flag {
        _ if flag == *one => Some(*other),
        _ if flag == *other => Some(*one),
        _ => None,
    });
    other.is_some_and(|other| {
        given.try_contains_id(other).unwrap_or(false)
            && given.value_source(other) == Some(ValueSource::CommandLine)
    })
}

/// The flags that say a value.
fn flags(
    arg: &Arg,
    flag: &str,
    value: &toml::Value,
    folder: &Path,
    added: &mut Vec<OsString>,
) -> Result<(), String> {
    let is_path = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match value.as_bool() {
            Some(true) => {
                added.push(format!("--{flag}").into());
                Ok(())
            }
            Some(false) => Ok(()),
            None => Err(format!("is {value}; expected true or false")),
        };
    }
    let values = match value {
        toml::Value::Array(values) if matches!(arg.get_action(), ArgAction::Append) => values.as_slice(),
        toml::Value::Array(_) => return Err("is a list; expected one value".into()),
        one => std::slice::from_ref(one),
    };
    for value in values {
        let text = match value {
            toml::Value::String(text) if is_path => folder.join(text).to_string_lossy().into_owned(),
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => value.to_string(),
            _ => return Err(format!("is {value}; expected a text, a number, true or false")),
        };
        added.push(format!("--{flag}={text}").into());
    }
    Ok(())
}

fn near<'a>(flag: &str, names: impl Iterator<Item = &'a str>) -> String {
    let nearest = names.map(|name| (strsim::damerau_levenshtein(flag, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 3 => format!("; did you mean {name}?"),
        _ => "; `init` writes a file with all of them".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser() -> clap::Command {
        let train = clap::Command::new("train")
            .arg(Arg::new("path").value_parser(clap::value_parser!(PathBuf)))
            .arg(Arg::new("config").long("config").value_parser(clap::value_parser!(PathBuf)))
            .arg(Arg::new("epochs").long("epochs").value_parser(clap::value_parser!(usize)))
            .arg(Arg::new("model").long("model"))
            .arg(Arg::new("spec").long("spec").value_parser(clap::value_parser!(PathBuf)))
            .arg(Arg::new("ignore").long("ignore").action(ArgAction::Append))
            .arg(Arg::new("keep_best").long("keep-best"))
            .arg(Arg::new("fast").long("fast").action(ArgAction::SetTrue));
        clap::Command::new("test").subcommand(train)
    }

    fn read(folder: &Path, toml: &str, typed: &[&str]) -> Result<Vec<String>, String> {
        std::fs::write(folder.join(CONFIG_FILE), toml).unwrap();
        let data = folder.join("t.csv").display().to_string();
        let words = ["test", "train", &data].into_iter().chain(typed.iter().copied());
        let all = with_config(&parser(), &["train"], words.map(OsString::from).collect());
        all.map(|all| {
            all.iter().skip(3 + typed.len()).map(|word| word.to_string_lossy().into_owned()).collect()
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_become_flags_unless_they_are_typed() {
        let folder = tempfile::tempdir().unwrap();
        let toml =
            "epochs = 3\nkeep_best = true\nignore = [\"a\", \"b\"]\nspec = \"net.toml\"\nfast = true\n";
        let spec = format!("--spec={}", folder.path().join("net.toml").display());
        let mut found = read(folder.path(), toml, &[]).unwrap();
        assert_eq!(found.split_off(found.len() - 2)[0], "--config");
        found.sort();
        assert_eq!(found, ["--epochs=3", "--fast", "--ignore=a", "--ignore=b", "--keep-best=true", &spec]);
        let found = read(folder.path(), toml, &["--epochs", "9", "--model", "x"]).unwrap().join(" ");
        assert!(!found.contains("--epochs") && !found.contains("--spec"), "{found}");
        assert!(read(folder.path(), "", &["--config", "none.toml"]).unwrap_err().contains("none.toml"));
    }

    #[test]
    fn what_is_no_setting_is_refused_with_the_nearest() {
        let folder = tempfile::tempdir().unwrap();
        let refuse = |toml: &str| read(folder.path(), toml, &[]).unwrap_err();
        assert!(refuse("epoch = 3").contains("did you mean epochs?"), "{}", refuse("epoch = 3"));
        assert!(refuse("colour = 3").contains("`init` writes"));
        assert!(refuse("epochs = [3]").contains("expected one value"));
        assert!(refuse("fast = 1").contains("true or false"));
        assert!(refuse("epochs = ").contains(CONFIG_FILE));
    }
}
