//! What a server says of itself: metrics, numbers of requests, and its log.

use std::sync::{Arc, Mutex};

use fireclay_data::{Dataset, Provenance};
use fireclay_nn::{Device, ModelSpec};
use fireclay_serve::{ModelSource, Registry, RegistryOptions, Server, ServerOptions};
use fireclay_tabular::{EncodingOptions, Frame, TableDataset, TablePreprocessing, TargetColumn};
use fireclay_train::{FitOptions, Trainer};
use serde_json::{Value, json};

use crate::support::Running;

/// The value of a line of `/metrics`.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

#[test]
fn metrics_say_what_was_answered_and_refused() {
    let server = Running::start();
    let good = json!({ "instances": [vec![0.5; 16], vec![0.1; 16]] }).to_string();
    for _ in 0..3 {
        assert_eq!(server.post("/v1/models/pictures:predict", &good).status, 200);
    }
    server.post("/v1/models/pictures:predict", "{}").refusal(400);
    server.post("/v1/models/nothing:predict", &good).refusal(404);
    let reply = server.get("/metrics");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = reply.text();
    let of = |name: &str, more: &str| {
        metric(&text, &format!("fireclay_{name}{{model=\"pictures\",version=\"1\"{more}}}"))
    };
    assert_eq!(of("requests_total", ",code=\"200\""), 3.0);
    assert_eq!(of("requests_total", ",code=\"400\""), 1.0);
    assert_eq!(metric(&text, "fireclay_requests_total{model=\"\",version=\"\",code=\"404\"}"), 1.0);
    assert_eq!((of("samples_total", ""), of("queue_samples", "")), (6.0, 0.0));
    assert_eq!((of("batch_samples_count", ""), of("batch_samples_sum", "")), (3.0, 6.0));
    assert_eq!(
        (of("batch_samples_bucket", ",le=\"1\""), of("batch_samples_bucket", ",le=\"2\"")),
        (0.0, 3.0)
    );
    assert_eq!(of("request_seconds_bucket", ",le=\"+Inf\""), 3.0);
    assert_eq!(of("version_loaded", ",label=\"stable\""), 1.0);
    assert_eq!(metric(&text, "fireclay_ready"), 1.0);
    // Each family is described once, and its lines stand together.
    let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let mut names: Vec<&str> = families.iter().map(|family| family.split(' ').next().unwrap()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

#[test]
fn requests_have_numbers_and_lines_in_the_log_without_what_was_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sums.fireclay");
    let network = ModelSpec::new([2]).dense(1).build_seeded(1, &Device::default()).unwrap();
    Trainer::regression(network).save(&path).unwrap();
    let source = ModelSource { name: "sums".into(), path };
    let registry = Registry::load(&[source], &Device::default(), RegistryOptions::default()).unwrap();
    let options = ServerOptions { address: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
    let mut server = Server::bind(registry, options).unwrap();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = lines.clone();
    server.log(move |line| log.lock().unwrap().push(line.to_owned()));
    let server = Running::of(server, folder);

    let body = json!({ "instances": [[123.25, 2.0]] }).to_string();
    let path = "/v1/models/sums:predict";
    let reply = server.post_with(&format!("{path}?secret=77"), "X-Request-Id: mine-1.2_3\r\n", &body);
    assert_eq!(reply.header("x-request-id"), Some("mine-1.2_3"));
    let made = [server.post(path, &body), server.post_with(path, "X-Request-Id: a b\r\n", &body)]
        .map(|reply| reply.header("x-request-id").unwrap().to_owned());
    assert!(made[0] != made[1] && made.iter().all(|id| id.len() > 10), "{made:?}");
    server.post("/v1/models/sums:predict", "[[[").refusal(400);

    let lines = lines.lock().unwrap().clone();
    let records: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 4);
    let first = &records[0];
    assert_eq!(
        [
            &first["id"],
            &first["method"],
            &first["path"],
            &first["status"],
            &first["model"],
            &first["version"]
        ],
        [&json!("mine-1.2_3"), &json!("POST"), &json!(path), &json!(200), &json!("sums"), &json!(1)]
    );
    assert!(first["ms"].as_f64().unwrap() > 0.0 && first["time"].as_f64().unwrap() > 1.7e9);
    assert_eq!((&records[3]["status"], &records[3]["model"]), (&json!(400), &json!("sums")));
    assert!(!lines.concat().contains("123.25") && !lines.concat().contains("secret"), "{lines:?}");
}

/// A server of a regression on a table, which knows how the rows of its training were: ages from 20 to 59, two colours.
fn of_ages() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.fireclay");
    let mut frame = Frame::new(["age", "colour", "price"]).unwrap();
    for row in 0..400 {
        let (age, price) = ((20 + row * 7 % 40).to_string(), (row * 3 % 50).to_string());
        frame.push([age.as_str(), ["red", "blue"][row / 3 % 2], price.as_str()]).unwrap();
    }
    let target = TargetColumn::numbers(&frame, "price").unwrap();
    let columns = TablePreprocessing::fit(&frame, &target, &EncodingOptions::default()).unwrap();
    let rows = Dataset::from_frame(&frame, &columns, &target, Provenance::default()).unwrap();
    let network = ModelSpec::new([columns.width()]).dense(1).build_seeded(1, &Device::default()).unwrap();
    let mut trainer = Trainer::regression(network);
    trainer.fit(&rows, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
    let (_, predictions) = trainer.evaluate_with_predictions(&rows).unwrap();
    trainer.keep_reference(&rows, &predictions).unwrap();
    trainer.save(&path).unwrap();
    let source = ModelSource { name: "prices".into(), path };
    let registry = Registry::load(&[source], &Device::default(), RegistryOptions::default()).unwrap();
    let options = ServerOptions { address: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
    Running::of(Server::bind(registry, options).unwrap(), folder)
}

#[test]
fn samples_of_another_kind_are_warned_of() {
    let server = of_ages();
    let ask = |rows: usize, row: &dyn Fn(usize) -> Value| {
        let rows: Vec<Value> = (0..rows).map(row).collect();
        let reply = server.post("/v1/models/prices:predict", json!({ "instances": rows }).to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    let drift = || server.get("/page/status.json").json()["models"][0]["versions"][0]["drift"].clone();
    let usual = |row: usize| {
        let colour = ["red", "blue"][row / 3 % 2];
        json!({ "age": 20 + row * 7 % 40, "colour": colour })
    };
    // As in the training.
    ask(50, &usual);
    assert_eq!((&drift()["samples"], &drift()["enough"]), (&json!(50), &json!(false)));
    ask(350, &usual);
    let report = drift();
    assert_eq!((&report["enough"], &report["warning"]), (&json!(true), &json!(false)), "{report}");
    let inputs = report["inputs"].as_array().unwrap();
    assert_eq!((&inputs[0]["name"], &inputs[1]["name"]), (&json!("age"), &json!("colour")));
    assert!(inputs.iter().all(|input| input["psi"].as_f64().unwrap() < 0.05), "{report}");
    let [mean, reference] = ["mean", "reference_mean"].map(|key| inputs[0][key].as_f64().unwrap());
    assert!((mean - reference).abs() < 0.1, "{report}");
    // Older people, and a colour that nobody had.
    ask(1000, &|_| json!({ "age": 58, "colour": "green" }));
    let report = drift();
    assert_eq!(report["warning"], true, "{report}");
    assert!(report["inputs"].as_array().unwrap().iter().all(|input| input["psi"].as_f64().unwrap() > 0.25));
    let text = server.get("/metrics").text();
    assert_eq!(metric(&text, "fireclay_drift_warning{model=\"prices\",version=\"1\"}"), 1.0);
    assert!(
        metric(&text, "fireclay_drift_psi{model=\"prices\",version=\"1\",of=\"input\",name=\"age\"}") > 0.25
    );
    // What came long ago is forgotten.
    for _ in 0..3 {
        ask(1000, &usual);
    }
    assert_eq!(drift()["warning"], false, "{}", drift());
}

#[test]
fn every_path_that_is_described_is_there() {
    let server = Running::start();
    let document = server.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    let mut names = Vec::new();
    for (path, operations) in paths {
        let path = path.replace("{name}", "pictures").replace("{version}", "1").replace("{label}", "stable");
        for (method, operation) in operations.as_object().unwrap() {
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            let reply = if method == "get" { server.get(&path) } else { server.post(&path, "") };
            let said = reply.text();
            let is_there = reply.status != 405 && !said.contains("there is no path");
            assert!(is_there, "{method} {path}: {} {said}", reply.status);
            assert!(
                operation["responses"][reply.status.to_string()].is_object() || reply.status == 400,
                "{path}"
            );
        }
    }
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    // And each reference leads somewhere.
    let text = document.to_string();
    let referred = text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
    for name in referred {
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}
