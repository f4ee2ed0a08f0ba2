//! Walks the chain of a Keras model and makes ours of it: layers and tensors in one pass.

use fireclay_nn::{LayerKind, LayerSpec, ModelSpec, NamedTensor, ResidualSpec};
use fireclay_store::Preprocessing;
use serde_json::{Map, Value};

use super::super::hdf5::Problem;
use super::config::shown;
use super::flow::Flow;
use super::graph::{Graph, MOST_LAYERS, Node, Refused};
use super::layers;
use super::translation::{Failure, Layer, Translation};
use super::weights::{Owner, Part};
use crate::Unsupported;
use crate::chain::Step;
use crate::words::short;

/// The most classes that are given names.
const MOST_CLASSES: usize = 1 << 16;

/// What a translation gives.
pub(super) struct Done {
    pub(super) spec: ModelSpec,
    pub(super) tensors: Vec<NamedTensor>,
    pub(super) notes: Vec<String>,
    pub(super) unsupported: Vec<Unsupported>,
    pub(super) preprocessing: Option<Preprocessing>,
    pub(super) classes: Vec<String>,
}

impl Translation<'_> {
    /// Translates a whole model and gives what leaves it; `None` where that is not known.
    pub(super) fn model(&mut self, model: &Map<String, Value>) -> Result<Option<Flow>, Problem> {
        self.graph(model, "", &Owner::default(), None)
    }

    fn graph(
        &mut self,
        model: &Map<String, Value>,
        position: &str,
        owner: &Owner,
        flow: Option<Flow>,
    ) -> Result<Option<Flow>, Problem> {
        let group = if owner.group.is_empty() { String::new() } else { format!("{}/", owner.group) };
        let (graph, refused) = Graph::read(model, position, &group).map_err(Problem::Malformed)?;
        self.count += graph.nodes.len();
        if self.count > MOST_LAYERS {
            let found = self.count as u64;
            return Err(Problem::TooLarge {
                what: "the number of layers".into(),
                found,
                limit: MOST_LAYERS as u64,
            });
        }
        let is_chain = refused.is_empty();
        for refused in refused {
            match refused {
                Refused::Malformed(problem) => return Err(Problem::Malformed(problem)),
                Refused::Layer(index, reason) => self.refuse(&graph.nodes[index], reason),
            }
        }
        // Layers of a graph that is no chain are looked at one by one, so that all that cannot be taken are listed.
        match is_chain {
            true => self.steps(&graph, &graph.steps, owner, flow),
            false => {
                graph.nodes.iter().for_each(|node| self.check_kind(node));
                Ok(None)
            }
        }
    }

    fn steps(
        &mut self,
        graph: &Graph<'_>,
        steps: &[Step],
        owner: &Owner,
        mut flow: Option<Flow>,
    ) -> Result<Option<Flow>, Problem> {
        for step in steps {
            flow = match step {
                Step::Layer(index) | Step::Join { node: index, .. } => {
                    self.node(&graph.nodes[*index], owner, flow)?
                }
                Step::Residual { sum, body, shortcut } => {
                    let node = &graph.nodes[*sum];
                    let name = self.name(if node.name.is_empty() { "residual" } else { node.name });
                    let prefix = format!("{}{name}.", self.prefix);
                    let outside = std::mem::replace(&mut self.prefix, prefix.clone());
                    let layers = std::mem::take(&mut self.layers);
                    let one = self.steps(graph, body, owner, flow.clone())?;
                    let body = std::mem::take(&mut self.layers);
                    let other = self.steps(graph, shortcut, owner, flow)?;
                    let shortcut = std::mem::replace(&mut self.layers, layers);
                    self.prefix = outside;
                    match (one, other) {
                        (Some(one), Some(other)) => {
                            let same = one.shape == other.shape
                                && one.flat_image == other.flat_image
                                && one.mask == other.mask;
                            if !same || one.tokens || one.zeros.or(other.zeros).is_some() || body.is_empty() {
                                let shapes = format!("it adds {:?} and {:?}", one.shape, other.shape);
                                self.refuse(
                                    node,
                                    format!("{shapes}, which are not the same or not in the same order"),
                                );
                                None
                            } else {
                                let block = ResidualSpec::new(body).shortcut(shortcut);
                                self.layers.push(LayerSpec::from(LayerKind::from(block)).named(name));
                                Some(Flow { positive: one.positive && other.positive, ..one })
                            }
                        }
                        _ => None,
                    }
                }
            };
        }
        Ok(flow)
    }

    fn node(&mut self, node: &Node<'_>, owner: &Owner, flow: Option<Flow>) -> Result<Option<Flow>, Problem> {
        let own = Owner {
            group: node.group.clone(),
            names: owner.names.iter().cloned().chain([node.name.to_owned()]).collect(),
        };
        if matches!(node.class, "Sequential" | "Functional" | "Model") && node.is_of_keras() {
            return self.graph(node.entry, &format!("{}.", node.position), &own, flow);
        }
        // A sequential model that says what it takes in its first layer, as Keras 2 lets it.
        let flow = match (&self.input, flow) {
            (None, None) if node.class != "InputLayer" => match layers::input(self, node, false) {
                Ok(flow) => flow,
                Err(reason) => {
                    self.refuse(node, reason);
                    None
                }
            },
            (_, flow) => flow,
        };
        if self.input.is_none() {
            self.input.clone_from(&flow);
        }
        if node.class == "InputLayer" {
            // Of a model inside another the input is what comes to it.
            if flow.is_some() {
                return Ok(flow);
            }
            match layers::input(self, node, true) {
                Ok(flow) => self.input = flow,
                Err(reason) => self.refuse(node, reason),
            }
            return Ok(self.input.clone());
        }
        let Some(flow) = flow else {
            self.check_kind(node);
            return Ok(None);
        };
        let layer = Layer {
            class: node.class,
            config: node.config,
            arguments: node.arguments,
            name: String::new(),
            owner: own,
        };
        let mask = node.arguments.and_then(|arguments| arguments.get("mask"));
        if mask.is_some_and(Value::is_object) && !flow.mask {
            self.refuse(
                node,
                "it is given a mask that does not come from an embedding with mask_zero".into(),
            );
            return Ok(None);
        }
        let known = node.is_of_keras() && layers::is_known(node.class);
        let before = flow.clone();
        let outcome = match known {
            false => Err(Failure::Reason(node.unknown())),
            true => layers::check(node.config).map_err(Failure::Reason).and_then(|()| {
                let name = self.name(node.name);
                layers::translate(self, Layer { name, ..layer }, flow)
            }),
        };
        match outcome {
            Ok(flow) => {
                if before.mask && layers::forgets_mask(node.class) {
                    let reason = "Keras takes the steps that fill up a sequence for its own from here on, which layers before it did not".into();
                    self.mask_forgotten.push(item(node, reason));
                }
                self.mask_used |= before.mask && layers::uses_mask(node.class);
                Ok(Some(flow))
            }
            Err(Failure::Reason(reason)) => {
                self.refuse(node, reason);
                Ok(None)
            }
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    fn refuse(&mut self, node: &Node<'_>, reason: String) {
        self.unsupported.push(item(node, reason));
    }

    /// Refuses a layer for which there is nothing here, where its shape is not known.
    fn check_kind(&mut self, node: &Node<'_>) {
        let is_model = matches!(node.class, "Sequential" | "Functional" | "Model" | "InputLayer");
        if !(is_model || layers::is_known(node.class)) || !node.is_of_keras() {
            self.refuse(node, node.unknown());
        }
    }

    /// A name of ours for one of Keras's: letters that ours cannot have are replaced, and no name is given twice.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let good = |letter: char| match letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') {
            true => letter,
            false => '_',
        };
        let mut base: String = wanted.chars().take(48).map(good).collect();
        if base.is_empty() {
            base = "layer".into();
        }
        let mut name = base.clone();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        if name != wanted && !wanted.is_empty() {
            self.notes.push(format!("the layer '{}' is called '{name}' here", short(wanted)));
        }
        name
    }

    /// Adds a layer under a name.
    pub(super) fn push(&mut self, name: &str, kind: impl Into<LayerKind>) {
        self.layers.push(LayerSpec::from(kind.into()).named(name));
    }

    /// Adds a tensor of the layer `name`.
    pub(super) fn tensor(&mut self, name: &str, tensor: &str, shape: Vec<usize>, values: Vec<f32>) {
        self.tensors.push(NamedTensor { name: format!("{}{name}.{tensor}", self.prefix), shape, values });
    }

    /// Takes so many values that nothing in the file stands for, of which there may be a few million in all.
    pub(super) fn unbacked(&mut self, count: usize, what: &str) -> Result<(), Failure> {
        let Some(left) = self.zeros.checked_sub(count) else {
            return Err(Failure::Reason(format!(
                "{what} {count} features, for which the file has no values"
            )));
        };
        self.zeros = left;
        Ok(())
    }

    /// The values of a variable of the file; zeros where it is missing or of another shape, which is an error in the end.
    pub(super) fn variable(
        &mut self,
        owner: &Owner,
        part: Part,
        index: usize,
        names: &[&str],
        shape: &[usize],
    ) -> Result<Vec<f32>, Failure> {
        let count = super::flow::product(shape)?;
        let values = self.weights.values(owner, part, index, names, shape)?;
        match values {
            Some(values) if values.len() == count => Ok(values),
            // Zeros let the rest be compared as well, as long as they are few: the sizes come from the file.
            _ if count <= self.zeros => {
                self.zeros -= count;
                Ok(vec![0.0; count])
            }
            _ => Err(Failure::Reason(String::new())),
        }
    }

    /// Says that the weights of a layer are not needed.
    pub(super) fn leave(&self, owner: &Owner) {
        self.weights.leave(owner);
    }

    /// Puts the model together.
    pub(super) fn finish(mut self, flow: Option<Flow>) -> Done {
        // Layers whose weights do not fit have no reason of their own: the list of weights has it.
        self.unsupported.retain(|item| !item.reason.is_empty());
        if self.mask_used {
            self.unsupported.append(&mut self.mask_forgotten);
        } else {
            // Nothing looks at the steps that fill up a sequence, or Keras forgets at once which they are.
            for layer in &mut self.layers {
                if let LayerKind::Embedding(embedding) = &mut layer.kind {
                    embedding.padding_idx = None;
                }
            }
        }
        if self.mask_used {
            self.notes.push("Keras leaves token 0 out wherever it stands (mask_zero); here sequences are filled up with it at their end only".into());
        }
        let mut classes = Vec::new();
        if let Some(flow) = &flow {
            if flow.flat_image.is_some() {
                self.unsupported.push(Unsupported {
                    position: "the end".into(),
                    name: String::new(),
                    kind: "Flatten".into(),
                    reason: "an image laid out flat is the output, in another order than ours; put a Dense layer behind it".into(),
                });
            }
            if let (Some(LayerKind::Softmax(_)), [outputs]) =
                (self.layers.last().map(|layer| &layer.kind), flow.shape.as_slice())
            {
                self.layers.pop();
                // The number is the file's word: beyond what a classifier has there are no names.
                if *outputs <= MOST_CLASSES {
                    classes = (0..*outputs).map(|class| class.to_string()).collect();
                }
                self.notes.push("the softmax at the end is left out, as our networks give logits: predictions have its probabilities; classes are called by their numbers".into());
            }
        }
        let input = match &self.input {
            Some(Flow { tokens: true, shape, .. }) => {
                fireclay_nn::InputSpec::Tokens(shape.first().copied().unwrap_or(1))
            }
            Some(Flow { shape, .. }) => match shape[..] {
                [height, width, channels] => [channels, height, width].into(),
                _ => shape.clone().into(),
            },
            None => [1].into(),
        };
        let mut spec = ModelSpec::new(input);
        spec.layers = self.layers;
        Done {
            spec,
            tensors: self.tensors,
            notes: self.notes,
            unsupported: self.unsupported,
            preprocessing: self.preprocessing,
            classes,
        }
    }
}

