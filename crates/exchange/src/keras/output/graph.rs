//! A functional Keras model: layers that take the outputs of others, and the order in which Keras keeps them.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, json};

use super::super::hdf5::Tree;
use super::super::input::snake_case;

/// What flows between layers of the Keras model.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) node: usize,
    /// In Keras's order: `[height, width, channels]`.
    pub(super) shape: Vec<usize>,
    /// Height, width and channels of an image that was laid out flat.
    pub(super) flat_image: Option<[usize; 3]>,
    /// Whether an embedding says which steps fill up a sequence.
    pub(super) mask: bool,
    /// Whether no value is negative, as behind a ReLU.
    pub(super) positive: bool,
}

impl Value {
    pub(super) fn of(node: usize, shape: Vec<usize>) -> Self {
        Value { node, shape, flat_image: None, mask: false, positive: false }
    }

    pub(super) fn features(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// For values of each feature in Keras's order, where each of them comes from in ours.
    pub(super) fn feature_order(&self) -> Vec<usize> {
        match self.flat_image {
            None => (0..self.features()).collect(),
            Some([height, width, channels]) => (0..height * width)
                .flat_map(|place| (0..channels).map(move |channel| channel * height * width + place))
                .collect(),
        }
    }
}

/// A variable: the group inside its layer, its number there, sizes and values.
pub(super) struct Variable {
    pub(super) group: &'static str,
    pub(super) index: usize,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Variable {
    /// One of the layer itself.
    pub(super) fn new(index: usize, shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        Variable { group: "", index, shape: shape.into(), values }
    }

    /// One of a part of the layer, such as `cell/`.
    pub(super) fn inside(self, group: &'static str) -> Self {
        Variable { group, ..self }
    }
}

struct Node {
    class: &'static str,
    name: String,
    config: serde_json::Value,
    inputs: Vec<usize>,
    arguments: Map<String, serde_json::Value>,
    /// Of what leaves it.
    variables: Vec<Variable>,
}

#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    names: HashSet<String>,
}

impl Graph {
    /// Adds a layer and gives its place.
    pub(super) fn add(
        &mut self,
        class: &'static str,
        name: &str,
        config: serde_json::Value,
        inputs: &[usize],
        variables: Vec<Variable>,
    ) -> usize {
        // Keras takes no dots in names, and no name twice.
        let base = name.replace('.', "_");
        let mut name = base.clone();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        let (inputs, arguments) = (inputs.to_vec(), Map::new());
        self.nodes.push(Node { class, name, config, inputs, arguments, variables });
        self.nodes.len() - 1
    }

    /// Sets an argument with which the layer is called.
    pub(super) fn argument(&mut self, node: usize, name: &str, value: bool) {
        self.nodes[node].arguments.insert(name.to_owned(), json!(value));
    }

    /// The description as JSON, and the weights.
    pub(super) fn finish(self, input: usize, output: usize) -> (String, Tree) {
        let order = self.order(output);
        let mut layers = Vec::new();
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut tree = Tree::default();
        tree.group("vars");
        let mut variables: HashMap<usize, Vec<Variable>> = HashMap::new();
        let mut nodes = self.nodes;
        for (place, node) in nodes.iter_mut().enumerate() {
            variables.insert(place, std::mem::take(&mut node.variables));
        }
        for place in order {
            let node = &nodes[place];
            let class = snake_case(node.class);
            let count = counts.entry(class.clone()).or_default();
            let group = if *count == 0 { class } else { format!("{class}_{count}") };
            *count += 1;
            tree.group(&format!("layers/{group}/vars"));
            for variable in variables.remove(&place).unwrap_or_default() {
                let path = format!("layers/{group}/{}vars", variable.group);
                tree.group(&path).dataset(variable.index.to_string(), variable.shape, variable.values);
            }
            layers.push(described(&nodes, place));
        }
        let end = |node: usize| json!([nodes[node].name, 0, 0]);
        let config = json!({
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": {
                "name": "fireclay",
                "trainable": true,
                "layers": layers,
                "input_layers": end(input),
                "output_layers": end(output),
            },
            "registered_name": "Functional",
        });
        (config.to_string(), tree)
    }

    /// As Keras keeps the layers of a functional model: by how far they are from the output at most, the farthest first,
    /// and among equals in the order in which they are met on the way back from it. Groups of weights are counted in
    /// this order.
    fn order(&self, output: usize) -> Vec<usize> {
        let mut met = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![output];
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            met.push(node);
            open.extend(self.nodes[node].inputs.iter().rev());
        }
        let mut depths = vec![0usize; self.nodes.len()];
        // A layer is always added after those that it takes from.
        for (place, node) in self.nodes.iter().enumerate().rev() {
            for input in &node.inputs {
                depths[*input] = depths[*input].max(depths[place] + 1);
            }
        }
        met.sort_by_key(|node| std::cmp::Reverse(depths[*node]));
        met
    }
}

fn described(nodes: &[Node], place: usize) -> serde_json::Value {
    let node = &nodes[place];
    let tensor = |input: &usize| {
        // The shape is not looked at, but there must be one.
        json!({
            "class_name": "__keras_tensor__",
            "config": { "shape": [null], "dtype": "float32", "keras_history": [nodes[*input].name, 0, 0] },
        })
    };
    let tensors: Vec<_> = node.inputs.iter().map(tensor).collect();
    let args = match node.class {
        "Add" => json!([tensors]),
        _ => json!(tensors),
    };
    let calls = match node.inputs.is_empty() {
        true => json!([]),
        false => json!([{ "args": args, "kwargs": node.arguments }]),
    };
    let mut config = node.config.clone();
    if let Some(config) = config.as_object_mut() {
        config.insert("name".into(), json!(node.name));
    }
    json!({
        "module": "keras.layers",
        "class_name": node.class,
        "config": config,
        "registered_name": null,
        "name": node.name,
        "inbound_nodes": calls,
    })
}
