//! What people send: a picture, a text or a row as it is, a text to go on with, and the page.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fireclay_nn::Device;
use fireclay_serve::{Registry, RegistryOptions, Server, ServerOptions};
use fireclay_train::Sample;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Running, writer};

/// A PNG of four by four grey pixels.
fn png(pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

fn pixels() -> Vec<u8> {
    (0..16).map(|index| index * 15).collect()
}

/// A form with fields, each of a name and its bytes.
fn form(fields: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in fields {
        body.extend(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n")
                .bytes(),
        );
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    ("Content-Type: multipart/form-data; boundary=edge\r\n".into(), body)
}

#[test]
fn a_picture_is_classified_however_it_is_sent() {
    let server = Running::start();
    let picture = png(&pixels());
    let expected = server.predictor("pictures").predict(Sample::Pixels(&pixels())).unwrap();
    let encoded = BASE64_STANDARD.encode(&picture);
    let json_header = "Content-Type: application/json\r\n".to_owned();
    let ways = [
        ("Content-Type: image/png\r\n".to_owned(), picture.clone()),
        (String::new(), picture.clone()),
        (json_header.clone(), json!({ "picture": encoded }).to_string().into()),
        (
            json_header.clone(),
            json!({ "picture": format!("data:image/png;base64,{encoded}") }).to_string().into(),
        ),
        form(&[("file", &picture)]),
    ];
    for (headers, body) in ways {
        let reply = server.post_with("/v1/models/pictures/classify", &headers, body);
        assert_eq!(reply.status, 200, "{headers}: {}", reply.text());
        let said = reply.json();
        assert_eq!((&said["model"], &said["version"]), (&json!("pictures"), &json!(1)));
        assert_eq!(said["class"], expected.class().unwrap());
        let ranked = expected.top(3);
        let probabilities = said["probabilities"].as_array().unwrap();
        assert_eq!(probabilities.len(), 3);
        for (found, (class, probability)) in probabilities.iter().zip(ranked) {
            assert_eq!(found["class"], class);
            assert!((found["probability"].as_f64().unwrap() - f64::from(probability)).abs() < 1e-6);
        }
    }
    // Of another size it is resized, which is said.
    let mut large = Vec::new();
    let mut encoder = png::Encoder::new(&mut large, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[77; 64]).unwrap();
    let reply = server.post_with("/v1/models/pictures/classify", "Content-Type: image/png\r\n", large);
    assert_eq!(reply.json()["notes"], json!(["resized"]));
    // Numbers go, too.
    let numbers: Vec<f64> = pixels().iter().map(|pixel| f64::from(*pixel) / 255.0).collect();
    let reply = server.post_with("/v1/models/pictures/classify", &json_header, json!(numbers).to_string());
    assert_eq!(reply.json()["class"], expected.class().unwrap());
}

#[test]
fn a_text_and_a_row_are_answered_however_they_are_sent() {
    let server = Running::start();
    let expected = server.predictor("reviews").predict("good film").unwrap();
    let json_header = "Content-Type: application/json\r\n".to_owned();
    for (headers, body) in [
        ("Content-Type: text/plain; charset=utf-8\r\n".to_owned(), b"good film".to_vec()),
        (json_header.clone(), json!({ "text": "good film" }).to_string().into()),
        (json_header.clone(), json!("good film").to_string().into()),
        form(&[("text", b"good film")]),
    ] {
        let said = server.post_with("/v1/models/reviews/versions/1/classify", &headers, body).json();
        assert_eq!(said["class"], expected.class().unwrap(), "{said}");
    }
    let row = [("age", "21"), ("colour", "red")];
    let expected = server.predictor("prices").predict(Sample::Row(&row)).unwrap().value();
    for (headers, body) in [
        (json_header.clone(), json!({ "age": 21, "colour": "red" }).to_string().into()),
        (json_header.clone(), json!({ "colour": "red", "age": "21" }).to_string().into()),
        form(&[("colour", b"red"), ("age", b"21")]),
    ] {
        let said = server.post_with("/v1/models/prices/classify", &headers, body).json();
        assert_eq!(said["values"][0]["name"], "price", "{said}");
        assert!((said["values"][0]["value"].as_f64().unwrap() - f64::from(expected)).abs() < 1e-4);
    }
    // A column that is not there is missing.
    let said = server.post_with("/v1/models/prices/classify", &json_header, json!({ "age": 21 }).to_string());
    assert_eq!(said.status, 200, "{}", said.text());
}

#[test]
fn what_decided_is_said_of_a_picture_a_text_and_a_row() {
    let server = Running::start();
    let json_header = "Content-Type: application/json\r\n".to_owned();
    let adds_up = |said: &Value, parts: Vec<f64>| {
        let of = |field: &str| said[field].as_f64().unwrap();
        let difference = of("output") - of("baseline_output");
        assert!((parts.iter().sum::<f64>() + of("remainder") - difference).abs() < 1e-3, "{said}");
    };
    let list = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|part| part["attribution"].as_f64().unwrap()).collect()
    };
    let picture = png(&pixels());
    let said = server
        .post_with("/v1/models/pictures/explain", "Content-Type: image/png\r\n", picture.clone())
        .json();
    let rows = said["attributions"].as_array().unwrap();
    adds_up(
        &said,
        rows.iter().flat_map(|row| row.as_array().unwrap()).map(|value| value.as_f64().unwrap()).collect(),
    );
    assert!(rows.len() == 4 && said["picture"].as_str().unwrap().starts_with("data:image/png;base64,"));
    let answered = server.predictor("pictures").predict(Sample::Pixels(&pixels())).unwrap();
    assert_eq!((said["class"].as_str(), &said["notes"]), (answered.class(), &json!([])));

    for (headers, body) in [
        ("Content-Type: text/plain\r\n".to_owned(), b"good film".to_vec()),
        (json_header.clone(), json!({ "text": "good film" }).to_string().into()),
        form(&[("text", b"good film")]),
    ] {
        let said = server.post_with("/v1/models/reviews/versions/1/explain", &headers, body.clone()).json();
        let words: Vec<&str> =
            said["words"].as_array().unwrap().iter().map(|word| word["word"].as_str().unwrap()).collect();
        assert_eq!(words, ["good", "film"], "{said}");
        assert_eq!(said["method"], "integrated-gradients");
        adds_up(&said, list(&said["words"]));
        let said = server.post_with("/v1/models/reviews/explain?method=occlusion", &headers, body).json();
        assert_eq!(list(&said["words"]).len(), 2, "{said}");
    }
    let row = json!({ "age": 21, "colour": "red" }).to_string();
    let said = server.post_with("/v1/models/prices/explain", &json_header, row.clone()).json();
    assert_eq!(said["columns"][0]["column"], "age");
    adds_up(&said, list(&said["columns"]));
    let classified = server.post_with("/v1/models/prices/classify", &json_header, row).json();
    let [one, other] =
        [&said["output"], &classified["values"][0]["value"]].map(|value| value.as_f64().unwrap());
    assert!((one - other).abs() < 1e-3 * other.abs().max(1.0), "{one} {other}");

    for (path, status, words) in [
        ("pictures/explain?method=tea-leaves", 400, "integrated-gradients, gradient-times-input"),
        ("pictures/explain?class=nothing", 400, "there is no class \"nothing\""),
        ("pictures/explain?clas=x", 400, "clas"),
        ("pictures/explain?method=attention-rollout", 400, "with attention layers over all"),
        ("pictures/explain?method=grad-cam", 400, "with convolutions"),
        ("nobody/explain", 404, "nobody"),
    ] {
        let reply =
            server.post_with(&format!("/v1/models/{path}"), "Content-Type: image/png\r\n", picture.clone());
        let said = reply.refusal(status);
        assert!(said.contains(words), "{path}: {said}");
    }
}

