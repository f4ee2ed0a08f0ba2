//! A server ends without losing a request.

use std::io::Write;
use std::time::Duration;

use fireclay_serve::{QueueOptions, ServerOptions};
use serde_json::json;

use crate::support::{Running, read};

#[test]
fn requests_under_way_are_answered_and_new_connections_are_not() {
    // The first waits for others that do not come.
    let queue = QueueOptions { max_delay: Duration::from_secs(3), ..QueueOptions::default() };
    let mut server = Running::with(ServerOptions::default(), queue);
    let body = json!({ "instances": [vec![0.5; 16]] }).to_string();
    let mut client = server.connect();
    let length = body.len();
    let head =
        format!("POST /v1/models/pictures:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(body.as_bytes()).unwrap();
    let mut idle = server.connect();
    // Until the server has the request.
    std::thread::sleep(Duration::from_secs(1));
    assert!(server.end(), "all were answered");
    let reply = read(&mut client);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(read(&mut idle).status, 0, "a connection without a request is closed");
    assert!(std::net::TcpStream::connect(server.address).is_err(), "nobody listens any more");
}

#[test]
fn while_it_ends_it_says_that_it_is_not_ready_and_answers() {
    let server = Running::start_with_grace(Duration::from_secs(60));
    assert_eq!(server.get("/v2/health/ready").status, 200);
    server.handle.shut_down();
    for path in ["/v2/health/ready", "/v2/models/pictures/ready"] {
        assert_eq!(server.get(path).json()["ready"], false);
        assert_eq!(server.get(path).status, 503);
    }
    assert_eq!(server.get("/v2/health/live").status, 200);
    assert_eq!(server.get("/v1/models/pictures").json()["ready"], false);
    let request = json!({ "instances": [vec![0.5; 16]] });
    assert_eq!(server.post("/v1/models/pictures:predict", request.to_string()).status, 200);
}
