//! What a graph says about itself, and what of it is chosen.

use fireclay_exchange::onnx::{OnnxGraph, OnnxGraphOptions};
use fireclay_nn::{AnyTensor, Device, InputSpec, Network};

use crate::support::{fixture, folder};

fn read(name: &str) -> OnnxGraph {
    OnnxGraph::read(folder().join(format!("{name}.onnx"))).unwrap()
}

#[test]
fn inputs_parameters_and_notes_are_told() {
    let graph = read("cnn_dynamo");
    assert_eq!(graph.inputs()[0].to_string(), "input: float32 [batch, 1, 12, 12]");
    assert_eq!(graph.input_spec(), Some(&InputSpec::from([1, 12, 12])));
    assert_eq!(
        graph.notes(),
        ["the softmax at the end is left out: the output is what losses take, without it"]
    );
    let names: Vec<&str> = graph.parameters().iter().map(|(name, _)| *name).collect();
    assert!(names.contains(&"classifier.2.weight"), "{names:?}");

    let graph = read("transformer_dynamo");
    assert_eq!(graph.inputs()[0].to_string(), "input: int64 [batch, steps]");
    assert_eq!(graph.input_spec(), None);
    assert!(graph.parameters().iter().any(|(name, _)| *name == "positions"), "{:?}", graph.parameters());

    let device = Device::default();
    let sizes = ["transformer_dynamo", "causal_lm_script", "mlp_dynamo"]
        .map(|name| read(name).build(&device).vocabulary_size());
    assert_eq!(sizes, [Some(30), Some(20), None]);
    assert_eq!(
        read("fixed_batch").notes()[0],
        "the softmax at the end is left out: the output is what losses take, without it"
    );
    assert_eq!(read("fixed_batch").notes()[1], "the file was written for batches of 1; others work as well");

    // What the input is normalised by is no weight.
    let graph = read("two_inputs_dynamo");
    assert_eq!(graph.parameters().len(), 6, "{:?}", graph.parameters());
}

#[test]
fn images_of_files_with_channels_last_go_in_channels_first() {
    let graph = read("functional_keras");
    assert_eq!(graph.input_spec(), Some(&InputSpec::from([3, 10, 12])));
    let notes = graph.notes().join("\n");
    assert!(notes.contains("[batch, channels, height, width], and turned for the file"), "{notes}");
    assert_eq!(graph.inputs()[0].to_string(), "image: float32 [batch, 3, 10, 12]");
}

#[test]
fn an_output_is_chosen_by_name() {
    let path = folder().join("mlp_dynamo.onnx");
    let message =
        OnnxGraph::read_with(&path, &OnnxGraphOptions::default().output("scores")).unwrap_err().to_string();
    assert!(message.ends_with("mlp_dynamo.onnx has no output called 'scores'; it has output"), "{message}");
    assert_eq!(read("mlp_dynamo").output(), "output");
}

#[test]
fn rows_of_images_and_steps_are_for_losses() {
    let device = Device::default();
    let unet = fixture("unet_dynamo");
    let network = OnnxGraph::read(&unet.path).unwrap().build(&device);
    assert_eq!(network.run(unet.batch(&device)).unwrap().dims(), [2, 3, 8, 12]);
    assert_eq!(network.forward(unet.batch(&device)).dims(), [2 * 8 * 12, 3]);
    let model = fixture("causal_lm_dynamo");
    let network = OnnxGraph::read(&model.path).unwrap().build(&device);
    assert_eq!(network.run(model.batch(&device)).unwrap().dims(), [2, 9, 20]);
    assert_eq!(network.forward(model.batch(&device)).dims(), [18, 20]);
}

#[test]
fn a_batch_that_does_not_fit_is_an_error_that_names_both() {
    let device = Device::default();
    let network = read("cnn_dynamo").build(&device);
    let message =
        network.run(AnyTensor::from_values(vec![0.0; 8], &[2, 4], &device)).unwrap_err().to_string();
    assert!(
        message.ends_with(
            "does not run on a batch of [2, 4]: a batch of [2, 4] for input: float32 [batch, 1, 12, 12]"
        ),
        "{message}"
    );
    let network = read("two_inputs_dynamo").build(&device);
    let message =
        network.run(AnyTensor::from_values(vec![0.0; 8], &[2, 4], &device)).unwrap_err().to_string();
    assert!(
        message.ends_with("expected picture: float32 [batch, 1, 8, 8]; row: float32 [batch, 5]"),
        "{message}"
    );
    let network = read("transformer_dynamo").build(&device);
    let message = network.run(AnyTensor::from_tokens(vec![30; 4], &[1, 4], &device)).unwrap_err().to_string();
    assert!(message.contains("(Gather): place 30 of 30"), "{message}");
    let message =
        network.run(AnyTensor::from_tokens(vec![1; 25], &[1, 25], &device)).unwrap_err().to_string();
    assert!(
        message.contains("does not run on a batch of [1, 25]: ") && message.contains("do not fit"),
        "{message}"
    );
}

#[test]
fn a_graph_for_one_sample_takes_several() {
    let device = Device::default();
    for name in ["fixed_view_script", "fixed_view_dynamo", "fixed_batch"] {
        let graph = read(name);
        let notes = graph.notes().join("; ");
        assert!(
            notes.contains("the file was written for batches of 1; others work as well"),
            "{name}: {notes}"
        );
        let network = graph.build(&device);
        let count = graph.input_spec().unwrap().shape().iter().product::<usize>();
        let dims = [&[3], graph.input_spec().unwrap().shape()].concat();
        let numbers: Vec<f32> = (0..3 * count).map(|place| (place as f32 * 0.37).sin()).collect();
        let together: Vec<f32> = network
            .forward(AnyTensor::from_values(numbers.clone(), &dims, &device))
            .into_data()
            .iter()
            .collect();
        let one_by_one: Vec<f32> = (numbers.chunks(count))
            .flat_map(|sample| {
                let dims = [&[1], &dims[1..]].concat();
                let output = network.forward(AnyTensor::from_values(sample.to_vec(), &dims, &device));
                output.into_data().iter::<f32>().collect::<Vec<_>>()
            })
            .collect();
        let apart =
            together.iter().zip(&one_by_one).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
        assert!(together.len() == one_by_one.len() && apart < 1e-5, "{name}: {apart} apart");
    }
}
