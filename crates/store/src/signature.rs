//! Signing model files, and checking signatures.
//!
//! A signature lies in the model's card or in a file of its own. That in the card is of the file itself, every byte of it but the
//! digits of the signature, for which zeros are taken: so nothing has to be written a second time to check it, and files of every
//! version, and of other programs, can be signed as they are. `FORMAT.md` has the definition.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use fireclay_data::sha256::hex;
use fireclay_data::write_atomically;
use sha2::{Digest, Sha256};

use crate::card::{ModelCard, SignatureCard};
use crate::container::{MODEL, Opened, header_with_text, read};
use crate::keys::{SigningKey, VerifyingKey, from_hex, with_ending};
use crate::{ModelFile, StoreError};

/// What a signed message begins with, so that it is never taken for another kind: no model file begins so, which would have a
/// header that is too long.
const PREFIX: &str = "fireclay-model-signature-1\n";

/// Hexadecimal digits of a signature.
const DIGITS: usize = 128;

/// Signs a model file in its card, writes it to `out`, which may be the same path, and returns its size in bytes. A signature that
/// is there is replaced; all else stays as it is, the weights byte by byte.
///
/// ```
/// use fireclay_nn::ModelSpec;
/// use fireclay_store::{Device, ModelCard, SigningKey, StoreError, save_model, sign_model, verify_model};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.fireclay");
/// let model = ModelSpec::new([4]).dense(3).build(&Device::default())?;
/// save_model(&path, &model, &ModelCard::new(model.spec().clone()))?;
///
/// let key = SigningKey::generate()?;
/// sign_model(&path, &path, &key)?;
/// assert_eq!(verify_model(&path, &key.verifying_key())?.card.spec, *model.spec());
///
/// let other = SigningKey::generate()?.verifying_key();
/// assert!(matches!(verify_model(&path, &other), Err(StoreError::OtherKey { .. })));
///
/// let mut bytes = std::fs::read(&path)?;
/// *bytes.last_mut().unwrap() ^= 1;
/// std::fs::write(&path, bytes)?;
/// assert!(matches!(verify_model(&path, &key.verifying_key()), Err(StoreError::SignatureMismatch { .. })));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`ModelFile::load`], since only a whole model is signed, and [`StoreError::Write`].
pub fn sign_model(
    path: impl AsRef<Path>,
    out: impl AsRef<Path>,
    key: &SigningKey,
) -> Result<u64, StoreError> {
    let (path, out) = (path.as_ref(), out.as_ref());
    let bytes = read(path)?;
    ModelFile::of_bytes(path, &bytes)?;
    let opened = Opened::new(path, &bytes)?;
    let data = opened.data();
    let wrong = |source| StoreError::Card { path: path.to_path_buf(), source };
    let mut card: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(opened.text(MODEL)?).map_err(wrong)?;
    card.shift_remove("signature");
    let mut header = |signature: String| {
        let signature = SignatureCard {
            algorithm: SignatureCard::ED25519.to_owned(),
            key: key.verifying_key().to_hex(),
            signature,
        };
        card.insert("signature".into(), serde_json::to_value(&signature).map_err(wrong)?);
        let text = serde_json::to_string(&card).map_err(wrong)?;
        header_with_text(path, &bytes[..bytes.len() - data.len()], MODEL, text)
    };
    let unsigned = header("0".repeat(DIGITS))?;
    let signature = key.sign(&message([&unsigned, data]));
    let signed = header(hex(&signature))?;
    write_atomically(out, |file| {
        file.write_all(&signed)?;
        file.write_all(data)
    })
    .map_err(|source| StoreError::Write { path: out.to_path_buf(), source })?;
    Ok((signed.len() + data.len()) as u64)
}