#[test]
fn what_cannot_be_classified_is_refused_with_a_sentence() {
    let server = Running::start();
    let as_json = "Content-Type: application/json\r\n";
    let cut = &png(&pixels())[..40];
    let (form_header, empty) = form(&[]);
    for (model, headers, body, status, words) in [
        ("pictures", "", b"no picture".to_vec(), 400, "expected a PNG or JPEG image"),
        ("pictures", "", cut.to_vec(), 400, "the picture cannot be read"),
        ("pictures", "", Vec::new(), 400, "the picture cannot be read"),
        ("pictures", as_json, json!({ "picture": "%%%" }).to_string().into(), 400, "no base64"),
        ("pictures", as_json, json!({ "picture": 7 }).to_string().into(), 400, "expected base64"),
        ("pictures", as_json, b"{".to_vec(), 400, "not JSON"),
        ("pictures", &form_header, empty.clone(), 400, "no field"),
        ("pictures", "Content-Type: multipart/form-data\r\n", empty.clone(), 400, "form"),
        ("reviews", "", b"\xff\xfe".to_vec(), 400, "not UTF-8 from byte 0"),
        ("reviews", as_json, json!({ "words": "x" }).to_string().into(), 400, "text"),
        ("prices", "Content-Type: text/csv\r\n", b"1,2".to_vec(), 415, "application/json"),
        ("prices", as_json, json!({ "size": 1 }).to_string().into(), 400, "size"),
        ("prices", as_json, json!([1, 2]).to_string().into(), 400, "no object"),
        ("nothing", "", Vec::new(), 404, "no model is called"),
    ] {
        let reply = server.post_with(&format!("/v1/models/{model}/classify"), headers, body);
        let said = reply.refusal(status);
        assert!(said.contains(words), "{model}: {said}");
    }
    server.post("/v1/models/reviews/generate", "{}").refusal(400);
}

