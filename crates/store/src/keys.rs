//! Keys of Ed25519 that sign model files, in files of PEM as OpenSSL reads and writes them.
//!
//! A private key is written as PKCS#8 of version 1, without the public key in it, which is all that OpenSSL 3.0 reads.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer};
use fireclay_data::sha256::{hex, of_parts};
use zeroize::Zeroizing;

use crate::error::{KeyProblem, StoreError};

/// A file of a key has some 120 bytes; more than this is none.
const MOST_BYTES: u64 = 16 << 10;

/// What stands before the 32 bytes of a public key in DER (RFC 8410).
const DER_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Digits of a fingerprint: 128 bits, so that nobody finds a second key with it.
const FINGERPRINT_DIGITS: usize = 32;

/// A private key, which signs ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032)). Nothing shows it, and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A public key, which says whether a signature was made by the private key that belongs to it.
///
/// ```
/// use fireclay_store::{SigningKey, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("key.pem");
/// let key = SigningKey::generate()?;
/// let public = key.save(&path)?;
/// assert_eq!(VerifyingKey::load(&public)?, key.verifying_key());
/// assert_eq!(SigningKey::load(&path)?.verifying_key().fingerprint().len(), 32);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl SigningKey {
    /// A new one, of the operating system's random numbers.
    ///
    /// # Errors
    /// [`StoreError::Random`] if it has none.
    pub fn generate() -> Result<Self, StoreError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(|source| StoreError::Random { source })?;
        Ok(SigningKey(ed25519_dalek::SigningKey::from_bytes(&secret)))
    }

    /// Reads one in PEM (PKCS#8), as [`save`](Self::save) and `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    /// [`StoreError::Read`], or [`StoreError::Key`] if it is none; a file that is too large for a key is not read to its end.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let wrong = |problem| StoreError::Key { path: path.to_path_buf(), problem };
        let text = read_pem(path)?;
        match label(&text) {
            Some("PRIVATE KEY") => ed25519_dalek::SigningKey::from_pkcs8_pem(&text)
                .map(SigningKey)
                .map_err(|source| wrong(KeyProblem::NotEd25519Private { source })),
            Some("ENCRYPTED PRIVATE KEY") => Err(wrong(KeyProblem::Encrypted)),
            Some("PUBLIC KEY") => Err(wrong(KeyProblem::Public)),
            found => Err(wrong(other_label(found, "PRIVATE KEY"))),
        }
    }

    /// Writes it to a new file that nobody but its owner may read, and the public key beside it to one with `.pub` behind its name,
    /// whose path is returned.
    ///
    /// # Errors
    /// [`StoreError::KeyExists`] if one of the two is there, [`StoreError::Write`] if one cannot be written; then neither is left.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<PathBuf, StoreError> {
        let path = path.as_ref();
        let public = with_ending(path, ".pub");
        for path in [path, &public] {
            if std::fs::symlink_metadata(path).is_ok() {
                return Err(StoreError::KeyExists { path: path.to_path_buf() });
            }
        }
        let wrong = |source| StoreError::Key {
            path: path.to_path_buf(),
            problem: KeyProblem::NotEd25519Private { source },
        };
        let secret = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = secret.to_pkcs8_pem(LineEnding::LF).map_err(wrong)?;
        let public_pem = self.verifying_key().to_pem().map_err(|problem| StoreError::Key {
            path: public.clone(),
            problem: KeyProblem::NotEd25519Public { source: problem },
        })?;
        write_new(path, 0o600, pem.as_bytes())?;
        if let Err(error) = write_new(&public, 0o644, public_pem.as_bytes()) {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(public)
    }

    /// Whether others than its owner may read or change a file, which a private key should not be in. Always no where files have no
    /// such rights, and for what is no file.
    pub fn is_open_to_others(path: impl AsRef<Path>) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let is_open =
                |found: std::fs::Metadata| found.is_file() && found.permissions().mode() & 0o077 != 0;
            std::fs::metadata(path).is_ok_and(is_open)
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            false
        }
    }

    /// The public key that belongs to it.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// The fingerprint of its public key alone.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying_key().fingerprint())
    }
}

impl VerifyingKey {
    /// Reads one in PEM, as [`SigningKey::save`] and `openssl pkey -pubout` write it.
    ///
    /// # Errors
    /// [`StoreError::Read`], or [`StoreError::Key`] if it is none; a file that is too large for a key is not read to its end.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let wrong = |problem| StoreError::Key { path: path.to_path_buf(), problem };
        let text = read_pem(path)?;
        match label(&text) {
            Some("PUBLIC KEY") => ed25519_dalek::VerifyingKey::from_public_key_pem(&text)
                .map(VerifyingKey)
                .map_err(|source| wrong(KeyProblem::NotEd25519Public { source })),
            Some("PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") => Err(wrong(KeyProblem::Private)),
            found => Err(wrong(other_label(found, "PUBLIC KEY"))),
        }
    }

    /// The key itself, 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex(self.0.as_bytes())
    }

    /// What people compare: the first 32 hexadecimal digits of the SHA-256 of the key in DER, as
    /// `openssl pkey -pubin -in KEY -outform DER | sha256sum` prints it.
    pub fn fingerprint(&self) -> String {
        VerifyingKey::fingerprint_of(&self.to_hex())
    }

    /// The same of a key in hexadecimal, whether or not it is one.
    pub(crate) fn fingerprint_of(key: &str) -> String {
        let bytes: Option<[u8; 32]> = from_hex(key);
        let digest = of_parts(&[&DER_PREFIX, &bytes.unwrap_or_default()]);
        digest.chars().take(FINGERPRINT_DIGITS).collect()
    }

    /// Whether a signature is of a message by this key; keys and signatures that hold for several messages are refused.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    fn to_pem(self) -> Result<String, ed25519_dalek::pkcs8::spki::Error> {
        self.0.to_public_key_pem(LineEnding::LF)
    }
}

/// Its fingerprint.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.fingerprint())
    }
}

/// Whether a text is so many hexadecimal digits in lower case.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The bytes that hexadecimal digits stand for, if they are as many.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if !is_hex(text, 2 * N) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A path with more behind the name of the file.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Reads a small file of text, which may be a pipe.
fn read_pem(path: &Path) -> Result<Zeroizing<String>, StoreError> {
    let wrong = |problem| StoreError::Key { path: path.to_path_buf(), problem };
    let failed = |source| StoreError::Read { path: path.to_path_buf(), source };
    // As large as it may become: no part of it is left behind in memory that was too small.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize + 1));
    File::open(path).map_err(failed)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(wrong(KeyProblem::TooLarge { most: MOST_BYTES }));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(wrong(KeyProblem::NotPem)),
    }
}

/// What PEM says it is.
fn label(text: &str) -> Option<&str> {
    let begin = text.lines().find_map(|line| line.trim_end().strip_prefix("-----BEGIN "))?;
    begin.strip_suffix("-----")
}

fn other_label(found: Option<&str>, expected: &'static str) -> KeyProblem {
    match found {
        Some(found) => KeyProblem::Label { found: found.chars().take(40).collect(), expected },
        None => KeyProblem::NotPem,
    }
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), StoreError> {
    let wrong = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => StoreError::KeyExists { path: path.to_path_buf() },
        _ => StoreError::Write { path: path.to_path_buf(), source },
    };
    let mut file = for_new_file(mode).open(path).map_err(wrong)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = std::fs::remove_file(path);
        wrong(error)
    })
}

fn for_new_file(
    #[cfg_attr(not(unix), allow(unused, reason = "other systems have no such rights"))] mode: u32,
) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    options
}
