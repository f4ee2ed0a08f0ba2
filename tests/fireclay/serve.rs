//! `serve`: a model file behind HTTP, asked as a client asks it and ended as a scheduler ends it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    fail(folder.path(), &["serve", "--port", &port], 1, &["cannot listen on 127.0.0.1", "--port"]);
}
