//! Networks as PyTorch's code. PyTorch itself judges, where there is one:
//!
//! ```sh
//! FIRECLAY_EXCHANGE_PYTHON=VENV/bin/python cargo test -p fireclay-exchange --test pytorch judge -- --ignored
//! ```

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use fireclay_exchange::{ModelFile, pytorch};
use fireclay_nn::*;
use fireclay_store::{ModelCard, Preprocessing};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

/// A network for each kind of layer, and some for the settings that change its arithmetic.
fn networks() -> Vec<ModelSpec> {
    let image = || ModelSpec::new([4, 7, 6]);
    let sequence = || ModelSpec::new([6, 4]);
    let padded = || ModelSpec::tokens(7).layer(EmbeddingSpec::new(9, 4).padding_idx(0));
    let end = |spec: ModelSpec| spec.flatten().dense(3);
    let conv = |channels| Conv2dSpec::new(channels, 3).padding(Padding::Same);
    let lstm = || LstmSpec::new(5).num_layers(2).bidirectional(true);
    let stack = || TransformerSpec::new(2, 12).num_layers(2);
    vec![
        ModelSpec::new([6]).layer(DenseSpec::new(5).bias(false)).tanh().dense(3),
        end(image()
            .layer(Conv2dSpec::new(6, [3, 2]).stride([2, 1]).padding([1, 0]).dilation([1, 2]).groups(2))),
        end(image().layer(conv(5).stride(2)).layer(MaxPool2dSpec::new([3, 2]).stride(2).padding([1, 1]))),
        end(image()
            .layer(Conv2dSpec::new(5, 2).padding(Padding::Same))
            .layer(AvgPool2dSpec::new(2).padding(1))),
        end(image().layer(AvgPool2dSpec::new(3).padding(1).count_include_pad(false))),
        image().layer(conv(5)).batch_norm().relu().max_pool2d(2).global_avg_pool2d().dense(3),
        image().layer(conv(5)).layer(BatchNormSpec::default().scale(false).epsilon(1e-3)).global_avg_pool2d(),
        ModelSpec::new([6]).dense(5).batch_norm().layer_norm().dropout(0.3).softmax(),
        ModelSpec::new([6]).leaky_relu(0.2).elu(1.3).gelu().silu().dense(4).sigmoid().dense(3).softplus(),
        image()
            .whitening([2, 1])
            .gelu()
            .global_avg_pool2d()
            .dense(2)
            .test_time_augmentation(TestTimeAugmentation::MirroredAndShifted),
        end(image().layer(conv(3))).test_time_augmentation(TestTimeAugmentation::Mirrored),
        image()
            .layer(
                ResidualSpec::new([
                    conv(6).into(),
                    LayerSpec::from(SiluSpec {}).named("act"),
                    LayerSpec::from(ResidualSpec::new([conv(6).into()])).named("inner"),
                ])
                .shortcut([Conv2dSpec::new(6, 1).into()]),
            )
            .layer(LayerSpec::from(Conv2dSpec::new(5, 1)).named("class"))
            .layer(LayerSpec::from(Conv2dSpec::new(5, 1)).named("train"))
            .layer(LayerSpec::from(Conv2dSpec::new(5, 1)).named("3-a"))
            .global_avg_pool2d(),
        sequence().layer(lstm()).dense(3),
        sequence()
            .layer(lstm().return_sequences(true).learn_initial_state(true))
            .global_max_pool1d()
            .dense(3),
        padded().layer(lstm().learn_initial_state(true)).dense(2),
        padded()
            .layer(GruSpec::new(5).return_sequences(true).learn_initial_state(true).bidirectional(true))
            .gru(3),
        padded()
            .layer(SimpleRnnSpec::new(4).activation(RnnActivation::Relu).return_sequences(true))
            .simple_rnn(3),
        padded().layer(Conv1dSpec::new(6, 3).stride(2).padding(Padding::Same)).global_max_pool1d().dense(2),
        padded()
            .layer(Conv1dSpec::new(4, 3).dilation(2).groups(2))
            .layer(Conv1dSpec::new(5, 2).padding(2))
            .global_avg_pool1d(),
        end(sequence().layer(Conv1dSpec::new(5, 2).padding(Padding::Same))),
        end(padded().layer(MultiHeadAttentionSpec::new(2).rotary(true))),
        sequence().layer(MultiHeadAttentionSpec::new(1).causal(true).bias(false)).global_avg_pool1d(),
        padded()
            .position_embedding(PositionKind::Learnt)
            .transformer_encoder(stack())
            .global_avg_pool1d()
            .dense(2),
        sequence()
            .position_embedding(PositionKind::Sinusoidal)
            .transformer_encoder(
                stack()
                    .norm_first(false)
                    .activation(FeedForwardActivation::Relu)
                    .final_norm(true)
                    .rotary(true),
            )
            .global_avg_pool1d(),
        padded().transformer_encoder(stack().norm_first(false).epsilon(0.01)).first_step(),
        ModelSpec::tokens(6).embedding(9, 4).transformer_decoder(stack()).layer(TiedDenseSpec::default()),
        ModelSpec::tokens(6)
            .layer(LayerSpec::from(EmbeddingSpec::new(9, 4)).named("words"))
            .residual([DenseSpec::new(4).into()])
            .residual([TiedDenseSpec::default().bias(false).into(), DenseSpec::new(4).into()])
            .dense(2),
        padded()
            .residual([
                Conv1dSpec::new(4, 3).padding(Padding::Same).into(),
                MultiHeadAttentionSpec::new(2).into(),
            ])
            .global_avg_pool1d(),
        ModelSpec::tokens(6).layer(NaiveBayesBagSpec::new(9, 2).padding_idx(0)),
    ]
}

