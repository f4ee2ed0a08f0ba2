//! Downloads by processes of their own: two at once, one that is killed, one without room, one without a place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fireclay_datasets::{FetchOptions, fetch_with};

use crate::support::{Server, answer, content, remote, serve};

/// For the other process: folder, address and a file to make when it begins.
const CHILD: &str = "FIRECLAY_TEST_FETCH";

/// The other process: fetches what the variable says and prints what came of it.
#[test]
fn child() {
    let Ok(job) = std::env::var(CHILD) else { return };
    let [folder, url, begun] = job.split('|').collect::<Vec<_>>()[..] else { panic!("{job}") };
    if !begun.is_empty() {
        fs::write(begun, "").unwrap();
    }
    let options = FetchOptions { silence_timeout: Duration::from_secs(20), ..crate::support::impatient() };
    let outcome = fetch_with(&remote(&content(), &[url.to_owned()]), Path::new(folder), &|_| {}, options);
    #[allow(clippy::print_stdout, reason = "this is how it reports")]
    match outcome {
        Ok(path) => println!("\nreport:fetched {}", path.display()),
        Err(error) => println!("\nreport:{error}"),
    }
}

/// Ends with the test, however that ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(mut command: Command, folder: &Path, url: &str, begun: &str) -> Self {
        command
            .args(["--exact", "download_processes::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, format!("{}|{url}|{begun}", folder.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn fetch(folder: &Path, url: &str, begun: &str) -> Self {
        Self::start(Command::new(std::env::current_exe().unwrap()), folder, url, begun)
    }

    /// What it reports at its end.
    fn report(mut self) -> String {
        let mut output = String::new();
        let pipe = self.0.stdout.as_mut().unwrap();
        std::io::Read::read_to_string(pipe, &mut output).unwrap();
        let report = output.lines().find_map(|line| line.strip_prefix("report:"));
        report.expect(&output).to_owned()
    }

    /// Ends it as `kill -9` does.
    fn kill(mut self) {
        self.0.kill().unwrap();
        assert!(!self.0.wait().unwrap().success());
    }
}

/// Waits until something is so, but not for ever.
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn check_fetched(report: &str, folder: &Path) {
    let path = folder.join("file.bin");
    assert_eq!(report, format!("fetched {}", path.display()));
    assert_eq!(fs::read(path).unwrap(), content());
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".file.bin.lock", "file.bin"]);
}

fn part_len(folder: &Path) -> u64 {
    fs::metadata(folder.join("file.bin.part")).map_or(0, |metadata| metadata.len())
}

/// A server that sends 60,000 bytes to whoever comes first, then waits until `go_on` is there; all others are served.
fn slow_server(go_on: PathBuf) -> Server {
    Server::start(move |request, count, stream| {
        if count == 0 {
            let headers = ["Content-Length: 200000".into(), "ETag: \"v1\"".into()];
            answer(stream, "200 OK", &headers, &content()[..60_000]);
            wait_for("the test to go on", || go_on.exists());
            let _ = std::io::Write::write_all(stream, &content()[60_000..]);
        } else {
            serve(request, stream, &content(), "\"v1\"");
        }
    })
}

#[test]
fn two_processes_at_once_download_once() {
    let (folder, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (begun, go_on) = (marks.path().join("begun"), marks.path().join("go-on"));
    let server = slow_server(go_on.clone());
    let url = server.url("file.bin");
    let first = Process::fetch(folder.path(), &url, "");
    wait_for("the first to have a part", || part_len(folder.path()) == 60_000);
    let second = Process::fetch(folder.path(), &url, begun.to_str().unwrap());
    wait_for("the second to begin", || begun.exists());
    fs::write(go_on, "").unwrap();
    check_fetched(&first.report(), folder.path());
    check_fetched(&second.report(), folder.path());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_a_killed_process_had_is_not_fetched_again() {
    let (folder, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = slow_server(marks.path().join("go-on"));
    let url = server.url("file.bin");
    let first = Process::fetch(folder.path(), &url, "");
    wait_for("a part", || part_len(folder.path()) == 60_000);
    first.kill();
    assert!(!folder.path().join("file.bin").exists());
    assert_eq!(part_len(folder.path()), 60_000);
    check_fetched(&Process::fetch(folder.path(), &url, "").report(), folder.path());
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[1].range_from, requests[1].if_range.as_deref()), (Some(60_000), Some("\"v1\"")));
    fs::write(marks.path().join("go-on"), "").unwrap();
}

/// The lock of a process ends with it, and the one that waited goes on from where it was.
#[test]
fn a_process_that_waits_takes_over_from_one_that_is_killed() {
    let (folder, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let begun = marks.path().join("begun");
    let server = slow_server(marks.path().join("go-on"));
    let url = server.url("file.bin");
    let first = Process::fetch(folder.path(), &url, "");
    wait_for("a part", || part_len(folder.path()) == 60_000);
    let second = Process::fetch(folder.path(), &url, begun.to_str().unwrap());
    wait_for("the second to begin", || begun.exists());
    assert_eq!(server.requests().len(), 1);
    first.kill();
    check_fetched(&second.report(), folder.path());
    assert_eq!(server.requests()[1].range_from, Some(60_000));
    fs::write(marks.path().join("go-on"), "").unwrap();
}

/// A process may write 100 blocks of 512 bytes (or of 1,024, as shells differ), which ends as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_is_named_and_the_part_continued() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
    let url = server.url("file.bin");
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]);
    limited.arg(std::env::current_exe().unwrap());
    let report = Process::start(limited, folder.path(), &url, "").report();
    assert!(report.contains("cannot write") && report.contains("file.bin.part"), "{report}");
    assert!(report.contains("free space"), "{report}");
    assert!(!folder.path().join("file.bin").exists());
    let have = part_len(folder.path());
    assert!((51_200..=102_400).contains(&have), "{have}");
    // With room again, only the rest is asked for.
    check_fetched(&Process::fetch(folder.path(), &url, "").report(), folder.path());
    assert_eq!(server.requests()[1].range_from, Some(have as usize));
}

/// A folder that nobody, not even root, can write into.
#[cfg(target_os = "linux")]
#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::start(|request, _, stream| serve(request, stream, &content(), "\"v1\""));
    for folder in ["/proc/self", "/proc/fireclay/deep"] {
        let report = Process::fetch(Path::new(folder), &server.url("file.bin"), "").report();
        assert!(report.contains("cannot write /proc/") && report.contains("may be written to"), "{report}");
    }
    assert_eq!(server.requests().len(), 0, "nothing is downloaded that cannot be kept");
}

/// A cache that was filled before it became read-only needs no write.
#[cfg(unix)]
#[test]
fn a_filled_cache_that_cannot_be_written_is_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file.bin"), content()).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let report = Process::fetch(folder.path(), "http://127.0.0.1:1/f", "").report();
    assert!(report.starts_with("fetched "), "{report}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written, as root could");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
