//! The cases of `fixtures/onnx/operators`, each a model of one node.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use prost::Message;
use safetensors::{Dtype, SafeTensors};

use crate::onnx::import::{Constant, Graph, Values};
use crate::onnx::network::any_rank::AnyRank;
use crate::onnx::network::operators::{self, Inputs};
use crate::onnx::network::scope::Scope;
use crate::onnx::network::value::{Element, Value};
use crate::onnx::proto::ModelProto;

/// Numbers with their sizes, as a fixture has them.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) element: Element,
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<f64>,
}

pub(super) struct Case {
    pub(super) name: String,
    pub(super) graph: Graph,
    pub(super) inputs: BTreeMap<String, Array>,
    pub(super) outputs: BTreeMap<String, Array>,
}

pub(super) fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/onnx/operators/operators.safetensors");
    let bytes = std::fs::read(path).expect("run make.py beside it");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let names: BTreeSet<String> =
        file.names().into_iter().map(|name| name.split('/').next().unwrap().to_owned()).collect();
    let arrays = |name: &str, kind: &str| -> BTreeMap<String, Array> {
        let prefix = format!("{name}/{kind}/");
        let of_case = file.names().into_iter().filter_map(|full| Some((full.strip_prefix(&prefix)?, full)));
        of_case.map(|(short, full)| (short.to_owned(), array(&file, full))).collect()
    };
    let case = |name: String| {
        let model = ModelProto::decode(file.tensor(&format!("{name}/model")).unwrap().data()).unwrap();
        let graph = Graph::of(model).unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
        Case { graph, inputs: arrays(&name, "input"), outputs: arrays(&name, "output"), name }
    };
    names.into_iter().map(case).collect()
}

fn array(file: &SafeTensors, name: &str) -> Array {
    let tensor = file.tensor(name).unwrap();
    let of_eight =
        |of: fn([u8; 8]) -> f64| tensor.data().as_chunks().0.iter().map(|bytes| of(*bytes)).collect();
    let of_four =
        |of: fn([u8; 4]) -> f64| tensor.data().as_chunks().0.iter().map(|bytes| of(*bytes)).collect();
    let (element, values) = match tensor.dtype() {
        Dtype::F32 => (Element::Float, of_four(|bytes| f32::from_le_bytes(bytes).into())),
        Dtype::F64 => (Element::Float, of_eight(f64::from_le_bytes)),
        Dtype::I64 => (Element::Int, of_eight(|bytes| i64::from_le_bytes(bytes) as f64)),
        Dtype::I32 => (Element::Int, of_four(|bytes| i32::from_le_bytes(bytes).into())),
        Dtype::BOOL => (Element::Bool, tensor.data().iter().map(|byte| f64::from(*byte)).collect()),
        other => panic!("{name} is {other:?}"),
    };
    Array { element, dims: tensor.shape().to_vec(), values }
}

impl Array {
    /// In host memory if it is small or of whole numbers, as constants are.
    pub(super) fn as_constant(&self) -> Value {
        Value::host(self.element, &*self.dims, self.values.clone())
    }

    /// On a device if it is of floating-point numbers, as the data is.
    pub(super) fn as_data(&self, device: &Device) -> Value {
        match self.element {
            Element::Float => {
                let values = self.values.iter().map(|value| *value as f32).collect();
                Value::device(self.element, &*self.dims, AnyRank::upload(values, &self.dims, device))
            }
            _ => self.as_constant(),
        }
    }

    pub(super) fn as_sizes(&self) -> Value {
        Value::unknown(self.element, &*self.dims)
    }
}

pub(super) fn constant(constant: &Constant) -> Array {
    let (element, values) = match &constant.values {
        Values::Float(values) => (Element::Float, values.iter().map(|value| f64::from(*value)).collect()),
        Values::Int(values) => (Element::Int, values.iter().map(|value| *value as f64).collect()),
        Values::Bool(values) => {
            (Element::Bool, values.iter().map(|value| f64::from(u8::from(*value))).collect())
        }
    };
    Array { element, dims: constant.shape.clone(), values }
}

impl Case {
    /// Applies the only node to the inputs as `of_input` gives them.
    pub(super) fn apply(
        &self,
        scope: &Scope,
        of_input: impl Fn(&str, &Array) -> Value,
    ) -> Result<BTreeMap<String, Value>, String> {
        let [node] = self.graph.nodes.as_slice() else { panic!("{} has one node", self.name) };
        let operator = operators::build(node)?;
        let inputs: Vec<Option<Value>> = (0..node.inputs.len())
            .map(|place| {
                let name = node.input(place)?;
                Some(match self.inputs.get(name) {
                    Some(array) => of_input(name, array),
                    None => constant(&self.graph.constants[name]).as_constant(),
                })
            })
            .collect();
        let outputs = operator.apply(&Inputs::new(&inputs), scope)?;
        let named = node.outputs.iter().zip(outputs).filter(|(name, _)| !name.is_empty());
        Ok(named.map(|(name, value)| (name.clone(), value)).collect())
    }
}

/// The numbers of a value, read back.
pub(super) fn numbers(value: &Value) -> Vec<f64> {
    value.read_back().expect("nothing is unknown after a run").into_owned()
}
