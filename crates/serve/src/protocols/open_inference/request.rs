//! The body of a request for an inference: JSON, and behind it the binary tensors that it speaks of, in their order.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::json_of;
use crate::json::{Flat, of_data};
use crate::refusal::Refusal;
use crate::tensor::{Datatype, Tensor};

/// What a body is to be.
const WHAT: &str = "a request for an inference";

/// Bytes of a name at most, as it may come back in an error. A table's column may have a long one.
const LONGEST_NAME: usize = 4096;

/// What is asked.
#[derive(Debug)]
pub(crate) struct InferRequest {
    /// A name that comes back with the answer.
    pub id: Option<String>,
    /// What the model is asked about.
    pub tensors: Vec<Tensor>,
    /// The outputs that are wanted; all if there are none.
    pub outputs: Vec<AskedOutput>,
    /// Whether outputs that do not say it are binary.
    pub binary_output: bool,
}

/// An output that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AskedOutput {
    pub name: String,
    /// Whether it is to come as a binary tensor.
    pub binary: Option<bool>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    parameters: Parameters,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    outputs: Vec<Asked>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(default, deserialize_with = "or_default")]
    parameters: Parameters,
    /// As it stands there.
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Asked {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    parameters: Parameters,
}

/// The parameters that mean something here; others are the client's own business.
#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    binary_data_size: Option<usize>,
    #[serde(default)]
    binary_data: Option<bool>,
    #[serde(default)]
    binary_data_output: Option<bool>,
    #[serde(default)]
    classification: Option<serde_json::Value>,
}

/// What is null is as if it were not there: some clients send all fields.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl InferRequest {
    /// Reads a body; `json_length` is the header that says how long the JSON is, without which all of it is.
    ///
    /// # Errors
    /// [`Refusal::Bad`] if it is no such request or contradicts itself.
    pub fn read(json_length: Option<&[u8]>, body: &[u8]) -> Result<Self, Refusal> {
        let (json, mut binary) = match json_length {
            None => (body, &[][..]),
            Some(length) => {
                let number = std::str::from_utf8(length).ok().and_then(|length| length.trim().parse().ok());
                let split = number.and_then(|length: usize| body.split_at_checked(length));
                split.ok_or_else(|| {
                    let length: String = String::from_utf8_lossy(length).chars().take(40).collect();
                    Refusal::bad(format!(
                        "the header Inference-Header-Content-Length is {length:?}; expected a number of bytes, at most the {} of the body",
                        body.len()
                    ))
                })?
            }
        };
        let request: Request<'_> = json_of(json, WHAT)?;
        let inputs = request.inputs.iter().map(|input| &input.name);
        let asked: Vec<&String> = request.outputs.iter().map(|output| &output.name).collect();
        if let Some(name) = inputs.chain(asked.iter().copied()).find(|name| name.len() > LONGEST_NAME) {
            return Err(Refusal::bad(format!(
                "the name of an input or output has {} bytes; expected {LONGEST_NAME} at most",
                name.len()
            )));
        }
        let distinct: BTreeSet<&String> = asked.iter().copied().collect();
        if distinct.len() < asked.len() {
            return Err(Refusal::bad("an output is asked for twice"));
        }
        let mut tensors = Vec::with_capacity(request.inputs.len());
        for input in request.inputs {
            tensors.push(input.tensor(&mut binary)?);
        }
        if !binary.is_empty() {
            return Err(Refusal::bad(format!(
                "{} bytes are left over behind the binary data of the inputs",
                binary.len()
            )));
        }
        if request.outputs.iter().any(|output| output.parameters.classification.is_some()) {
            return Err(Refusal::bad(
                "the extension `classification` is not served; the outputs \"class\" and \"probabilities\" say the same",
            ));
        }
        let outputs = request.outputs.into_iter();
        Ok(InferRequest {
            id: request.id,
            tensors,
            outputs: outputs
                .map(|output| AskedOutput { name: output.name, binary: output.parameters.binary_data })
                .collect(),
            binary_output: request.parameters.binary_data_output.unwrap_or(false),
        })
    }
}

impl Input<'_> {
    /// Its tensor; binary data is taken from the front of what is left.
    fn tensor(self, binary: &mut &[u8]) -> Result<Tensor, Refusal> {
        let name = &self.name;
        let datatype = Datatype::from_name(&self.datatype).ok_or_else(|| {
            let found: String = self.datatype.chars().take(40).collect();
            Refusal::bad(format!("input {name:?} has the datatype {found:?}; known are BOOL, UINT8 to INT64, FP16 to FP64, BF16, BYTES"))
        })?;
        match (self.data, self.parameters.binary_data_size) {
            (Some(data), None) => match of_data(name, datatype, &self.shape, data.get()) {
                Some(tensor) => Ok(tensor),
                None => of_values(name, datatype, &self.shape, data),
            },
            (None, Some(size)) => {
                let (own, rest) = binary.split_at_checked(size).ok_or_else(|| {
                    Refusal::bad(format!(
                        "input {name:?} has {size} bytes of binary data, as it says, and {} are left of the body",
                        binary.len()
                    ))
                })?;
                *binary = rest;
                Tensor::from_binary(name, datatype, &self.shape, own)
            }
            (None, None) => Err(Refusal::bad(format!(
                "input {name:?} has no data; it stands in \"data\", or behind the JSON with \"binary_data_size\""
            ))),
            (Some(_), Some(_)) => Err(Refusal::bad(format!(
                "input {name:?} has \"data\" and \"binary_data_size\"; expected one of them"
            ))),
        }
    }
}

