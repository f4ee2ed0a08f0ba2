//! Samples and what is said of them as JSON has them: row by row, or input by input.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Number, Value};

use super::flat::Flat;
use super::numbers::{instances_of, numbers_of};
use crate::model::{Output, Signature, TensorSpec};
use crate::refusal::Refusal;
use crate::tensor::{Cell, Datatype, Elements, Tensor, count};

/// What a model says of a sample: the value of its output by itself, or those of several by name.
pub(crate) fn row_of(outputs: &[Output], row: usize) -> Value {
    match outputs {
        [only] => only.json_of(row),
        several => several
            .iter()
            .map(|output| (output.name.to_owned(), output.json_of(row)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// What a model says of samples: a list for each output by name, or of the only one by itself.
pub(crate) fn columns_of(outputs: &[Output], rows: usize) -> Value {
    let column = |output: &Output| (0..rows).map(|row| output.json_of(row)).collect::<Value>();
    match outputs {
        [only] => column(only),
        several => several
            .iter()
            .map(|output| (output.name.to_owned(), column(output)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// The tensors of samples in a list: of a model with one input its value, or an object with the value of each input by name.
pub(crate) fn of_instances(signature: &Signature, instances: Vec<Value>) -> Result<Vec<Tensor>, Refusal> {
    let mut columns: Vec<Vec<Value>> = signature.inputs.iter().map(|_| Vec::new()).collect();
    for (row, instance) in instances.into_iter().enumerate() {
        match instance {
            Value::Object(mut object) if !is_base64(&object) => {
                for (spec, column) in signature.inputs.iter().zip(&mut columns) {
                    column.push(object.remove(&spec.name).ok_or_else(|| {
                        Refusal::bad(format!(
                            "instance {row} has no input {:?}; one that is missing is null",
                            spec.name
                        ))
                    })?);
                }
                if let Some((name, _)) = object.iter().next() {
                    return Err(unknown(signature, &format!("instance {row}"), name));
                }
            }
            value => match columns.as_mut_slice() {
                [only] => only.push(value),
                _ => {
                    return Err(Refusal::bad(format!(
                        "instance {row} is no object; the model takes the inputs {}",
                        names(signature)
                    )));
                }
            },
        }
    }
    let rows = columns.first().map_or(0, Vec::len);
    signature.inputs.iter().zip(columns).map(|(spec, column)| tensor(spec, rows, column)).collect()
}

/// The tensor of samples of a model that takes floating-point numbers alone, from the text of a request that has a list of them;
/// `None` if they may be something else, which [`of_instances`] says.
pub(crate) fn of_request(signature: &Signature, body: &[u8]) -> Option<Vec<Tensor>> {
    let [TensorSpec { name, datatype: Datatype::Fp32, shape }] = signature.inputs.as_slice() else {
        return None;
    };
    let inner: Vec<usize> = shape[1..].iter().copied().collect::<Option<_>>()?;
    let (samples, numbers) = instances_of(body, &inner)?;
    Some(vec![Tensor::of_floats(name, [&[samples], inner.as_slice()].concat(), numbers)])
}

/// The tensor of an input of floating-point numbers from the text of its data; `None` if it may be something else, which
/// [`Flat`] says.
pub(crate) fn of_data(name: &str, datatype: Datatype, shape: &[usize], data: &str) -> Option<Tensor> {
    let is_possible = datatype == Datatype::Fp32 && count(name, shape).is_ok();
    let numbers = is_possible.then(|| numbers_of(data, shape)).flatten()?;
    Some(Tensor::of_floats(name, shape.to_vec(), numbers))
}

/// The tensors of batches by the names of the inputs; of a model with one input, the batch by itself.
pub(crate) fn of_inputs(signature: &Signature, inputs: Value) -> Result<Vec<Tensor>, Refusal> {
    let mut batches = match (inputs, signature.inputs.as_slice()) {
        (Value::Object(object), _) if !is_base64(&object) => object,
        (batch, [only]) => Map::from_iter([(only.name.clone(), batch)]),
        _ => {
            return Err(Refusal::bad(format!(
                "\"inputs\" is no object; the model takes {}",
                names(signature)
            )));
        }
    };
    let mut tensors = Vec::new();
    for spec in &signature.inputs {
        match batches.remove(&spec.name) {
            Some(Value::Array(samples)) => tensors.push(tensor(spec, samples.len(), samples)?),
            Some(_) => return Err(Refusal::bad(format!("input {:?} is no list of samples", spec.name))),
            None => {
                return Err(Refusal::bad(format!(
                    "there is no input {:?}; the model takes {}",
                    spec.name,
                    names(signature)
                )));
            }
        }
    }
    match batches.iter().next() {
        Some((name, _)) => Err(unknown(signature, "\"inputs\"", name)),
        None => Ok(tensors),
    }
}

fn names(signature: &Signature) -> String {
    signature.inputs.iter().map(|spec| format!("{:?}", spec.name)).collect::<Vec<_>>().join(", ")
}

fn unknown(signature: &Signature, place: &str, name: &str) -> Refusal {
    let name: String = name.chars().take(100).collect();
    Refusal::bad(format!("{place} has an input {name:?}; the model takes {}", names(signature)))
}

fn is_base64(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.contains_key("b64")
}

/// Samples of an input.
fn tensor(spec: &TensorSpec, rows: usize, samples: Vec<Value>) -> Result<Tensor, Refusal> {
    let name = &spec.name;
    if spec.datatype == Datatype::Bytes {
        let cells = samples.into_iter().map(|value| cell(name, value)).collect::<Result<Vec<_>, _>>()?;
        let elements = Elements::Cells(cells);
        return Ok(Tensor { name: name.clone(), datatype: Datatype::Bytes, shape: vec![rows], elements });
    }
    let inner: Vec<usize> = spec.shape[1..].iter().map(|size| size.unwrap_or(0)).collect();
    let width: usize = inner.iter().product();
    let mut values = Vec::new();
    for (row, sample) in samples.into_iter().enumerate() {
        let flat = Flat::of(sample)
            .map_err(|error| Refusal::bad(format!("sample {row} of input {name:?}: {error}")))?;
        if flat.values.len() != width {
            return Err(Refusal::bad(format!(
                "sample {row} of input {name:?} has {} values; the model takes {width}, of shape {inner:?}",
                flat.values.len()
            )));
        }
        if !flat.lies_as(&inner) {
            return Err(Refusal::bad(format!(
                "the lists in sample {row} of input {name:?} are not those of shape {inner:?}; expected such lists, or one list of all \
                 values"
            )));
        }
        values.extend(flat.values);
    }
    let shape: Vec<usize> = std::iter::once(rows).chain(inner).collect();
    Tensor::from_json(name, spec.datatype, &shape, values)
}

/// A text, or a cell of a table; one that lies in a list of its own is that list's.
fn cell(name: &str, value: Value) -> Result<Cell, Refusal> {
    let wrong = |value: Value| {
        let found: String = value.to_string().chars().take(40).collect();
        Refusal::bad(format!(
            "a value of input {name:?} is {found}; expected a text, a number, true, false or null"
        ))
    };
    let number = |number: Number| match (number.as_i128(), number.as_f64()) {
        (Some(integer), _) => Some(Cell::integer(integer)),
        (None, Some(number)) if number.is_finite() => Some(Cell::Number(number)),
        _ => None,
    };
    match value {
        Value::Null => Ok(Cell::Missing),
        Value::Bool(value) => Ok(Cell::Flag(value)),
        Value::Number(found) => number(found.clone()).ok_or_else(|| wrong(found.into())),
        Value::String(text) => Ok(Cell::Text(text)),
        Value::Array(mut list) if list.len() == 1 => match list.pop() {
            Some(value) if !value.is_array() => cell(name, value),
            _ => Err(wrong(list.into())),
        },
        Value::Object(object) if is_base64(&object) => {
            let bytes =
                object.get("b64").and_then(Value::as_str).and_then(|text| BASE64_STANDARD.decode(text).ok());
            match bytes.map(String::from_utf8) {
                Some(Ok(text)) => Ok(Cell::Text(text)),
                _ => Err(Refusal::bad(format!("a value of input {name:?} is no base64 of UTF-8"))),
            }
        }
        other => Err(wrong(other)),
    }
}