/// The network with weights that are none of its beginning: statistics, biases and ratios are not 0 or 1 either.
fn file_of(spec: &ModelSpec, seed: u64) -> ModelFile {
    let mut random = fireclay_data::Random::new(0, seed, 0);
    let mut next = move || random.unit();
    let tensors = spec.tensors().unwrap().into_iter().map(|tensor| {
        let positive = tensor.name.ends_with("running_var");
        let count = tensor.shape.iter().product();
        let values = (0..count).map(|_| if positive { 0.5 + next() } else { next() - 0.5 }).collect();
        NamedTensor { name: tensor.name, shape: tensor.shape, values }
    });
    ModelFile { card: ModelCard::new(spec.clone()), tensors: tensors.collect() }
}

/// A batch for a network: numbers, or tokens with some samples that padding fills up, of which one is nothing else.
fn batch(spec: &ModelSpec) -> (Vec<usize>, Vec<f32>) {
    let mut shape = vec![4];
    shape.extend(spec.input.shape());
    let mut random = fireclay_data::Random::new(0, 5, 1);
    let mut next = move || random.unit();
    let each: usize = shape[1..].iter().product();
    let values = match spec.input {
        InputSpec::Tokens(_) => {
            let lengths = [each, 3, 0, 1];
            let token = |place: usize, next: f32| match place % each < lengths[place / each] {
                true => (1.0 + next * 8.0).floor(),
                false => 0.0,
            };
            (0..4 * each).map(|place| token(place, next())).collect()
        }
        _ => (0..4 * each).map(|_| next() * 2.0 - 1.0).collect(),
    };
    (shape, values)
}

#[test]
fn every_kind_of_layer_is_written() {
    let mut seen = BTreeSet::new();
    fn kinds(layers: &[LayerSpec], seen: &mut BTreeSet<&'static str>) {
        for layer in layers {
            seen.insert(layer.kind.type_name());
            if let LayerKind::Residual(block) = &layer.kind {
                kinds(&block.layers, seen);
                kinds(&block.shortcut, seen);
            }
        }
    }
    for spec in networks() {
        kinds(&spec.layers, &mut seen);
        let written = pytorch::export(&file_of(&spec, 1)).unwrap();
        assert!(written.source.contains("class Network(nn.Module):"));
        let names = SafeTensors::deserialize(&written.safetensors).unwrap();
        assert!(names.len() >= spec.tensors().unwrap().len());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), {
        let mut all = LayerKind::TYPE_NAMES.to_vec();
        all.sort_unstable();
        all
    });
}

