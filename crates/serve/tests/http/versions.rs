//! Versions that are changed while a server answers: loaded beside, tried, promoted, rolled back, and broken ones refused.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fireclay_nn::{Device, ModelSpec};
use fireclay_serve::{
    AdminToken, ModelSource, QueueOptions, Registry, RegistryOptions, Server, ServerOptions,
};
use fireclay_train::{Predictor, Sample, Trainer};
use serde_json::{Value, json};

use crate::support::{Reply, Running};

const TOKEN: &str = "a-token-of-a-test";

/// A regression on two numbers, whose weights follow from a seed.
fn save(folder: &Path, version: u64, seed: u64) {
    let network = ModelSpec::new([2]).dense(1).build_seeded(seed, &Device::default()).unwrap();
    let path = folder.join(version.to_string());
    std::fs::create_dir_all(&path).unwrap();
    Trainer::regression(network).save(path.join("model.fireclay")).unwrap();
}

/// A server of the model `sums` with versions 1 and 2, of which 1 is there at first.
struct Versions {
    server: Running,
    admin: Running,
    folder: tempfile::TempDir,
}

impl Versions {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), 1, 1);
        let source = ModelSource { name: "sums".into(), path: folder.path().into() };
        let queue = QueueOptions { capacity: 100_000, ..QueueOptions::default() };
        let options = RegistryOptions { queue, ..RegistryOptions::default() };
        let registry = Registry::load(&[source], &Device::default(), options).unwrap();
        save(folder.path(), 2, 2);
        let address = ([127, 0, 0, 1], 0).into();
        let options = ServerOptions { address, grace: Duration::ZERO, ..ServerOptions::default() };
        let mut server = Server::bind(registry, options).unwrap();
        let admin = server.administer(0, AdminToken::new(TOKEN).unwrap()).unwrap();
        let server = Running::of(server, tempfile::tempdir().unwrap());
        let admin = Running::elsewhere(admin, server.handle.clone());
        Versions { server, admin, folder }
    }

    /// Asks for a change as the one who has the token.
    fn change(&self, action: &str, body: Value) -> Reply {
        let headers = format!("Authorization: Bearer {TOKEN}\r\n");
        self.admin.post_with(&format!("/models/sums/{action}"), &headers, body.to_string())
    }

    /// The labels of the versions that are loaded.
    fn labels(reply: &Reply) -> Vec<(u64, String)> {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let versions = reply.json()["versions"].as_array().unwrap().clone();
        let loaded = versions.iter().filter_map(|version| {
            Some((version["version"].as_u64().unwrap(), version.get("label")?.as_str()?.to_owned()))
        });
        loaded.collect()
    }

    /// What a version says of a sample.
    fn expected(&self, version: u64) -> f64 {
        let path = self.folder.path().join(version.to_string()).join("model.fireclay");
        let predictor = Predictor::load(path, &Device::default()).unwrap();
        f64::from(predictor.predict(Sample::Values(vec![1.0, 2.0].into())).unwrap().value())
    }

    fn ask(&self, path: &str) -> f64 {
        let reply = self.server.post(path, json!({ "instances": [[1.0, 2.0]] }).to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["predictions"][0][0].as_f64().unwrap()
    }
}

fn same(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-6
}

