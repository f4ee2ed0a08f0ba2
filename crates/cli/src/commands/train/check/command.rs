//! The command that trains, from the one that checks.

use crate::format::{called, quoted};

/// What was typed without `--check`, on one device.
pub fn without_check(program: &str, typed: impl Iterator<Item = String>, device: &str) -> String {
    let mut words = vec![called(program)];
    let mut is_device = false;
    for word in typed.filter(|word| word != "--check") {
        let word = match word.strip_prefix("--device=") {
            Some(names) if names.contains(',') => format!("--device={device}"),
            _ if is_device && word.contains(',') => device.to_owned(),
            _ => word,
        };
        is_device = word == "--device";
        words.push(quoted(&word));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_what_was_typed_but_for_the_check() {
        let command = |typed: &str| {
            let words = typed.split(' ').map(str::to_owned);
            without_check("mnist", words, "flex").rsplit_once("mnist ").unwrap().1.replace("-- ", "")
        };
        assert_eq!(command("train --check --epochs 3"), "train --epochs 3");
        assert_eq!(command("train --device flex,wgpu --check"), "train --device flex");
        assert_eq!(command("--json train --device=wgpu,flex --check"), "--json train --device=flex");
        assert_eq!(
            command("train --device wgpu --check --data-dir a,b"),
            "train --device wgpu --data-dir a,b"
        );
    }
}
