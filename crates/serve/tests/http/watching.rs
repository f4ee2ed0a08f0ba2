//! What a server says of itself: metrics, numbers of requests, and its log.

use std::sync::{Arc, Mutex};

use fireclay_nn::{Device, ModelSpec};
use fireclay_serve::{ModelSource, Registry, RegistryOptions, Server, ServerOptions};
use fireclay_train::Trainer;
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
