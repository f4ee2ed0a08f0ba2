//! `serve`: a model file behind HTTP, asked as a client asks it and ended as a scheduler ends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use fireclay::prelude::Device;
use fireclay::train::{Prediction, Predictor, Sample};
use fireclay_cli::networks::{DigitNetwork, ObjectNetwork};
use fireclay_cli::{ImagePreprocessing, ImageSource, Limit, Output, PublishedImages};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{PROGRAM, fail, scratch, succeed};

/// What is printed once requests are answered, as apps/README.md says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Serving { address: String, admin: Option<String>, models: Vec<Served> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Served {
    name: String,
    version: u64,
    file: String,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Tensor {
    name: String,
    datatype: String,
    shape: Vec<i64>,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
    }
}

fn start(folder: &Path, arguments: &[&str]) -> (Server, Line) {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--json", "--port", "0"])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Server(child), serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
}

#[test]
fn a_model_answers_as_predict_does_and_ends_when_it_is_told_to() {
    let folder = scratch();
    succeed(
        folder.path(),
        &[
            "train",
            "flats.csv",
            "--target",
            "rent",
            "--model",
            "linear",
            "--epochs",
            "2",
            "--out",
            "rent.fireclay",
        ],
    );
    let versions = folder.path().join("versions");
    for version in ["1", "2", "10"] {
        std::fs::create_dir_all(versions.join(version)).unwrap();
        std::fs::copy(folder.path().join("rent.fireclay"), versions.join(version).join("model.fireclay"))
            .unwrap();
    }
    let (mut server, Line::Serving { address, admin, models }) =
        start(folder.path(), &["rent.fireclay", "flats=versions", "--grace", "0"]);
    assert_eq!(admin, None);
    let [rent, flats] = models.as_slice() else { panic!("two models") };
    assert_eq!((rent.name.as_str(), rent.version, rent.file.as_str()), ("rent", 1, "rent.fireclay"));
    assert_eq!((flats.name.as_str(), flats.version), ("flats", 10), "the highest number, not the last name");
    assert!(flats.file.ends_with("model.fireclay"));
    let size = Tensor { name: "size".into(), datatype: "BYTES".into(), shape: vec![-1] };
    assert!(rent.inputs.contains(&size), "{:?}", rent.inputs);
    assert_eq!(rent.outputs[0].name, "value");

    let run = succeed(folder.path(), &["predict", "new.csv", "--from", "rent.fireclay", "--json"]);
    let asked: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let instances: Vec<Value> = asked
        .iter()
        .map(|answer| {
            rent.inputs.iter().map(|input| (input.name.clone(), answer["row"][&input.name].clone())).collect()
        })
        .collect();
    for name in ["rent", "flats"] {
        let url = format!("{address}/v1/models/{name}:predict");
        let body = json!({ "instances": instances }).to_string();
        let reply = ureq::post(url).send(body).unwrap().body_mut().read_to_string().unwrap();
        let answers: Value = serde_json::from_str(&reply).unwrap();
        let answers = answers["predictions"].as_array().unwrap();
        assert_eq!((answers.len(), asked.len()), (100, 100));
        for (answer, asked) in answers.iter().zip(&asked) {
            let value = answer.get("value").map_or(&answer[0], |value| &value[0]);
            let [found, expected] = [value, &asked["value"]].map(|value| value.as_f64().unwrap());
            assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{found} and {expected}");
        }
    }
    Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn versions_are_changed_from_another_terminal() {
    let folder = scratch();
    let train = ["train", "flats.csv", "--target", "rent", "--model", "linear", "--epochs", "1", "--out"];
    for version in ["1", "2"] {
        std::fs::create_dir_all(folder.path().join("flats").join(version)).unwrap();
        let file = format!("flats/{version}/model.fireclay");
        succeed(folder.path(), &[&train[..], &[&file]].concat());
    }
    std::fs::rename(folder.path().join("flats/2"), folder.path().join("new")).unwrap();
    let token = "a-token-of-a-test";
    std::fs::write(folder.path().join("token"), format!("{token}\n")).unwrap();
    let (_server, Line::Serving { admin, .. }) =
        start(folder.path(), &["flats", "--admin-port", "0", "--admin-token-file", "token"]);
    let url = admin.unwrap();
    let models = |arguments: &[&str]| {
        let given = [&["models"], arguments, &["--url", &url, "--token-file", "token", "--json"]].concat();
        let run = succeed(folder.path(), &given);
        let model: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&model["type"], &model["name"]), (&json!("served_model"), &json!("flats")));
        model
    };
    assert_eq!(models(&[])["versions"][0]["label"], "stable");
    std::fs::rename(folder.path().join("new"), folder.path().join("flats/2")).unwrap();
    assert_eq!(models(&["list"])["versions"][1]["state"], "unloaded");
    assert_eq!(models(&["canary", "flats", "2", "--share", "0.25"])["canary_share"], 0.25);
    assert_eq!(models(&["promote", "flats"])["versions"][1]["label"], "stable");
    assert_eq!(models(&["roll-back", "flats"])["versions"][0]["label"], "stable");
    let seen = succeed(folder.path(), &["models", "--url", &url, "--token-file", "token"]).stdout;
    assert_eq!(seen, "flats\n  1  stable\n  2  unloaded\n");

    let with = ["--url", &url, "--token-file", "token"];
    let models = |arguments: &[&str], code, words: &[&str]| {
        fail(folder.path(), &[&["models"], arguments].concat(), code, words);
    };
    models(&[&["load", "flats", "7"], &with[..]].concat(), 1, &["no version 7", "there is 1, 2"]);
    models(&[&["load", "../x", "1"], &with[..]].concat(), 2, &["no model is called", "models list"]);
    models(&["list", "--url", &url], 2, &["FIRECLAY_ADMIN_TOKEN", "--token-file"]);
    models(&["list", "--url", &url, "--token-file", "none"], 1, &["none"]);
    std::fs::write(folder.path().join("other"), "another-token-of-a-test").unwrap();
    models(&["list", "--url", &url, "--token-file", "other"], 1, &["does not know this token"]);
    models(&["list", "--url", "http://127.0.0.1:9", "--token-file", "token"], 1, &["--admin-port", "--url"]);
    let short = ["serve", "flats", "--port", "0", "--admin-port", "0", "--admin-token-file", "short"];
    std::fs::write(folder.path().join("short"), "short").unwrap();
    fail(folder.path(), &short, 2, &["short is no token", "16"]);
}