#[test]
fn the_source_is_readable_python() {
    let spec = ModelSpec::new([1, 28, 28])
        .layer(Conv2dSpec::new(8, 3).padding(Padding::Same))
        .relu()
        .max_pool2d(2)
        .flatten()
        .dense(2);
    let mut file = file_of(&spec, 1);
    file.card.classes = vec!["a \"cat\"".into(), "dog".into()];
    file.card.preprocessing = Some(Preprocessing { mean: vec![0.5], std: vec![0.25] });
    let source = pytorch::export(&file).unwrap().source;
    let class = source.split_once("class Network").unwrap().1;
    assert_eq!(
        class,
        r#"(nn.Module):
    # In the order of the outputs.
    classes = ["a \"cat\"", "dog"]

    def __init__(self):
        super().__init__()
        self.conv2d_1 = nn.Conv2d(1, 8, (3, 3), padding=(1, 1))
        self.dense_1 = nn.Linear(1568, 2)

    def forward(self, x):
        x = self.conv2d_1(x)
        x = F.relu(x)
        x = F.max_pool2d(x, (2, 2), stride=(2, 2), padding=(0, 0))
        x = x.flatten(1)
        x = self.dense_1(x)
        return x

    @staticmethod
    def prepare(x):
        """What the network takes, from bytes or from numbers of 0 to 1."""
        x = x / 255 if x.dtype == torch.uint8 else x
        mean = torch.tensor([0.5]).view(-1, 1, 1)
        std = torch.tensor([0.25]).view(-1, 1, 1)
        return (x - mean.to(x)) / std.to(x)
"#
    );
    assert!(source.contains("It takes numbers [batch, 1, 28, 28]."), "{source}");
}

#[test]
fn weights_of_another_architecture_are_not_written() {
    let mut file = file_of(&ModelSpec::new([4]).dense(3), 1);
    file.card.spec = ModelSpec::new([4]).dense(2);
    let error = pytorch::export(&file).unwrap_err().to_string();
    assert!(error.contains("dense_1.weight: expected [2, 4], found [3, 4]"), "{error}");
}

/// Writes each network with a batch and what it gives, and lets PyTorch compare.
#[test]
#[ignore = "needs Python with PyTorch: FIRECLAY_EXCHANGE_PYTHON"]
fn judge_of_exports_in_pytorch() {
    let python =
        std::env::var("FIRECLAY_EXCHANGE_PYTHON").expect("FIRECLAY_EXCHANGE_PYTHON is a Python with PyTorch");
    let folder = tempfile::tempdir().unwrap();
    for (number, spec) in networks().iter().enumerate() {
        write_case(folder.path(), &format!("network_{number:02}"), spec, number as u64);
    }
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pytorch/judge.py");
    let status = Command::new(python).arg(judge).arg(folder.path()).status().unwrap();
    assert!(status.success(), "PyTorch gives other numbers");
}

fn write_case(folder: &Path, name: &str, spec: &ModelSpec, seed: u64) {
    let file = file_of(spec, seed);
    let written = pytorch::export(&file).unwrap();
    std::fs::write(folder.join(format!("{name}.py")), written.source).unwrap();
    std::fs::write(folder.join(format!("{name}.safetensors")), written.safetensors).unwrap();
    let (shape, x) = batch(spec);
    let y = crate::support::outputs(file, &shape, &x);
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (x_bytes, y_bytes) = (bytes(&x), bytes(&y));
    let views = [
        ("x", TensorView::new(Dtype::F32, shape, &x_bytes).unwrap()),
        ("y", TensorView::new(Dtype::F32, vec![y.len()], &y_bytes).unwrap()),
    ];
    let tokens = matches!(spec.input, InputSpec::Tokens(_));
    let name = if tokens { format!("{name}.tokens") } else { format!("{name}.numbers") };
    std::fs::write(folder.join(name), serialize(views, None).unwrap()).unwrap();
}
