//! Numbers as people write them. Spaces inside a number and before its unit do not break.

/// What stands between a number and its unit.
const SPACE: &str = "\u{a0}";

/// A whole number with its thousands apart.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, with the word in the singular or the plural, which ends in `s`.
pub fn counted(value: usize, word: &str) -> String {
    format!("{}{SPACE}{word}{}", count(value as u64), if value == 1 { "" } else { "s" })
}

/// A number with four significant digits, or with an exponent if it is very large or very small.
pub fn number(value: f64) -> String {
    significant(value, 4)
}

/// A number with as many decimals as `like` has by itself.
pub fn number_like(value: f64, like: f64) -> String {
    let text = number(like);
    let plain = value.is_finite() && like.is_finite() && !text.contains('×') && !text.contains("10\u{207b}");
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    // A value of four digits as 0.0384 lost a zero at its end; at least three digits are told.
    let least = if like == 0.0 { 0 } else { (2 - exponent(like)).max(0) as usize };
    if plain && value.abs() < 1e9 && like.abs() < 1e9 {
        fixed(value, decimals.max(least))
    } else {
        number(value)
    }
}

fn significant(value: f64, digits: i32) -> String {
    if !value.is_finite() {
        return "not finite".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let exponent = exponent(value);
    if !(-4..9).contains(&exponent) {
        return scientific(value, (digits - 1) as usize);
    }
    let decimals = (digits - 1 - exponent).max(0) as usize;
    trimmed(fixed(value, decimals))
}

/// A fraction in per cent with one decimal; with more where it would look like all or nothing and is not.
pub fn percent(fraction: f64) -> String {
    in_percent(fraction, 1)
}

/// A fraction in per cent as a result is told, with two decimals where it is close to 0 or 1.
pub fn precise_percent(fraction: f64) -> String {
    percent_like(fraction, fraction)
}

/// A fraction in per cent with as many decimals as `like` has by itself.
pub fn percent_like(fraction: f64, like: f64) -> String {
    let distance = like.abs().min((1.0 - like).abs());
    in_percent(fraction, if distance > 0.0 && distance < 0.02 { 2 } else { 1 })
}

fn in_percent(fraction: f64, decimals: usize) -> String {
    if !fraction.is_finite() {
        return "not finite".into();
    }
    let whole = fraction == 0.0 || fraction == 1.0;
    let looks_whole = |text: &str| matches!(text.trim_end_matches('0'), "100." | "0.");
    let told =
        (decimals..=3).map(|decimals| fixed(fraction * 100.0, decimals)).find(|text| !looks_whole(text));
    let text = match told {
        _ if whole => fixed(fraction * 100.0, 0),
        Some(text) => text,
        None if fraction > 0.5 => "above 99.999".into(),
        None => "below 0.001".into(),
    };
    format!("{text}{SPACE}%")
}

/// An area under a curve or its like, from 0 to 1.
pub fn area(value: f64) -> String {
    match format!("{value:.3}").as_str() {
        "1.000" if value < 1.0 => "> 0.999".into(),
        text => text.into(),
    }
}

/// A number of bytes.
pub fn bytes(bytes: f64) -> String {
    let sizes = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes")];
    let (size, unit) = sizes.into_iter().find(|(size, _)| bytes >= *size).unwrap_or((1.0, "bytes"));
    format!("{}{SPACE}{unit}", significant(bytes / size, 3))
}

/// A duration.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "not known".into();
    }
    match seconds {
        0.0 => format!("0{SPACE}s"),
        seconds if seconds < 1.0 => format!("{}{SPACE}ms", significant(seconds * 1000.0, 3)),
        seconds if seconds < 99.95 => format!("{}{SPACE}s", significant(seconds, 3)),
        seconds if seconds < 5970.0 => {
            let seconds = seconds.round() as u64;
            format!("{}{SPACE}min{SPACE}{:02}{SPACE}s", seconds / 60, seconds % 60)
        }
        seconds => {
            let minutes = (seconds / 60.0).round() as u64;
            format!("{}{SPACE}h{SPACE}{:02}{SPACE}min", count(minutes / 60), minutes % 60)
        }
    }
}

/// The power of ten of the first digit.
pub fn exponent(value: f64) -> i32 {
    // By the digits rather than the logarithm, which may lie a rounding beside a whole number.
    let text = format!("{:e}", value.abs());
    text.split('e').nth(1).and_then(|exponent| exponent.parse().ok()).unwrap_or(0)
}

/// A number with so many decimals, its thousands apart and a true minus.
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let whole = whole.parse().map_or_else(|_| whole.to_string(), count);
    let is_zero = text.chars().all(|character| matches!(character, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// A number as digits times a power of ten.
pub fn scientific(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = trimmed(digits.replace('-', "−"));
    let exponent: String = exponent.chars().map(superscript).collect();
    match digits.as_str() {
        "1" => format!("10{exponent}"),
        _ => format!("{digits}{SPACE}×{SPACE}10{exponent}"),
    }
}

fn superscript(character: char) -> char {
    match character {
        '-' => '⁻',
        digit => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10).unwrap_or(0) as usize).unwrap_or(digit),
    }
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let written = [0.0, 1.0, 0.5, 12.3456, 1234567.0, -0.25, 1e9, 1e-9, 2.5e12, f64::NAN].map(number);
        let expected = [
            "0",
            "1",
            "0.5",
            "12.35",
            "1,234,567",
            "−0.25",
            "10⁹",
            "10⁻⁹",
            "2.5\u{a0}×\u{a0}10¹²",
            "not finite",
        ];
        assert_eq!(written, expected);
        assert_eq!(fixed(-0.001, 1), "0.0");
    }

    #[test]
    fn what_is_not_all_is_not_written_as_all() {
        let written = [1.0, 0.999999, 0.9994, 0.99978, 0.5, 0.0, 1e-7].map(percent);
        let written = written.map(|text| text.replace(SPACE, ""));
        assert_eq!(written, ["100%", "above 99.999%", "99.9%", "99.98%", "50.0%", "0%", "below 0.001%"]);
        assert_eq!([0.99996, 1.0].map(area), ["> 0.999", "1.000"]);
    }

    #[test]
    fn ends_of_intervals_have_the_decimals_of_their_value() {
        let fractions = [0.988, 0.9791].map(|end| percent_like(end, 0.9812).replace(SPACE, ""));
        assert_eq!(fractions, ["98.80%", "97.91%"]);
        assert_eq!([0.029861, 0.5].map(|end| number_like(end, 0.0384)), ["0.0299", "0.5000"]);
        assert_eq!(number_like(17.4213, 18.1), "17.4");
    }

    #[test]
    fn durations_have_the_unit_that_people_would_take() {
        let written = [0.0004, 0.25, 1.234, 59.96, 100.0, 3600.0, 7260.0, f64::NAN].map(duration);
        let written = written.map(|text| text.replace('\u{a0}', " "));
        let expected =
            ["0.4 ms", "250 ms", "1.23 s", "60 s", "1 min 40 s", "60 min 00 s", "2 h 01 min", "not known"];
        assert_eq!(written, expected);
    }
}
