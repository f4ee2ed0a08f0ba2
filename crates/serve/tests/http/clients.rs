//! The clients of Triton and KServe, as they are, ask a server.

use std::process::Command;

use fireclay_train::{Prediction, Sample};
use serde_json::{Value, json};

use crate::support::Running;

/// `FIRECLAY_SERVE_PYTHON` is a Python that has `fixtures/requirements.txt`.
#[test]
#[ignore = "needs Python with tritonclient and kserve"]
fn judge_of_clients() {
    let python = std::env::var("FIRECLAY_SERVE_PYTHON").expect("FIRECLAY_SERVE_PYTHON names a Python");
    let server = Running::start();
    let pixels: Vec<u8> = (0..32).map(|index| index * 5).collect();
    let shares: Vec<f32> = pixels.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let texts = ["good film", "some bad film"];
    let rows = [[("age", "21"), ("colour", "red")], [("age", "7.5"), ("colour", "blue")]];
    let classes = |answers: &[Prediction]| {
        json!({
            "class": answers.iter().map(|answer| answer.class()).collect::<Vec<_>>(),
            "probabilities": answers.iter().flat_map(|answer| answer.probabilities().unwrap().to_vec()).collect::<Vec<_>>(),
        })
    };
    let answers =
        |model: &str, samples: Vec<Sample<'_>>| server.predictor(model).predict_batch(samples).unwrap();
    let picture = |datatype: &str, numpy: &str, data: Value| json!({ "name": "input", "datatype": datatype, "numpy": numpy, "shape": [2, 1, 4, 4], "data": data });
    let text =
        |name: &str, data: Value| json!({ "name": name, "datatype": "BYTES", "shape": [2], "data": data });
    let of_pictures = answers("pictures", pixels.chunks(16).map(Sample::Pixels).collect());
    let of_texts = answers("reviews", texts.map(Sample::Text).into());
    let of_rows = answers("prices", rows.iter().map(|row| Sample::Row(row)).collect());
    let instances: Vec<&[f32]> = shares.chunks(16).collect();
    let cases = json!([
        {
            "model": "pictures", "outputs": classes(&of_pictures), "instances": instances,
            "inputs": [picture("UINT8", "uint8", json!(pixels))],
        },
        {
            "model": "pictures", "outputs": classes(&of_pictures), "instances": instances,
            "inputs": [picture("FP32", "float32", json!(shares))],
        },
        {
            "model": "reviews", "outputs": classes(&of_texts), "instances": texts,
            "inputs": [text("text", json!(texts))],
        },
        {
            "model": "prices", "outputs": { "value": of_rows.iter().map(Prediction::value).collect::<Vec<_>>() },
            "instances": [{ "age": 21, "colour": "red" }, { "age": 7.5, "colour": "blue" }],
            "inputs": [text("age", json!(["21", "7.5"])), text("colour", json!(["red", "blue"]))],
        },
    ]);
    let folder = tempfile::tempdir().unwrap();
    let expected = folder.path().join("expected.json");
    std::fs::write(&expected, cases.to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/judge.py");
    let judged =
        Command::new(python).arg(script).arg(server.address.to_string()).arg(&expected).output().unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}\n{}", String::from_utf8_lossy(&judged.stderr));
    // Three cases with Triton's client four times and KServe's three times, and the picture as numbers.
    assert_eq!(said.lines().count(), 4 * 7, "{said}");
}
