//! The Open Inference Protocol: what a server says of itself and its models, and inferences in JSON and in binary.

use fireclay_data::{Dataset, Provenance};
use fireclay_nn::{Device, ModelSpec};
use fireclay_serve::{Datatype, OutputValues, ServedModel, Tensor, TensorSpec};
use fireclay_train::{FitOptions, Sample, Trainer};
use serde_json::{Value, json};

use crate::support::{Reply, Running};

/// Numbers of JSON, one behind the other.
fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

fn output<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let outputs = answer["outputs"].as_array().unwrap();
    outputs.iter().find(|output| output["name"] == name).unwrap_or_else(|| panic!("{name} in {answer}"))
}

#[test]
fn a_server_and_its_models_say_what_they_are() {
    let server = Running::start();
    assert_eq!(server.get("/v2").json()["extensions"], json!(["binary_tensor_data"]));
    for path in [
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/pictures/ready",
        "/v2/models/prices/versions/1/ready",
    ] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let pictures = json!({
        "name": "pictures", "versions": ["1"], "platform": "fireclay",
        "inputs": [{ "name": "input", "datatype": "FP32", "shape": [-1, 1, 4, 4] }],
        "outputs": [
            { "name": "class", "datatype": "BYTES", "shape": [-1] },
            { "name": "probabilities", "datatype": "FP32", "shape": [-1, 3] },
        ],
    });
    assert_eq!(server.get("/v2/models/pictures").json(), pictures);
    assert_eq!(server.get("/v2/models/pictures/versions/1").json(), pictures);
    let prices = server.get("/v2/models/prices").json();
    let column = |name: &str| json!({ "name": name, "datatype": "BYTES", "shape": [-1] });
    assert_eq!(prices["inputs"], json!([column("age"), column("colour")]));
    assert_eq!(prices["outputs"], json!([{ "name": "value", "datatype": "FP32", "shape": [-1, 1] }]));
    assert_eq!(server.get("/v2/models/reviews").json()["inputs"], json!([column("text")]));

    assert!(server.get("/v2/models/none").refusal(404).contains("there is pictures, reviews, prices"));
    assert!(server.get("/v2/models/prices/versions/2").refusal(404).contains("it has 1"));
    assert!(server.get("/v3").refusal(404).contains("/openapi.json"));
    let wrong = server.get("/v2/models/prices/infer");
    assert_eq!(wrong.header("allow"), Some("post"));
    assert!(wrong.refusal(405).contains("GET"));
}

#[test]
fn pictures_as_bytes_or_numbers_in_json_or_binary_are_answered_as_predict_does() {
    let server = Running::start();
    let bytes: Vec<u8> = (0..32).map(|index| index * 7).collect();
    let shares: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let predictor = server.predictor("pictures");
    let expected = predictor.predict_batch(bytes.chunks(16).map(Sample::Pixels)).unwrap();
    let probabilities: Vec<f32> =
        expected.iter().flat_map(|answer| answer.probabilities().unwrap().to_vec()).collect();
    let classes: Vec<&str> = expected.iter().map(|answer| answer.class().unwrap()).collect();

    let nested: Vec<Vec<&[u8]>> = bytes.chunks(16).map(|sample| sample.chunks(4).collect()).collect();
    for (datatype, data) in [("UINT8", json!(nested)), ("FP32", json!(shares)), ("FP64", json!(shares))] {
        let request = json!({
            "id": "a request",
            "inputs": [{ "name": "input", "shape": [2, 1, 4, 4], "datatype": datatype, "data": data }],
        });
        let answer = server.post("/v2/models/pictures/infer", request.to_string()).json();
        assert_eq!((&answer["model_name"], &answer["model_version"]), (&json!("pictures"), &json!("1")));
        assert_eq!(answer["id"], "a request");
        assert_eq!(output(&answer, "class")["data"], json!(classes));
        assert_eq!(output(&answer, "probabilities")["shape"], json!([2, 3]));
        assert_eq!(numbers(&output(&answer, "probabilities")["data"]), probabilities, "{datatype}");
    }

    let header = json!({
        "inputs": [{ "name": "input", "shape": [2, 1, 4, 4], "datatype": "UINT8", "parameters": { "binary_data_size": 32 } }],
        "outputs": [{ "name": "probabilities", "parameters": { "binary_data": true } }, { "name": "class" }],
    })
    .to_string();
    let length = format!("Inference-Header-Content-Length: {}\r\n", header.len());
    let body = [header.as_bytes(), &bytes].concat();
    let (answer, binary) = split(&server.post_with("/v2/models/pictures/versions/1/infer", &length, &body));
    assert_eq!(output(&answer, "probabilities")["parameters"], json!({ "binary_data_size": 24 }));
    let floats: Vec<f32> = binary.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(floats, probabilities);
    assert_eq!(output(&answer, "class")["data"], json!(classes));

    let header = header.replace("\"outputs\"", "\"parameters\":{\"binary_data_output\":true},\"other\"");
    let length = format!("Inference-Header-Content-Length: {}\r\n", header.len());
    let body = [header.as_bytes(), &bytes].concat();
    let (_, binary) = split(&server.post_with("/v2/models/pictures/infer", &length, &body));
    let named: Vec<u8> = classes
        .iter()
        .flat_map(|name| [&(name.len() as u32).to_le_bytes(), name.as_bytes()].concat())
        .collect();
    assert_eq!(binary[..named.len()], named, "texts come with their lengths, before the probabilities");
}

