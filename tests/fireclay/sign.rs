//! Signing, verifying and describing models: what a user types, what is said, and what is refused.

use std::path::Path;

use crate::{fail, scratch, succeed};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/store/tests/fixtures/keys");
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/v0.1/models");

/// A model of version 0.1, and a pair of keys.
fn model_and_keys(folder: &Path) {
    std::fs::copy(format!("{MODELS}/digits.fireclay"), folder.join("model.fireclay")).unwrap();
    let made = succeed(folder, &["sign", "--new-key", "key.pem"]);
    assert!(made.stdout.contains("wrote key.pem, the private key"), "{}", made.stdout);
    assert!(made.stdout.contains("wrote key.pem.pub, the public key ed25519 "), "{}", made.stdout);
    let secret = std::fs::read_to_string(folder.join("key.pem")).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!format!("{}{}", made.stdout, made.stderr).contains(secret), "the private key is printed");
    // What is in the test's folder belongs to whoever runs it, and to nobody else.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("key.pem"), 0o600);
    }
}

fn fingerprint(folder: &Path, key: &str) -> String {
    let public = fireclay::store::VerifyingKey::load(folder.join(key)).unwrap();
    public.fingerprint()
}

#[test]
fn a_model_is_signed_in_its_card_verified_and_refused_once_changed() {
    let scratch = scratch();
    let folder = scratch.path();
    model_and_keys(folder);
    let of_key = fingerprint(folder, "key.pem.pub");
    let verify = ["verify", "model.fireclay", "--key", "key.pem.pub"];
    fail(folder, &verify, 1, &["model.fireclay has no signature in it", "no model.fireclay.sig beside it"]);

    let signed = succeed(folder, &["sign", "model.fireclay", "--key", "key.pem"]);
    assert!(signed.stdout.starts_with("wrote model.fireclay ("), "{}", signed.stdout);
    assert!(signed.stdout.contains(&format!("signed by ed25519 {of_key}")), "{}", signed.stdout);
    assert_eq!(signed.stderr, "");
    let verified = succeed(folder, &verify).stdout;
    for said in [
        &format!("model.fireclay is signed by ed25519 {of_key} (the signature is in it) and unchanged since"),
        "data       ",
        " samples (",
    ] {
        assert!(verified.contains(said), "no {said:?} in {verified}");
    }
    let json = succeed(folder, &[&verify[..], &["--json"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["type"].as_str(), json["fingerprint"].as_str()), (Some("verified"), Some(&*of_key)));
    assert!(json["dataset"]["name"].is_string() && json["signature"].is_null(), "{json}");

    let said = format!("ed25519 {of_key} (not checked; `fireclay verify` does)");
    for command in [&["summary", "--from", "model.fireclay"][..], &["inspect", "model.fireclay"]] {
        let shown = succeed(folder, command).stdout;
        assert!(shown.contains(&said) && shown.contains("signed by "), "no {said:?} in {shown}");
    }

    // Another key, and the wrong half of the right one.
    succeed(folder, &["sign", "--new-key", "other.pem"]);
    let other = fingerprint(folder, "other.pem.pub");
    let by_other = ["verify", "model.fireclay", "--key", "other.pem.pub"];
    fail(folder, &by_other, 1, &["is signed by the key", &of_key, &other]);
    fail(folder, &["verify", "model.fireclay", "--key", "key.pem"], 2, &["a private key", "-pubout"]);
    fail(folder, &["sign", "model.fireclay", "--key", "key.pem.pub"], 2, &["a public key"]);
    fail(folder, &["sign", "model.fireclay"], 2, &["--key"]);
    fail(folder, &["sign", "flats.csv", "--key", "key.pem"], 2, &["flats.csv is a table and no model file"]);

    // Signed again, elsewhere: the file that is there stays.
    let before = std::fs::read(folder.join("model.fireclay")).unwrap();
    succeed(folder, &["sign", "model.fireclay", "--key", "other.pem", "--out", "theirs.fireclay"]);
    succeed(folder, &["verify", "theirs.fireclay", "--key", "other.pem.pub"]);
    assert_eq!(std::fs::read(folder.join("model.fireclay")).unwrap(), before);

    // One bit of the last weight.
    let mut changed = before.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(folder.join("model.fireclay"), changed).unwrap();
    fail(folder, &verify, 1, &["model.fireclay was changed since it was signed", &of_key]);
}

#[test]
fn a_detached_signature_is_that_of_openssl_and_leaves_the_model_as_it_is() {
    let scratch = scratch();
    let folder = scratch.path();
    for name in ["key.pem", "key.pem.pub"] {
        std::fs::copy(format!("{KEYS}/{name}"), folder.join(name)).unwrap();
    }
    let key = folder.join("key.pem");
    std::fs::copy(format!("{MODELS}/drawn.fireclay"), folder.join("model.fireclay")).unwrap();
    let before = std::fs::read(folder.join("model.fireclay")).unwrap();
    let sign = ["sign", "model.fireclay", "--key", "key.pem", "--detached"];
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let warned = succeed(folder, &sign).stderr;
        assert!(
            warned.contains("others than you may read") && warned.contains("chmod 600 key.pem"),
            "{warned}"
        );
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let signed = succeed(folder, &sign);
    assert!(
        signed.stdout.contains("wrote model.fireclay.sig, the signature of model.fireclay"),
        "{signed:?}"
    );
    assert_eq!(signed.stderr, "");
    let signature = std::fs::read(folder.join("model.fireclay.sig")).unwrap();
    assert_eq!(signature, std::fs::read(format!("{KEYS}/drawn.fireclay.sig")).unwrap(), "by OpenSSL");
    assert_eq!(std::fs::read(folder.join("model.fireclay")).unwrap(), before);
    let verify = ["verify", "model.fireclay", "--key", "key.pem.pub"];
    let verified = succeed(folder, &verify).stdout;
    assert!(verified.contains("(the signature is in model.fireclay.sig)"), "{verified}");

    std::fs::rename(folder.join("model.fireclay.sig"), folder.join("elsewhere")).unwrap();
    succeed(folder, &[&verify[..], &["--signature", "elsewhere"]].concat());
    fail(folder, &[&verify[..], &["--signature", "key.pem"]].concat(), 1, &["key.pem has 119 bytes", "64"]);
    fail(folder, &[&sign[..], &["--out", "model.fireclay"]].concat(), 2, &["--out would replace"]);
    fail(folder, &[&sign[..], &["--out", "key.pem"]].concat(), 2, &["--out would replace key.pem"]);

    // In the card, which changes the file: what was beside it does not go with it any more.
    succeed(folder, &sign);
    let signed = succeed(folder, &["sign", "--key", "key.pem"]);
    assert!(signed.stderr.contains("model.fireclay.sig is of the file as it was"), "{}", signed.stderr);
    let detached = [&verify[..], &["--signature", "model.fireclay.sig"]].concat();
    fail(folder, &detached, 1, &["the model was changed since it was signed, or another key"]);
    succeed(folder, &verify);
}

#[test]
fn keys_replace_nothing_and_files_that_are_too_large_are_not_read() {
    let scratch = scratch();
    let folder = scratch.path();
    model_and_keys(folder);
    let before = std::fs::read(folder.join("key.pem")).unwrap();
    fail(folder, &["sign", "--new-key", "key.pem"], 2, &["key.pem is there already", "another name"]);
    assert_eq!(std::fs::read(folder.join("key.pem")).unwrap(), before);
    fail(folder, &["sign", "--new-key", "none/key.pem"], 2, &["the folder none does not exist"]);
    fail(folder, &["sign", "model.fireclay", "--new-key", "x.pem"], 2, &["cannot be used with"]);
    // It has no end.
    #[cfg(target_os = "linux")]
    fail(folder, &["sign", "--key", "/dev/zero"], 2, &["/dev/zero", "more than 16384 bytes"]);
    fail(folder, &["sign", "--key", "new.csv"], 2, &["no key in PEM", "--new-key"]);
    fail(folder, &["verify", "--key", "none.pub"], 2, &["cannot read none.pub"]);
}

#[test]
fn records_say_the_same_as_lines() {
    let scratch = scratch();
    let folder = scratch.path();
    model_and_keys(folder);
    let record = |arguments: &[&str]| -> serde_json::Value {
        let run = succeed(folder, &[arguments, &["--json"]].concat());
        assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let fields =
        |record: &serde_json::Value| -> Vec<String> { record.as_object().unwrap().keys().cloned().collect() };
    let key = record(&["sign", "--new-key", "other.pem"]);
    assert_eq!(fields(&key), ["type", "file", "public_file", "key", "fingerprint"]);
    assert_eq!((&key["type"], &key["public_file"]), (&"key".into(), &"other.pem.pub".into()));
    let signed = record(&["sign", "--key", "other.pem"]);
    assert_eq!(fields(&signed), ["type", "model", "file", "bytes", "detached", "key", "fingerprint"]);
    assert_eq!((&signed["type"], &signed["key"]), (&"signed".into(), &key["key"]));
    let size = std::fs::metadata(folder.join("model.fireclay")).unwrap().len();
    assert_eq!((&signed["bytes"], &signed["detached"]), (&size.into(), &false.into()));
    let detached = record(&["sign", "--key", "other.pem", "--detached"]);
    assert_eq!((&detached["file"], &detached["bytes"]), (&"model.fireclay.sig".into(), &64.into()));
    let summary = record(&["summary", "--from", "model.fireclay"]);
    assert_eq!(summary["signed_by"], key["fingerprint"]);
    let inspected = record(&["inspect", "model.fireclay"]);
    assert_eq!(inspected["card"]["signature"]["key"], key["key"]);
    let card = record(&["card"]);
    assert_eq!(fields(&card), ["type", "model", "file", "to_fill_in", "text"]);
    let text = card["text"].as_str().unwrap();
    let marks = text.matches("To be filled in by a person").count();
    assert_eq!((&card["to_fill_in"], &card["file"]), (&marks.into(), &serde_json::Value::Null));
}

#[test]
fn what_is_made_of_a_signed_model_is_not_signed() {
    let scratch = scratch();
    let folder = scratch.path();
    model_and_keys(folder);
    succeed(
        folder,
        &["train", "flats.csv", "--target", "large", "--epochs", "1", "--out", "flats.fireclay", "-q"],
    );
    succeed(folder, &["sign", "flats.fireclay", "--key", "key.pem"]);
    succeed(folder, &["verify", "flats.fireclay", "--key", "key.pem.pub"]);
    succeed(folder, &["predict", "new.csv", "--from", "flats.fireclay", "--out", "answers.csv"]);
    succeed(folder, &["compress", "flats.fireclay", "flats.csv", "--bf16", "--out", "half.fireclay", "-q"]);
    succeed(folder, &["export", "flats.fireclay", "--out", "flats.onnx"]);
    succeed(folder, &["import", "flats.onnx", "--out", "back.fireclay"]);
    for made in ["half.fireclay", "back.fireclay"] {
        fail(folder, &["verify", made, "--key", "key.pem.pub"], 1, &[made, "has no signature in it"]);
    }
}

#[test]
fn data_is_compared_with_what_the_file_says_of_it() {
    let scratch = scratch();
    let folder = scratch.path();
    model_and_keys(folder);
    let sign = |model: &str| succeed(folder, &["sign", model, "--key", "key.pem"]);
    let verify =
        |model: &'static str, data: &'static str| ["verify", model, "--key", "key.pem.pub", "--data", data];
    // A table of its own for the test: all of the other one was trained on.
    let train = ["train", "flats.csv", "--target", "large", "--epochs", "1", "-q"];
    succeed(folder, &[&train[..], &["--test", "new.csv", "--out", "whole.fireclay"]].concat());
    sign("whole.fireclay");
    let same = succeed(folder, &verify("whole.fireclay", "flats.csv")).stdout;
    assert!(same.contains("flats.csv is this data: its SHA-256 is the same"), "{same}");
    let json = succeed(folder, &[&verify("whole.fireclay", "flats.csv")[..], &["--json"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["data"]["same"], "sha256", "{json}");
    let of_other = verify("whole.fireclay", "new.csv");
    let other =
        fail(folder, &of_other, 1, &["new.csv is not the data that whole.fireclay was trained on", " 600 "]);
    assert!(other.stdout.contains("unchanged since"), "the signature is good: {}", other.stdout);

    // A fifth held out: the table has all that was trained on, and more.
    succeed(folder, &[&train[..], &["--out", "part.fireclay"]].concat());
    sign("part.fireclay");
    let all = succeed(folder, &verify("part.fireclay", "flats.csv")).stdout;
    assert!(
        all.contains("flats.csv has all ") && all.contains(" samples whose digests are in the file"),
        "{all}"
    );
    let table = std::fs::read_to_string(folder.join("flats.csv")).unwrap();
    let half: Vec<&str> = table.lines().take(300).collect();
    std::fs::write(folder.join("half.csv"), half.join("\n")).unwrap();
    fail(folder, &verify("part.fireclay", "half.csv"), 1, &["half.csv is not the data", "or not all of it"]);
    fail(folder, &verify("part.fireclay", "none.csv"), 1, &["none.csv"]);
}

#[test]
fn a_card_says_what_file_and_run_know_and_marks_what_a_person_is_to_say() {
    let scratch = scratch();
    let folder = scratch.path();
    // A name from a file is text and nothing else.
    let table = std::fs::read_to_string(folder.join("flats.csv")).unwrap();
    let table = table.replacen("district", "<b>a|b</b> [x](http://e.org)", 1);
    std::fs::write(folder.join("odd.csv"), table).unwrap();
    succeed(folder, &["train", "odd.csv", "--target", "large", "--epochs", "2", "-q"]);
    let said = succeed(folder, &["card", "--report", "runs/mlp-1", "--out", "CARD.md"]);
    assert!(said.stdout.contains("wrote CARD.md; ") && said.stdout.contains("for a person to fill in"));
    assert_eq!(said.stderr, "");
    let card = std::fs::read_to_string(folder.join("CARD.md")).unwrap();
    for part in [
        "# Model card of model.fireclay\n",
        "from the file, and from the record of the run mlp-1",
        "## Model details\n",
        "| SHA-256 of the file | ",
        "| SHA-256 of the weights | ",
        "| Signature | none in the file |",
        "### Architecture\n\n| Layer | Output of one sample | Numbers | FLOPs |",
        "| dense\\_1 | 64 | ",
        "## Intended use\n",
        "- It predicts large of the rows of a table.",
        "\\<b\\>a\\|b\\</b\\> \\[x\\](http&#58;//e.org) (category)",
        "- It tells 2 classes apart: no, yes.",
        "### Primary uses\n\n> **To be filled in by a person:** ",
        "## Training data\n",
        "| Name | odd.csv |",
        "| Whose | data of whoever trained the model |",
        "## Training\n",
        "| optimizer | adam",
        "| epochs | 2 |",
        "Not differentially private",
        "## Measures\n",
        "| Measure | Value | 95 % interval | Part | Samples | Simpler answers |",
        "| accuracy | ",
        "## Ethical considerations\n",
        "## Limits\n",
        "The file is not signed",
    ] {
        assert!(card.contains(part), "no {part:?} in {card}");
    }
    assert!(!card.contains("<b>") && !card.contains("http://e.org"), "{card}");

    // The same files, the same card; in a pipe too, and by the record's own name.
    let again = succeed(folder, &["card", "model.fireclay", "--report", "runs/mlp-1/run.json"]).stdout;
    assert_eq!(again, card);
    let without = succeed(folder, &["card"]).stdout;
    assert!(without.contains("None were given; `fireclay card MODEL --report RUN`"), "{without}");

    // A signature changes no weights, so the run is still that of the model.
    succeed(folder, &["sign", "--new-key", "key.pem"]);
    succeed(folder, &["sign", "--key", "key.pem"]);
    let signed = succeed(folder, &["card", "--report", "runs/mlp-1"]).stdout;
    assert!(signed.contains(&format!("by the ed25519 key {}", fingerprint(folder, "key.pem.pub"))));
    succeed(folder, &["train", "odd.csv", "--target", "large", "--epochs", "1", "--out", "b.fireclay", "-q"]);
    let other = ["card", "b.fireclay", "--report", "runs/mlp-1"];
    fail(folder, &other, 2, &["runs/mlp-1 is the record of another model", "b.fireclay"]);
    std::fs::remove_file(folder.join("runs/mlp-1/model.fireclay")).unwrap();
    let unknown = succeed(folder, &["card", "--report", "runs/mlp-1"]);
    assert!(unknown.stderr.contains("cannot be told"), "{}", unknown.stderr);
    assert!(unknown.stdout.contains("of this very model was not checked"), "{}", unknown.stdout);
    fail(folder, &["card", "--report", "runs"], 2, &["runs is no folder of a run"]);
    fail(folder, &["card", "--out", "model.fireclay"], 2, &["--out would replace model.fireclay"]);
}

#[test]
fn models_of_every_kind_have_a_card() {
    let scratch = scratch();
    for entry in std::fs::read_dir(MODELS).unwrap() {
        let path = entry.unwrap().path();
        let card = succeed(scratch.path(), &["card", path.to_str().unwrap()]).stdout;
        assert!(card.contains("## Training data") && card.contains("| Layer |"), "{card}");
        assert!(!card.contains("\n\n\n") && card.lines().all(|line| line.len() < 4_000), "{card}");
    }
}
