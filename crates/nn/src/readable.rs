//! Numbers as people read them, in tables and messages.

use thousands::Separable;

/// `12,345`
pub fn count(number: u64) -> String {
    number.separate_with_commas()
}

/// `375.6 kB`
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let shown = [12, 375_610, 12_000_000, 2_500_000_000].map(bytes);
        assert_eq!(shown, ["12 bytes", "375.6 kB", "12.0 MB", "2.5 GB"]);
    }
}
