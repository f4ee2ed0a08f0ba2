//! TensorFlow Serving's REST API.

use fireclay_train::Sample;
use serde_json::{Value, json};

use crate::support::Running;

#[test]
fn a_model_says_how_it_stands() {
    let server = Running::start();
    assert_eq!(server.get("/v1/models").json(), json!({ "models": ["pictures", "reviews", "prices"] }));
    for path in ["/v1/models/pictures", "/v1/models/pictures/versions/1"] {
        let status = server.get(path).json();
        assert_eq!(status["model_version_status"][0]["state"], "AVAILABLE");
        assert_eq!((&status["name"], &status["ready"]), (&json!("pictures"), &json!(true)));
    }
    server.get("/v1/models/pictures/versions/9").refusal(404);
}

#[test]
fn samples_row_by_row_and_input_by_input_are_answered_as_predict_does() {
    let server = Running::start();
    let pictures: Vec<Vec<f32>> =
        (0..2).map(|sample| (0..16).map(|place| (sample + place) as f32 / 17.0).collect()).collect();
    let expected = server.predictor("pictures").predict_batch(pictures.iter().map(Sample::from)).unwrap();
    let nested: Vec<Value> =
        pictures.iter().map(|picture| json!([picture.chunks(4).collect::<Vec<_>>()])).collect();
    let rows = server.post("/v1/models/pictures:predict", json!({ "instances": nested }).to_string()).json();
    let columns = server
        .post(
            "/v1/models/pictures/versions/1:predict",
            json!({ "inputs": nested, "signature_name": "" }).to_string(),
        )
        .json();
    for (row, expected) in expected.iter().enumerate() {
        let answer = &rows["predictions"][row];
        assert_eq!(answer["class"], expected.class().unwrap());
        // As written: the shortest decimals that are the same numbers.
        let written = serde_json::to_value(expected.probabilities().unwrap()).unwrap();
        let [found, written] = [&answer["probabilities"], &written].map(|list| {
            list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect::<Vec<_>>()
        });
        assert_eq!(found, written);
        assert_eq!(columns["outputs"]["class"][row], answer["class"]);
        assert_eq!(columns["outputs"]["probabilities"][row], answer["probabilities"]);
    }
    let named = json!({ "instances": [{ "input": nested[0] }] });
    assert_eq!(
        server.post("/v1/models/pictures:predict", named.to_string()).json()["predictions"][0],
        rows["predictions"][0]
    );
    assert!(rows.to_string().len() < 200, "no more digits than there are: {rows}");

    // "good film", once as base64.
    let texts = json!({ "instances": ["good film", { "b64": "Z29vZCBmaWxt" }, ["good film"]] });
    let answer = server.post("/v1/models/reviews:predict", texts.to_string()).json();
    let expected = server.predictor("reviews").predict("good film").unwrap();
    for row in 0..3 {
        assert_eq!(answer["predictions"][row]["class"], expected.class().unwrap());
    }

    let rows = [[("age", "21"), ("colour", "red")], [("age", ""), ("colour", "blue")]];
    let expected = server.predictor("prices").predict_batch(rows.iter().map(|row| Sample::Row(row))).unwrap();
    let expected: Vec<f32> = expected.iter().map(fireclay_train::Prediction::value).collect();
    let instances =
        json!({ "instances": [{ "age": 21, "colour": "red" }, { "colour": "blue", "age": null }] });
    let by_row = server.post("/v1/models/prices:predict", instances.to_string()).json();
    let inputs = json!({ "inputs": { "age": [21, null], "colour": ["red", "blue"] } });
    let by_input = server.post("/v1/models/prices:predict", inputs.to_string()).json();
    for (row, expected) in expected.iter().enumerate() {
        assert_eq!(by_row["predictions"][row][0].as_f64().unwrap() as f32, *expected);
        assert_eq!(by_input["outputs"][row], by_row["predictions"][row]);
    }
}

#[test]
fn what_is_no_request_is_refused_with_what_is_expected() {
    let server = Running::start();
    let refused = |model: &str, body: Value| {
        server.post(&format!("/v1/models/{model}:predict"), body.to_string()).refusal(400)
    };
    assert!(refused("pictures", json!({})).contains("expected one of them"));
    assert!(refused("pictures", json!({ "instances": [1], "inputs": [1] })).contains("expected one of them"));
    assert!(refused("pictures", json!({ "instances": 1 })).contains("not a request for predictions"));
    assert!(refused("pictures", json!({ "examples": [] })).contains("examples"));
    assert!(refused("pictures", json!({ "instances": [] })).contains("no samples"));
    assert!(
        refused("pictures", json!({ "instances": [[1, 2]] })).contains("has 2 values; the model takes 16")
    );
    assert!(refused("pictures", json!({ "instances": [{ "picture": [1] }] })).contains("no input \"input\""));
    assert!(refused("pictures", json!({ "inputs": 3 })).contains("no list of samples"));
    assert!(refused("reviews", json!({ "instances": [7] })).contains("texts"));
    assert!(refused("reviews", json!({ "instances": [{ "b64": "!" }] })).contains("base64"));
    assert!(refused("prices", json!({ "instances": [[1, 2]] })).contains("\"age\", \"colour\""));
    assert!(refused("prices", json!({ "instances": [{ "age": 1 }] })).contains("no input \"colour\""));
    let more = json!({ "instances": [{ "age": 1, "colour": "red", "size": 3 }] });
    assert!(refused("prices", more).contains("\"size\""));
    assert!(
        refused("prices", json!({ "instances": [{ "age": [[1]], "colour": "red" }] }))
            .contains("expected a text")
    );
    let missing = server.post("/v1/models/pictures:explain", "{}").refusal(404);
    assert!(missing.contains("\"explain\" is not served"), "{missing}");
    assert!(server.post("/v1/models/pictures", "{}").refusal(404).contains(":predict"));
}
