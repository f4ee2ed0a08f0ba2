//! Functions of one number that are no activations: `Sqrt`, `Exp`, `Erf` and the like. Signs and roundings also take whole
//! numbers, as sizes are computed with them.

use burn::tensor::Tensor;

use super::super::any_rank::by_rank;
use super::super::host::rounded;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Erf,
    Exp,
    Floor,
    IsInf,
    IsNan,
    Log,
    Neg,
    Reciprocal,
    Round,
    Sign,
    Sin,
    Sinh,
    Sqrt,
    Tan,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.kind == "IsInf" && !(node.flag("detect_positive", true)? && node.flag("detect_negative", true)?) {
        return Err("infinities of one sign alone are not told apart".to_owned());
    }
    Ok(Box::new(Unary(match node.kind.as_str() {
        "Abs" => Function::Abs,
        "Acos" => Function::Acos,
        "Acosh" => Function::Acosh,
        "Asin" => Function::Asin,
        "Asinh" => Function::Asinh,
        "Atan" => Function::Atan,
        "Atanh" => Function::Atanh,
        "Ceil" => Function::Ceil,
        "Cos" => Function::Cos,
        "Cosh" => Function::Cosh,
        "Erf" => Function::Erf,
        "Exp" => Function::Exp,
        "Floor" => Function::Floor,
        "IsInf" => Function::IsInf,
        "IsNaN" => Function::IsNan,
        "Log" => Function::Log,
        "Neg" => Function::Neg,
        "Reciprocal" => Function::Reciprocal,
        "Round" => Function::Round,
        "Sign" => Function::Sign,
        "Sin" => Function::Sin,
        "Sinh" => Function::Sinh,
        "Sqrt" => Function::Sqrt,
        _ => Function::Tan,
    })))
}

#[derive(Debug)]
struct Unary(Function);

impl Operator for Unary {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let function = self.0;
        if input.element == Element::Bool {
            return Err("it computes with truth values; expected numbers".to_owned());
        }
        let element = match function {
            Function::IsInf | Function::IsNan => Element::Bool,
            _ => input.element,
        };
        if let Some(values) = input.known()
            && let Some(of_host) = function.of_host()
        {
            return Ok(vec![scope.host(element, &*input.dims, || {
                let rounding = |value| if element == Element::Float { rounded(value) } else { value };
                values.iter().map(|value| rounding(of_host(*value))).collect()
            })?]);
        }
        if input.element == Element::Int && function.of_host().is_some() {
            return Ok(vec![Value::unknown(element, &*input.dims)]);
        }
        let input = inputs.floats(0)?;
        let output = scope.compute(element, &*input.dims, |device| {
            let tensor = input.tensor(device);
            by_rank!(tensor.rank(), D => function.apply(tensor.at::<D>()).into())
        })?;
        Ok(vec![output])
    }
}

impl Function {
    /// The same of a number in host memory, for those with which sizes are computed.
    fn of_host(self) -> Option<fn(f64) -> f64> {
        Some(match self {
            Function::Abs => f64::abs,
            Function::Ceil => f64::ceil,
            Function::Floor => f64::floor,
            Function::Neg => |value| -value,
            Function::Reciprocal => f64::recip,
            Function::Round => f64::round_ties_even,
            Function::Sign => |value| if value == 0.0 { 0.0 } else { value.signum() },
            Function::Sqrt => f64::sqrt,
            _ => return None,
        })
    }

    fn apply<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Function::Abs => input.abs(),
            Function::Acos => input.acos(),
            Function::Acosh => input.acosh(),
            Function::Asin => input.asin(),
            Function::Asinh => input.asinh(),
            Function::Atan => input.atan(),
            Function::Atanh => input.atanh(),
            Function::Ceil => input.ceil(),
            Function::Cos => input.cos(),
            Function::Cosh => input.cosh(),
            Function::Erf => input.erf(),
            Function::Exp => input.exp(),
            Function::Floor => input.floor(),
            Function::IsInf => input.is_inf().float(),
            Function::IsNan => input.is_nan().float(),
            Function::Log => input.log(),
            Function::Neg => input.neg(),
            Function::Reciprocal => input.recip(),
            Function::Round => input.round(),
            Function::Sign => input.sign(),
            Function::Sin => input.sin(),
            Function::Sinh => input.sinh(),
            Function::Sqrt => input.sqrt(),
            Function::Tan => input.tan(),
        }
    }
}
