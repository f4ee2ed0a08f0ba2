//! Which value of a graph is the output, and how it becomes the rows that a loss takes.

use burn::tensor::Tensor;
use fireclay_nn::AnyTensor;

use super::super::import::{Graph, Node};
use super::any_rank::AnyRank;

/// An activation that ends a graph, by what losses have in themselves.
pub(super) fn final_activation<'a>(graph: &'a Graph, output: &str) -> Option<&'a Node> {
    /// The most operators behind it that leave values as they are.
    const MOST_BEHIND: usize = 8;
    let mut output = output;
    for _ in 0..=MOST_BEHIND {
        let node = graph.nodes.iter().find(|node| node.outputs.iter().any(|made| made == output))?;
        match node.kind.as_str() {
            "Identity" | "Cast" => output = node.input(0)?,
            "Sigmoid" => return Some(node),
            "Softmax" | "LogSoftmax" => return is_over_classes(graph, node, output).then_some(node),
            _ => return None,
        }
    }
    None
}

/// Whether a softmax is over the last dimension, or over the channels of an image.
fn is_over_classes(graph: &Graph, node: &Node, output: &str) -> bool {
    let axis = node.int("axis", -1).unwrap_or(0);
    let declared = graph.outputs.iter().find(|value| value.name == output);
    let rank = declared.and_then(|value| value.sizes.as_ref()).map(|sizes| sizes.len() as i64);
    axis == -1 || rank.is_some_and(|rank| axis == rank - 1 || (rank == 4 && axis == 1))
}

/// The output with its own rank.
pub(super) fn with_rank(output: AnyRank) -> AnyTensor {
    match output.rank() {
        1 => {
            let samples: Tensor<1> = output.at();
            samples.unsqueeze_dim::<2>(1).into()
        }
        2 => output.at::<2>().into(),
        3 => output.at::<3>().into(),
        _ => output.at::<4>().into(),
    }
}

/// Rows for a loss: those of all samples, of all steps, or of all places of images.
pub(super) fn rows(output: AnyTensor) -> Tensor<2> {
    match output {
        AnyTensor::Sequences(steps) => {
            let [batch, count, width] = steps.dims();
            steps.reshape([batch * count, width])
        }
        AnyTensor::Images(images) => {
            let [batch, channels, height, width] = images.dims();
            images.permute([0, 2, 3, 1]).reshape([batch * height * width, channels])
        }
        other => other.rows(),
    }
}