#[test]
fn a_version_is_loaded_promoted_and_taken_back() {
    let versions = Versions::start();
    let [one, two] = [1, 2].map(|version| versions.expected(version));
    let path = "/v1/models/sums:predict";
    assert!(same(versions.ask(path), one) && !same(one, two));
    assert_eq!(
        Versions::labels(&versions.change("load", json!({ "version": 2 }))),
        [(1, "previous".to_owned()), (2, "stable".to_owned())]
    );
    assert!(same(versions.ask(path), two));
    assert!(same(versions.ask("/v1/models/sums/versions/1:predict"), one), "the one before is still there");
    let reply = versions.server.get("/v2/models/sums");
    assert_eq!(reply.json()["versions"], json!(["1", "2"]));
    assert_eq!(Versions::labels(&versions.change("roll-back", Value::Null)), [(1, "stable".to_owned())]);
    assert!(same(versions.ask(path), one));
    let refused = versions.change("roll-back", Value::Null).refusal(409);
    assert!(refused.contains("neither a canary nor"), "{refused}");

    // A canary answers its share, evenly spread, and each version can be asked for by its label.
    versions.change("canary", json!({ "version": 2, "share": 0.25 }));
    let answers: Vec<bool> = (0..40).map(|_| same(versions.ask(path), two)).collect();
    assert_eq!(answers.iter().filter(|canary| **canary).count(), 10);
    assert!(answers.chunks(4).all(|four| four.iter().filter(|canary| **canary).count() == 1));
    assert!(same(versions.ask("/v1/models/sums/labels/canary:predict"), two));
    assert!(same(versions.ask("/v1/models/sums/labels/stable:predict"), one));
    let reply = versions.change("canary", json!({ "share": 0.5 }));
    assert_eq!(reply.json()["canary_share"], 0.5);
    assert_eq!(
        Versions::labels(&versions.change("promote", Value::Null)),
        [(1, "previous".to_owned()), (2, "stable".to_owned())]
    );
    assert!(same(versions.ask(path), two));
    let refused = versions.change("promote", Value::Null).refusal(409);
    assert!(refused.contains("has no canary"), "{refused}");
}

