//! Test-time augmentation: all views of the images go through the network as one batch.

use fireclay_nn::TestTimeAugmentation;

use super::attribute::{integer, text};
use super::flow::Flow;
use super::graph::Graph;

/// How much each view counts, in the order in which they stand in the batch.
fn weights(views: TestTimeAugmentation) -> &'static [f32] {
    match views {
        TestTimeAugmentation::Mirrored => &[0.5, 0.5],
        TestTimeAugmentation::MirroredAndShifted => &[0.25, 0.25, 0.125, 0.125, 0.125, 0.125],
        _ => &[1.0],
    }
}

/// The views of the images, one batch behind the other.
pub(super) fn before(graph: &mut Graph, views: TestTimeAugmentation, shape: &[usize], input: Flow) -> Flow {
    if views == TestTimeAugmentation::None {
        return input;
    }
    graph.enter("views", "test-time augmentation");
    if !matches!(views, TestTimeAugmentation::Mirrored | TestTimeAugmentation::MirroredAndShifted) {
        graph.refused.push(crate::Unsupported {
            position: "0".to_owned(),
            name: "views".to_owned(),
            kind: "test_time_augmentation".to_owned(),
            reason: "its views are not known".to_owned(),
        });
        return input;
    }
    let mut images = vec![input.value.clone()];
    if views == TestTimeAugmentation::MirroredAndShifted {
        // What a shift uncovers is filled by reflection.
        let pads = graph.ints(&[0, 0, 1, 1, 0, 0, 1, 1]);
        let around = graph.add("Pad", &[&input.value, &pads], vec![text("mode", "reflect")]);
        let axes = graph.ints(&[2, 3]);
        for first in [0, 2] {
            let start = graph.ints(&[first, first]);
            let end = graph.ints(&[first + shape[1] as i64, first + shape[2] as i64]);
            images.push(graph.add("Slice", &[&around, &start, &end, &axes], Vec::new()));
        }
    }
    let mut all = Vec::new();
    for image in images {
        let (start, end) = (graph.ints(&[-1]), graph.ints(&[i64::MIN + 1]));
        let axis = graph.ints(&[3]);
        let mirrored = graph.add("Slice", &[&image, &start, &end, &axis, &start], Vec::new());
        all.extend([image, mirrored]);
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let value = graph.concat(&all, 0);
    input.with(value)
}

/// The weighted mean of what the network gives for the views of each image.
pub(super) fn after(graph: &mut Graph, views: TestTimeAugmentation, outputs: usize, flow: Flow) -> Flow {
    if views == TestTimeAugmentation::None {
        return flow;
    }
    graph.enter("views", "test-time augmentation");
    let weights = weights(views);
    let each = graph.reshape(&flow.value, &[weights.len() as i64, -1, outputs as i64]);
    let weights = graph.floats("views.weights", &[weights.len(), 1, 1], weights);
    let each = graph.add("Mul", &[&each, &weights], Vec::new());
    let axes = graph.ints(&[0]);
    let value = graph.add("ReduceSum", &[&each, &axes], vec![integer("keepdims", 0)]);
    flow.with(value)
}
