//! A layer is in one table, and the table is complete.

use std::collections::BTreeSet;
use std::path::Path;

use fireclay_nn::{LayerKind, ModelSpec};

fn layers() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/layers")
}

/// The words that begin with a capital and end with `Spec`, each behind some text.
fn specs_behind<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    text.split(before)
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
        .filter(|word| word.ends_with("Spec"))
        .collect()
}

#[test]
fn every_description_of_a_layer_is_in_the_table() {
    let table = std::fs::read_to_string(layers().join("mod.rs")).unwrap();
    let rows: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.trim().split_once(") = \"")?.0.split_once('('))
        .map(|(_, spec)| spec)
        .collect();
    assert_eq!(rows.len(), LayerKind::TYPE_NAMES.len(), "{rows:?}");
    for entry in std::fs::read_dir(layers()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut defined = specs_behind(&text, "pub struct ");
        if path.ends_with("activation.rs") {
            let calls = text.split("activation_spec! {").skip(1);
            let names = calls.flat_map(|call| call.lines().find(|line| line.contains("Spec {")));
            defined.extend(names.filter_map(|line| line.trim().split(' ').next()));
        }
        // What every layer is in, and the settings that two kinds share.
        for other in ["LayerSpec", "TransformerSpec"] {
            defined.remove(other);
        }
        for spec in defined {
            assert!(rows.contains(spec), "{spec} of {} has no row in layers/mod.rs", path.display());
        }
    }
}

#[test]
fn every_kind_is_read_by_its_word() {
    for word in LayerKind::TYPE_NAMES {
        let text = format!(r#"{{"input":[1],"layers":[{{"type":"{word}"}}]}}"#);
        // Fields may be missing, the kind is not.
        match ModelSpec::from_json(&text) {
            Ok(spec) => assert_eq!(spec.layers[0].kind.type_name(), *word),
            Err(error) => assert!(error.to_string().contains("missing field"), "{word}: {error}"),
        }
    }
    let message = ModelSpec::from_json(r#"{"input":[1],"layers":[{"type":"?"}]}"#).unwrap_err().to_string();
    assert!(LayerKind::TYPE_NAMES.iter().all(|word| message.contains(&format!("`{word}`"))), "{message}");
}