#[test]
fn a_language_model_writes_whole_texts_and_word_by_word() {
    let server = Running::of_a_writer();
    let path = "/v1/models/writer/generate";
    let ask = |body: Value| server.post(path, body.to_string());
    let reply = ask(json!({ "prompt": "good", "max_tokens": 6, "seed": 3, "temperature": 0.8 }));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let whole = reply.json();
    assert_eq!((&whole["tokens"], &whole["seed"]), (&json!(6), &json!(3)));
    assert!(whole["text"].as_str().unwrap().starts_with("good"));
    // The same as a stream.
    let body = json!({ "prompt": "good", "max_tokens": 6, "seed": 3, "temperature": 0.8, "stream": true })
        .to_string();
    let reply = server.post(path, body);
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    // It comes in chunks, whose lengths stand between the lines.
    let text = reply.text();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let written: String = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(written, whole["text"]);
    assert_eq!(events.last().unwrap(), &json!({ "done": true, "tokens": 6 }));
    // Without a seed another text each time.
    let texts = [(); 3].map(|()| ask(json!({ "max_tokens": 20 })).json()["seed"].clone());
    assert!(texts[0] != texts[1] || texts[1] != texts[2]);
    for (body, words) in [
        (json!({ "max_tokens": 0 }), "max_tokens is 0; expected 1 to 4096"),
        (json!({ "temperature": -1 }), "temperature"),
        (json!({ "top_p": 2 }), "top_p"),
        (json!({ "prompt": "x".repeat(50_001) }), "50001 characters"),
        (json!({ "words": 3 }), "the body is not"),
    ] {
        let said = ask(body).refusal(400);
        assert!(said.contains(words), "{said}");
    }
    let said =
        server.post("/v1/models/writer:predict", json!({ "instances": ["good"] }).to_string()).refusal(400);
    assert!(said.contains("/generate"), "{said}");
    let said = server.post("/v1/models/writer/classify", "good").refusal(400);
    assert!(said.contains("/generate"), "{said}");
}

#[test]
fn a_text_ends_when_its_reader_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let registry =
        Registry::load(&[writer(folder.path())], &Device::default(), RegistryOptions::default()).unwrap();
    let options = ServerOptions { address: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
    let router = Server::bind(registry, options).unwrap().router();
    let ask = |body: &'static str| {
        let request = Request::post("/v1/models/writer/generate").body(Body::from(body)).unwrap();
        router.clone().oneshot(request)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        // Nobody reads them, so that all of them wait to be taken.
        let mut unread = Vec::new();
        for _ in 0..8 {
            unread.push(ask(r#"{"max_tokens": 4096, "stream": true}"#).await.unwrap());
        }
        assert!(unread.iter().all(|response| response.status() == 200));
        let refused = ask("{}").await.unwrap();
        assert_eq!(
            (refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()),
            (429, "1")
        );
        let said = to_bytes(refused.into_body(), 1000).await.unwrap();
        assert!(String::from_utf8_lossy(&said).contains("8 texts are being written"), "{said:?}");
        unread.clear();
        let mut is_free = false;
        for _ in 0..500 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            is_free |= ask(r#"{"max_tokens": 2}"#).await.unwrap().status() == 200;
            if is_free {
                break;
            }
        }
        assert!(is_free, "the places of readers that left are free again");
    });
}

#[test]
fn the_page_is_whole_and_says_what_is_served() {
    let server = Running::start();
    for (path, kind, words) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/page/page.css", "text/css; charset=utf-8", ":root"),
        ("/page/page.js", "text/javascript; charset=utf-8", "/page/models.json"),
    ] {
        let reply = server.get(path);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(kind)));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(reply.text().to_lowercase().contains(words), "{path}");
        // Nothing is fetched from elsewhere.
        assert!(!reply.text().contains("https://"), "{path}");
    }
    let models = server.get("/page/models.json").json();
    let inputs: Vec<&Value> =
        models["models"].as_array().unwrap().iter().map(|model| &model["input"]).collect();
    assert_eq!(
        *inputs[0],
        json!({ "kind": "picture", "channels": 1, "height": 4, "width": 4, "form": "middle" })
    );
    assert_eq!(inputs[1]["kind"], "text");
    assert_eq!(
        inputs[2]["columns"][1],
        json!({ "name": "colour", "kind": "category", "values": ["blue", "red"] })
    );
    let answers: Vec<&Value> =
        models["models"].as_array().unwrap().iter().map(|model| &model["answers"]).collect();
    assert_eq!(answers, ["classes", "classes", "numbers"]);
    server.post("/v1/models/pictures:predict", json!({ "instances": [vec![0.5; 16]] }).to_string());
    let status = server.get("/page/status.json").json();
    let version = &status["models"][0]["versions"][0];
    assert_eq!((&version["requests"]["200"], &version["labels"]), (&json!(1), &json!(["stable"])));
    assert!(version["latency_ms"]["p50"].as_f64().unwrap() > 0.0);
}
