//! Signatures of model files: what is signed is found again, what was changed is refused, and keys are those of OpenSSL.

use std::path::{Path, PathBuf};

use fireclay_nn::{Device, ModelSpec};
use fireclay_store::{
    ModelCard, ModelFile, SignatureCard, SigningKey, StoreError, VerifyingKey, detached_signature_path,
    load_card, load_model, save_model, sign_detached, sign_model, verify_detached, verify_model,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// By OpenSSL; `make.sh` in that folder makes them anew.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys").join(name)
}

/// Model files that version 0.1 wrote, without a checksum of their weights.
fn old_models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/v0.1/models");
    let mut models: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    models.sort();
    assert_eq!(models.len(), 9, "{models:?}");
    models
}

fn key() -> SigningKey {
    SigningKey::load(fixture("key.pem")).unwrap()
}

/// A small model of this version, its folder and its path.
fn saved() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.fireclay");
    let model = ModelSpec::new([3]).dense(4).relu().dense(2).build(&Device::flex()).unwrap();
    let card = ModelCard {
        classes: ["ä \"quoted\" \\ one", "two"].map(String::from).to_vec(),
        ..ModelCard::new(model.spec().clone())
    };
    save_model(&path, &model, &card).unwrap();
    (folder, path)
}

/// Header and what lies behind it.
fn parts(bytes: &[u8]) -> (serde_json::Value, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

/// The file with another card.
fn with_card(bytes: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let (mut header, data) = parts(bytes);
    let mut card: serde_json::Value =
        serde_json::from_str(header["__metadata__"]["fireclay"].as_str().unwrap()).unwrap();
    change(&mut card);
    header["__metadata__"]["fireclay"] = card.to_string().into();
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn expect(error: StoreError, words: &[&str]) {
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

#[test]
fn keys_are_those_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.pem");
    let public = key().save(&path).unwrap();
    assert_eq!(public, folder.path().join("mine.pem.pub"));
    for (ours, theirs) in [(&path, "key.pem"), (&public, "key.pem.pub")] {
        assert_eq!(std::fs::read_to_string(ours).unwrap(), std::fs::read_to_string(fixture(theirs)).unwrap());
    }
    let verifying = VerifyingKey::load(fixture("key.pem.pub")).unwrap();
    assert_eq!(verifying, key().verifying_key());
    let fingerprint = std::fs::read_to_string(fixture("key.fingerprint")).unwrap();
    assert_eq!(verifying.fingerprint(), fingerprint.trim());
    let model = old_models().into_iter().find(|path| path.ends_with("drawn.fireclay")).unwrap();
    let signature = fixture("drawn.fireclay.sig");
    assert_eq!(sign_detached(&model, &key()).unwrap().to_vec(), std::fs::read(&signature).unwrap());
    assert_eq!(verify_detached(&model, signature, &verifying).unwrap().card, load_card(&model).unwrap());
}

#[test]
fn a_new_key_replaces_nothing_and_is_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SigningKey::generate().unwrap();
    let public = key.save(&path).unwrap();
    assert_ne!(key.verifying_key(), SigningKey::generate().unwrap().verifying_key());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!SigningKey::is_open_to_others(&path));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SigningKey::is_open_to_others(&path));
    }
    let before = std::fs::read(&path).unwrap();
    expect(key.save(&path).unwrap_err(), &["key is there already", "choose another name"]);
    std::fs::remove_file(&path).unwrap();
    expect(key.save(&path).unwrap_err(), &["key.pub is there already"]);
    assert!(!path.exists(), "no half of a pair");
    assert_eq!(before.len(), 119);
    std::fs::remove_file(public).unwrap();
    expect(key.save(folder.path().join("none/key")).unwrap_err(), &["cannot write", "none/key"]);
    let secret = String::from_utf8(before).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(!format!("{key:?}").contains(&secret[10..]) && format!("{key:?}").len() < 60, "{key:?}");
}

