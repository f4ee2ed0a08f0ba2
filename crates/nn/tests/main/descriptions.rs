//! A description that cannot work is refused before a tensor exists, with the place and the name of the layer.

use fireclay_nn::{
    AnyTensor, Conv2dSpec, EmbeddingSpec, FeedForwardActivation, FlattenSpec, GruSpec, Initializer,
    InputSpec, LayerSpec, LstmSpec, ModelSpec, MultiHeadAttentionSpec, Network, PositionKind, ReluSpec,
    ResidualSpec, SimpleRnnSpec, TransformerSpec,
};

/// The message for a JSON list of layers on a 1x8x6 image.
fn refused(layers: &str) -> String {
    let text = format!(r#"{{"input":[1,8,6],"layers":[{layers}]}}"#);
    ModelSpec::from_json(&text).and_then(|spec| spec.summary()).expect_err(layers).to_string()
}

#[track_caller]
fn expect(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

const TAIL: &str = r#"{"type":"flatten"},{"type":"dense","out_features":2}"#;

#[test]
fn what_is_not_a_layer_is_refused_where_it_stands() {
    expect(
        &refused(&format!(r#"{{"type":"relu"}},{{"type":"conv3d"}},{TAIL}"#)),
        &["layer 2 'conv3d'", "expected one of"],
    );
    expect(
        &refused(r#"{"type":"dense","out_features":2,"units":3}"#),
        &["layer 1 'dense'", "unknown field `units`"],
    );
    expect(&refused(r#"{"type":"relu","slope":1}"#), &["layer 1 'relu'", "unknown field `slope`"]);
    expect(&refused(r#"{"type":"dense"}"#), &["layer 1 'dense'", "missing field `out_features`"]);
    expect(&refused(r#"{"out_features":2}"#), &["layer 1", "no `type`"]);
    expect(&refused(r#"{"type":"flatten"},7"#), &["layer 2", "expected a layer"]);
    expect(&refused(r#"{"type":"dense","out_features":1,"out_features":2}"#), &["layer 1", "given twice"]);
    let unknown = ModelSpec::from_json(r#"{"input":[3],"layers":[],"url":"http://x"}"#).unwrap_err();
    expect(&unknown.to_string(), &["unknown field `url`"]);
}

#[test]
fn addresses_and_paths_are_not_values() {
    expect(&refused(r#"{"type":"dense","out_features":"http://x/y"}"#), &["layer 1 'dense'", "http://x/y"]);
    expect(
        &refused(r#"{"type":"conv2d","out_channels":2,"kernel_size":"/etc/passwd"}"#),
        &["layer 1 'conv2d'", "expected a whole number or [height, width]"],
    );
    expect(
        &refused(&format!(r#"{{"type":"relu","name":"../../x"}},{TAIL}"#)),
        &["layer 1", "letters, digits"],
    );
    expect(&refused(r#"{"type":"file:///x"}"#), &["layer 1 'file:///x'"]);
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    expect(
        &refused(r#"{"type":"conv2d","out_channels":0,"kernel_size":3}"#),
        &["layer 1 'conv2d_1'", "[1, 8, 6]", "out_channels is 0"],
    );
    expect(&refused(r#"{"type":"conv2d","out_channels":2,"kernel_size":0}"#), &["kernel_size is 0"]);
    expect(
        &refused(r#"{"type":"conv2d","out_channels":2,"kernel_size":3,"stride":[1,0]}"#),
        &["stride is 0"],
    );
    expect(&refused(r#"{"type":"conv2d","out_channels":2,"kernel_size":3,"groups":0}"#), &["groups is 0"]);
    expect(
        &refused(r#"{"type":"conv2d","out_channels":4,"kernel_size":3,"groups":2}"#),
        &["1 in_channels cannot be split into 2 groups"],
    );
    expect(
        &refused(r#"{"type":"relu"},{"type":"conv2d","out_channels":2,"kernel_size":[3,7]}"#),
        &["layer 2 'conv2d_1'", "3x7 does not fit into 8x6"],
    );
    expect(&refused(r#"{"type":"max_pool2d","kernel_size":9}"#), &["9x9 does not fit into 8x6"]);
    expect(
        &refused(r#"{"type":"max_pool2d","kernel_size":2,"padding":2}"#),
        &["more than half of the kernel"],
    );
    expect(&refused(r#"{"type":"dense","out_features":2}"#), &["layer 1 'dense_1'", "put flatten"]);
    expect(
        &refused(r#"{"type":"flatten"},{"type":"conv2d","out_channels":2,"kernel_size":1}"#),
        &["layer 2 'conv2d_1', given [48]", "needs an image"],
    );
    expect(&refused(&format!(r#"{{"type":"dropout","rate":1.0}},{TAIL}"#)), &["rate is 1", "less than 1"]);
    expect(
        &refused(&format!(r#"{{"type":"batch_norm","momentum":2.0}},{TAIL}"#)),
        &["momentum is 2", "0 to 1"],
    );
    expect(&refused(&format!(r#"{{"type":"batch_norm","epsilon":0.0}},{TAIL}"#)), &["epsilon is 0"]);
    expect(&refused(r#"{"type":"relu"}"#), &["last layer 'relu_1' gives [1, 8, 6]", "flat output"]);
}

#[test]
fn sizes_that_overflow_are_refused_before_anything_is_allocated() {
    let most = usize::MAX;
    expect(
        &refused(&format!(r#"{{"type":"flatten"}},{{"type":"dense","out_features":{most}}}"#)),
        &["layer 2 'dense_1'", "multiply to more than"],
    );
    expect(
        &refused(&format!(r#"{{"type":"conv2d","out_channels":{most},"kernel_size":3}}"#)),
        &["layer 1 'conv2d_1'", "multiply to more than"],
    );
    expect(
        &refused(&format!(r#"{{"type":"conv2d","out_channels":1,"kernel_size":3,"dilation":{most}}}"#)),
        &["layer 1 'conv2d_1'"],
    );
    expect(
        &refused(&format!(r#"{{"type":"conv2d","out_channels":1,"kernel_size":3,"padding":{most}}}"#)),
        &["layer 1 'conv2d_1'"],
    );
    expect(
        &refused(&format!(r#"{{"type":"max_pool2d","kernel_size":{most}}}"#)),
        &["layer 1 'max_pool2d_1'", "does not fit"],
    );
    let far = 1_000_000_000;
    expect(
        &refused(&format!(
            r#"{{"type":"conv2d","out_channels":1,"kernel_size":1,"padding":{far},"stride":{far}}}"#
        )),
        &["layer 1 'conv2d_1'", "multiply to more than"],
    );
    expect(
        &refused(&format!(
            r#"{{"type":"conv2d","out_channels":1,"kernel_size":3,"padding":"same","dilation":{far}}}"#
        )),
        &["layer 1 'conv2d_1'", "multiply to more than"],
    );
    expect(
        &refused(&format!(r#"{{"type":"avg_pool2d","kernel_size":{},"padding":{far}}}"#, 2 * far)),
        &["layer 1 'avg_pool2d_1'", "multiply to more than"],
    );
    let wide = ModelSpec::new([1 << 20]).dense(1 << 11).dense(1 << 20).dense(1 << 10);
    expect(&wide.summary().unwrap_err().to_string(), &["parameters; expected at most"]);
    for input in [vec![], vec![0], vec![1, 0], vec![1, 2, 3, 4], vec![3, 0, 2], vec![usize::MAX, 2, 2]] {
        let message = ModelSpec::new(input).flatten().dense(1).summary().unwrap_err().to_string();
        expect(&message, &["is not a shape of one sample"]);
    }
}

#[test]
fn a_million_layers_and_ten_thousand_levels_are_refused() {
    let many = vec![r#"{"type":"relu"}"#; 1_000_000].join(",");
    expect(&refused(&many), &["more than 10000 layers"]);
    let built = (0..10_001).fold(ModelSpec::new([4]), |spec, _| spec.relu());
    expect(&built.summary().unwrap_err().to_string(), &["10001 layers; expected 1 to 10000"]);
    expect(&ModelSpec::new([4]).summary().unwrap_err().to_string(), &["0 layers"]);
    let deep = format!("{}{}", r#"{"type":"residual","layers":["#.repeat(10_000), "]}".repeat(10_000));
    expect(&refused(&deep), &["recursion limit"]);
}

#[test]
fn inside_a_block_the_place_is_a_path() {
    let conv = |channels| LayerSpec::from(Conv2dSpec::new(channels, 3));
    let message = ModelSpec::new([1, 8, 6])
        .relu()
        .residual([conv(2), FlattenSpec {}.into(), conv(2)])
        .summary()
        .unwrap_err()
        .to_string();
    expect(&message, &["layer 2.3 'residual_1.conv2d_2', given [48]", "needs an image"]);
    let message = ModelSpec::new([1, 8, 6]).residual([conv(2)]).summary().unwrap_err().to_string();
    expect(&message, &["layer 1 'residual_1'", "give [2, 6, 4]", "shortcut gives [1, 8, 6]"]);
    let empty = ModelSpec::new([4]).layer(ResidualSpec::new([])).dense(1);
    expect(&empty.summary().unwrap_err().to_string(), &["has no layers"]);
    let nested = r#"{"type":"residual","layers":[{"type":"relu"},{"type":"rleu"}]}"#;
    expect(&refused(nested), &["layer 1 'residual': layer 2 'rleu'"]);
}

#[test]
fn names_are_given_kept_and_not_given_twice() {
    let spec = ModelSpec::new([4])
        .layer(LayerSpec::from(fireclay_nn::DenseSpec::new(3)).named("body"))
        .relu()
        .dense(2)
        .dense(2);
    let names: Vec<String> = spec.tensors().unwrap().into_iter().map(|tensor| tensor.name).collect();
    assert_eq!(
        names,
        ["body.weight", "body.bias", "dense_2.weight", "dense_2.bias", "dense_3.weight", "dense_3.bias"]
    );
    let twice = spec.layer(LayerSpec::from(ReluSpec {}).named("body")).dense(1);
    expect(&twice.summary().unwrap_err().to_string(), &["layer 5 'body'", "same name"]);
}

#[test]
fn toml_errors_have_their_line() {
    let text =
        "input = [4]\n\n[[layers]]\ntype = \"dense\"\nout_features = 2\n\n[[layers]]\ntype = \"dens\"\n";
    let message = ModelSpec::from_toml(text).unwrap_err().to_string();
    expect(&message, &["TOML", "layer 2 'dens'", "expected one of", "line"]);
}

#[test]
fn the_summary_of_a_known_network() {
    let spec = ModelSpec::new([1, 28, 28])
        .conv2d(32, 3)
        .relu()
        .max_pool2d(2)
        .conv2d(64, 3)
        .relu()
        .max_pool2d(2)
        .conv2d(64, 3)
        .relu()
        .flatten()
        .dense(64)
        .relu()
        .dense(10);
    let summary = spec.summary().unwrap();
    assert_eq!(summary.parameters(), 93_322, "what Keras counts for the same network");
    assert_eq!(summary.rows[0].output, [32, 26, 26]);
    assert_eq!(summary.rows[0].flops, 2 * 26 * 26 * 32 * 9);
    let table = summary.to_string();
    expect(&table, &["conv2d_3", "[64, 3, 3]", "36,928", "93,322 parameters, 373.3 kB as f32"]);
}

/// The message for a JSON list of layers on so many tokens.
fn refused_on_tokens(layers: &str) -> String {
    let text = format!(r#"{{"input":{{"tokens":250}},"layers":[{layers}]}}"#);
    ModelSpec::from_json(&text).and_then(|spec| spec.summary()).expect_err(layers).to_string()
}

const EMBEDDING: &str = r#"{"type":"embedding","num_embeddings":50,"embedding_dim":8}"#;

#[test]
fn sequences_and_tokens_go_where_they_can() {
    expect(
        &refused(r#"{"type":"lstm","hidden_size":4}"#),
        &["layer 1 'lstm_1', given [1, 8, 6]", "needs a sequence"],
    );
    expect(
        &refused(&format!(r#"{{"type":"flatten"}},{EMBEDDING}"#)),
        &["layer 2 'embedding_1', given [48]", "needs tokens"],
    );
    expect(
        &refused_on_tokens(r#"{"type":"lstm","hidden_size":4}"#),
        &["layer 1 'lstm_1', given 250 tokens", "put an embedding before it"],
    );
    expect(
        &refused_on_tokens(r#"{"type":"relu"}"#),
        &["layer 1 'relu_1', given 250 tokens", "needs numbers"],
    );
    expect(
        &refused_on_tokens(&format!("{EMBEDDING},{EMBEDDING}")),
        &["layer 2 'embedding_2', given [250, 8]", "needs tokens"],
    );
    let lstm = r#"{"type":"lstm","hidden_size":4}"#;
    expect(
        &refused_on_tokens(&format!("{EMBEDDING},{lstm},{lstm}")),
        &["layer 3 'lstm_2', given [4]", "return_sequences"],
    );
    expect(&refused_on_tokens(&format!(r#"{EMBEDDING},{{"type":"batch_norm"}}"#)), &["use layer_norm"]);
    expect(
        &refused_on_tokens(&format!(r#"{EMBEDDING},{{"type":"conv2d","out_channels":2,"kernel_size":1}}"#)),
        &["given [250, 8]", "needs an image"],
    );
    let block = ModelSpec::tokens(4).residual([EmbeddingSpec::new(5, 2).into(), LstmSpec::new(4).into()]);
    expect(&block.summary().unwrap_err().to_string(), &["layers give [4] and its shortcut gives 4 tokens"]);
    expect(
        &ModelSpec::tokens(0).embedding(5, 2).summary().unwrap_err().to_string(),
        &["input 0 tokens is not"],
    );
}

#[test]
fn sizes_of_sequence_layers_that_cannot_be_are_refused() {
    let embedding = |fields: &str| refused_on_tokens(&format!(r#"{{"type":"embedding",{fields}}}"#));
    expect(&embedding(r#""num_embeddings":0,"embedding_dim":8"#), &["num_embeddings is 0"]);
    expect(&embedding(r#""num_embeddings":5,"embedding_dim":0"#), &["embedding_dim is 0"]);
    expect(
        &embedding(r#""num_embeddings":5,"embedding_dim":8,"padding_idx":5"#),
        &["padding_idx is 5; expected less than num_embeddings"],
    );
    expect(
        &embedding(r#""num_embeddings":5,"embedding_dim":8,"initializer":{"normal":{"std":-1}}"#),
        &["initializer's std is -1; expected more than 0"],
    );
    expect(
        &embedding(r#""num_embeddings":5,"embedding_dim":8,"initializer":{"uniform":{"bound":1,"mean":2}}"#),
        &["unknown field `mean`"],
    );
    expect(&embedding(r#""num_embeddings":4294967296,"embedding_dim":1"#), &["multiply to more than"]);
    expect(&embedding(r#""num_embeddings":1000000,"embedding_dim":1000000"#), &["multiply to more than"]);
    let lstm = |fields: &str| refused_on_tokens(&format!(r#"{EMBEDDING},{{"type":"lstm",{fields}}}"#));
    expect(&lstm(r#""hidden_size":0"#), &["layer 2 'lstm_1'", "hidden_size is 0"]);
    expect(&lstm(r#""hidden_size":4,"num_layers":0"#), &["num_layers is 0"]);
    expect(&lstm(r#""hidden_size":4,"num_layers":2,"dropout":1.0"#), &["dropout is 1", "less than 1"]);
    expect(&lstm(r#""hidden_size":4,"dropout":0.2"#), &["dropout is 0.2", "num_layers is 1"]);
    expect(&lstm(r#""hidden_size":4,"input_dropout":1.5"#), &["input_dropout is 1.5", "less than 1"]);
    expect(&lstm(r#""hidden_size":4,"recurrent_dropout":-0.1"#), &["recurrent_dropout is -0.1", "0 or more"]);
    expect(&lstm(r#""hidden_size":4,"units":3"#), &["layer 2 'lstm'", "unknown field `units`"]);
    expect(
        &lstm(r#""hidden_size":4,"activation":"relu""#),
        &["layer 2 'lstm'", "unknown field `activation`"],
    );
    expect(
        &lstm(&format!(r#""hidden_size":{}"#, usize::MAX)),
        &["layer 2 'lstm_1'", "multiply to more than"],
    );
    expect(&lstm(r#""hidden_size":65536"#), &["multiply to more than"]);
    // Counted before a name is made for each.
    expect(
        &lstm(&format!(r#""hidden_size":4,"num_layers":{}"#, usize::MAX)),
        &["layers; expected 1 to 10000"],
    );
    for kind in ["gru", "simple_rnn"] {
        let layer = |fields: &str| refused_on_tokens(&format!(r#"{EMBEDDING},{{"type":"{kind}",{fields}}}"#));
        expect(&layer(r#""hidden_size":0"#), &[&format!("layer 2 '{kind}_1'"), "hidden_size is 0"]);
        expect(&layer(&format!(r#""hidden_size":{}"#, usize::MAX)), &["multiply to more than"]);
        expect(&layer(r#""hidden_size":100000"#), &["multiply to more than"]);
        let many = format!(r#""hidden_size":4,"num_layers":{}"#, usize::MAX);
        expect(&layer(&many), &["layers; expected 1 to 10000"]);
        expect(&refused(&format!(r#"{{"type":"{kind}","hidden_size":4}}"#)), &["needs a sequence"]);
    }
    expect(
        &refused(r#"{"type":"simple_rnn","hidden_size":4,"activation":"gelu"}"#),
        &["layer 1 'simple_rnn'", "unknown variant `gelu`, expected `tanh` or `relu`"],
    );
}

#[test]
fn attention_that_cannot_be_is_refused() {
    let on_steps = |layer: &str| refused_on_tokens(&format!("{EMBEDDING},{layer}"));
    let attention = |fields: &str| on_steps(&format!(r#"{{"type":"multi_head_attention",{fields}}}"#));
    expect(
        &attention(r#""num_heads":3"#),
        &["layer 2 'multi_head_attention_1'", "8 features cannot be shared by 3 heads"],
    );
    expect(&attention(r#""num_heads":0"#), &["num_heads is 0"]);
    expect(&attention(r#""num_heads":8,"rotary":true"#), &["turn pairs of values, and a head has 1"]);
    expect(&attention(r#""num_heads":2,"dropout":1"#), &["dropout is 1", "less than 1"]);
    expect(&attention(r#""num_heads":2,"heads":3"#), &["unknown field `heads`"]);
    expect(&refused(r#"{"type":"multi_head_attention","num_heads":2}"#), &["needs a sequence"]);

    let block =
        |fields: &str| on_steps(&format!(r#"{{"type":"transformer_encoder","num_heads":2,{fields}}}"#));
    expect(&block(r#""dim_feedforward":0"#), &["layer 2 'transformer_encoder_1'", "dim_feedforward is 0"]);
    expect(&block(r#""dim_feedforward":8,"num_layers":0"#), &["num_layers is 0"]);
    expect(&block(r#""dim_feedforward":8,"dropout":-0.1"#), &["dropout is -0.1"]);
    expect(&block(r#""dim_feedforward":8,"activation":"tanh""#), &["unknown variant `tanh`", "`gelu`"]);
    expect(&block(r#""num_layers":2"#), &["missing field `dim_feedforward`"]);
    expect(&block(&format!(r#""dim_feedforward":{}"#, usize::MAX)), &["multiply to more than"]);
    // Counted before a name is made for each.
    expect(
        &block(&format!(r#""dim_feedforward":8,"num_layers":{}"#, usize::MAX)),
        &["layers; expected 1 to 10000"],
    );
    expect(
        &on_steps(r#"{"type":"transformer_decoder","num_heads":5,"dim_feedforward":8}"#),
        &["'transformer_decoder_1'", "8 features cannot be shared by 5 heads"],
    );
    expect(&refused(r#"{"type":"position_embedding"}"#), &["'position_embedding_1'", "needs a sequence"]);
    expect(&on_steps(r#"{"type":"position_embedding","kind":"learned"}"#), &["`learnt`"]);
}

#[test]
fn convolution_and_pooling_over_steps_that_cannot_be_are_refused() {
    let conv = |fields: &str| refused_on_tokens(&format!(r#"{EMBEDDING},{{"type":"conv1d",{fields}}}"#));
    expect(&conv(r#""out_channels":0,"kernel_size":3"#), &["layer 2 'conv1d_1'", "out_channels is 0"]);
    expect(&conv(r#""out_channels":2,"kernel_size":251"#), &["1x251 does not fit into 1x250"]);
    expect(&conv(r#""out_channels":2,"kernel_size":3,"stride":0"#), &["stride is 0"]);
    expect(
        &conv(r#""out_channels":2,"kernel_size":3,"groups":3"#),
        &["8 in_channels cannot be split into 3"],
    );
    expect(
        &conv(r#""out_channels":2,"kernel_size":3,"padding":[1,2]"#),
        &["padding is [1, 2]; expected one number"],
    );
    expect(&refused(r#"{"type":"conv1d","out_channels":2,"kernel_size":3}"#), &["needs a sequence"]);
    expect(&refused(r#"{"type":"global_avg_pool1d"}"#), &["'global_avg_pool1d_1'", "needs a sequence"]);
    expect(&refused(r#"{"type":"global_max_pool1d"}"#), &["'global_max_pool1d_1'", "needs a sequence"]);
}

#[test]
fn a_tied_layer_needs_its_embedding() {
    let tied = |fields: &str| format!(r#"{{"type":"tied_dense"{fields}}}"#);
    expect(
        &refused(&format!(r#"{{"type":"flatten"}},{}"#, tied(""))),
        &["layer 2 'tied_dense_1'", "no embedding comes before it"],
    );
    expect(
        &refused_on_tokens(&format!(r#"{EMBEDDING},{}"#, tied(r#","embedding":"words""#))),
        &["no embedding 'words' comes before it", "there is embedding_1"],
    );
    expect(
        &refused_on_tokens(&format!(r#"{EMBEDDING},{{"type":"lstm","hidden_size":5}},{}"#, tied(""))),
        &["layer 3 'tied_dense_1'", "5 features", "embeddings of 8", "out_features = 8"],
    );
    let spec = ModelSpec::tokens(4).embedding(50, 8).lstm(8).tied_dense();
    let names: Vec<String> = spec.tensors().unwrap().into_iter().map(|tensor| tensor.name).collect();
    assert_eq!(
        names.iter().filter(|name| !name.starts_with("lstm")).collect::<Vec<_>>(),
        ["embedding_1.weight", "tied_dense_1.bias"]
    );
    assert_eq!(spec.output_features().unwrap(), 50);
}

#[test]
fn the_summary_of_a_transformer() {
    let spec = ModelSpec::tokens(250)
        .embedding(20_000, 64)
        .position_embedding(PositionKind::Learnt)
        .transformer_encoder(TransformerSpec::new(4, 128))
        .global_avg_pool1d()
        .dense(2);
    let summary = spec.summary().unwrap();
    assert_eq!(summary.rows[1].parameters, 250 * 64);
    let (attention, feed_forward) = (4 * 64 * 64 + 4 * 64, 2 * 64 * 128 + 128 + 64);
    assert_eq!(summary.rows[2].parameters, attention + feed_forward + 4 * 64, "what PyTorch counts");
    let attention = 250 * 8 * 64 * 64 + 250 * 250 * 4 * 64;
    assert_eq!(summary.rows[2].flops, attention + 250 * 4 * 64 * 128 + 2 * 8 * 250 * 64);
    assert_eq!(summary.rows[3].output, [64]);
    let causal = ModelSpec::new([10, 4]).layer(MultiHeadAttentionSpec::new(2).causal(true)).flatten();
    assert_eq!(causal.summary().unwrap().rows[0].flops, 10 * 8 * 4 * 4 + 55 * 4 * 4);
}

#[test]
fn a_transformer_is_written_as_people_would() {
    let block =
        TransformerSpec::new(4, 128).num_layers(2).dropout(0.1).activation(FeedForwardActivation::Relu);
    let spec = ModelSpec::tokens(250)
        .embedding(50, 8)
        .position_embedding(PositionKind::Sinusoidal)
        .transformer_encoder(block.norm_first(false))
        .global_avg_pool1d()
        .dense(2);
    let json = r#"{"input":{"tokens":250},"layers":[{"type":"embedding","num_embeddings":50,"embedding_dim":8},{"type":"position_embedding","kind":"sinusoidal"},{"type":"transformer_encoder","num_heads":4,"dim_feedforward":128,"num_layers":2,"dropout":0.1,"activation":"relu","norm_first":false},{"type":"global_avg_pool1d"},{"type":"dense","out_features":2}]}"#;
    assert_eq!(spec.to_json().unwrap(), json);
    assert_eq!(ModelSpec::from_json(json).unwrap(), spec);
    assert_eq!(ModelSpec::from_toml(&spec.to_toml().unwrap()).unwrap(), spec);
}

#[test]
fn the_summary_of_a_network_that_reads() {
    let spec = ModelSpec::tokens(250).embedding(20_000, 128).lstm(128).dense(2);
    let summary = spec.summary().unwrap();
    assert_eq!(summary.input, InputSpec::Tokens(250));
    assert_eq!(summary.rows[0].output, [250, 128]);
    assert_eq!(summary.rows[1].output, [128]);
    let lstm = 4 * 128 * (128 + 128 + 2);
    assert_eq!(summary.parameters(), 20_000 * 128 + lstm + 2 * 128 + 2, "what PyTorch counts");
    assert_eq!(summary.rows[1].flops, 250 * 2 * 4 * 128 * 256);
    expect(&summary.to_string(), &["250 tokens", "embedding_1", "[250, 128]", "65.54 MFLOP for one sample"]);
}

#[test]
fn an_lstm_has_pytorch_names_and_layouts() {
    let stack = LstmSpec::new(3).num_layers(2).bidirectional(true);
    let spec = ModelSpec::new([5, 4]).layer(stack);
    let found: Vec<(String, Vec<usize>)> =
        spec.tensors().unwrap().into_iter().map(|tensor| (tensor.name, tensor.shape)).collect();
    let mut expected = Vec::new();
    for (layer, features) in [(0, 4), (1, 6)] {
        for suffix in ["", "_reverse"] {
            for (name, shape) in [
                ("weight_ih", vec![12, features]),
                ("weight_hh", vec![12, 3]),
                ("bias_ih", vec![12]),
                ("bias_hh", vec![12]),
            ] {
                expected.push((format!("lstm_1.{name}_l{layer}{suffix}"), shape));
            }
        }
    }
    assert_eq!(found, expected);
    assert_eq!(spec.output_features().unwrap(), 6);
}

#[test]
fn gru_and_simple_rnn_have_pytorch_names_and_layouts() {
    let gru = GruSpec::new(3).learn_initial_state(true);
    let rnn = SimpleRnnSpec::new(2).bidirectional(true);
    let spec = ModelSpec::new([5, 4]).layer(gru.return_sequences(true)).layer(rnn);
    let found = spec.tensors().unwrap();
    let found: Vec<_> = found.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect();
    let expected: [(&str, &[usize]); 13] = [
        ("gru_1.weight_ih_l0", &[9, 4]),
        ("gru_1.weight_hh_l0", &[9, 3]),
        ("gru_1.bias_ih_l0", &[9]),
        ("gru_1.bias_hh_l0", &[9]),
        ("gru_1.h_0_l0", &[3]),
        ("simple_rnn_1.weight_ih_l0", &[2, 3]),
        ("simple_rnn_1.weight_hh_l0", &[2, 2]),
        ("simple_rnn_1.bias_ih_l0", &[2]),
        ("simple_rnn_1.bias_hh_l0", &[2]),
        ("simple_rnn_1.weight_ih_l0_reverse", &[2, 3]),
        ("simple_rnn_1.weight_hh_l0_reverse", &[2, 2]),
        ("simple_rnn_1.bias_ih_l0_reverse", &[2]),
        ("simple_rnn_1.bias_hh_l0_reverse", &[2]),
    ];
    assert_eq!(found, expected);
    let rows = spec.summary().unwrap().rows;
    assert_eq!(rows[0].flops, 5 * 2 * 3 * 3 * (4 + 3));
    assert_eq!(rows[1].flops, 5 * 2 * 2 * 2 * (3 + 2));
    assert!(ModelSpec::tokens(9).embedding(5, 2).gru(4).dense(2).supports_variable_length().unwrap());
}

#[test]
fn tokens_are_written_as_people_would() {
    let spec = ModelSpec::tokens(250)
        .layer(EmbeddingSpec::new(50, 8).initializer(Initializer::Uniform { bound: 0.05 }))
        .layer(LstmSpec::new(16).bidirectional(true).input_dropout(0.2).recurrent_dropout(0.25))
        .dense(2);
    let text = spec.to_toml().unwrap();
    assert!(text.starts_with("[input]\ntokens = 250\n"), "{text}");
    assert_eq!(ModelSpec::from_toml(&text).unwrap(), spec);
    let json = r#"{"input":{"tokens":250},"layers":[{"type":"embedding","num_embeddings":50,"embedding_dim":8,"initializer":{"uniform":{"bound":0.05}}},{"type":"lstm","hidden_size":16,"bidirectional":true,"input_dropout":0.2,"recurrent_dropout":0.25},{"type":"dense","out_features":2}]}"#;
    assert_eq!(spec.to_json().unwrap(), json);
}

#[test]
fn a_network_may_give_its_outputs_at_each_step() {
    let lstm = LstmSpec::new(4).return_sequences(true);
    let spec = ModelSpec::tokens(5).embedding(9, 3).layer(lstm).dense(9);
    assert_eq!((spec.output_steps().unwrap(), spec.output_features().unwrap()), (Some(5), 9));
    assert!(spec.summary().unwrap().to_string().contains("[5, 9]"));
    let device = burn::tensor::Device::flex();
    let model = spec.build(&device).unwrap();
    let tokens = |rows: &[i32], batch: usize| AnyTensor::from_tokens(rows.to_vec(), &[batch, 5], &device);
    let both = model.forward(tokens(&[1, 2, 3, 4, 5, 8, 7, 6, 5, 4], 2));
    assert_eq!(both.dims(), [10, 9]);
    let second = model.forward(tokens(&[8, 7, 6, 5, 4], 1));
    let rows = |tensor: burn::tensor::Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
    let (both, second) = (rows(both), rows(second));
    for (at, (expected, found)) in second.iter().zip(&both[45..]).enumerate() {
        assert!((expected - found).abs() < 1e-6, "sample by sample, then step by step: {at}");
    }
    // A batch of shorter samples gives as many rows.
    assert_eq!(model.forward(AnyTensor::from_tokens(vec![1, 2, 3], &[1, 3], &device)).dims(), [3, 9]);
}