/// The JSON of an answer, and what lies behind it.
fn split(reply: &Reply) -> (Value, Vec<u8>) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let length: usize = reply.header("inference-header-content-length").unwrap().parse().unwrap();
    let (json, binary) = reply.body.split_at(length);
    (serde_json::from_slice(json).unwrap(), binary.to_vec())
}

#[test]
fn texts_and_rows_are_prepared_as_in_training() {
    let server = Running::start();
    let texts = ["good film", "", "a film nobody knows, bad bad bad"];
    let infer = |shape: Value| {
        let input = json!({ "name": "text", "shape": shape, "datatype": "BYTES", "data": texts });
        server.post("/v2/models/reviews/infer", json!({ "inputs": [input] }).to_string()).json()
    };
    let reviews = server.predictor("reviews");
    let expected = reviews.predict_batch(texts.map(Sample::Text)).unwrap();
    let probabilities: Vec<f32> =
        expected.iter().flat_map(|answer| answer.probabilities().unwrap().to_vec()).collect();
    for shape in [json!([3]), json!([3, 1])] {
        assert_eq!(numbers(&output(&infer(shape), "probabilities")["data"]), probabilities);
    }

    let prices = server.predictor("prices");
    let rows = [
        [("age", "21"), ("colour", "red")],
        [("age", ""), ("colour", "green")],
        [("age", "7.5"), ("colour", "")],
    ];
    let expected = prices.predict_batch(rows.iter().map(|row| Sample::Row(row))).unwrap();
    let expected: Vec<f32> = expected.iter().map(fireclay_train::Prediction::value).collect();
    let text = |name: &str, values: Value| json!({ "name": name, "shape": [3], "datatype": "BYTES", "data": values });
    let request = json!({ "inputs": [text("colour", json!(["red", "green", null])), text("age", json!(["21", null, "7.5"]))] });
    let answer = server.post("/v2/models/prices/infer", request.to_string()).json();
    assert_eq!(numbers(&output(&answer, "value")["data"]), expected);
    assert_eq!(output(&answer, "value")["shape"], json!([3, 1]));

    let ages = json!({ "name": "age", "shape": [1], "datatype": "INT32", "data": [21] });
    let colour = json!({ "name": "colour", "shape": [1], "datatype": "BYTES", "data": ["red"] });
    let answer =
        server.post("/v2/models/prices/infer", json!({ "inputs": [ages, colour] }).to_string()).json();
    assert_eq!(numbers(&output(&answer, "value")["data"]), expected[..1]);
}