#[test]
fn what_is_no_key_for_the_purpose_is_refused_with_a_way_on() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let pem = std::fs::read_to_string(fixture("key.pem")).unwrap();
    let secret = pem.lines().nth(1).unwrap();
    let large = written("large", &vec![b'x'; 1 << 20]);
    let private = [
        (fixture("key.pem.pub"), vec!["key.pem.pub: a public key, which signs nothing"]),
        (fixture("encrypted.pem"), vec!["encrypted private key", "openssl pkey"]),
        (fixture("other.pem"), vec!["no private key of Ed25519", "--new-key"]),
        (written("empty", b""), vec!["no key in PEM", "openssl genpkey -algorithm ed25519"]),
        (written("binary", &[0xff; 40]), vec!["no key in PEM"]),
        (large.clone(), vec!["more than 16384 bytes"]),
        (
            written("rsa", b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"),
            vec!["PEM of 'RSA PRIVATE KEY'; expected 'PRIVATE KEY'"],
        ),
        (written("cut", &pem.as_bytes()[..60]), vec!["no private key of Ed25519"]),
        (written("changed", pem.replace("MC4C", "MC5C").as_bytes()), vec!["no private key of Ed25519"]),
        (folder.path().join("none"), vec!["cannot read", "none"]),
        (folder.path().to_path_buf(), vec!["cannot read"]),
    ];
    for (path, words) in private {
        let error = SigningKey::load(&path).unwrap_err();
        assert!(!format!("{error:?} {error}").contains(&secret[20..40]), "{error:?}");
        expect(error, &words);
    }
    let public = [
        (fixture("key.pem"), vec!["a private key, which is for signing alone", "-pubout"]),
        (fixture("encrypted.pem"), vec!["a private key"]),
        (fixture("other.pem.pub"), vec!["no public key of Ed25519"]),
        (large, vec!["more than 16384 bytes"]),
        (
            written("certificate", b"-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n"),
            vec!["PEM of 'CERTIFICATE'; expected 'PUBLIC KEY'"],
        ),
    ];
    for (path, words) in public {
        expect(VerifyingKey::load(&path).unwrap_err(), &words);
    }
}

#[test]
fn a_signature_changes_nothing_else_and_comes_off_whenever_a_model_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (_new, new) = saved();
    for path in old_models().into_iter().chain([new]) {
        let signed = at("signed.fireclay");
        let before = std::fs::read(&path).unwrap();
        let size = sign_model(&path, &signed, &key()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before, "another file is written");
        let bytes = std::fs::read(&signed).unwrap();
        assert_eq!(size, bytes.len() as u64);
        assert_eq!((bytes.len() - parts(&bytes).1.len()) % 8, 0, "tensors begin at a multiple of 8");
        assert_eq!(parts(&bytes).1, parts(&before).1);
        let verified = verify_model(&signed, &key().verifying_key()).unwrap();
        let expected = ModelFile::load(&path).unwrap();
        let by_name = |file: &ModelFile| {
            let mut tensors = file.tensors.clone();
            tensors.sort_by(|one, other| one.name.cmp(&other.name));
            tensors
        };
        assert!(by_name(&verified) == by_name(&expected), "other weights");
        assert_eq!(ModelCard { signature: None, ..verified.card.clone() }, expected.card);
        let signature = verified.card.signature.clone().unwrap();
        assert_eq!(signature.fingerprint(), key().verifying_key().fingerprint());

        // The same once more, in place, and by somebody else.
        sign_model(&signed, &signed, &key()).unwrap();
        assert_eq!(std::fs::read(&signed).unwrap(), bytes);
        let other = SigningKey::generate().unwrap();
        sign_model(&signed, &signed, &other).unwrap();
        verify_model(&signed, &other.verifying_key()).unwrap();
        let fingerprints = [&key(), &other].map(|key| key.verifying_key().fingerprint());
        let error = verify_model(&signed, &key().verifying_key()).unwrap_err();
        expect(error, &["is signed by the key", &fingerprints[0], &fingerprints[1]]);

        // Saved as it was loaded, in both ways.
        verified.save(at("again.fireclay")).unwrap();
        let (model, card) = load_model(&signed, &Device::flex()).unwrap();
        save_model(at("model.fireclay"), &model, &card).unwrap();
        for name in ["again.fireclay", "model.fireclay"] {
            assert_eq!(load_card(at(name)).unwrap().signature, None);
            let error = verify_model(at(name), &key().verifying_key()).unwrap_err();
            expect(error, &[name, "has no signature", "fireclay sign"]);
        }
    }
}