#[test]
fn a_broken_version_leaves_the_old_one_and_says_why() {
    let versions = Versions::start();
    let one = versions.expected(1);
    let file = |version: u64| {
        let folder = versions.folder.path().join(version.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        folder.join("model.fireclay")
    };
    std::fs::write(file(3), b"no model").unwrap();
    // Half a file, one of another model, one that answers otherwise than it should, one with NaN, and none.
    let whole = std::fs::read(file(2)).unwrap();
    std::fs::write(file(4), &whole[..whole.len() / 2]).unwrap();
    let other = ModelSpec::new([3]).dense(1).build_seeded(1, &Device::default()).unwrap();
    Trainer::regression(other).save(file(5)).unwrap();
    std::fs::copy(file(2), file(6)).unwrap();
    let golden = |value: f64| json!({ "instances": [[1.0, 2.0]], "predictions": [[value]] }).to_string();
    std::fs::write(file(6).with_file_name("golden.json"), golden(one + 1.0)).unwrap();
    std::fs::create_dir_all(versions.folder.path().join("7")).unwrap();
    let cases = [
        (3, "not"),
        (4, ""),
        (5, "takes other inputs than version 1"),
        (6, "the model answers"),
        (7, "expected one model file"),
    ];
    for (version, why) in cases {
        for (action, body) in
            [("load", json!({ "version": version })), ("canary", json!({ "version": version, "share": 0.5 }))]
        {
            let refused = versions.change(action, body).refusal(422);
            assert!(
                refused.contains("and version 1 goes on") && refused.contains(why),
                "{version}: {refused}"
            );
        }
        assert!(same(versions.ask("/v1/models/sums:predict"), one));
    }
    let status = versions.server.get("/v1/models/sums").json();
    let failed = &status["model_version_status"][1];
    assert_eq!((&failed["version"], &failed["state"]), (&json!("3"), &json!("END")));
    // Mended, it is loaded.
    std::fs::write(file(6).with_file_name("golden.json"), golden(versions.expected(2))).unwrap();
    assert_eq!(Versions::labels(&versions.change("load", json!({ "version": 6 })))[1].0, 6);
}

#[test]
fn no_request_fails_while_versions_change() {
    let versions = Arc::new(Versions::start());
    let expected = [1, 2].map(|version| versions.expected(version));
    std::fs::create_dir_all(versions.folder.path().join("3")).unwrap();
    std::fs::write(versions.folder.path().join("3/model.fireclay"), b"broken").unwrap();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (versions, stop, asked) = (versions.clone(), stop.clone(), asked.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let found = versions.ask("/v1/models/sums:predict");
                    assert!(expected.iter().any(|value| same(found, *value)), "{found}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..12 {
        let status = match round % 4 {
            0 => versions.change("load", json!({ "version": 2 })).status,
            1 => versions.change("load", json!({ "version": 3 })).status,
            2 => versions.change("canary", json!({ "version": 1, "share": 0.5 })).status,
            _ => versions.change("promote", Value::Null).status,
        };
        assert_eq!(status, if round % 4 == 1 { 422 } else { 200 });
        std::thread::sleep(Duration::from_millis(20));
    }
    stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
    // What the server counted is what was asked.
    let metrics = versions.server.get("/metrics").text();
    let of_model = |line: &&str| line.starts_with("fireclay_requests_total{model=\"sums\"");
    let counted: f64 = metrics
        .lines()
        .filter(of_model)
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert_eq!(counted as usize, asked.load(Ordering::Relaxed), "{metrics}");
    assert!(!metrics.lines().any(|line| of_model(&line) && !line.contains("code=\"200\"")), "{metrics}");
}

#[test]
fn only_who_has_the_token_may_change_versions() {
    let versions = Versions::start();
    let body = json!({ "version": 2 }).to_string();
    for headers in [
        "",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer a-token-of-a-tes\r\n",
        "Authorization: Bearer a-token-of-a-test \u{e9}\r\n",
        "Authorization: Basic a-token-of-a-test\r\n",
        "Authorization: a-token-of-a-test\r\n",
    ] {
        for path in ["/models/sums/load", "/models", "/nothing"] {
            let reply = versions.admin.post_with(path, headers, &body);
            assert!(reply.refusal(401).contains("token"), "{headers}");
            assert_eq!(reply.header("www-authenticate"), Some("bearer"));
        }
    }
    // Nor by the port that everybody has.
    let reply = versions.server.post("/models/sums/load", &body);
    assert_eq!(reply.status, 404);
    assert!(AdminToken::new("short").is_none() && AdminToken::new(&" ".repeat(20)).is_none());
    assert_eq!(AdminToken::random().unwrap().reveal().len(), 48);
    assert_eq!(format!("{:?}", AdminToken::new(TOKEN).unwrap()), "AdminToken");
}

#[test]
fn changes_name_versions_and_never_files() {
    let versions = Versions::start();
    for body in ["{\"version\": \"../2\"}", "{\"version\": -1}", "{\"path\": \"/etc\"}", "{}", "[]", "\"2\""]
    {
        let headers = format!("Authorization: Bearer {TOKEN}\r\n");
        let reply = versions.admin.post_with("/models/sums/load", &headers, body);
        assert!(reply.refusal(400).contains("the body is not"), "{}", reply.text());
    }
    for (action, body, status, words) in [
        ("load", json!({ "version": 9 }), 404, "has no version 9 in its folder; there is 1, 2"),
        ("canary", json!({ "version": 2, "share": 1.0 }), 400, "more than 0 and less than 1"),
        ("canary", json!({ "version": 2, "share": 0 }), 400, "more than 0 and less than 1"),
        ("canary", json!({ "version": 1, "share": 0.5 }), 409, "answers already"),
        ("canary", json!({ "share": 0.5 }), 409, "has no canary"),
        ("../../etc", json!({}), 404, "there is no path"),
    ] {
        let refused = versions.change(action, body).refusal(status);
        assert!(refused.contains(words), "{refused}");
    }
    let headers = format!("Authorization: Bearer {TOKEN}\r\n");
    let reply = versions.admin.post_with("/models/..%2f..%2fetc/load", &headers, "{\"version\": 1}");
    assert!(reply.refusal(404).contains("no model is called"));
}

#[test]
fn a_method_or_a_path_that_there_is_not_is_refused_with_a_sentence() {
    let versions = Versions::start();
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    let ends = "Host: x\r\nConnection: close\r\n";
    for (server, headers, path) in [
        (&versions.admin, &token[..], "/models/sums/load"),
        (&versions.admin, &token, "/models"),
        (&versions.server, "", "/v2/models/sums/infer"),
        (&versions.server, "", "/v1/models/sums/versions/1"),
        (&versions.server, "", "/metrics"),
        (&versions.server, "", "/"),
    ] {
        let reply = server.send(format!("DELETE {path} HTTP/1.1\r\n{ends}{headers}\r\n").as_bytes());
        assert!(reply.refusal(405).contains("DELETE is no method"), "{path}");
        assert!(reply.header("allow").is_some(), "{path}: {}", reply.head);
    }
    for (server, headers, path) in [
        (&versions.admin, &token[..], "/models/%ff/promote"),
        (&versions.server, "", "/v2/models/%ff/infer"),
        (&versions.server, "", "/v1/models/%ff:predict"),
    ] {
        let refusal = server.post_with(path, headers, "{}").refusal(400);
        assert_eq!(refusal, "the path is not UTF-8", "{path}");
    }
}
