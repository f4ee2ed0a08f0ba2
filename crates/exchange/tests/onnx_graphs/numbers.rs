//! Graphs that real exporters wrote give the numbers of ONNX Runtime.

use fireclay_exchange::onnx::{OnnxGraph, OnnxGraphOptions};
use fireclay_nn::{AnyTensor, Device};

use crate::support::fixtures;

fn numbers(output: AnyTensor) -> Vec<f32> {
    match output {
        AnyTensor::Rows(rows) => rows.into_data().iter().collect(),
        AnyTensor::Sequences(steps) => steps.into_data().iter().collect(),
        AnyTensor::Images(images) => images.into_data().iter().collect(),
        other => panic!("an output of {:?}", other.dims()),
    }
}

#[test]
fn graphs_of_exporters_give_the_numbers_of_onnx_runtime() {
    let device = Device::default();
    let options = OnnxGraphOptions::default().keep_final_activation(true);
    let mut problems = Vec::new();
    let fixtures = fixtures();
    assert!(fixtures.len() >= 38, "{} graphs", fixtures.len());
    for fixture in fixtures {
        let name = &fixture.name;
        let graph = match OnnxGraph::read_with(&fixture.path, &options) {
            Ok(graph) => graph,
            Err(error) => {
                problems.push(format!("{name}: {error}"));
                continue;
            }
        };
        let network = graph.build(&device);
        let found = match network.run(fixture.batch(&device)) {
            Ok(found) => numbers(found),
            Err(error) => {
                problems.push(format!("{name}: {error}"));
                continue;
            }
        };
        let largest = fixture.output.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        let apart = found
            .iter()
            .zip(&fixture.output)
            .fold(0.0f32, |most, (one, other)| most.max((one - other).abs()));
        if found.len() != fixture.output.len() || apart.is_nan() || apart > 1e-5 * largest {
            let counts = (found.len(), fixture.output.len());
            problems.push(format!("{name}: {apart} apart of {largest}, {counts:?} numbers"));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
