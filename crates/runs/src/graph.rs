//! A network as the graph that TensorBoard draws.

use fireclay_nn::{LayerKind, LayerSpec, ModelSpec, NnError, SummaryRow};
use fireclay_tensorboard::{Attribute, GraphNode};

/// The layers of a network as nodes: each is called by its name, computes its kind and reads the layers before it. A residual block is
/// a group that can be opened, with the layers of both branches and the sum of them.
///
/// ```
/// use fireclay_nn::{Conv2dSpec, ModelSpec, Padding, ResidualSpec};
///
/// let conv = Conv2dSpec::new(3, 3).padding(Padding::Same);
/// let block = ResidualSpec::new([conv.into()]);
/// let nodes = fireclay_runs::graph(&ModelSpec::new([3, 8, 8]).layer(block).flatten())?;
/// let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
/// assert_eq!(names, ["input", "residual_1/conv2d_1", "residual_1/add", "flatten_1"]);
/// assert_eq!(nodes[2].inputs, ["residual_1/conv2d_1", "input"]);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
///
/// # Errors
/// As [`ModelSpec::summary`].
pub fn graph(spec: &ModelSpec) -> Result<Vec<GraphNode>, NnError> {
    let summary = spec.summary()?;
    let mut input = "input".to_owned();
    // A layer of the user's own may be called so.
    while summary.rows.iter().any(|row| row.name == input) {
        input.push('_');
    }
    let node = GraphNode::new(input.clone(), "input").attribute(SHAPES, shapes(spec.input.shape()));
    let mut graph = Graph { nodes: vec![node], rows: summary.rows.iter() };
    graph.chain(&spec.layers, input);
    Ok(graph.nodes)
}

/// The attribute whose value stands beside edges.
const SHAPES: &str = "_output_shapes";

struct Graph<'a> {
    nodes: Vec<GraphNode>,
    /// Of the layers that are to come: a block before the layers in it.
    rows: std::slice::Iter<'a, SummaryRow>,
}

impl Graph<'_> {
    /// Adds layers that follow one another; returns the name of the last node.
    fn chain(&mut self, layers: &[LayerSpec], input: String) -> String {
        layers.iter().fold(input, |input, layer| self.layer(layer, input))
    }

    fn layer(&mut self, layer: &LayerSpec, input: String) -> String {
        let Some(row) = self.rows.next() else { return input };
        let name = row.name.replace('.', "/");
        let (name, op, inputs) = match &layer.kind {
            LayerKind::Residual(block) => {
                let body = self.chain(&block.layers, input.clone());
                let shortcut = self.chain(&block.shortcut, input);
                (format!("{name}/add"), "add", vec![body, shortcut])
            }
            kind => (name, kind.type_name(), vec![input]),
        };
        let parameters = Attribute::Integer((row.parameters + row.frozen) as i64);
        let node = GraphNode::new(name.clone(), op)
            .attribute(SHAPES, shapes(&row.output))
            .attribute("parameters", parameters);
        self.nodes.push(inputs.into_iter().fold(node, GraphNode::input));
        name
    }
}

/// The shape of a batch of any size.
fn shapes(sample: &[usize]) -> Attribute {
    let sizes = sample.iter().map(|size| *size as i64);
    Attribute::Shapes(vec![std::iter::once(-1).chain(sizes).collect()])
}