fn item(node: &Node<'_>, reason: String) -> Unsupported {
    Unsupported { position: node.position.clone(), name: short(node.name), kind: short(node.class), reason }
}

impl Node<'_> {
    /// Whether the class is one of Keras's own, and not one of the same name that somebody registered.
    fn is_of_keras(&self) -> bool {
        let registered = self.entry.get("registered_name").filter(|name| !name.is_null());
        let own = registered.is_none_or(|name| {
            name.as_str()
                .is_some_and(|name| name == self.class || name == "Functional" || name == "Sequential")
        });
        let module = self.entry.get("module").and_then(Value::as_str);
        own && module.is_none_or(|module| {
            module == "keras"
                || module.starts_with("keras.")
                || module.starts_with("tf_keras")
                || module == "builtins"
        })
    }

    /// Why a layer of a class that is not known is refused.
    fn unknown(&self) -> String {
        match (self.class, self.is_of_keras()) {
            ("Lambda" | "TFOpLambda" | "SlicingOpLambda", _) => "it holds code, which is never run".into(),
            (_, false) => {
                let name = self.entry.get("registered_name").filter(|name| !name.is_null());
                let origin = name.or(self.entry.get("module")).map_or(String::new(), shown);
                format!(
                    "it is not a layer of Keras but {origin}, whose code is not in the file and would never be run"
                )
            }
            (class, true) => layers::why_not(class).to_owned(),
        }
    }
}
