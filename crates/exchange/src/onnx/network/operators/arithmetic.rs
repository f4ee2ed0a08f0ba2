//! Arithmetic of two or more values whose sizes of 1 are repeated: `Add`, `Mul`, `Max` and the like.

use burn::tensor::Tensor;

use super::super::any_rank::{AnyRank, by_rank};
use super::super::host::{self, rounded};
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add,
    Div,
    Max,
    Min,
    /// The remainder with the sign of the divisor, or with `fmod` of what is divided.
    Mod {
        fmod: bool,
    },
    Mul,
    Sub,
}

#[derive(Debug)]
struct Arithmetic {
    operation: Operation,
    /// Whether the sum is divided by the number of inputs.
    mean: bool,
    /// Whether there may be any number of inputs.
    many: bool,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let operation = match node.kind.as_str() {
        "Add" | "Mean" | "Sum" => Operation::Add,
        "Div" => Operation::Div,
        "Max" => Operation::Max,
        "Min" => Operation::Min,
        "Mod" => Operation::Mod { fmod: node.flag("fmod", false)? },
        "Mul" => Operation::Mul,
        _ => Operation::Sub,
    };
    let many = matches!(node.kind.as_str(), "Max" | "Mean" | "Min" | "Sum");
    if !many && node.inputs.len() != 2 {
        return Err(format!("it has {} inputs; expected 2", node.inputs.len()));
    }
    Ok(Box::new(Arithmetic { operation, mean: node.kind == "Mean", many }))
}

impl Operator for Arithmetic {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let all = inputs.all()?;
        if self.many && all.len() > 1000 {
            return Err(format!("it has {} inputs; up to 1000 are supported", all.len()));
        }
        let mut result = all[0].clone();
        for other in &all[1..] {
            result = self.operation.apply(&result, other, scope)?;
        }
        if self.mean {
            let count = Value::host(Element::Float, [], vec![all.len() as f64]);
            result = Operation::Div.apply(&result, &count, scope)?;
        }
        Ok(vec![result])
    }
}

impl Operation {
    fn apply(self, first: &Value, second: &Value, scope: &Scope) -> Result<Value, Reason> {
        let (element, dims) = same_kind(first, second)?;
        if element == Element::Bool {
            return Err("it computes with truth values; expected numbers".to_owned());
        }
        if let (Some(one), Some(other)) = (first.known(), second.known()) {
            let places = [&first.dims, &second.dims].map(|from| host::broadcast_strides(from, &dims));
            if element == Element::Int
                && matches!(self, Operation::Div | Operation::Mod { .. })
                && other.contains(&0.0)
            {
                return Err("a whole number is divided by 0".to_owned());
            }
            return scope.host(element, &*dims, || {
                let [one, other] = [(one, &places[0]), (other, &places[1])]
                    .map(|(values, places)| host::strided(values, places, &dims));
                one.into_iter().zip(other).map(|(one, other)| self.of_host(element, one, other)).collect()
            });
        }
        match element {
            Element::Float => {
                scope.compute(element, &*dims, |device| match (first.single(), second.single()) {
                    (_, Some(number)) if first.dims == dims => self.with_number(first.tensor(device), number),
                    _ => {
                        let [one, other] = [first, second].map(|value| {
                            value.tensor(device).reshape(&host::widened(&value.dims, dims.len()))
                        });
                        by_rank!(dims.len(), D => self.of(one.at::<D>(), other.at::<D>()).into())
                    }
                })
            }
            _ => Ok(Value::unknown(element, dims)),
        }
    }

    fn of_host(self, element: Element, one: f64, other: f64) -> f64 {
        let result = match self {
            Operation::Add => one + other,
            Operation::Div if element == Element::Int => (one / other).trunc(),
            Operation::Div => one / other,
            Operation::Max => one.max(other),
            Operation::Min => one.min(other),
            Operation::Mod { fmod: true } => one % other,
            Operation::Mod { fmod: false } => one - (one / other).floor() * other,
            Operation::Mul => one * other,
            Operation::Sub => one - other,
        };
        if element == Element::Float { rounded(result) } else { result }
    }

    /// With one number for all, which no tensor need hold.
    fn with_number(self, tensor: AnyRank, number: f64) -> AnyRank {
        by_rank!(tensor.rank(), D => {
            let tensor = tensor.at::<D>();
            let result = match self {
                Operation::Add => tensor + number,
                Operation::Div => tensor / number,
                Operation::Max => tensor.clamp_min(number),
                Operation::Min => tensor.clamp_max(number),
                Operation::Mod { .. } => {
                    let other = tensor.full_like(number);
                    self.of(tensor, other)
                }
                Operation::Mul => tensor * number,
                Operation::Sub => tensor - number,
            };
            result.into()
        })
    }

    fn of<const D: usize>(self, one: Tensor<D>, other: Tensor<D>) -> Tensor<D> {
        match self {
            Operation::Add => one + other,
            Operation::Div => one / other,
            Operation::Max => {
                let (one, other) = same_sizes(one, other);
                one.max_pair(other)
            }
            Operation::Min => {
                let (one, other) = same_sizes(one, other);
                one.min_pair(other)
            }
            Operation::Mod { fmod } => {
                let quotient = one.clone() / other.clone();
                one - (if fmod { quotient.trunc() } else { quotient.floor() }).detach() * other
            }
            Operation::Mul => one * other,
            Operation::Sub => one - other,
        }
    }
}

/// The type of both, and what their sizes become.
pub(super) fn same_kind(first: &Value, second: &Value) -> Result<(Element, Vec<usize>), Reason> {
    match first.element == second.element {
        true => Ok((first.element, host::broadcast(&first.dims, &second.dims)?)),
        false => Err("one input is of whole numbers and the other is not".to_owned()),
    }
}

/// Both with sizes of 1 repeated.
pub(super) fn same_sizes<const D: usize>(one: Tensor<D>, other: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
    let (first, second) = (one.dims(), other.dims());
    let sizes: [usize; D] = std::array::from_fn(|axis| match first[axis] {
        1 => second[axis],
        size => size,
    });
    (one.expand(sizes), other.expand(sizes))
}
