//! ONNX's operators on Burn's tensors: a file for each family, and one table.
//!
//! An operator is made of its node's settings, which are checked then, and applied to values: once to sizes alone, when the
//! graph is read, and then to each batch. Both go through the same function, so that what a graph may ask for is refused
//! before there is a tensor: [`Scope::compute`] runs the operation itself only where there is a device.

mod activation;
mod arg_extreme;
mod arithmetic;
mod attention;
mod batch_norm;
mod cast;
mod choose;
mod clip;
mod compare;
mod concat;
mod conv;
mod conv_transpose;
mod cumulative_sum;
mod depth_to_space;
mod dropout;
mod expand;
mod gather;
mod gemm;
mod group_norm;
mod identity;
mod layer_norm;
mod logic;
mod matmul;
mod pad;
mod pool;
mod pool_global;
mod power;
mod prelu;
mod range;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod scatter;
mod shape;
mod slice;
mod softmax;
mod split;
mod top_k;
mod transpose;
mod triangle;
mod unary;
mod windows;

use super::super::import::Node;
use super::Reason;
use super::scope::Scope;
use super::value::{Element, Value};

/// An operator with its settings.
pub(super) trait Operator: std::fmt::Debug + Send + Sync {
    /// Its outputs. Where no device is there, contents that the data decides stay unknown.
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason>;
}

type Build = fn(&Node) -> Result<Box<dyn Operator>, Reason>;

/// All operators, each with what makes it of a node.
#[rustfmt::skip]
const OPERATORS: &[(&str, Build)] = &[
    ("Abs", unary::build), ("Acos", unary::build), ("Acosh", unary::build), ("Asin", unary::build),
    ("Asinh", unary::build), ("Atan", unary::build), ("Atanh", unary::build), ("Ceil", unary::build),
    ("Cos", unary::build), ("Cosh", unary::build), ("Erf", unary::build), ("Exp", unary::build),
    ("Floor", unary::build), ("IsInf", unary::build), ("IsNaN", unary::build), ("Log", unary::build),
    ("Neg", unary::build), ("Reciprocal", unary::build), ("Round", unary::build), ("Sign", unary::build),
    ("Sin", unary::build), ("Sinh", unary::build), ("Sqrt", unary::build), ("Tan", unary::build),
    ("Celu", activation::build), ("Elu", activation::build), ("Gelu", activation::build),
    ("HardSigmoid", activation::build), ("HardSwish", activation::build), ("LeakyRelu", activation::build),
    ("Mish", activation::build), ("Relu", activation::build), ("Selu", activation::build),
    ("Shrink", activation::build), ("Sigmoid", activation::build), ("Softplus", activation::build),
    ("Softsign", activation::build), ("Swish", activation::build), ("Tanh", activation::build),
    ("ThresholdedRelu", activation::build),
    ("PRelu", prelu::build), ("Clip", clip::build), ("Pow", power::build),
    ("Softmax", softmax::build), ("LogSoftmax", softmax::build),
    ("Add", arithmetic::build), ("Div", arithmetic::build), ("Max", arithmetic::build),
    ("Mean", arithmetic::build), ("Min", arithmetic::build), ("Mod", arithmetic::build),
    ("Mul", arithmetic::build), ("Sub", arithmetic::build), ("Sum", arithmetic::build),
    ("Equal", compare::build), ("Greater", compare::build), ("GreaterOrEqual", compare::build),
    ("Less", compare::build), ("LessOrEqual", compare::build),
    ("And", logic::build), ("Not", logic::build), ("Or", logic::build), ("Xor", logic::build),
    ("Where", choose::build), ("Cast", cast::build), ("CastLike", cast::build),
    ("Attention", attention::build), ("Gemm", gemm::build), ("MatMul", matmul::build),
    ("Conv", conv::build), ("ConvTranspose", conv_transpose::build),
    ("AveragePool", pool::build), ("MaxPool", pool::build),
    ("GlobalAveragePool", pool_global::build), ("GlobalMaxPool", pool_global::build),
    ("BatchNormalization", batch_norm::build), ("LayerNormalization", layer_norm::build),
    ("RMSNormalization", layer_norm::build), ("SimplifiedLayerNormalization", layer_norm::build),
    ("GroupNormalization", group_norm::build), ("InstanceNormalization", group_norm::build),
    ("Dropout", dropout::build),
    ("ReduceL1", reduce::build), ("ReduceL2", reduce::build), ("ReduceLogSum", reduce::build),
    ("ReduceLogSumExp", reduce::build), ("ReduceMax", reduce::build), ("ReduceMean", reduce::build),
    ("ReduceMin", reduce::build), ("ReduceProd", reduce::build), ("ReduceSum", reduce::build),
    ("ReduceSumSquare", reduce::build),
    ("ArgMax", arg_extreme::build), ("ArgMin", arg_extreme::build), ("TopK", top_k::build),
    ("CumSum", cumulative_sum::build), ("Trilu", triangle::build),
    ("Concat", concat::build), ("Split", split::build), ("Slice", slice::build),
    ("Gather", gather::build), ("GatherElements", gather::build),
    ("ScatterElements", scatter::build),
    ("Flatten", reshape::build), ("Reshape", reshape::build), ("Squeeze", reshape::build),
    ("Unsqueeze", reshape::build), ("Transpose", transpose::build),
    ("DepthToSpace", depth_to_space::build), ("SpaceToDepth", depth_to_space::build),
    ("Expand", expand::build), ("Tile", expand::build), ("Pad", pad::build), ("Resize", resize::build),
    ("ConstantOfShape", range::build), ("Range", range::build), ("Shape", shape::build), ("Size", shape::build),
    ("GRU", recurrent::build), ("LSTM", recurrent::build), ("RNN", recurrent::build),
    // What a branch gives is passed on.
    ("Identity", identity::build), ("If", identity::build),
];

