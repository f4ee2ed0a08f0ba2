//! Every command of a program is in its help, in apps/README.md and in the program's README, and every flag is explained.

use std::path::Path;

use super::run;

/// What a command prints with `--json`, as the table in apps/README.md documents it.
const APPS_README: &str = include_str!("../../apps/README.md");

/// The commands that `--help` lists.
pub fn listed(program: &str, folder: &Path) -> Vec<String> {
    let help = run(program, folder, &["--help"]).stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // Lines that are indented further go on with the help of the command above.
    let commands = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names = commands.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(String::from).collect()
}

/// Checks that each command is documented, in all places.
#[track_caller]
pub fn are_documented(program: &str, folder: &Path, readme: &str, expected: &[&str]) {
    let commands = listed(program, folder);
    assert_eq!(commands, expected);
    let name = Path::new(program).file_stem().unwrap().to_str().unwrap();
    for command in &commands {
        let quoted = format!("`{command}`");
        assert!(APPS_README.contains(&quoted), "apps/README.md does not name the command {quoted}");
        let printed_by = APPS_README
            .lines()
            .filter(|line| line.starts_with("| `"))
            .any(|row| row.split('|').nth(2).is_some_and(|printed_by| printed_by.contains(&quoted)));
        assert!(printed_by, "apps/README.md does not say which JSON {quoted} prints");
        assert!(readme.contains(&format!("{name} {command}")), "the README of {name} does not show {quoted}");
        let help = run(program, folder, &[command, "--help"]);
        assert_eq!(help.code, Some(0), "{help:?}");
        flags_are_explained(command, &help.stdout);
    }
}

/// In clap's help the text of a flag is beside it, or indented below it.
#[track_caller]
fn flags_are_explained(command: &str, help: &str) {
    let lines: Vec<&str> = help.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let flag = line.trim_start();
        // What is indented further goes on with the text of the flag above.
        if line.len() - flag.len() >= 10 {
            continue;
        }
        if !flag.starts_with("--") && !flag.starts_with("-h") && !flag.starts_with("-q") {
            continue;
        }
        let beside = flag.split_once("  ").is_some_and(|(_, text)| !text.trim().is_empty());
        let below = lines.get(at + 1).is_some_and(|next| next.starts_with("          "));
        assert!(beside || below, "{command} does not explain {flag}");
    }
}

/// Checks that every file of commands is in some table: the program's help lists it.
#[track_caller]
pub fn files_are_listed(commands: &[String], folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap();
        let name = file.trim_start_matches("image_").trim_start_matches("text_").replace('_', "-");
        // `tune` is in the table of `fireclay` alone.
        let is_listed = commands.contains(&name);
        assert!(["mod", "tune"].contains(&name.as_str()) || is_listed, "{file} is in no table");
    }
}