/// By the words of `FORMAT.md` alone.
#[test]
fn what_is_signed_is_what_the_format_says() {
    let (_folder, path) = saved();
    sign_model(&path, &path, &key()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let SignatureCard { algorithm, key: public, signature } = load_card(&path).unwrap().signature.unwrap();
    assert_eq!(algorithm, "ed25519");
    let text = bytes.windows(128).position(|part| part == signature.as_bytes()).unwrap();
    let mut zeroed = bytes.clone();
    zeroed[text..text + 128].fill(b'0');
    let message = format!("fireclay-model-signature-1\n{}\n", hex(&Sha256::digest(&zeroed)));
    let digits = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let public = ed25519_dalek::VerifyingKey::from_bytes(&digits(&public).try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&digits(&signature)).unwrap();
    public.verify_strict(message.as_bytes(), &signature).unwrap();
}

#[test]
fn one_bit_anywhere_makes_a_signature_fail() {
    let (_folder, path) = saved();
    let public = key().verifying_key();
    sign_model(&path, &path, &key()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let detached = detached_signature_path(&path);
    std::fs::write(&detached, sign_detached(&path, &key()).unwrap()).unwrap();
    verify_model(&path, &public).unwrap();
    verify_detached(&path, &detached, &public).unwrap();
    let signature = load_card(&path).unwrap().signature.unwrap();
    let place = |digits: &str| {
        let start = bytes.windows(digits.len()).position(|part| part == digits.as_bytes()).unwrap();
        start..start + digits.len()
    };
    let [key_place, signature_place] = [place(&signature.key), place(&signature.signature)];
    for at in 0..bytes.len() {
        let is_of_signature = key_place.contains(&at) || signature_place.contains(&at);
        // Of the signature every bit, elsewhere one bit of each byte, and not always the same one.
        for bit in if is_of_signature { 0..8 } else { at % 8..at % 8 + 1 } {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            std::fs::write(&path, &changed).unwrap();
            let is_refused = verify_model(&path, &public).is_err();
            assert!(is_refused, "bit {bit} of byte {at} of {}", bytes.len());
            let error = verify_detached(&path, &detached, &public).unwrap_err();
            assert!(matches!(error, StoreError::DetachedMismatch { .. }), "{error}");
        }
    }
    // The last bytes are a weight: the layout holds, and so would the model.
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    for changed in [changed, with_card(&bytes, |card| card["classes"][1] = "three".into())] {
        std::fs::write(&path, changed).unwrap();
        let error = verify_model(&path, &public).unwrap_err();
        expect(error, &["was changed since it was signed", &public.fingerprint(), "from its source"]);
    }
    for changed in [&bytes[..bytes.len() - 1], &[bytes.as_slice(), &[0]].concat()] {
        std::fs::write(&path, changed).unwrap();
        assert!(verify_model(&path, &public).is_err() && verify_detached(&path, &detached, &public).is_err());
    }
    std::fs::write(&path, &bytes).unwrap();
    let mut other = sign_detached(&path, &key()).unwrap();
    for at in 0..64 {
        other[at] ^= 1 << (at % 8);
        std::fs::write(&detached, other).unwrap();
        assert!(verify_detached(&path, &detached, &public).is_err(), "byte {at} of the signature");
        other[at] ^= 1 << (at % 8);
    }
    std::fs::write(&detached, [0; 70]).unwrap();
    expect(
        verify_detached(&path, &detached, &public).unwrap_err(),
        &["model.fireclay.sig has 70 bytes", "64"],
    );
    std::fs::write(&detached, sign_detached(&path, &SigningKey::generate().unwrap()).unwrap()).unwrap();
    expect(
        verify_detached(&path, &detached, &public).unwrap_err(),
        &["model.fireclay.sig", "or another key signed it", &public.fingerprint()],
    );
}

#[test]
fn a_signature_that_is_written_otherwise_or_twice_is_none() {
    let (_folder, path) = saved();
    let public = key().verifying_key();
    sign_model(&path, &path, &key()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let digits = load_card(&path).unwrap().signature.unwrap().signature;
    let refused = |bytes: &[u8], words: &[&str]| {
        std::fs::write(&path, bytes).unwrap();
        expect(verify_model(&path, &public).unwrap_err(), &[words, &["model.fireclay"]].concat());
    };
    let of = |change: fn(&mut serde_json::Value)| with_card(&bytes, |card| change(&mut card["signature"]));
    refused(&of(|signature| signature["algorithm"] = "none".into()), &["signature.algorithm", "ed25519"]);
    refused(&of(|signature| signature["key"] = "00".into()), &["signature.key", "64 hexadecimal digits"]);
    refused(&of(|signature| signature["signature"] = "".into()), &["signature.signature", "128"]);
    let upper = |signature: &mut serde_json::Value| {
        signature["signature"] = signature["signature"].as_str().unwrap().to_uppercase().into();
    };
    refused(&of(upper), &["signature.signature", "128 hexadecimal digits"]);
    refused(&of(|signature| signature["by"] = "me".into()), &["unknown field `by`"]);
    refused(&of(|signature| *signature = serde_json::Value::Null), &["has no signature"]);
    // Zeros are taken for the digits, but not in the place of them, and not for the same digits elsewhere.
    let zeros = "0".repeat(128);
    refused(&with_card(&bytes, |card| card["signature"]["signature"] = zeros.into()), &["was changed"]);
    refused(
        &with_card(&bytes, |card| {
            card["dataset"] = serde_json::json!({
                "name": digits, "split": "", "source": "", "samples": 0
            })
        }),
        &["was changed"],
    );
    // JSON may write a digit as an escape, which is other bytes for the same text.
    let (header, data) = parts(&bytes);
    let first = digits.chars().next().unwrap();
    let header =
        header.to_string().replacen(&digits, &format!("\\\\u{:04x}{}", first as u32, &digits[1..]), 1);
    let escaped = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    std::fs::write(&path, &escaped).unwrap();
    assert_eq!(load_card(&path).unwrap().signature.unwrap().signature, digits, "the same card");
    refused(&escaped, &["was changed"]);
}

#[test]
fn only_whole_models_are_signed() {
    let (folder, path) = saved();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let out = folder.path().join("out.fireclay");
    expect(sign_model(&path, &out, &key()).unwrap_err(), &["the weights in", "was damaged or changed"]);
    expect(sign_detached(&path, &key()).unwrap_err(), &["the weights in"]);
    std::fs::write(&path, "no model").unwrap();
    assert!(sign_model(&path, &out, &key()).is_err() && !out.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a card says comes back from under a signature as it was.
    #[test]
    fn numbers_and_texts_of_a_card_stay_as_they_are(
        mean in prop::collection::vec(prop::num::f32::NORMAL, 1),
        std in 1e-30f32..1e30,
        classes in prop::collection::vec(".*", 2),
        threshold in 0.0f64..1.0,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.fireclay");
        let model = ModelSpec::new([3]).dense(2).build(&Device::flex()).unwrap();
        let card = ModelCard {
            classes,
            preprocessing: Some(fireclay_store::Preprocessing { mean, std: vec![std] }),
            threshold: Some(threshold),
            ..ModelCard::new(model.spec().clone())
        };
        save_model(&path, &model, &card).unwrap();
        let before = load_card(&path).unwrap();
        sign_model(&path, &path, &key()).unwrap();
        let after = verify_model(&path, &key().verifying_key()).unwrap().card;
        prop_assert_eq!(ModelCard { signature: None, ..after }, before);
    }
}