/// Makes the operator of a node.
pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let known = OPERATORS.iter().find(|(kind, _)| node.domain.is_empty() && *kind == node.kind);
    match known {
        Some((_, build)) => build(node),
        None => Err(match (node.domain.as_str(), node.kind.as_str()) {
            ("", "Loop" | "Scan") => {
                "a graph that repeats itself is not supported; export the model by tracing".to_owned()
            }
            ("", "Einsum") => "write it as Transpose and MatMul (torch.matmul) before exporting".to_owned(),
            ("", _) => "this operator is not supported".to_owned(),
            _ => "operators of this domain are not supported".to_owned(),
        }),
    }
}

/// What an operator reads.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    values: &'a [Option<Value>],
}

impl<'a> Inputs<'a> {
    pub(super) fn new(values: &'a [Option<Value>]) -> Self {
        Inputs { values }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// An input that may be left out.
    pub(super) fn optional(&self, place: usize) -> Option<&'a Value> {
        self.values.get(place).and_then(Option::as_ref)
    }

    pub(super) fn get(&self, place: usize) -> Result<&'a Value, Reason> {
        self.optional(place).ok_or_else(|| format!("input {} is missing", place + 1))
    }

    /// Floating-point numbers, of which there is at least one.
    pub(super) fn floats(&self, place: usize) -> Result<&'a Value, Reason> {
        let value = self.get(place)?;
        match (value.element, value.count()) {
            (Element::Float, 1..) => Ok(value),
            (Element::Float, _) => Err(format!("input {} has no numbers", place + 1)),
            _ => Err(format!("input {} is of whole numbers; expected floating point", place + 1)),
        }
    }

    /// Floating-point numbers that may be left out, for which none at all stand as well.
    pub(super) fn optional_floats(&self, place: usize) -> Result<Option<&'a Value>, Reason> {
        match self.optional(place) {
            Some(value) if value.count() > 0 => self.floats(place).map(Some),
            _ => Ok(None),
        }
    }

    /// All inputs, of which none may be left out.
    pub(super) fn all(&self) -> Result<Vec<&'a Value>, Reason> {
        match self.len() {
            0 => Err("it has no inputs".to_owned()),
            count => (0..count).map(|place| self.get(place)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_is_there_once() {
        let mut names: Vec<&str> = OPERATORS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
