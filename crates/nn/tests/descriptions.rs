//! A description that cannot work is refused before a tensor exists, with the place and the name of the layer.

use fireclay_nn::{Conv2dSpec, LayerKind, LayerSpec, ModelSpec, ResidualSpec};

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
    for input in [vec![], vec![0], vec![1, 2], vec![1, 2, 3, 4], vec![3, 0, 2], vec![usize::MAX, 2, 2]] {
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
        .residual([conv(2), LayerKind::Flatten {}.into(), conv(2)])
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
    let twice = spec.layer(LayerSpec::from(LayerKind::Relu {}).named("body")).dense(1);
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
