//! Names of clients from text, of which some are refused.

use std::str::FromStr;

use crate::FederateError;
use crate::id::ClientId;

impl FromStr for ClientId {
    type Err = FederateError;

    fn from_str(text: &str) -> Result<Self, FederateError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = |text: &str| {
            (1..=Self::MAX_BYTES).contains(&text.len())
                && text.bytes().all(is_allowed)
                && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
        };
        match is_name(text) {
            true => Ok(ClientId::checked(text)),
            false => Err(FederateError::ClientId { found: text.chars().take(80).collect() }),
        }
    }
}

impl TryFrom<String> for ClientId {
    type Error = FederateError;

    fn try_from(text: String) -> Result<Self, FederateError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_paths_empty_or_long_are_refused() {
        for name in ["", "..", "a/b", "a\\b", "a b", "a\0", "é", "-", &"x".repeat(65)] {
            let error = name.parse::<ClientId>().unwrap_err().to_string();
            assert!(error.contains("1 to 64 letters"), "{error}");
        }
        assert!("x".repeat(64).parse::<ClientId>().is_ok());
    }
}
