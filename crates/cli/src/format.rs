//! Shares and times as people read them; counts and sizes are `fireclay::nn::readable`'s.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(percent(0.98931), "98.93 %");
        assert_eq!([7.25, 60.0, 125.9].map(seconds), ["7.2 s", "1:00 min", "2:05 min"]);
    }
}
