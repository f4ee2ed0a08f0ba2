//! Weights of PyTorch in architectures of ours.

use fireclay_exchange::pytorch::{WeightOptions, import_weights};
use fireclay_exchange::{ExchangeError, Imported};
use fireclay_nn::{
    Conv2dSpec, EmbeddingSpec, LstmSpec, ModelSpec, MultiHeadAttentionSpec, Padding, PositionKind,
    ResidualSpec, TransformerSpec,
};

use crate::support::{compare, fixture, message};

fn import(file: &str, spec: &ModelSpec) -> Result<Imported, ExchangeError> {
    import_weights(fixture(file), spec, &WeightOptions::default())
}

fn with(file: &str, spec: &ModelSpec, key: Option<&str>, rules: &[&str]) -> Result<Imported, ExchangeError> {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    import_weights(fixture(file), spec, &WeightOptions { key: key.map(str::to_owned), rules })
}

fn dense() -> ModelSpec {
    ModelSpec::new([4]).dense(8).relu().dense(3)
}

fn twins() -> ModelSpec {
    ModelSpec::new([4]).dense(4).relu().dense(4).relu().dense(2)
}

#[test]
fn sequential_weights_are_taken_from_every_form_of_file() {
    for file in
        ["sequential.pt", "name_of_21_characters.pt", "legacy.pt", "sequential.safetensors", "wrapped.pt"]
    {
        compare("sequential", import(file, &dense()).unwrap());
    }
    compare("sequential", with("two.pt", &dense(), Some("student"), &[]).unwrap());
    compare("sequential", with("nested.pt", &dense(), Some("nested.deep.w"), &[]).unwrap());
    let half = import("half.safetensors", &dense()).unwrap();
    let whole = import("sequential.pt", &dense()).unwrap();
    for (half, whole) in half.model.tensors.iter().zip(&whole.model.tensors) {
        let near = half.values.iter().zip(&whole.values).all(|(half, whole)| (half - whole).abs() < 1e-3);
        assert!(near, "{}", half.name);
    }
}

#[test]
fn a_checkpoint_of_a_convolutional_network_is_taken() {
    let conv = || Conv2dSpec::new(6, 3).padding(Padding::Same);
    let body = ModelSpec::new([6, 5, 5]).batch_norm().relu().layer(conv());
    // The shortcut begins behind the second convolution's input, so the block holds the rest.
    let block = ResidualSpec::new(
        ModelSpec::new([6, 5, 5]).layer(conv()).layers.into_iter().chain(body.layers).collect::<Vec<_>>(),
    );
    let spec =
        ModelSpec::new([2, 5, 5]).layer(conv()).batch_norm().relu().layer(block).global_avg_pool2d().dense(3);
    let imported = import("cnn.pt", &spec).unwrap();
    let notes = imported.notes.join("\n");
    for note in [
        "found under 'model_state_dict'",
        "2 counters num_batches_tracked",
        "conv2d_1 has the weights of 'conv1'",
        "residual_1.conv2d_2 has the weights of 'conv3'",
        "dense_1 has the weights of 'fc'",
    ] {
        assert!(notes.contains(note), "{note} in {notes}");
    }
    compare("cnn", imported);
}

#[test]
fn transformers_and_tied_weights_are_taken() {
    let blocks = TransformerSpec::new(2, 12).num_layers(2).final_norm(true);
    let spec = ModelSpec::tokens(6)
        .layer(EmbeddingSpec::new(11, 8))
        .position_embedding(PositionKind::Learnt)
        .transformer_encoder(blocks)
        .tied_dense();
    let imported = import("language_model.pt", &spec).unwrap();
    let notes = imported.notes.join("\n");
    assert!(
        notes.contains("'head.weight' is the weight that tied_dense_1 shares with embedding_1"),
        "{notes}"
    );
    assert!(notes.contains("position_embedding_1 has the weights of 'pos'"), "{notes}");
    compare("language_model", imported);
}

#[test]
fn recurrent_layers_and_attention_are_taken() {
    let lstm = LstmSpec::new(5).num_layers(2).bidirectional(true).return_sequences(true);
    let spec = ModelSpec::new([5, 4])
        .layer(lstm)
        .residual([MultiHeadAttentionSpec::new(2).into()])
        .global_avg_pool1d()
        .dense(3);
    compare("reader", import("reader.pt", &spec).unwrap());
}

#[test]
fn layers_that_are_alike_ask_for_rules() {
    let error = message(import("twins.pt", &twins()));
    for part in ["network  dense_1 weight [4, 4], bias [4]", "file     second weight [4, 4]", "FROM=TO"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    compare("twins", with("twins.pt", &twins(), None, &["first=dense_1", "second=dense_2"]).unwrap());
    // Numbers in names tell as well.
    let numbered = with("twins.pt", &twins(), None, &["first=fc1", "second=fc2", "nothing=x"]).unwrap();
    assert!(numbered.notes.contains(&"no name of the file is changed by the rule 'nothing=x'".to_owned()));
    compare("twins", numbered);
    let error = message(with("twins.pt", &twins(), None, &["first=a", "second=a"]));
    assert!(error.contains("two tensors of the file would have the name 'a.weight'"), "{error}");
}

#[test]
fn layers_that_only_their_order_tells_apart_are_named() {
    // The file has them in the order of the network, under names that say nothing.
    let imported = import("alike.pt", &twins()).unwrap();
    let note = "'one', 'other' are alike, and were told apart by their order in the file only";
    assert!(imported.notes.iter().any(|found| found == note), "{:?}", imported.notes);
    compare("alike", imported);
}

#[test]
fn another_architecture_is_refused_whole() {
    let spec = ModelSpec::new([4]).dense(16).relu().dense(3);
    let error = message(import("sequential.pt", &spec));
    for part in [
        "dense_1.weight ('0.weight' in the file): expected [16, 4], found [8, 4]",
        "dense_2.weight ('2.weight' in the file): expected [3, 16], found [3, 8]",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let error = message(import("sequential.pt", &dense().relu().dense(5)));
    assert!(error.contains("missing     dense_3.weight [5, 3]"), "{error}");
    let error = message(import("cnn.pt", &dense()));
    for part in [
        "unexpected  conv1.weight [6, 2, 3, 3]",
        "missing     dense_2.weight [3, 8]",
        "dense_1.weight ('fc.weight' in the file): expected [8, 4], found [3, 6]",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn a_file_without_the_weights_says_what_it_holds() {
    let error = message(import("two.pt", &dense()));
    assert!(error.contains("there are tensors under 'teacher', 'student'; say which"), "{error}");
    let error = message(with("two.pt", &dense(), Some("ema"), &[]));
    assert!(error.contains("there is no 'ema'") && error.contains("'epoch'"), "{error}");
    let error = message(import("nested.pt", &dense()));
    assert!(error.contains("no dictionary of tensors; there are 'lr', 'nested'"), "{error}");
    assert!(message(import("list.pt", &dense())).contains("it holds a list"));
    assert!(message(with("half.safetensors", &dense(), Some("a"), &[])).contains("have no keys"));
}
