//! Operators that work value by value, on constants.

use super::functions::one_value;
use super::strided::Places;
use super::{Known, broadcast};
use crate::onnx::import::{Constant, Element, Node, Values};

const UNARY: [&str; 26] = [
    "Identity",
    "Cast",
    "CastLike",
    "Neg",
    "Abs",
    "Sqrt",
    "Exp",
    "Log",
    "Sin",
    "Cos",
    "Floor",
    "Ceil",
    "Round",
    "Reciprocal",
    "Sign",
    "Not",
    "Erf",
    "Tanh",
    "Sigmoid",
    "Relu",
    "Softplus",
    "IsNaN",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Elu",
];

const BINARY: [&str; 17] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Mod",
    "Min",
    "Max",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "And",
    "Or",
    "Xor",
    "PRelu",
];

pub(super) fn is_known(kind: &str) -> bool {
    UNARY.contains(&kind) || BINARY.contains(&kind) || kind == "Where" || kind == "Clip"
}

/// The inputs that an output's shape is of: all that go together value by value, or the first alone.
pub(super) fn shaping(node: &Node) -> impl Iterator<Item = &String> {
    let is_joined = BINARY.contains(&node.kind.as_str()) || node.kind == "Where";
    let count = if is_joined { node.inputs.len() } else { 1 };
    node.inputs.iter().take(count).filter(|name| !name.is_empty())
}

pub(super) fn evaluate(known: &mut Known<'_>, node: &Node) -> Result<Vec<Constant>, String> {
    let kind = node.kind.as_str();
    let mut shape = Vec::new();
    for name in shaping(node) {
        shape = broadcast(&shape, known.shape(name).unwrap_or_default())?;
        known.spend(&shape)?;
    }
    let input = |index: usize| known.input(node, index).ok_or("an input is missing");
    let first = input(0)?;
    let (element, values) = match kind {
        "Identity" => (first.element, first.values.clone()),
        "Cast" => {
            let to = Element::of(i32::try_from(node.int("to", 1)?).unwrap_or_default())?;
            (to, cast(&first.values, to))
        }
        "CastLike" => (input(1)?.element, cast(&first.values, input(1)?.element)),
        "Where" => {
            let condition = first.as_bools().ok_or("its condition is not true or false")?;
            let (yes, no) = (input(1)?, input(2)?);
            let condition: Vec<bool> =
                Places::repeated(&shape, &first.shape).map(|place| condition[place]).collect();
            (yes.element, choose(&condition, &spread(yes, &shape), &spread(no, &shape))?)
        }
        "Clip" => {
            let bound = |index: usize| known.input(node, index).and_then(Constant::single);
            let (low, high) = (bound(1).unwrap_or(f64::NEG_INFINITY), bound(2).unwrap_or(f64::INFINITY));
            let values = match &first.values {
                Values::Float(values) => {
                    Values::Float(values.iter().map(|value| value.max(low as f32).min(high as f32)).collect())
                }
                Values::Int(values) => Values::Int(
                    values.iter().map(|value| (*value).max(low as i64).min(high as i64)).collect(),
                ),
                Values::Bool(_) => return Err("it clips what is true or false".into()),
            };
            (first.element, values)
        }
        _ if UNARY.contains(&kind) => (unary_element(kind, first.element), unary(node, &first.values)?),
        _ => {
            // `Min` and `Max` take any number of inputs.
            let mut values = spread(first, &shape);
            let mut element = first.element;
            for index in 1..node.inputs.len() {
                values = binary(kind, &values, &spread(input(index)?, &shape))?;
            }
            if matches!(values, Values::Bool(_)) {
                element = Element::Bool;
            }
            (element, values)
        }
    };
    Ok(vec![Constant { shape, element, values }])
}

fn unary_element(kind: &str, element: Element) -> Element {
    if kind == "IsNaN" { Element::Bool } else { element }
}

fn spread(constant: &Constant, shape: &[usize]) -> Values {
    super::taken(&constant.values, Places::repeated(shape, &constant.shape))
}

pub(super) fn cast(values: &Values, to: Element) -> Values {
    let float = |value: f32| value;
    match (values, to) {
        (Values::Float(values), _) if to.is_float() => {
            Values::Float(values.iter().copied().map(float).collect())
        }
        (Values::Float(values), Element::Bool) => {
            Values::Bool(values.iter().map(|value| *value != 0.0).collect())
        }
        (Values::Float(values), _) => Values::Int(values.iter().map(|value| *value as i64).collect()),
        (Values::Int(values), _) if to.is_float() => {
            Values::Float(values.iter().map(|value| *value as f32).collect())
        }
        (Values::Int(values), Element::Bool) => {
            Values::Bool(values.iter().map(|value| *value != 0).collect())
        }
        (Values::Int(values), _) => Values::Int(values.clone()),
        (Values::Bool(values), _) if to.is_float() => {
            Values::Float(values.iter().map(|value| f32::from(u8::from(*value))).collect())
        }
        (Values::Bool(values), Element::Bool) => Values::Bool(values.clone()),
        (Values::Bool(values), _) => Values::Int(values.iter().map(|value| i64::from(*value)).collect()),
    }
}

