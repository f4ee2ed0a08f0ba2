//! The command that was typed, as another one.

use crate::format::{called, quoted};
use crate::program::Program;

/// The command that was typed, as the command `to`: without some flags and their values, and with others.
pub fn retyped<P: Program>(from: &str, to: &str, without: &[&str], with: &[String]) -> String {
    let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let words = replaced(typed, from, without, with);
    let words = words.iter().map(|word| quoted(word));
    [called(P::NAME), to.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// What was typed after the program's name, without the command, `--json`, flags that are left out, and those that are given anew.
fn replaced(
    typed: impl Iterator<Item = String>,
    command: &str,
    without: &[&str],
    with: &[String],
) -> Vec<String> {
    let mut without = without.to_vec();
    without.extend(with.iter().map(String::as_str).filter(|flag| flag.starts_with("--")));
    // A description takes the place of a name.
    if without.contains(&"--spec") && with.iter().any(|flag| flag == "--spec") {
        without.push("--model");
    }
    let (mut words, mut skip, mut is_command) = (Vec::new(), false, true);
    for word in typed {
        let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
        let is_dropped = without.contains(&flag);
        if std::mem::take(&mut skip) || word == "--json" {
            continue;
        }
        if is_command && word == command {
            is_command = false;
            continue;
        }
        match is_dropped {
            true => skip = !word.contains('='),
            false => words.push(word),
        }
    }
    words.extend(with.iter().cloned());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_dropped_with_their_values_and_given_anew() {
        let typed = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>().into_iter();
        let with = ["--learning-rate".to_owned(), "0.01".to_owned()];
        let of = |text| replaced(typed(text), "find-lr", &["--sweep-steps", "--plot"], &with).join(" ");
        assert_eq!(
            of("--json find-lr find-lr --sweep-steps 20 --model mlp --learning-rate=3 --plot=x.html -q"),
            "find-lr --model mlp -q --learning-rate 0.01"
        );
        let spec = ["--spec".to_owned(), "net.toml".to_owned()];
        assert_eq!(
            replaced(typed("tune --model mlp a.csv"), "tune", &[], &spec),
            ["a.csv", "--spec", "net.toml"]
        );
    }
}
