//! Paths and commands as a user reads and types them.

use std::path::Path;

/// How the user calls a program: by its name, or through Cargo, which then says so in the environment.
pub fn called(name: &str) -> String {
    match std::env::var_os("CARGO") {
        Some(_) => format!("cargo run --release -p {name} --"),
        None => name.to_string(),
    }
}

/// A path as short as it can be said from here.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// A path as a shell takes it.
pub fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_string(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_is_quoted_for_the_shell() {
        assert_eq!(quoted("runs/a-1.checkpoint"), "runs/a-1.checkpoint");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}
