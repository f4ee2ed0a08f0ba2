//! Downloads, against a server on this machine that does all that servers do wrong.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fireclay_datasets::{DatasetsError, FetchOptions, RemoteFile, fetch_with};

use crate::support::{Server, answer, content, impatient, remote, serve, status};

fn fetch(file: &RemoteFile, folder: &Path) -> Result<PathBuf, DatasetsError> {
    fetch_with(file, folder, &|_| {}, impatient())
}

/// The message of a fetch that must fail, after checking that nothing was published.
fn refusal(file: &RemoteFile, folder: &Path) -> String {
    let message = fetch(file, folder).unwrap_err().to_string();
    assert!(!folder.join(&file.name).exists(), "{message}");
    message
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_arrives_whole_and_is_not_fetched_twice() {
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let file = remote(&content(), &[server.url("file.bin")]);
    let seen = RefCell::new(Vec::new());
    let deep = folder.path().join("new/folder");
    let path = fetch_with(
        &file,
        &deep,
        &|progress| {
            assert_eq!(progress.file, "file.bin");
            assert_eq!(progress.total_bytes, 200_000);
            seen.borrow_mut().push(progress.bytes);
        },
        impatient(),
    )
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(files_in(&deep), [".file.bin.lock", "file.bin"]);
    assert!(seen.borrow().is_sorted());
    assert_eq!(seen.borrow().first(), Some(&0));
    assert_eq!(seen.borrow().last(), Some(&200_000));

    assert_eq!(fetch(&file, &deep).unwrap(), path);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_corrupt_file_in_the_cache_is_fetched_again() {
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
    let file = remote(&content(), &[server.url("file.bin")]);
    let folder = tempfile::tempdir().unwrap();
    let mut corrupt = content();
    corrupt[100_000] ^= 1;
    for bad in [corrupt, vec![], content()[..199_999].to_vec()] {
        fs::write(folder.path().join("file.bin"), bad).unwrap();
        let path = fetch(&file, folder.path()).unwrap();
        assert_eq!(fs::read(path).unwrap(), content());
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_wrong_checksum_is_deleted_and_the_next_mirror_asked() {
    let server = Server::start(|request, _, stream| {
        let mut body = content();
        if request.path == "/bad" {
            body[5] ^= 1;
        }
        serve(request, stream, &body, "\"v1\"");
    });
    let folder = tempfile::tempdir().unwrap();
    let both = remote(&content(), &[server.url("bad"), server.url("good")]);
    let path = fetch(&both, folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());

    let folder = tempfile::tempdir().unwrap();
    let message = refusal(&remote(&content(), &[server.url("bad")]), folder.path());
    assert!(message.contains("expected SHA-256"), "{message}");
    assert!(message.contains(&crate::support::sha256(&content())), "{message}");
    assert!(message.contains(&server.url("bad")), "{message}");
    assert!(!message.contains("HTML"), "{message}");
    assert_eq!(files_in(folder.path()), [".file.bin.lock"]);
}

#[test]
fn every_mirror_and_its_reason_is_in_the_message() {
    let server = Server::start(|request, _, stream| match request.path.as_str() {
        "/missing" => status(stream, "404 Not Found"),
        "/forbidden" => status(stream, "403 Forbidden"),
        _ => status(stream, "500 Internal Server Error"),
    });
    let urls = [server.url("missing"), server.url("forbidden"), server.url("broken")];
    let folder = tempfile::tempdir().unwrap();
    let file = remote(&content(), &urls);
    let message = refusal(&file, folder.path());
    for (url, reason) in urls.iter().zip(["status 404", "status 403", "status 500"]) {
        assert!(message.contains(&format!("{url}: {reason}")), "{message}");
    }
    assert!(message.contains("file.bin") && message.contains("try again later"), "{message}");
    assert!(!fetch(&file, folder.path()).unwrap_err().is_offline());
    // 404 and 403 once, 500 four times; all of it twice.
    assert_eq!(server.requests().len(), 12);
}

#[test]
fn a_passing_server_error_is_retried() {
    let server = Server::start(|request, count, stream| {
        if count < 2 {
            status(stream, ["500 Internal Server Error", "503 Service Unavailable"][count]);
        } else {
            serve(request, stream, &content(), "\"v1\"");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    fetch(&remote(&content(), &[server.url("f")]), folder.path()).unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_web_page_instead_of_the_file_is_recognised() {
    const PAGE: &[u8] = b"\n<!DOCTYPE html><html><body>Sign in to the network</body></html>";
    let server = Server::start(|request, _, stream| match request.path.as_str() {
        "/length" => {
            let length = format!("Content-Length: {}", PAGE.len());
            answer(stream, "200 OK", &[length], PAGE);
        }
        "/none" => answer(stream, "200 OK", &[], PAGE),
        _ => {
            let mut page = PAGE.to_vec();
            page.resize(200_000, b' ');
            answer(stream, "200 OK", &["Content-Length: 200000".into()], &page);
        }
    });
    for path in ["length", "none", "right-size"] {
        let folder = tempfile::tempdir().unwrap();
        let message = refusal(&remote(&content(), &[server.url(path)]), folder.path());
        assert!(message.contains("looks like HTML"), "{path}: {message}");
        assert_eq!(files_in(folder.path()), [".file.bin.lock"], "{path}");
    }
    assert_eq!(server.requests().len(), 3, "no page is asked for twice");
}

#[test]
fn a_short_body_is_continued_where_it_ended() {
    let server = Server::start(|request, count, stream| {
        if count == 0 {
            let headers = ["Content-Length: 200000".into(), "ETag: \"v1\"".into()];
            answer(stream, "200 OK", &headers, &content()[..150_000]);
        } else {
            serve(request, stream, &content(), "\"v1\"");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let path = fetch(&remote(&content(), &[server.url("f")]), folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].range_from, Some(150_000));
    assert_eq!(requests[1].if_range.as_deref(), Some("\"v1\""));
}

#[test]
fn a_body_that_is_always_short_is_given_up() {
    let server = Server::start(|_, _, stream| {
        answer(stream, "200 OK", &[], &content()[..1_000]);
    });
    let folder = tempfile::tempdir().unwrap();
    let message = refusal(&remote(&content(), &[server.url("f")]), folder.path());
    assert!(message.contains("expected 200000 bytes, found 1000"), "{message}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_wrong_content_length_is_refused_before_reading() {
    let server = Server::start(|_, _, stream| {
        answer(stream, "200 OK", &["Content-Length: 9999999999".into()], &content());
    });
    let folder = tempfile::tempdir().unwrap();
    let message = refusal(&remote(&content(), &[server.url("f")]), folder.path());
    assert!(message.contains("expected 200000 bytes, found 9999999999"), "{message}");
    assert_eq!(files_in(folder.path()), [".file.bin.lock"]);
}

/// Writes `bytes` in chunks until the client hangs up.
fn chunked(stream: &mut std::net::TcpStream, bytes: &[u8]) {
    answer(stream, "200 OK", &["Transfer-Encoding: chunked".into()], b"");
    for chunk in bytes.chunks(10_000) {
        let head = format!("{:x}\r\n", chunk.len());
        let sent = (stream.write_all(head.as_bytes()))
            .and_then(|()| stream.write_all(chunk))
            .and_then(|()| stream.write_all(b"\r\n"));
        if sent.is_err() {
            return;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
}

#[test]
fn a_chunked_body_without_a_length_is_read_up_to_the_known_size() {
    let server = Server::start(|request, _, stream| match request.path.as_str() {
        "/exact" => chunked(stream, &content()),
        _ => chunked(stream, &vec![7; 100_000_000]),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = fetch(&remote(&content(), &[server.url("exact")]), folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());

    let folder = tempfile::tempdir().unwrap();
    let most = RefCell::new(0);
    let error = fetch_with(
        &remote(&content(), &[server.url("endless")]),
        folder.path(),
        &|progress| *most.borrow_mut() = progress.bytes,
        impatient(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("expected SHA-256"), "{error}");
    assert_eq!(*most.borrow(), 200_000);
}

#[test]
fn a_redirect_within_http_is_followed_and_any_other_refused() {
    let server = Server::start(|request, _, stream| {
        let to = match request.path.as_str() {
            "/relative" => "elsewhere/file",
            "/file" => "file:///etc/passwd",
            "/ftp" => "ftp://example.org/file",
            "/loop" => "/loop",
            _ => return serve(request, stream, &content(), "\"v1\""),
        };
        let headers = [format!("Location: {to}"), "Content-Length: 0".into()];
        answer(stream, "302 Found", &headers, b"");
    });
    let folder = tempfile::tempdir().unwrap();
    fetch(&remote(&content(), &[server.url("relative")]), folder.path()).unwrap();
    assert_eq!(server.requests()[1].path, "/elsewhere/file");
    for (path, target) in [("file", "file:///etc/passwd"), ("ftp", "ftp://"), ("loop", "/loop")] {
        let folder = tempfile::tempdir().unwrap();
        let message = refusal(&remote(&content(), &[server.url(path)]), folder.path());
        assert!(message.contains("redirect to") && message.contains(target), "{message}");
    }
}

/// What a process that was killed half-way leaves behind.
fn leave_part(folder: &Path, bytes: &[u8], url: &str, etag: &str) {
    fs::write(folder.join("file.bin.part"), bytes).unwrap();
    fs::write(folder.join("file.bin.part.etag"), format!("{url}\n{etag}\n")).unwrap();
}

#[test]
fn a_killed_download_is_continued_by_the_next_run() {
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let url = server.url("f");
    leave_part(folder.path(), &content()[..123_456], &url, "\"v1\"");
    let first = RefCell::new(None);
    let path = fetch_with(
        &remote(&content(), std::slice::from_ref(&url)),
        folder.path(),
        &|progress| {
            first.borrow_mut().get_or_insert(progress.bytes);
        },
        impatient(),
    )
    .unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(*first.borrow(), Some(123_456));
    assert_eq!(server.requests()[0].range_from, Some(123_456));
    assert_eq!(files_in(folder.path()), [".file.bin.lock", "file.bin"]);

    // Killed between the last byte and the rename: nothing is left to ask for.
    let folder = tempfile::tempdir().unwrap();
    leave_part(folder.path(), &content(), &url, "\"v1\"");
    fetch(&remote(&content(), &[url]), folder.path()).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_changed_etag_starts_over() {
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v2\""));
    let folder = tempfile::tempdir().unwrap();
    let url = server.url("f");
    leave_part(folder.path(), &[9; 100_000], &url, "\"v1\"");
    let path = fetch(&remote(&content(), &[url]), folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(server.requests().len(), 1, "the answer was the whole new version");
}

#[test]
fn a_server_that_ignores_if_range_is_caught() {
    // Parts of another version, under the header of that version, and once under no header at all.
    for (headers, first_progress) in [(vec!["ETag: \"v2\"".to_owned()], 0), (vec![], 100_000)] {
        let server = Server::start(move |request, _, stream| match request.range_from {
            Some(from) => {
                let mut headers = headers.clone();
                headers.push(format!("Content-Range: bytes {from}-199999/200000"));
                headers.push(format!("Content-Length: {}", 200_000 - from));
                answer(stream, "206 Partial Content", &headers, &content()[from..]);
            }
            None => serve(request, stream, &content(), "\"v2\""),
        });
        let folder = tempfile::tempdir().unwrap();
        let url = server.url("f");
        leave_part(folder.path(), &[9; 100_000], &url, "\"v1\"");
        let first = RefCell::new(None);
        let path = fetch_with(
            &remote(&content(), &[url]),
            folder.path(),
            &|progress| {
                first.borrow_mut().get_or_insert(progress.bytes);
            },
            impatient(),
        )
        .unwrap();
        // The header alone is reason enough not to read the part.
        assert_eq!(*first.borrow(), Some(first_progress));
        assert_eq!(fs::read(path).unwrap(), content());
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn a_part_that_cannot_be_continued_is_fetched_anew() {
    let server = Server::start(|request, _, stream| match request.range_from {
        Some(_) => status(stream, "416 Range Not Satisfiable"),
        None => serve(request, stream, &content(), "\"v1\""),
    });
    let url = server.url("f");
    let cases: [(&[u8], &str, &str, usize); 5] = [
        (&[9; 1000], "http://other.example/f", "\"v1\"", 1),
        (&[9; 1000], &url, "W/\"weak\"", 1),
        (&[9; 200_001], &url, "\"v1\"", 1),
        (&[9; 200_000], &url, "\"v1\"", 1),
        (&[9; 1000], &url, "\"v1\"", 2),
    ];
    for (bytes, noted_url, etag, requests) in cases {
        let before = server.requests().len();
        let folder = tempfile::tempdir().unwrap();
        leave_part(folder.path(), bytes, noted_url, etag);
        let path = fetch(&remote(&content(), std::slice::from_ref(&url)), folder.path()).unwrap();
        assert_eq!(fs::read(path).unwrap(), content());
        assert_eq!(server.requests().len() - before, requests, "{noted_url} {etag}");
    }
}

#[test]
fn two_at_once_download_once() {
    let server = Server::start(|request, _, stream| {
        std::thread::sleep(Duration::from_millis(100));
        serve(request, stream, &content(), "\"v1\"");
    });
    let folder = tempfile::tempdir().unwrap();
    let file = remote(&content(), &[server.url("f")]);
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| fetch(&file, folder.path())));
        for one in both {
            assert_eq!(fs::read(one.join().unwrap().unwrap()).unwrap(), content());
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_silent_server_is_given_up_and_counts_as_offline() {
    let server = Server::start(|_, _, _| std::thread::sleep(Duration::from_secs(5)));
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let error = fetch(&remote(&content(), &[server.url("f")]), folder.path()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(error.is_offline(), "{error}");
    assert!(error.to_string().contains("timeout"), "{error}");
}

#[test]
fn a_server_that_falls_silent_leaves_a_part_to_continue() {
    let server = Server::start(|request, count, stream| {
        if count == 0 {
            let headers = ["Content-Length: 200000".into(), "ETag: \"v1\"".into()];
            answer(stream, "200 OK", &headers, &content()[..50_000]);
            std::thread::sleep(Duration::from_secs(3));
        } else {
            serve(request, stream, &content(), "\"v1\"");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = remote(&content(), &[server.url("f")]);
    let message = refusal(&file, folder.path());
    assert!(message.contains("timeout"), "{message}");
    fetch(&file, folder.path()).unwrap();
    assert_eq!(server.requests()[1].range_from, Some(50_000));
}

#[test]
fn no_network_is_recognised_and_fast() {
    // A port nobody listens on, and a name nobody has.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}/f", listener.local_addr().unwrap());
    drop(listener);
    let urls = [refused.clone(), "http://no-such-host.invalid/f".to_owned()];
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let error = fetch(&remote(&content(), &urls[..1]), folder.path()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(error.is_offline(), "{error}");
    assert!(error.to_string().contains("check the network"), "{error}");
    assert!(error.to_string().contains(&refused), "{error}");

    let error = fetch(&remote(&content(), &urls), folder.path()).unwrap_err();
    assert!(error.is_offline(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_mirror_that_answers_badly_is_not_offline() {
    let server = Server::start(|_, _, stream| status(stream, "404 Not Found"));
    let folder = tempfile::tempdir().unwrap();
    let urls = ["http://127.0.0.1:1/f".to_owned(), server.url("f")];
    assert!(!fetch(&remote(&content(), &urls), folder.path()).unwrap_err().is_offline());
    let error = fetch(&remote(&content(), &[]), folder.path()).unwrap_err();
    assert!(!error.is_offline() && error.to_string().contains("no mirrors"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("a-file");
    fs::write(&blocked, "in the way").unwrap();
    let file = remote(&content(), &["http://127.0.0.1:1/f".into()]);
    for inside in [blocked.clone(), blocked.join("deeper")] {
        let message = fetch(&file, &inside).unwrap_err().to_string();
        assert!(message.contains("a-file") && message.contains("cannot"), "{message}");
    }
    // Folders stand where the file, its lock and its part should be.
    for name in ["file.bin", ".file.bin.lock", "file.bin.part"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(name)).unwrap();
        let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
        let error = fetch(&remote(&content(), &[server.url("f")]), folder.path()).unwrap_err();
        assert!(error.to_string().contains(name) && !error.is_offline(), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_left_in_the_cache_is_not_written_through() {
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    for name in ["file.bin.part", "file.bin.part.etag"] {
        std::os::unix::fs::symlink(&precious, folder.path().join(name)).unwrap();
    }
    let path = fetch(&remote(&content(), &[server.url("f")]), folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(fs::read(precious).unwrap(), b"precious");
}

#[test]
fn a_name_is_never_a_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["../x", "a/b", "/etc/x", "..", "", "C:\\x", "a\0b"] {
        let mut file = remote(&content(), &[]);
        file.name = name.into();
        let message = fetch(&file, folder.path()).unwrap_err().to_string();
        assert!(message.contains("plain file name"), "{name:?}: {message}");
    }
    assert!(files_in(folder.path()).is_empty());
}

#[test]
fn the_published_files_are_described_whole() {
    let files = fireclay_datasets::Mnist::remote_files();
    assert_eq!(files.len(), 4);
    for file in files {
        assert_eq!(file.urls.len(), 2);
        assert_eq!(file.sha256.len(), 64);
        assert!(file.urls.iter().all(|url| url.starts_with("https://") && url.ends_with(&file.name)));
    }
    let defaults = FetchOptions::default();
    assert_eq!(defaults.connect_timeout, Duration::from_secs(10));
    assert_eq!(defaults.silence_timeout, Duration::from_secs(30));
}
