//! Names of clients.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

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

    /// A name that was checked.
    pub(crate) fn checked(name: &str) -> Self {
        ClientId(name.into())
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