fn choose(condition: &[bool], yes: &Values, no: &Values) -> Result<Values, String> {
    fn each<T: Copy>(condition: &[bool], yes: &[T], no: &[T]) -> Vec<T> {
        condition
            .iter()
            .zip(yes.iter().zip(no))
            .map(|(which, (yes, no))| if *which { *yes } else { *no })
            .collect()
    }
    match (yes, no) {
        (Values::Float(yes), Values::Float(no)) => Ok(Values::Float(each(condition, yes, no))),
        (Values::Int(yes), Values::Int(no)) => Ok(Values::Int(each(condition, yes, no))),
        (Values::Bool(yes), Values::Bool(no)) => Ok(Values::Bool(each(condition, yes, no))),
        _ => Err("its inputs are of different types".into()),
    }
}

fn unary(node: &Node, values: &Values) -> Result<Values, String> {
    let kind = node.kind.as_str();
    Ok(match (kind, values) {
        ("Not", Values::Bool(values)) => Values::Bool(values.iter().map(|value| !value).collect()),
        ("IsNaN", Values::Float(values)) => Values::Bool(values.iter().map(|value| value.is_nan()).collect()),
        ("Neg", Values::Int(values)) => {
            Values::Int(values.iter().map(|value| value.wrapping_neg()).collect())
        }
        ("Abs", Values::Int(values)) => {
            Values::Int(values.iter().map(|value| value.wrapping_abs()).collect())
        }
        ("Sign", Values::Int(values)) => Values::Int(values.iter().map(|value| value.signum()).collect()),
        (_, Values::Float(values)) => {
            let settings = [node.float("alpha", f32::NAN), node.float("beta", f32::NAN)];
            let [alpha, beta] = settings.map(|setting| setting.ok().filter(|value| value.is_finite()));
            let function = one_value(kind, alpha, beta).ok_or_else(|| format!("{kind} is not computed"))?;
            Values::Float(values.iter().map(|value| function(*value)).collect())
        }
        _ => return Err("its input is of another type".into()),
    })
}

fn binary(kind: &str, a: &Values, b: &Values) -> Result<Values, String> {
    fn each<T: Copy, U>(a: &[T], b: &[T], of: impl Fn(T, T) -> U) -> Vec<U> {
        a.iter().zip(b).map(|(a, b)| of(*a, *b)).collect()
    }
    Ok(match (a, b) {
        (Values::Float(a), Values::Float(b)) => match comparison(kind) {
            Some(of) => Values::Bool(each(a, b, of)),
            None => {
                let of = floats(kind).ok_or_else(|| format!("{kind} of such numbers is not computed"))?;
                Values::Float(each(a, b, of))
            }
        },
        (Values::Int(a), Values::Int(b)) => match comparison(kind) {
            Some(of) => Values::Bool(each(a, b, of)),
            None => {
                let found: Option<Vec<i64>> = each(a, b, |a, b| ints(kind, a, b)).into_iter().collect();
                Values::Int(found.ok_or_else(|| format!("{kind} of such numbers has no result"))?)
            }
        },
        (Values::Bool(a), Values::Bool(b)) => Values::Bool(match kind {
            "And" => each(a, b, |a, b| a && b),
            "Or" => each(a, b, |a, b| a || b),
            "Xor" => each(a, b, |a, b| a != b),
            "Equal" => each(a, b, |a, b| a == b),
            _ => return Err(format!("{kind} of true and false is not computed")),
        }),
        // The exponent may be of another type.
        (Values::Float(_), Values::Int(_)) if kind == "Pow" => {
            return binary(kind, a, &cast(b, Element::Float32));
        }
        (Values::Int(_), Values::Float(_)) if kind == "Pow" => {
            let power = binary(kind, &cast(a, Element::Float32), b)?;
            cast(&power, Element::Int64)
        }
        _ => return Err("its inputs are of different types".into()),
    })
}

/// A comparison of two numbers, by the operator's name.
fn comparison<T: PartialOrd>(kind: &str) -> Option<fn(T, T) -> bool> {
    Some(match kind {
        "Equal" => |a, b| a == b,
        "Less" => |a, b| a < b,
        "LessOrEqual" => |a, b| a <= b,
        "Greater" => |a, b| a > b,
        "GreaterOrEqual" => |a, b| a >= b,
        _ => return None,
    })
}

/// A function of two floating-point numbers, by the operator's name.
fn floats(kind: &str) -> Option<fn(f32, f32) -> f32> {
    Some(match kind {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => |a, b| if b == 2.0 { a * a } else { a.powf(b) },
        "Mod" => |a, b| a % b,
        "Min" => f32::min,
        "Max" => f32::max,
        "PRelu" => |a, b| if a < 0.0 { a * b } else { a },
        _ => return None,
    })
}

fn ints(kind: &str, a: i64, b: i64) -> Option<i64> {
    match kind {
        "Add" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        // With the sign of the divisor; `fmod` is for floating-point numbers.
        "Mod" => {
            a.checked_rem(b).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        }
        "Pow" => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        "Min" => Some(a.min(b)),
        "Max" => Some(a.max(b)),
        _ => None,
    }
}
