//! Numbers, times, paths and commands as people read and type them: the one place for all programs.

use std::path::Path;

pub use fireclay::nn::readable::{bytes, count};
use fireclay::store::SignatureCard;

/// `98.93 %`
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// `7.3 s`, `2:05 min`
pub fn seconds(seconds: f64) -> String {
    match seconds < 60.0 {
        true => format!("{seconds:.1} s"),
        false => format!("{}:{:02} min", seconds as u64 / 60, seconds as u64 % 60),
    }
}

/// A time that may be short or long: `1.4 µs`, `14 µs`, `0.31 ms`, `3.1 ms`, `7.3 s`, `2:05 min`, `3:25 h`
pub fn duration(time: f64) -> String {
    let ms = 1e3 * time;
    match time {
        _ if ms < 0.01 => format!("{:.1} µs", 1e3 * ms),
        _ if ms < 0.1 => format!("{:.0} µs", 1e3 * ms),
        _ if ms < 1.0 => format!("{ms:.2} ms"),
        _ if ms < 100.0 => format!("{ms:.1} ms"),
        _ if time < 3_600.0 => seconds(time),
        _ => format!("{}:{:02} h", time as u64 / 3_600, time as u64 / 60 % 60),
    }
}

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

/// Columns side by side, the first to the left and the others to the right; rows have as many cells as the first one.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let padded = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        padded.collect::<String>()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The first of some names, and how many more there are.
pub fn listed(names: &[impl AsRef<str>], most: usize) -> String {
    let shown = names.iter().take(most).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The beginning of a text, on one line.
pub fn beginning(text: &str) -> String {
    const MOST: usize = 60;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(MOST) {
        None => line,
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}

/// A path as a shell takes it.
pub fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_string(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// Who signed a model file, as it says itself.
pub fn signed_by(signature: &SignatureCard) -> String {
    format!("{} {} (not checked; `fireclay verify` does)", SignatureCard::ED25519, signature.fingerprint())
}

/// A number rounded to four digits.
pub fn significant(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(percent(0.98931), "98.93 %");
        assert_eq!([7.25, 60.0, 125.9].map(seconds), ["7.2 s", "1:00 min", "2:05 min"]);
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        let shown = [0.000_314, 0.003_14, 0.314, 125.9, 12_345.0].map(duration);
        assert_eq!(shown, ["0.31 ms", "3.1 ms", "0.3 s", "2:05 min", "3:25 h"]);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(&["a", "b"], 2), "a, b");
        assert_eq!(listed(&["a", "b", "c", "d"], 2), "a, b and 2 more");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let row = |cells: [&str; 5]| cells.map(String::from).to_vec();
        let shown = aligned(&[row(["", "mlp", "95 %", "a", "b"]), row(["R²", "0.98", "x", "1", "-"])]);
        assert_eq!(shown, "     mlp  95 %  a  b\nR²  0.98     x  1  -");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(beginning("short\nand good"), "short and good");
        let long = "é".repeat(100);
        assert_eq!(beginning(&long), format!("{}…", "é".repeat(60)));
    }

    #[test]
    fn a_path_with_spaces_is_quoted_for_the_shell() {
        assert_eq!(quoted("runs/a-1.checkpoint"), "runs/a-1.checkpoint");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}
