//! The secret that all ends of a connection share.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::GroupError;

/// A secret that every process of a group knows and nobody else: who has it is one of them, and reads what they send.
///
/// It should be drawn at random, such as by `openssl rand -hex 32`: who listens to a connection can try guesses of it.
///
/// ```
/// use fireclay_distribute::channel::SharedKey;
///
/// let key = SharedKey::new("4b1d0c7be1f38a1f7a3c")?;
/// assert_eq!(format!("{key:?}"), "SharedKey(hidden)");
/// assert!(SharedKey::new("too short").is_err());
/// # Ok::<(), fireclay_distribute::GroupError>(())
/// ```
#[derive(Clone)]
pub struct SharedKey(Zeroizing<[u8; 32]>);

impl SharedKey {
    /// The fewest bytes that a key has.
    pub const MIN_BYTES: usize = 16;

    /// A key from its text; white space around it does not count.
    ///
    /// # Errors
    /// [`GroupError::ShortKey`] if it has fewer than [`MIN_BYTES`](Self::MIN_BYTES) bytes.
    pub fn new(text: &str) -> Result<Self, GroupError> {
        let text = text.trim();
        if text.len() < Self::MIN_BYTES {
            return Err(GroupError::ShortKey { found: text.len(), expected: Self::MIN_BYTES });
        }
        let mut hash = Sha256::new_with_prefix("fireclay shared key\0");
        hash.update(text);
        Ok(SharedKey(Zeroizing::new(hash.finalize().into())))
    }

    /// A key from a file that holds its text.
    ///
    /// # Errors
    /// [`GroupError::KeyFile`] if it cannot be read as text, [`GroupError::ShortKey`] as [`new`](Self::new).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, GroupError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| GroupError::KeyFile { path: path.to_owned(), source })?;
        Self::new(&Zeroizing::new(text))
    }

    /// The 32 bytes that go into a handshake.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_are_refused_and_white_space_does_not_count() {
        let found = SharedKey::new("  123456789012345\n").unwrap_err().to_string();
        assert_eq!(
            found,
            "the shared key has 15 bytes, and 16 or more are needed; make one with `openssl rand -hex 32`"
        );
        let (one, other) =
            (SharedKey::new("1234567890123456").unwrap(), SharedKey::new(" 1234567890123456\n").unwrap());
        assert_eq!(one.bytes(), other.bytes());
        let found = SharedKey::read("/nowhere/key").unwrap_err().to_string();
        assert_eq!(found, "cannot read the shared key from /nowhere/key");
    }
}
