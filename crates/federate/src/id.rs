//! Names of clients.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::FederateError;

/// The name of a client, which it keeps for the whole federation: 1 to 64 letters, digits, `.`, `_` and `-`.
///
/// Everything that depends on an order of clients depends on the order of these names.
///
/// ```
/// use fireclay_federate::ClientId;
///
/// assert_eq!("hospital-3".parse::<ClientId>()?.as_str(), "hospital-3");
/// assert!("../hospital".parse::<ClientId>().is_err());
/// // Names by number sort as the numbers do.
/// assert!(ClientId::numbered(9) < ClientId::numbered(10));
/// # Ok::<(), fireclay_federate::FederateError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The most bytes that a name may have.
    pub const MAX_BYTES: usize = 64;

    /// The name of client `number` of a simulation: `client-0007`.
    pub fn numbered(number: usize) -> Self {
        ClientId(format!("client-{number:04}").into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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
            true => Ok(ClientId(text.into())),
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

impl From<ClientId> for String {
    fn from(id: ClientId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
