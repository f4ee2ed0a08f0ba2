//! Channels that are taken out together: without them the network gives what it gives where they are 0.

use std::collections::BTreeSet;

use burn::tensor::Device;
use fireclay_nn::{
    AnyTensor, BatchNormSpec, ChannelGroup, ChannelRole, ChannelSlice, Conv1dSpec, Conv2dSpec, DenseSpec,
    EmbeddingSpec, LayerSpec, ModelSpec, NamedTensor, Network, Padding, PositionKind, ReluSpec, ResidualSpec,
    TiedDenseSpec, TransformerSpec, load_state,
};

use crate::support::{spread, trained_state};

fn conv(channels: usize) -> LayerSpec {
    Conv2dSpec::new(channels, 3).padding(Padding::Same).into()
}

fn relu() -> LayerSpec {
    ReluSpec {}.into()
}

fn norm() -> LayerSpec {
    BatchNormSpec::default().into()
}

fn plain() -> ModelSpec {
    ModelSpec::new([2, 8, 6])
        .layer(conv(6))
        .batch_norm()
        .relu()
        .max_pool2d(2)
        .layer(Conv2dSpec::new(6, 3).groups(6))
        .elu(1.0)
        .conv2d(5, 1)
        .flatten()
        .batch_norm()
        .dense(7)
        .tanh()
        .dropout(0.2)
        .dense(3)
}

fn residual() -> ModelSpec {
    ModelSpec::new([3, 8, 8])
        .layer(conv(6))
        .layer(norm())
        .relu()
        .residual([conv(4), norm(), relu(), conv(6)])
        .layer(ResidualSpec::new([conv(8), relu(), conv(8)]).shortcut([conv(8), norm()]))
        .relu()
        .global_avg_pool2d()
        .dense(4)
}

fn sequence() -> ModelSpec {
    ModelSpec::new([9, 4])
        .layer(Conv1dSpec::new(6, 3))
        .gelu()
        .layer(DenseSpec::new(5))
        .silu()
        .flatten()
        .dense(2)
}

fn tied() -> ModelSpec {
    ModelSpec::tokens(5)
        .layer(EmbeddingSpec::new(11, 6))
        .position_embedding(PositionKind::Learnt)
        .residual([DenseSpec::new(8).into(), relu(), DenseSpec::new(6).into()])
        .layer(TiedDenseSpec::default())
}

fn outputs(spec: &ModelSpec, tensors: Vec<NamedTensor>) -> Vec<f32> {
    let device = Device::flex();
    let model = load_state(spec.build(&device).unwrap(), tensors).unwrap();
    let shape: Vec<usize> = [7].iter().chain(spec.input.shape()).copied().collect();
    let count = shape.iter().product();
    let input = match spec.input.shape() {
        [5] => AnyTensor::from_tokens((0..count as i32).map(|at| at * 7 % 11).collect(), &shape, &device),
        _ => AnyTensor::from_values(spread(count, 0), &shape, &device),
    };
    model.forward(input).into_data().try_into_vec().unwrap()
}

fn names(groups: &[ChannelGroup]) -> Vec<(Vec<&str>, usize)> {
    groups.iter().map(|group| (group.layers.iter().map(String::as_str).collect(), group.channels)).collect()
}

#[test]
fn which_channels_go_together() {
    let found = plain().channel_groups().unwrap();
    // A convolution channel by channel goes with what it reads; the last layer's outputs stay.
    let expected = [(vec!["conv2d_1", "conv2d_2"], 6), (vec!["conv2d_3"], 5), (vec!["dense_1"], 7)];
    assert_eq!(names(&found), expected);
    let found = residual().channel_groups().unwrap();
    let expected = [
        (vec!["conv2d_1", "residual_1.conv2d_2"], 6),
        (vec!["residual_1.conv2d_1"], 4),
        (vec!["residual_2.conv2d_1"], 8),
        (vec!["residual_2.conv2d_2", "residual_2.conv2d_3"], 8),
    ];
    assert_eq!(names(&found), expected);
    assert_eq!(names(&sequence().channel_groups().unwrap()), [(vec!["conv1d_1"], 6), (vec!["dense_1"], 5)]);
    let found = tied().channel_groups().unwrap();
    let expected = [(vec!["embedding_1", "residual_1.dense_2"], 6), (vec!["residual_1.dense_1"], 8)];
    assert_eq!(names(&found), expected);
}