#[test]
fn what_a_model_does_not_take_is_refused_with_what_it_takes() {
    let server = Running::start();
    let refused = |model: &str, inputs: Value| {
        server
            .post(&format!("/v2/models/{model}/infer"), json!({ "inputs": inputs }).to_string())
            .refusal(400)
    };
    let input = |name: &str, shape: Value, datatype: &str, data: Value| json!({ "name": name, "shape": shape, "datatype": datatype, "data": data });
    let picture = vec![0.5; 16];
    for (inputs, said) in [
        (
            json!([input("image", json!([1, 1, 4, 4]), "FP32", json!(picture))]),
            "no input \"image\"; it takes input (FP32",
        ),
        (json!([]), "there is no input input (FP32 of shape [-1, 1, 4, 4])"),
        (json!([input("input", json!([1, 4, 4]), "FP32", json!(picture))]), "takes [-1, 1, 4, 4]"),
        (json!([input("input", json!([16]), "FP32", json!(picture))]), "takes [-1, 1, 4, 4]"),
        (json!([input("input", json!([0, 1, 4, 4]), "FP32", json!([]))]), "no samples"),
        (
            json!([input("input", json!([1, 1, 4, 4]), "BYTES", json!(vec!["a"; 16]))]),
            "numbers, such as FP32",
        ),
        (
            json!([input("input", json!([1, 1, 4, 4]), "FP32", json!(vec![2.0; 16]))]),
            "from 0 to 1, or from 0 to 255",
        ),
        (json!([input("input", json!([1, 1, 4, 4]), "FP32", json!(vec![Value::Null; 16]))]), "null"),
    ] {
        let refusal = refused("pictures", inputs);
        assert!(refusal.contains(said), "{refusal}");
    }
    let other: Vec<Vec<f32>> =
        picture.chunks(8).map(<[f64]>::to_vec).map(|row| row.iter().map(|v| *v as f32).collect()).collect();
    let nested = refused("pictures", json!([input("input", json!([1, 1, 4, 4]), "FP32", json!(other))]));
    assert!(nested.contains("are not those of its shape"), "{nested}");
    let twice = input("input", json!([1, 1, 4, 4]), "FP32", json!(picture));
    assert!(refused("pictures", json!([twice, twice])).contains("twice"));
    let not_utf8 = b"{\"inputs\":[{\"name\":\"text\",\"shape\":[1],\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":6}}]}";
    let length = format!("Inference-Header-Content-Length: {}\r\n", not_utf8.len());
    let body = [&not_utf8[..], b"\x02\0\0\0\xff\xfe"].concat();
    assert!(server.post_with("/v2/models/reviews/infer", &length, body).refusal(400).contains("not UTF-8"));
    assert!(
        refused("reviews", json!([input("text", json!([1]), "INT64", json!([1]))]))
            .contains("texts, as BYTES")
    );
    let age = |value: Value| input("age", json!([1]), "BYTES", json!([value]));
    let colour = input("colour", json!([1]), "BYTES", json!(["red"]));
    assert!(
        refused("prices", json!([age(json!("old")), colour]))
            .contains("\"old\" in column \"age\" is no number")
    );
    assert!(refused("prices", json!([age(json!("1"))])).contains("there is no input colour"));
    let large = input("age", json!([1]), "FP64", json!([1e300]));
    assert!(refused("prices", json!([large, colour])).contains("too large"));
    let number = input("colour", json!([1]), "INT64", json!([3]));
    assert!(
        refused("prices", json!([age(json!("1")), number])).contains("3 in column \"colour\" is no value")
    );
    let two = input("colour", json!([2]), "BYTES", json!(["red", "red"]));
    assert!(refused("prices", json!([age(json!("1")), two])).contains("has 2 samples"));

    let ask = |output: Value| {
        let inputs = json!([input("input", json!([1, 1, 4, 4]), "FP32", json!(picture))]);
        server
            .post("/v2/models/pictures/infer", json!({ "inputs": inputs, "outputs": [output] }).to_string())
            .refusal(400)
    };
    assert!(ask(json!({ "name": "logits" })).contains("it has class, probabilities"));
    assert!(ask(json!({ "name": "class", "parameters": { "classification": 3 } })).contains("not served"));
}

/// A model with an output at each step and no words: its classes are numbers.
#[test]
fn a_model_with_an_output_at_each_step_says_the_class_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.fireclay");
    let spec = ModelSpec::tokens(4).embedding(10, 6).dense(10);
    let mut trainer = Trainer::language_model(spec.build_seeded(1, &Device::default()).unwrap());
    let stream = Dataset::from_token_stream(
        &[(0..40).map(|place| place * 3 % 10).collect()],
        4,
        Provenance::default(),
    );
    trainer.fit(&stream.unwrap(), &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
    trainer.save(&path).unwrap();
    let model = ServedModel::load(&path, &Device::default()).unwrap();
    let sizes: Vec<_> = model.signature().outputs.iter().map(TensorSpec::sizes).collect();
    assert_eq!(sizes, [vec![-1, 4], vec![-1, 4, 10]]);

    let tokens =
        Tensor::from_json("tokens", Datatype::Int64, &[2, 4], (1..9).map(Value::from).collect()).unwrap();
    let questions = model.questions(vec![tokens]).unwrap();
    let answers = model.answer(&questions.iter().collect::<Vec<_>>()).unwrap();
    let outputs = model.outputs(&answers, &[]).unwrap();
    let [OutputValues::Integers(classes), OutputValues::Floats(probabilities)] =
        [&outputs[0].values, &outputs[1].values]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((classes.len(), probabilities.len()), (8, 80));
    for (class, probabilities) in classes.iter().zip(probabilities.chunks(10)) {
        assert!(
            probabilities.iter().all(|other| *other <= probabilities[*class as usize]),
            "{class} in {probabilities:?}"
        );
    }
    let wrong = Tensor::from_json("tokens", Datatype::Int64, &[1, 4], vec![10.into(); 4]).unwrap();
    assert!(
        model
            .questions(vec![wrong])
            .unwrap_err()
            .to_string()
            .contains("the token 10; the model knows those from 0 to 9")
    );
}
