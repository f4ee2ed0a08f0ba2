//! Numbers in fields.

/// What a field holds where a number is expected.
#[derive(Debug, PartialEq)]
pub(super) enum Number {
    Finite(f32),
    /// Nothing, one of the usual words for nothing, NaN, infinity, or a number beyond the range.
    Missing,
    /// Text.
    Text,
}

pub(super) fn parse(field: &str) -> Number {
    let field = field.trim();
    match field.parse::<f32>() {
        Ok(number) if number.is_finite() => Number::Finite(number),
        Ok(_) => Number::Missing,
        Err(_) if is_missing(field) => Number::Missing,
        Err(_) => Number::Text,
    }
}

/// Whether a field says that there is nothing, in one of the ways tables do.
pub(super) fn is_missing(field: &str) -> bool {
    let field = field.trim();
    field.is_empty()
        || ["na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?"]
            .iter()
            .any(|word| field.eq_ignore_ascii_case(word))
}

/// Whether a field holds a finite number.
pub(super) fn is_number(field: &str) -> bool {
    matches!(parse(field), Number::Finite(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        for (field, number) in [("1", 1.0), (" -2.5e1 ", -25.0), ("+.5", 0.5), ("5.", 5.0)] {
            assert_eq!(parse(field), Number::Finite(number), "{field}");
        }
        for field in ["", "  ", "NaN", "-inf", "Infinity", "1e60", "NA", "null", "?"] {
            assert_eq!(parse(field), Number::Missing, "{field}");
        }
        for field in ["red", "3,14", "1 000", "0x10", "--1"] {
            assert_eq!(parse(field), Number::Text, "{field}");
        }
    }
}
