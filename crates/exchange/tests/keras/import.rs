//! Models that Keras saved give here what they gave there.

use fireclay_exchange::ExchangeError;
use fireclay_nn::{InputSpec, LayerKind};
use serde_json::{Value, json};

use super::shared::*;

#[test]
fn models_of_all_versions_give_the_same_logits() {
    let mut compared = 0;
    for version in VERSIONS {
        for case in cases(version) {
            let model = case["model"].as_str().expect("a name");
            for ending in ["keras", "h5"] {
                let Some(bytes) = fixture(version, &format!("{model}.{ending}")) else { continue };
                let what = format!("{version}/{model}.{ending}");
                let imported = import_bytes(&format!("{model}.{ending}"), &bytes)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                let found = run(&imported.model, &numbers(&case["input"]), &sizes(&case["input_shape"]));
                assert_close(&found, &numbers(&case["output"]), &what);
                compared += 1;
            }
        }
    }
    assert!(compared >= 26, "{compared} files");
}

#[test]
fn a_model_says_what_was_decided_on_the_way() {
    let bytes = fixture("3.15.1", "cnn.keras").expect("a fixture");
    let imported = import_bytes("cnn.keras", &bytes).expect("it can be imported");
    let card = &imported.model.card;
    assert_eq!(card.spec.input, InputSpec::from([3, 10, 8]));
    assert_eq!(card.classes, ["0", "1", "2", "3"]);
    assert!(card.preprocessing.is_some());
    assert_eq!(card.spec.layers[0].name.as_deref(), Some("first"));
    assert!(!matches!(card.spec.layers.last().expect("a layer").kind, LayerKind::Softmax(_)));
    let notes = imported.notes.join("\n");
    assert!(notes.contains("softmax at the end is left out"), "{notes}");
    assert!(notes.contains("part of the preprocessing"), "{notes}");
}

/// The fixture's description, changed and put back into its archive.
fn changed(name: &str, change: impl Fn(&mut Value)) -> Vec<u8> {
    let bytes = fixture("3.15.1", name).expect("a fixture");
    super::hostile::rewritten(&bytes, |entry, content| {
        if entry == "config.json" {
            let mut config: Value = serde_json::from_slice(content).expect("JSON");
            change(&mut config);
            *content = config.to_string().into_bytes();
        }
    })
}

#[test]
fn what_cannot_be_taken_over_is_listed_whole() {
    let bytes = changed("cnn.keras", |config| {
        let layers = config["config"]["layers"].as_array_mut().expect("layers");
        layers[3]["class_name"] = json!("Lambda");
        layers[5]["class_name"] = json!("Mine");
        layers[5]["registered_name"] = json!("Custom>Mine");
        layers[7]["class_name"] = json!("Conv3D");
    });
    let error = import_bytes("a.keras", &bytes).expect_err("it is refused");
    let ExchangeError::Unsupported { items, .. } = &error else { panic!("{error}") };
    let found: Vec<_> = items.iter().map(|item| (item.position.as_str(), item.kind.as_str())).collect();
    assert_eq!(found, [("4", "Lambda"), ("6", "Mine"), ("8", "Conv3D")]);
    assert!(items[0].reason.contains("never run"), "{}", items[0].reason);
    assert!(items[1].reason.contains("Custom>Mine"), "{}", items[1].reason);
    assert_eq!(items[0].name, "batch_normalization");
}

#[test]
fn fields_that_would_change_the_numbers_are_refused() {
    for (fixture, layer, field, value, expected) in [
        ("cnn.keras", 2, "data_format", json!("channels_first"), "channels_first"),
        ("cnn.keras", 2, "activation", json!("mish"), "mish"),
        ("cnn.keras", 2, "padding", json!("causal"), "causal"),
        ("cnn.keras", 2, "filters", json!(-4), "filters is -4"),
        ("cnn.keras", 3, "axis", json!(1), "axis is 1"),
        ("reader.keras", 4, "reset_after", json!(false), "reset_after is false"),
        ("reader.keras", 4, "go_backwards", json!(true), "go_backwards is true"),
        ("reader.keras", 2, "merge_mode", json!("sum"), "merge_mode"),
    ] {
        let bytes =
            changed(fixture, |config| config["config"]["layers"][layer]["config"][field] = value.clone());
        let message = import_bytes("a.keras", &bytes).expect_err("it is refused").to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn weights_of_another_architecture_are_listed_with_their_names_in_the_file() {
    let bytes = changed("cnn.keras", |config| {
        let layers = config["config"]["layers"].as_array_mut().expect("layers");
        layers[2]["config"]["filters"] = json!(6);
    });
    let message = import_bytes("a.keras", &bytes).expect_err("it is refused").to_string();
    assert!(message.contains("layers/conv2d/vars/0: expected [3, 3, 3, 6], found [3, 3, 3, 4]"), "{message}");
    let bytes = changed("words.keras", |config| {
        config["config"]["layers"].as_array_mut().expect("layers").pop();
    });
    let message = import_bytes("a.keras", &bytes).expect_err("it is refused").to_string();
    assert!(message.contains("unexpected  layers/dense/vars/0"), "{message}");
}

#[test]
fn layer_names_are_never_paths() {
    let bytes = changed("words.keras", |config| {
        config["config"]["layers"][5]["config"]["name"] = json!("../../etc/passwd");
    });
    let imported = import_bytes("a.keras", &bytes).expect("the name is another one here");
    let names: Vec<_> =
        imported.model.card.spec.layers.iter().filter_map(|layer| layer.name.as_deref()).collect();
    assert!(names.contains(&"______etc_passwd"), "{names:?}");
    assert!(imported.notes.iter().any(|note| note.contains("passwd")), "{:?}", imported.notes);
}

#[test]
fn weights_alone_need_a_description() {
    let bytes = fixture("3.15.1", "words.keras").expect("a fixture");
    let weights = super::hostile::entry(&bytes, "model.weights.h5");
    let error = import_bytes("a.weights.h5", &weights).expect_err("it is refused");
    assert!(matches!(error, ExchangeError::WeightsOnly { .. }), "{error}");
    assert!(error.to_string().contains("model.save(\"model.keras\")"), "{error}");
}
