//! What several tests share: a small web server that misbehaves on request, and IDX files made in memory.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fireclay_datasets::{FetchOptions, RemoteFile};

/// One request, as far as the tests look at it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub path: String,
    pub range_from: Option<usize>,
    pub if_range: Option<String>,
}

/// Writes an answer; the connection is closed when it returns.
pub type Handler = dyn Fn(&Request, usize, &mut TcpStream) + Send + Sync;

/// A server on this machine that answers as `handler` says. Its second argument counts requests from 0.
pub struct Server {
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let log = Arc::clone(&requests);
        let handler: Arc<Handler> = Arc::new(handler);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let request = read_request(&stream);
                    let count = {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    handler(&request, count, &mut stream);
                });
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut request = Request::default();
    for (index, line) in BufReader::new(stream).lines().enumerate() {
        let line = line.unwrap_or_default();
        if line.is_empty() {
            break;
        }
        if index == 0 {
            request.path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        let lower = line.to_lowercase();
        if let Some(range) = lower.strip_prefix("range: bytes=") {
            request.range_from = range.trim_end_matches('-').parse().ok();
        }
        if lower.starts_with("if-range: ") {
            request.if_range = Some(line["if-range: ".len()..].to_owned());
        }
    }
    request
}

/// Writes an answer with these headers; a client that has gone away is no concern of the server's.
pub fn answer(stream: &mut TcpStream, status: &str, headers: &[String], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(b"\r\n");
    let _ = stream.write_all(body);
    let _ = stream.flush();
}

pub fn status(stream: &mut TcpStream, status: &str) {
    answer(stream, status, &["Content-Length: 0".into()], b"");
}

/// Serves `content` as a well-behaved server does, parts included.
pub fn serve(request: &Request, stream: &mut TcpStream, content: &[u8], etag: &str) {
    let same = request.if_range.as_deref().is_none_or(|asked| asked == etag);
    let etag_header = format!("ETag: {etag}");
    match request.range_from {
        Some(from) if same => {
            let rest = &content[from..];
            let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
            let headers =
                [format!("Content-Length: {}", rest.len()), format!("Content-Range: {range}"), etag_header];
            answer(stream, "206 Partial Content", &headers, rest);
        }
        _ => {
            let length = format!("Content-Length: {}", content.len());
            answer(stream, "200 OK", &[length, etag_header], content);
        }
    }
}

/// 200,000 bytes that do not repeat, and their digest.
pub fn content() -> Vec<u8> {
    let mut state = 1u32;
    (0..200_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `content` under the name `file.bin`, at these addresses.
pub fn remote(content: &[u8], urls: &[String]) -> RemoteFile {
    RemoteFile {
        name: "file.bin".into(),
        sha256: sha256(content),
        bytes: content.len() as u64,
        urls: urls.to_vec(),
    }
}

/// Impatient, so that tests are fast.
pub fn impatient() -> FetchOptions {
    FetchOptions {
        connect_timeout: Duration::from_secs(2),
        silence_timeout: Duration::from_millis(400),
        tries: 4,
        backoff: Duration::from_millis(1),
    }
}

/// An IDX file of images: header and pixels.
pub fn images(count: u32, height: u32, width: u32, pixels: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3];
    for dim in [count, height, width] {
        file.extend(dim.to_be_bytes());
    }
    file.extend(pixels);
    file
}

/// An IDX file of labels.
pub fn labels(labels: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 1];
    file.extend((labels.len() as u32).to_be_bytes());
    file.extend(labels);
    file
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
