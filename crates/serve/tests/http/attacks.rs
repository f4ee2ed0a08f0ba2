//! What a server that anybody may reach is sent: each is refused, and the next request is answered.

use std::io::Write;
use std::time::{Duration, Instant};

use fireclay_serve::{Limits, QueueOptions, ServerOptions};
use serde_json::json;

use crate::support::{Running, read};

/// The model still answers.
fn answers(server: &Running) {
    let request = json!({ "instances": [vec![0.5; 16]] });
    let reply = server.post("/v1/models/pictures:predict", request.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn limited(limits: Limits) -> Running {
    Running::with(ServerOptions { limits, ..ServerOptions::default() }, QueueOptions::default())
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let server = limited(Limits { max_body: 1000, ..Limits::default() });
    // It says so, and nothing of it follows.
    let huge = b"POST /v2/models/pictures/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    let reply = server.send(huge);
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(reply.refusal(413).contains("1000000000 bytes, and at most 1000 bytes are taken"));
    // It does not say so.
    let mut stream = server.connect();
    stream
        .write_all(
            b"POST /v2/models/pictures/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    for _ in 0..100 {
        if stream.write_all(&[b"3e8\r\n", &[b'a'; 1000][..], b"\r\n"].concat()).is_err() {
            break;
        }
    }
    assert_eq!(read(&mut stream).status, 413);
    let packed = server.post_with("/v2/models/pictures/infer", "Content-Encoding: gzip\r\n", "x");
    assert!(packed.refusal(415).contains("gzip"));
    answers(&server);
}

#[test]
fn bodies_that_together_are_too_large_are_refused() {
    let server = limited(Limits { max_body: 1 << 20, max_bodies: 1 << 20, ..Limits::default() });
    let head = "POST /v2/models/pictures/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n";
    let mut announced = server.connect();
    announced.write_all(head.as_bytes()).unwrap();
    // What is only announced takes no room.
    std::thread::sleep(Duration::from_millis(50));
    answers(&server);
    let begun = Instant::now();
    let slow = loop {
        assert!(begun.elapsed() < Duration::from_secs(10));
        let mut slow = server.connect();
        slow.write_all(&[head.as_bytes(), &[b' '; 1_048_575][..]].concat()).unwrap();
        // It is the slow one that is refused where a request comes in between while the server still reads it.
        std::thread::sleep(Duration::from_millis(50));
        if server.post("/v2/models/pictures/infer", "{").status == 503 {
            break slow;
        }
    };
    drop(slow);
    while server.post("/v2/models/pictures/infer", "{").status == 503 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    answers(&server);
}

#[test]
fn more_samples_than_may_wait_are_refused() {
    let queue = QueueOptions { capacity: 2, ..QueueOptions::default() };
    let server = Running::with(ServerOptions::default(), queue);
    // Empty texts, each of which would become as many tokens as the model reads.
    let header = r#"{"inputs": [{"name": "text", "shape": [250000], "datatype": "BYTES", "parameters": {"binary_data_size": 1000000}}]}"#;
    let length = format!("Inference-Header-Content-Length: {}\r\n", header.len());
    let body = [header.as_bytes(), &[0; 1_000_000]].concat();
    let refusal = server.post_with("/v2/models/reviews/infer", &length, body).refusal(413);
    assert!(refusal.contains("250000 samples"), "{refusal}");
    let request = json!({ "instances": vec![vec![0.5; 16]; 3] });
    let refusal = server.post("/v1/models/pictures:predict", request.to_string()).refusal(413);
    assert!(
        refusal.contains("3 samples, and at most 2 samples are taken") && refusal.contains("--queue"),
        "{refusal}"
    );
    answers(&server);
}

#[test]
fn clients_that_send_slowly_are_let_go() {
    let soon = Duration::from_secs(1);
    let server = limited(Limits { header_time: soon, body_time: soon, ..Limits::default() });
    let begun = Instant::now();
    let mut loris = server.connect();
    loris.write_all(b"GET /v2 HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut slow = server.connect();
    slow.write_all(b"POST /v2/models/pictures/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    assert!(read(&mut slow).refusal(408).contains("1 s"));
    let reply = read(&mut loris);
    assert!([0, 408].contains(&reply.status), "{}", reply.status);
    assert!(begun.elapsed() < Duration::from_secs(10));
    answers(&server);
}

#[test]
fn floods_of_headers_and_lines_that_are_no_http_are_refused() {
    let server = limited(Limits { header_time: Duration::from_secs(1), ..Limits::default() });
    let many: String = (0..1000).map(|number| format!("x-{number}: 1\r\n")).collect();
    assert_eq!(server.send(format!("GET /v2 HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes()).status, 431);
    let long = "a".repeat(1 << 20);
    let reply = server.send(format!("GET /v2 HTTP/1.1\r\nHost: x\r\nx: {long}\r\n\r\n").as_bytes());
    assert!([0, 431].contains(&reply.status), "{}", reply.status);
    for line in ["\x16\x03\x01\x02", "GET", "hello\r\n\r\n", "GET /v2 HTTP/9.9\r\n\r\n"] {
        let reply = server.send(line.as_bytes());
        assert!([0, 400, 505].contains(&reply.status), "{line:?}: {}", reply.status);
        answers(&server);
    }
}

#[test]
fn names_are_no_paths() {
    let server = Running::start();
    for name in
        ["..%2f..%2fetc%2fpasswd", "%2e%2e", "pictures%00", "pictures.fireclay", "C:%5Cx", &"a".repeat(5000)]
    {
        let reply = server.get(&format!("/v2/models/{name}"));
        assert_eq!(reply.status, 404, "{name}");
        assert!(reply.body.len() < 600 && !reply.text().contains("root:"), "{}", reply.text());
    }
    assert_eq!(server.get("/../../etc/passwd").status, 404);
    answers(&server);
}

#[test]
fn json_that_is_broken_deep_or_full_of_lies_is_refused() {
    let server = Running::start();
    let deep = format!("{{\"inputs\": {}", "[".repeat(1_000_000));
    let lie = json!({ "inputs": [{ "name": "input", "shape": [u64::MAX, 1, 4, 4], "datatype": "FP32", "data": [] }] });
    let wide = json!({ "inputs": [{ "name": "input", "shape": [1u64 << 40, 1, 4, 4], "datatype": "UINT8", "data": [1] }] });
    for body in [
        deep.as_bytes(),
        b"",
        b"\xff",
        b"[1, 2]",
        b"null",
        lie.to_string().as_bytes(),
        wide.to_string().as_bytes(),
    ] {
        let reply = server.post("/v2/models/pictures/infer", body);
        let refusal = reply.refusal(400);
        assert!(refusal.len() < 400, "{refusal}");
    }
    let field = format!("{{\"{}\": 1}}", "a".repeat(1_000_000));
    assert!(server.post("/v1/models/pictures:predict", field).refusal(400).len() < 400);
    let many = format!("{{\"instances\": [{}\"a\"]}}", "\"word word word word\",".repeat(200_000));
    server.post("/v1/models/reviews:predict", many).refusal(413);
    let long = json!({ "instances": ["word ".repeat(1_000_000)] });
    assert_eq!(server.post("/v1/models/reviews:predict", long.to_string()).status, 200);
    answers(&server);
}

#[test]
fn what_is_no_number_is_refused_in_every_form() {
    let server = Running::start();
    let binary = |datatype: &str, value: &[u8]| {
        let size = 16 * value.len();
        let input = json!({ "name": "input", "shape": [1, 1, 4, 4], "datatype": datatype, "parameters": { "binary_data_size": size } });
        let head = json!({ "inputs": [input] }).to_string();
        let length = format!("Inference-Header-Content-Length: {}\r\n", head.len());
        // The last of them, so that it is no matter of the first.
        let body = [head.as_bytes(), &vec![0; size - value.len()], value].concat();
        server.post_with("/v2/models/pictures/infer", &length, body).refusal(400)
    };
    for (datatype, value) in [
        ("FP32", &f32::NAN.to_le_bytes()[..]),
        ("FP32", &f32::NEG_INFINITY.to_le_bytes()),
        ("FP64", &f64::NAN.to_le_bytes()),
        ("FP16", &0x7e00u16.to_le_bytes()),
        ("BF16", &0x7f80u16.to_le_bytes()),
    ] {
        let refusal = binary(datatype, value);
        assert!(refusal.contains("value 15 of input \"input\" is NaN"), "{refusal}");
    }
    let zeros = "0, ".repeat(15);
    for (value, said) in [
        ("NaN", "not JSON"),
        ("-Infinity", "not JSON"),
        ("1e999", "not JSON"),
        ("1e39", "value 15 of input \"input\" is NaN, infinite or too large for FP32"),
        ("null", "null"),
        ("\"0\"", "\"0\""),
    ] {
        let row_by_row = format!("{{\"instances\": [[{zeros}{value}]]}}");
        let infer = format!(
            "{{\"inputs\": [{{\"name\": \"input\", \"shape\": [1, 1, 4, 4], \"datatype\": \"FP32\", \"data\": [{zeros}{value}]}}]}}"
        );
        for (path, body) in
            [("/v1/models/pictures:predict", row_by_row), ("/v2/models/pictures/infer", infer)]
        {
            let refusal = server.post(path, &body).refusal(400);
            assert!(refusal.contains(said), "{value} at {path}: {refusal}");
        }
    }
    answers(&server);
}