/// Found by tracing gradients through the same networks, by `fixtures/channels/make.py`.
#[test]
fn torch_pruning_finds_the_same_groups() {
    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        spec: ModelSpec,
        groups: Vec<Vec<(String, String, usize)>>,
    }

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/channels/groups.json");
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 3);
    for Case { name, spec, groups: expected } in cases {
        let of = |group: &ChannelGroup| {
            let side = |slice: &ChannelSlice| {
                let layer = slice.tensor.rsplit_once('.').unwrap().0.to_string();
                let side = if slice.role == ChannelRole::Input { "in" } else { "out" };
                (layer, side.to_string(), slice.repeat * group.channels * slice.each)
            };
            let sides: BTreeSet<_> = group.slices.iter().map(side).collect();
            sides.into_iter().collect::<Vec<_>>()
        };
        let mut found: Vec<_> = spec.channel_groups().unwrap().iter().map(of).collect();
        found.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn channels_that_mean_more_than_their_order_stay() {
    let of = |spec: ModelSpec| spec.channel_groups().unwrap().len();
    assert_eq!(of(ModelSpec::new([4]).dense(3)), 0, "the output");
    assert_eq!(of(ModelSpec::new([4]).residual([DenseSpec::new(4).into()]).dense(3)), 0, "the input");
    assert_eq!(of(ModelSpec::new([4]).dense(6).sigmoid().dense(3)), 0, "half of nothing");
    assert_eq!(of(ModelSpec::new([4]).dense(6).layer_norm().dense(3)), 0, "a mean over channels");
    assert_eq!(
        of(ModelSpec::new([4]).layer(LayerSpec::from(DenseSpec::new(6)).frozen()).dense(3)),
        0,
        "frozen"
    );
    let split = Conv2dSpec::new(8, 3).groups(2);
    assert_eq!(
        of(ModelSpec::new([1, 8, 8]).conv2d(4, 3).layer(split).flatten().dense(3)),
        0,
        "groups of several"
    );
    let transformer = ModelSpec::tokens(5).embedding(11, 6).transformer_encoder(TransformerSpec::new(2, 8));
    assert_eq!(of(transformer.global_avg_pool1d().dense(2)), 0, "heads");
    let waves = ModelSpec::tokens(5).embedding(11, 6).position_embedding(PositionKind::Sinusoidal);
    assert_eq!(of(waves.global_avg_pool1d().dense(2)), 0, "waves by the number of the feature");
}

#[test]
fn a_network_without_channels_gives_what_it_gives_where_they_are_nothing() {
    for spec in [plain(), residual(), sequence(), tied()] {
        let groups = spec.channel_groups().unwrap();
        let whole = trained_state(&spec);
        let before = outputs(&spec, whole.clone());
        let mut zeroed = whole.clone();
        let mut kept = Vec::new();
        for (at, group) in groups.into_iter().enumerate() {
            let gone: Vec<usize> = (0..group.channels).filter(|channel| (channel + at) % 3 == 1).collect();
            group.zero(&mut zeroed, &gone);
            let rest = (0..group.channels).filter(|channel| !gone.contains(channel)).collect();
            kept.push((group, rest));
        }
        let (small, shrunk) = spec.keep_channels(whole, &kept).unwrap();
        assert!(small.summary().unwrap().flops() < spec.summary().unwrap().flops());
        let (expected, found) = (outputs(&spec, zeroed), outputs(&small, shrunk));
        let greatest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        for (expected, found) in expected.iter().zip(&found) {
            assert!((expected - found).abs() <= 1e-6 * greatest.max(1.0), "{expected}, {found}: {spec:?}");
        }
        assert_ne!(before, expected, "the channels had something to say");
    }
}

#[test]
fn channels_are_kept_in_the_order_asked_for() {
    let spec = plain();
    let whole = trained_state(&spec);
    let groups = spec.channel_groups().unwrap();
    let turned = groups.into_iter().map(|group| {
        let order = (0..group.channels).rev().collect();
        (group, order)
    });
    let (same, tensors) = spec.keep_channels(whole.clone(), &turned.collect::<Vec<_>>()).unwrap();
    assert_eq!(same, spec);
    assert_ne!(tensors, whole);
    let (expected, found) = (outputs(&spec, whole), outputs(&spec, tensors));
    assert!(expected.iter().zip(&found).all(|(expected, found)| (expected - found).abs() < 1e-5));
}

#[test]
fn a_layer_without_channels_is_refused() {
    let spec = ModelSpec::new([4]).dense(6).relu().dense(2);
    let group = spec.channel_groups().unwrap().remove(0);
    assert!(spec.keep_channels(trained_state(&spec), &[(group, Vec::new())]).is_err());
}
