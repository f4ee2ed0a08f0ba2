//! A built network: the layers of a description, with weights.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::Layer;
use crate::spec::{ModelSpec, Plan, PlannedLayer};
use crate::{AnyTensor, Network};

/// A network built from a [`ModelSpec`]. It is a Burn module like any other: it moves between devices, freezes,
/// and goes through `fit`.
#[derive(Module, Debug)]
pub struct Model {
    layers: Vec<Layer>,
    #[module(skip)]
    description: Arc<Description>,
}

/// What the model knows of itself besides its weights.
#[derive(Debug)]
struct Description {
    spec: ModelSpec,
    /// Names of the layers of the first level.
    names: Vec<String>,
    /// From a layer's path in the module (`layers.3.shortcut.0`) to its name (`residual_1.conv2d_3`).
    names_by_path: HashMap<String, String>,
}

impl Model {
    /// Builds a checked description, drawing every weight at once and in order: Burn's parameters are drawn when
    /// first used, and then the weights of a seed would depend on the order of use.
    pub(crate) fn new(spec: ModelSpec, plan: &Plan, device: &Device) -> Self {
        let mut names_by_path = HashMap::new();
        collect_names(&plan.layers, "layers", &mut names_by_path);
        let layers: Vec<Layer> =
            plan.layers.iter().map(|layer| Layer::build(layer, device).materialize()).collect();
        let names = plan.layers.iter().map(|layer| layer.name.clone()).collect();
        Model { layers, description: Arc::new(Description { spec, names, names_by_path }) }
    }

    /// The description that the model was built from.
    pub fn spec(&self) -> &ModelSpec {
        &self.description.spec
    }
}

fn collect_names(layers: &[PlannedLayer], path: &str, names: &mut HashMap<String, String>) {
    for (index, layer) in layers.iter().enumerate() {
        let own = format!("{path}.{index}");
        collect_names(&layer.body, &format!("{own}.layers"), names);
        collect_names(&layer.shortcut, &format!("{own}.shortcut"), names);
        names.insert(own, layer.name.clone());
    }
}

impl Network for Model {
    /// # Panics
    /// If the input's shape is not `[batch]` and then the description's input shape.
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        let expected = &self.description.spec.input;
        assert!(
            input.dims()[1..] == **expected,
            "the model takes [batch, {}], found {:?}",
            expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            input.dims()
        );
        self.layers.iter().fold(input, |x, layer| layer.forward(x)).rows()
    }

    fn input_shape(&self) -> Option<&[usize]> {
        Some(&self.description.spec.input)
    }

    fn tensor_name(&self, path: &str) -> String {
        path.rsplit_once('.')
            .and_then(|(layer, leaf)| {
                let name = self.description.names_by_path.get(layer)?;
                Some(format!("{name}.{leaf}"))
            })
            .unwrap_or_else(|| path.to_string())
    }

    fn first_not_finite(&self, input: AnyTensor) -> Option<String> {
        let mut value = input;
        if !value.is_finite() {
            return Some("the input".to_string());
        }
        for (layer, name) in self.layers.iter().zip(&self.description.names) {
            value = layer.forward(value);
            if !value.is_finite() {
                return Some(name.clone());
            }
        }
        None
    }
}