/// Reads a model file that is signed in its card by this key, and unchanged since.
///
/// # Errors
/// [`StoreError::NotSigned`], [`StoreError::OtherKey`], [`StoreError::SignatureMismatch`], or those of [`ModelFile::load`].
pub fn verify_model(path: impl AsRef<Path>, key: &VerifyingKey) -> Result<ModelFile, StoreError> {
    let path = path.as_ref();
    let bytes = read(path)?;
    let opened = Opened::new(path, &bytes)?;
    let card = ModelCard::read(path, opened.text(MODEL)?)?;
    let Some(found) = card.signature else {
        return Err(StoreError::NotSigned { path: path.to_path_buf() });
    };
    if found.key != key.to_hex() {
        let (expected, found) = (key.fingerprint(), found.fingerprint());
        return Err(StoreError::OtherKey { path: path.to_path_buf(), expected, found });
    }
    let header = &bytes[..bytes.len() - opened.data().len()];
    let holds = |place: Range<usize>, signature| {
        let zeros = "0".repeat(DIGITS);
        let message = message([&bytes[..place.start], zeros.as_bytes(), &bytes[place.end..]]);
        key.verifies(&message, &signature)
    };
    match (only_place(header, &found.signature), from_hex(&found.signature)) {
        (Some(place), Some(signature)) if holds(place.clone(), signature) => {
            ModelFile::of_bytes(path, &bytes)
        }
        _ => Err(StoreError::SignatureMismatch { path: path.to_path_buf(), key: key.fingerprint() }),
    }
}

/// Where a detached signature is looked for: beside the model, with `.sig` behind its name.
pub fn detached_signature_path(model: impl AsRef<Path>) -> PathBuf {
    with_ending(model.as_ref(), ".sig")
}

/// The Ed25519 signature of all bytes of a model file, which stays as it is. `openssl pkeyutl -verify -rawin` checks it.
///
/// ```
/// use fireclay_nn::ModelSpec;
/// use fireclay_store::{Device, ModelCard, SigningKey, detached_signature_path, save_model};
/// use fireclay_store::{sign_detached, verify_detached};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.fireclay");
/// let model = ModelSpec::new([4]).dense(3).build(&Device::default())?;
/// save_model(&path, &model, &ModelCard::new(model.spec().clone()))?;
///
/// let key = SigningKey::generate()?;
/// let signature = detached_signature_path(&path);
/// std::fs::write(&signature, sign_detached(&path, &key)?)?;
/// assert!(signature.ends_with("model.fireclay.sig"));
/// assert!(verify_detached(&path, &signature, &key.verifying_key()).is_ok());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`ModelFile::load`], since only a whole model is signed.
pub fn sign_detached(path: impl AsRef<Path>, key: &SigningKey) -> Result<[u8; 64], StoreError> {
    let path = path.as_ref();
    let bytes = read(path)?;
    ModelFile::of_bytes(path, &bytes)?;
    Ok(key.sign(&bytes))
}

/// Reads a model file of which another file has the signature by this key.
///
/// # Errors
/// [`StoreError::DetachedMismatch`], [`StoreError::DetachedLength`], or those of [`ModelFile::load`].
pub fn verify_detached(
    path: impl AsRef<Path>,
    signature: impl AsRef<Path>,
    key: &VerifyingKey,
) -> Result<ModelFile, StoreError> {
    let (path, from) = (path.as_ref(), signature.as_ref());
    let signature = read_detached(from)?;
    let bytes = read(path)?;
    if !key.verifies(&bytes, &signature) {
        let (path, signature) = (path.to_path_buf(), from.to_path_buf());
        return Err(StoreError::DetachedMismatch { path, signature, key: key.fingerprint() });
    }
    ModelFile::of_bytes(path, &bytes)
}

fn read_detached(path: &Path) -> Result<[u8; 64], StoreError> {
    let failed = |source| StoreError::Read { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::with_capacity(65);
    (&mut file).take(65).read_to_end(&mut bytes).map_err(failed)?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        let length = file.metadata().map_or(0, |found| found.len());
        StoreError::DetachedLength { path: path.to_path_buf(), found: length.max(bytes.len() as u64) }
    })
}

/// What is signed: the prefix, and SHA-256 of all bytes of the file with zeros for the digits of the signature.
fn message<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    format!("{PREFIX}{}\n", hex(&digest.finalize())).into_bytes()
}

/// Where some digits are in a header, if they are there once.
fn only_place(header: &[u8], digits: &str) -> Option<Range<usize>> {
    // Its length in front is no text.
    let text = std::str::from_utf8(header.get(8..)?).ok()?;
    let mut places = text.match_indices(digits).map(|(at, _)| 8 + at..8 + at + digits.len());
    places.next().filter(|_| places.next().is_none())
}
