//! Networks that compute in 8-bit whole numbers.

use fireclay_nn::{
    BatchNormSpec, Conv2dSpec, DenseSpec, Int8Range, Int8Spec, LayerSpec, ModelSpec, Padding, ReluSpec,
};

use super::weights::model;
use super::{OnnxOptions, decoded};
use crate::onnx::proto::DataType;

pub(super) fn in_int8() -> Vec<(&'static str, ModelSpec)> {
    let conv = |channels: usize| Conv2dSpec::new(channels, 3).padding(Padding::Same);
    let block = [LayerSpec::from(conv(6)), BatchNormSpec::default().into(), ReluSpec {}.into()];
    let images = ModelSpec::new([2, 12, 10])
        .layer(conv(6).bias(false))
        .max_pool2d(2)
        .batch_norm()
        .relu()
        .residual(block)
        .relu();
    let left = ModelSpec::new([1, 9, 9]).conv2d(4, 3).relu().conv2d(4, 2).relu().layer(conv(3)).flatten();
    vec![
        ("int8_images", int8(images.clone().avg_pool2d(2).flatten().dense(7).relu().dense(3), &[])),
        ("int8_means", int8(images.clone().global_avg_pool2d().dense(3), &[])),
        ("int8_means_leave", int8(images.global_avg_pool2d().dense(3), &["dense_1"])),
        ("int8_left_in_f32", int8(left.dense(4), &["conv2d_2"])),
        (
            "int8_rows",
            int8(ModelSpec::new([5]).dense(8).relu().residual([DenseSpec::new(8).into()]).dense(3), &[]),
        ),
    ]
}

/// The network with ranges that are wide enough.
fn int8(spec: ModelSpec, left_in_f32: &[&str]) -> ModelSpec {
    let candidates = spec.int8_candidates().unwrap();
    let range = |name: &String| {
        let least = if name.contains("relu") { 0.0 } else { -4.0 };
        (name.clone(), Int8Range::covering(least, 4.5))
    };
    let int8 = Int8Spec {
        input: Some(Int8Range::covering(-1.8, 1.7)),
        ranges: candidates.outputs.iter().map(range).collect(),
        left_in_f32: left_in_f32.iter().map(|name| (*name).to_owned()).collect(),
    };
    ModelSpec { int8: Some(int8), ..spec }
}

#[test]
fn layers_with_a_range_for_each_row_are_said_to_compute_in_f32() {
    let notes = |spec: ModelSpec, left: &[&str]| {
        decoded(&model(int8(spec, left), 1), &OnnxOptions::default()).0.notes.join("\n")
    };
    let spec = || ModelSpec::new([6, 4]).gru(5).dense(2);
    assert!(
        notes(spec(), &[]).contains("gru_1 computes in f32 with the rounded weights: a range for each row")
    );
    assert!(!notes(spec(), &["gru_1"]).contains("a range for each row"));
}

/// All tensors between two operators are bytes, and weights and biases are whole numbers.
#[test]
fn layers_in_whole_numbers_stand_between_quantisations() {
    let (_, spec) = in_int8().swap_remove(3);
    let (exported, proto) = decoded(&model(spec, 1), &OnnxOptions::default());
    let [said, left] = &exported.notes[..] else { panic!("{:?}", exported.notes) };
    assert_eq!(said, "3 layers compute in 8-bit whole numbers, between QuantizeLinear and DequantizeLinear");
    assert!(left.contains("conv2d_2"), "{left}");
    let graph = proto.graph.unwrap();
    let operators: Vec<&str> = graph.node.iter().map(|node| node.name.as_str()).collect();
    let expected = [
        "int8/QuantizeLinear",
        // Of the image, the weight and the bias.
        "conv2d_1/DequantizeLinear",
        "conv2d_1/DequantizeLinear_2",
        "conv2d_1/DequantizeLinear_3",
        "conv2d_1/Conv",
        "conv2d_1/Relu",
        "conv2d_1/QuantizeLinear",
        "conv2d_1/DequantizeLinear_4",
        "conv2d_2/Conv",
        "relu_2/Relu",
        "int8/QuantizeLinear_2",
        "conv2d_3/DequantizeLinear",
        "conv2d_3/DequantizeLinear_2",
        "conv2d_3/DequantizeLinear_3",
        "conv2d_3/Conv",
        "conv2d_3/QuantizeLinear",
        "dense_1/DequantizeLinear",
        "dense_1/Flatten",
        "dense_1/QuantizeLinear",
        "dense_1/DequantizeLinear_2",
        "dense_1/DequantizeLinear_3",
        "dense_1/DequantizeLinear_4",
        "dense_1/Gemm",
    ];
    assert_eq!(operators, expected);
    let of = |name: &str| {
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == name).unwrap();
        (tensor.data_type(), tensor.dims.clone(), tensor.raw_data.as_ref().unwrap().len())
    };
    assert_eq!(of("conv2d_1.weight"), (DataType::Int8, vec![4, 1, 3, 3], 36));
    assert_eq!(of("conv2d_1.weight.scale"), (DataType::Float, vec![4], 16));
    assert_eq!(of("conv2d_1.bias"), (DataType::Int32, vec![4], 16));
    assert_eq!(of("conv2d_2.weight"), (DataType::Float, vec![4, 4, 2, 2], 256));
    assert_eq!(of("dense_1.weight"), (DataType::Int8, vec![4, 108], 432));
}

/// Sums of bytes that a bias would carry beyond 32 bits begin at 0, and the bias is a number.
#[test]
fn a_bias_of_too_many_steps_stays_a_number() {
    let mut model = model(int8(ModelSpec::new([2]).dense(2), &[]), 1);
    let weight = &mut model.tensors[0];
    assert_eq!((weight.name.as_str(), weight.values.len()), ("dense_1.weight", 4));
    weight.values[..2].copy_from_slice(&[1e-9, -1e-9]);
    let (_, proto) = decoded(&model, &OnnxOptions::default());
    let bias = proto.graph.unwrap().initializer.into_iter().find(|tensor| tensor.name == "dense_1.bias");
    assert_eq!(bias.unwrap().data_type(), DataType::Float);
}

/// The kernel gives the means at the end of what computes in whole numbers as they are, not as bytes.
#[test]
fn means_that_leave_are_not_rounded() {
    let (_, spec) = in_int8().swap_remove(2);
    let (_, proto) = decoded(&model(spec, 1), &OnnxOptions::default());
    let nodes = proto.graph.unwrap().node;
    let at = nodes.iter().position(|node| node.op_type == "GlobalAveragePool").unwrap();
    let rest: Vec<&str> = nodes[at..].iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(rest, ["GlobalAveragePool", "Flatten", "Gemm"]);
}