/// A tensor of values of any type.
fn of_values(name: &str, datatype: Datatype, shape: &[usize], data: &RawValue) -> Result<Tensor, Refusal> {
    let data: Flat = json_of(data.get().as_bytes(), WHAT)?;
    match data.lies_as(shape) {
        true => Tensor::from_json(name, datatype, shape, data.values),
        false => Err(Refusal::bad(format!(
            "the lists in the data of input {name:?} are not those of its shape; expected such lists, or one list of all values"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tensor::Elements;

    const BINARY: &str = r#"{"id": "7", "inputs": [
        {"name": "a", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
        {"name": "b", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 6}}],
        "outputs": [{"name": "class", "parameters": {"binary_data": true}}, {"name": "probabilities"}],
        "parameters": {"binary_data_output": false, "priority": 3}}"#;

    fn body() -> Vec<u8> {
        [BINARY.as_bytes(), &1f32.to_le_bytes(), &2f32.to_le_bytes(), b"\x02\0\0\0hi"].concat()
    }

    #[test]
    fn binary_tensors_lie_behind_the_json_in_their_order() {
        let length = BINARY.len().to_string();
        let request = InferRequest::read(Some(length.as_bytes()), &body()).unwrap();
        let elements: Vec<_> = request.tensors.iter().map(|tensor| tensor.elements.clone()).collect();
        assert_eq!(elements, [Elements::Floats(vec![1.0, 2.0]), Elements::Texts(vec![Some(b"hi".to_vec())])]);
        assert_eq!((request.id.as_deref(), request.binary_output), (Some("7"), false));
        let asked: Vec<_> =
            request.outputs.iter().map(|output| (output.name.as_str(), output.binary)).collect();
        assert_eq!(asked, [("class", Some(true)), ("probabilities", None)]);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let refused = |length: &str, body: &[u8]| {
            InferRequest::read(Some(length.as_bytes()), body).expect_err("to be refused").to_string()
        };
        let length = BINARY.len().to_string();
        for wrong in ["", "-1", "many", "18446744073709551616", &(body().len() + 1).to_string()] {
            assert!(refused(wrong, &body()).contains("Inference-Header-Content-Length"), "{wrong}");
        }
        assert!(refused(&(BINARY.len() - 1).to_string(), &body()).contains("not JSON"));
        assert!(refused(&length, &body()[..body().len() - 1]).contains("\"b\" has 6 bytes of binary data"));
        assert!(refused(&length, &[body(), vec![0]].concat()).contains("1 bytes are left over"));
        let huge = BINARY.replace("\"binary_data_size\": 8", "\"binary_data_size\": 18446744073709551615");
        assert!(refused(&huge.len().to_string(), huge.as_bytes()).contains("18446744073709551615 bytes"));
        assert!(InferRequest::read(None, &body()).unwrap_err().to_string().contains("not JSON"));
    }

    #[test]
    fn json_that_is_no_request_is_refused_with_what_is_wrong() {
        let refused =
            |json: &str| InferRequest::read(None, json.as_bytes()).expect_err("to be refused").to_string();
        assert!(refused("{").contains("not JSON"));
        assert!(refused("{}").contains("missing field `inputs`"));
        let input = |rest: &str| refused(&format!(r#"{{"inputs": [{{"name": "a", {rest}}}]}}"#));
        assert!(input(r#""shape": [-1], "datatype": "FP32", "data": []"#).contains("-1"));
        assert!(input(r#""shape": [1], "datatype": "FP31", "data": [1]"#).contains("\"FP31\""));
        assert!(input(r#""shape": [1], "datatype": "FP32""#).contains("has no data"));
        let both = r#""shape": [1], "datatype": "FP32", "data": [1], "parameters": {"binary_data_size": 4}"#;
        assert!(input(both).contains("expected one of them"));
        let named = |name: &str| {
            refused(&json!({ "inputs": [], "outputs": [{ "name": name }, { "name": name }] }).to_string())
        };
        assert!(named("class").contains("asked for twice"));
        assert!(named(&"a".repeat(1_000_000)).contains("has 1000000 bytes; expected 4096"));
        let invalid = b"{\"inputs\": [{\"name\": \"\xff\"}]}";
        assert!(InferRequest::read(None, invalid).unwrap_err().to_string().contains("not JSON"));
    }
}
