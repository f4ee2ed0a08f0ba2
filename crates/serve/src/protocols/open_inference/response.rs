//! The body of an answer: JSON, and behind it the tensors that are to be binary.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::JSON_LENGTH;
use crate::model::{Output, OutputValues};
use crate::registry::Served;

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<AnswerTensor<'a>>,
}

#[derive(Serialize)]
struct AnswerTensor<'a> {
    name: &'a str,
    datatype: &'a str,
    shape: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct BinarySize {
    binary_data_size: usize,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Floats(&'a [f32]),
    Integers(&'a [i64]),
    Texts(&'a [String]),
}

/// Writes an answer; `binary` says of each output whether it is to be so.
pub(super) fn write(served: &Served, id: Option<&str>, outputs: &[Output], binary: &[bool]) -> Response {
    let mut behind = Vec::new();
    let tensors = outputs.iter().zip(binary).map(|(output, binary)| {
        let (parameters, data) = match binary {
            true => (Some(BinarySize { binary_data_size: append(output, &mut behind) }), None),
            false => (None, Some(data(output))),
        };
        AnswerTensor {
            name: output.name,
            datatype: output.datatype.name(),
            shape: &output.shape,
            parameters,
            data,
        }
    });
    let outputs: Vec<_> = tensors.collect();
    let answer =
        Answer { model_name: served.name(), model_version: served.version().to_string(), id, outputs };
    // Names and numbers can always be written; NaN is null.
    let mut body = serde_json::to_vec(&answer).unwrap_or_default();
    if !binary.contains(&true) {
        return ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body)
            .into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (HeaderName::from_static(JSON_LENGTH), HeaderValue::from(body.len())),
    ];
    body.append(&mut behind);
    (headers, body).into_response()
}

fn data(output: &Output) -> Data<'_> {
    match &output.values {
        OutputValues::Floats(values) => Data::Floats(values),
        OutputValues::Integers(values) => Data::Integers(values),
        OutputValues::Texts(values) => Data::Texts(values),
    }
}

/// Appends the values, little-endian, and before each text its length; says how many bytes they are.
fn append(output: &Output, out: &mut Vec<u8>) -> usize {
    let before = out.len();
    match &output.values {
        OutputValues::Floats(values) => values.iter().for_each(|value| out.extend(value.to_le_bytes())),
        OutputValues::Integers(values) => values.iter().for_each(|value| out.extend(value.to_le_bytes())),
        OutputValues::Texts(values) => values.iter().for_each(|text| {
            // The name of a class.
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        }),
    }
    out.len() - before
}