#[test]
fn what_listens_there_and_is_no_server_of_models_is_named() {
    let folder = scratch();
    std::fs::write(folder.path().join("token"), "a-token-of-a-test").unwrap();
    for (status, body, problem) in [
        ("200 OK", "<html>", "expected value"),
        ("404 Not Found", "{}", "status 404"),
        ("200 OK", "{\"models\": 7}", "invalid type"),
        ("200 OK", "[]", "invalid length"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let words = [&url, "does not answer as `fireclay serve --admin-port` does", problem];
        fail(folder.path(), &["models", "list", "--url", &url, "--token-file", "token"], 1, &words);
        other.join().unwrap();
    }
}

#[test]
fn what_cannot_be_served_is_refused_with_what_to_do() {
    let folder = scratch();
    let serve = |arguments: &[&str], code, words: &[&str]| {
        fail(folder.path(), &[&["serve", "--port", "0"], arguments].concat(), code, words);
    };
    serve(&["none.fireclay"], 1, &["none.fireclay"]);
    serve(&["flats.csv"], 2, &["flats.csv is a table and no model file"]);
    serve(&["a b=none.fireclay"], 2, &["\"a b\"", "NAME=FILE"]);
    serve(&["x=none.fireclay", "--max-batch", "0"], 2, &["--max-batch"]);
    serve(&["flats=.", "--max-delay", "50", "--deadline", "50"], 2, &["--max-delay", "--deadline"]);
    std::fs::create_dir_all(folder.path().join("versions/1")).unwrap();
    serve(&["versions"], 1, &["versions", "expected one model file", "found 0"]);
    std::fs::create_dir_all(folder.path().join("empty")).unwrap();
    serve(&["empty"], 1, &["empty", "folders of versions"]);
    succeed(folder.path(), &["train", "flats.csv", "--target", "rent", "--model", "linear", "--epochs", "1"]);
    serve(&["a=model.fireclay", "a=model.fireclay"], 2, &["two models are called \"a\""]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    fail(folder.path(), &["serve", "--port", &port], 1, &["cannot listen on 127.0.0.1", "--port"]);
}

/// `FIRECLAY_TEST_DATA` holds the data sets, and `FIRECLAY_SERVE_PYTHON` is a Python with `crates/serve/fixtures/requirements.txt`.
#[test]
#[ignore = "needs the data sets, and a Python with the clients of Triton and KServe; see CONTRIBUTING.md"]
fn judge_of_clients_on_real_models() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is to be set"));
    let (data, python) = (PathBuf::from(variable("FIRECLAY_TEST_DATA")), variable("FIRECLAY_SERVE_PYTHON"));
    let folder = scratch();
    let train = |name: &str, from: &str, more: &[&str]| {
        let (from, out) = (data.join(from).display().to_string(), format!("{name}.fireclay"));
        let usual = ["train", &from, "--limit", "400", "--epochs", "1", "--out", &out];
        succeed(folder.path(), &[&usual[..], more].concat());
        Predictor::load(folder.path().join(out), &Device::default()).unwrap()
    };
    let digits = train("digits", "mnist", &[]);
    let objects = train("objects", "cifar-10-batches-bin", &[]);
    let reviews = train("reviews", "imdb", &[]);
    let prices = train("prices", "tables/diamonds-train.csv", &["--target", "price"]);

    let output = Arc::new(Output::silent());
    let limit = || Limit { samples: Some(400) };
    let pixels = |from: &str, family: PublishedImages, preprocessing: ImagePreprocessing| {
        let source = ImageSource::Folder(data.join(from));
        let (_, test) = source.load(family, family.shape(), limit(), &preprocessing, &output).unwrap();
        (0..3).flat_map(|index| test.raw_u8(index).unwrap().to_vec()).collect::<Vec<u8>>()
    };
    let of_digits = pixels("mnist", PublishedImages::Mnist, DigitNetwork::Mlp.preprocessing());
    let of_objects =
        pixels("cifar-10-batches-bin", PublishedImages::Cifar, ObjectNetwork::Cnn.preprocessing());
    let texts = ["One of the best films I have seen in years.", "I want my money and my two hours back.", ""];
    let mut table = csv::Reader::from_path(data.join("tables/diamonds-test.csv")).unwrap();
    let columns: Vec<String> = table.headers().unwrap().iter().map(String::from).collect();
    let rows: Vec<Vec<String>> =
        table.records().take(3).map(|row| row.unwrap().iter().map(String::from).collect()).collect();

    let classes = |answers: &[Prediction]| {
        json!({
            "class": answers.iter().map(|answer| answer.class()).collect::<Vec<_>>(),
            "probabilities": answers.iter().flat_map(|answer| answer.probabilities().unwrap().to_vec()).collect::<Vec<_>>(),
        })
    };
    let pictures = |model: &str, predictor: &Predictor, pixels: &[u8], shape: [usize; 3]| {
        let size: usize = shape.iter().product();
        let answers = predictor.predict_batch(pixels.chunks(size).map(Sample::Pixels)).unwrap();
        let shape = [&[3][..], &shape].concat();
        let shares: Vec<f32> = pixels.iter().map(|byte| f32::from(*byte) / 255.0).collect();
        let instances: Vec<&[f32]> = shares.chunks(size).collect();
        json!({
            "model": model, "outputs": classes(&answers), "instances": instances,
            "inputs": [{ "name": "input", "datatype": "UINT8", "numpy": "uint8", "shape": shape, "data": pixels }],
        })
    };
    let text =
        |name: &str, data: Value| json!({ "name": name, "datatype": "BYTES", "shape": [3], "data": data });
    let said_of_texts = reviews.predict_batch(texts.map(Sample::Text)).unwrap();
    let taken: Vec<usize> = (0..columns.len())
        .filter(|place| prices.table().unwrap().columns.iter().any(|column| column.name == columns[*place]))
        .collect();
    let named: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|row| taken.iter().map(|place| (columns[*place].as_str(), row[*place].as_str())).collect())
        .collect();
    let said_of_rows = prices.predict_batch(named.iter().map(|row| Sample::Row(row))).unwrap();
    let mut of_prices = serde_json::Map::new();
    of_prices.insert("value".into(), said_of_rows.iter().map(Prediction::value).collect());
    if said_of_rows[0].interval().is_some() {
        let ends = said_of_rows.iter().flat_map(|answer| answer.interval().unwrap());
        of_prices.insert("interval".into(), ends.collect());
    }
    let instances: Vec<Value> = named
        .iter()
        .map(|row| row.iter().map(|(name, cell)| ((*name).to_owned(), json!(cell))).collect())
        .collect();
    let cells = |place: usize| json!(rows.iter().map(|row| &row[place]).collect::<Vec<_>>());
    let cases = json!([
        pictures("digits", &digits, &of_digits, [1, 28, 28]),
        pictures("objects", &objects, &of_objects, [3, 32, 32]),
        { "model": "reviews", "outputs": classes(&said_of_texts), "instances": texts, "inputs": [text("text", json!(texts))] },
        {
            "model": "prices", "outputs": of_prices, "instances": instances,
            "inputs": taken.iter().map(|place| text(&columns[*place], cells(*place))).collect::<Vec<_>>(),
        },
    ]);
    let names = ["digits", "objects", "reviews", "prices"].map(|name| format!("{name}.fireclay"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_server, Line::Serving { address, .. }) = start(folder.path(), &names);
    let expected = folder.path().join("expected.json");
    std::fs::write(&expected, cases.to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/serve/fixtures/judge.py");
    let address = address.trim_start_matches("http://");
    let judged = Command::new(python).arg(script).arg(address).arg(&expected).output().unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}\n{}", String::from_utf8_lossy(&judged.stderr));
    assert_eq!(said.lines().count(), 4 * 7, "{said}");
}
