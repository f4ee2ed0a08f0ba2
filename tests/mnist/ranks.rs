//! `launch`: a training on several processes is the training on one, and what happens to one of them is told.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{digits, fail, mnist, scratch, succeed};

/// On one thread each, as the number of threads decides the bits of what a rank computes.
const TRAIN: [&str; 10] =
    ["train", "--model", "mlp", "--data-dir", "data", "--epochs", "2", "--seed=4", "--threads", "1"];

/// Long enough for something to happen.
const LONG: [&str; 10] =
    ["train", "--model", "mlp", "--data-dir", "data", "--epochs", "300", "--seed=4", "--threads", "1"];

fn launch<'a>(ranks: &'a [&'a str], train: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["launch"], ranks, &["--"], train, more].concat()
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    mnist(folder).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a line of the child begins with some text.
fn wait_for(child: &mut Child, text: &str) -> BufReader<std::process::ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with(text) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the program ended before '{text}'");
    }
    lines
}

/// The processes that a process started, by their rank.
fn ranks_of(parent: &Child) -> Vec<u32> {
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let mut ranks: Vec<(usize, u32)> = (std::fs::read_to_string(children).unwrap().split_whitespace())
        .map(|id| {
            let variables = std::fs::read(format!("/proc/{id}/environ")).unwrap();
            let variables = String::from_utf8_lossy(&variables).into_owned();
            let rank = variables.split('\0').find_map(|variable| variable.strip_prefix("RANK=")).unwrap();
            (rank.parse().unwrap(), id.parse().unwrap())
        })
        .collect();
    ranks.sort_unstable();
    ranks.into_iter().map(|(_, id)| id).collect()
}

/// Whether a process runs; one that ended may wait for somebody to ask how.
fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    seconds: f64,
}

fn end(mut child: Child, mut rest: BufReader<std::process::ChildStdout>) -> Ended {
    let clock = Instant::now();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    rest.read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let code = child.wait().unwrap().code();
    Ended { code, stdout, stderr, seconds: clock.elapsed().as_secs_f64() }
}

#[test]
fn ranks_train_what_one_process_trains() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    succeed(folder.path(), &[&TRAIN[..], &["--out", "alone.fireclay"]].concat());
    for (file, ranks) in [
        ("two.fireclay", &["--ranks", "2"][..]),
        ("again.fireclay", &["--ranks", "2"]),
        ("tcp.fireclay", &["--ranks", "2", "--engine", "tcp"]),
        ("three.fireclay", &["--ranks", "3"]),
    ] {
        let done = succeed(folder.path(), &launch(ranks, &TRAIN, &["--out", file]));
        assert!(done.stdout.contains("1 thread, ") && done.stdout.contains(" ranks"), "{}", done.stdout);
        assert_eq!(done.stdout.matches("epoch 2/2").count(), 1, "one rank speaks: {}", done.stdout);
        assert_eq!(done.stderr, "");
        assert!(!path(&format!("{file}.checkpoint")).exists());
    }
    let bytes = |file: &str| std::fs::read(path(file)).unwrap();
    assert!(bytes("two.fireclay") == bytes("again.fireclay"), "the same ranks give the same bytes");
    assert!(bytes("two.fireclay") == bytes("tcp.fireclay"), "all engines give the same bytes");
    let answers = |file: &str| {
        let answer = succeed(folder.path(), &["evaluate", file, "--data-dir", "data", "--json"]).stdout;
        serde_json::from_str::<serde_json::Value>(answer.lines().next().unwrap()).unwrap()["loss"]
            .as_f64()
            .unwrap()
    };
    let alone = answers("alone.fireclay");
    for file in ["two.fireclay", "three.fireclay"] {
        let ranks = answers(file);
        assert!((ranks - alone).abs() < 1e-3 * alone, "{file}: {ranks} for {alone}");
    }
}

#[test]
fn ranks_read_data_in_many_files_as_one_process_does() {
    let folder = scratch();
    let (train, test) = digits();
    crate::numpy::write_shards(&folder.path().join("shards"), &train.take(320), 40, &test.take(100));
    let train = [
        "train",
        "--model",
        "mlp",
        "--npz",
        "shards",
        "--epochs",
        "2",
        "--seed=4",
        "--threads",
        "1",
        "--json",
    ];
    let loss = |arguments: &[&str]| {
        let done = succeed(folder.path(), arguments).stdout;
        let mut records = done.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let measured = records.rfind(|record| record["type"] == "evaluation").unwrap();
        measured["loss"].as_f64().unwrap()
    };
    let alone = loss(&train);
    for ranks in ["2", "4"] {
        let found = loss(&launch(&["--ranks", ranks], &train, &[]));
        assert!((found - alone).abs() < 1e-3 * alone, "{ranks} ranks: {found} for {alone}");
    }
}

#[test]
fn ctrl_c_ends_all_ranks_and_they_go_on_to_the_very_same_model() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    let train: Vec<&str> = LONG.iter().map(|flag| if *flag == "300" { "20" } else { flag }).collect();
    succeed(folder.path(), &launch(&["--ranks", "2"], &train, &["--out", "whole.fireclay"]));
    let mut child = start(folder.path(), &launch(&["--ranks", "2"], &train, &["--out", "m.fireclay"]));
    let rest = wait_for(&mut child, "epoch 2/20");
    signal(child.id(), "-INT");
    let ended = end(child, rest);
    assert_eq!(ended.code, Some(130), "{}{}", ended.stdout, ended.stderr);
    let command = "mnist launch --ranks 2 -- train --resume m.fireclay.checkpoint";
    assert!(ended.stdout.contains(&format!("resume with: {command}")), "{}", ended.stdout);
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    succeed(folder.path(), &words);
    let bytes = |file: &str| std::fs::read(path(file)).unwrap();
    assert!(bytes("m.fireclay") == bytes("whole.fireclay"), "the bytes differ");
}

#[test]
fn a_rank_that_dies_or_hangs_is_named_and_the_others_end() {
    for (name, rank, found) in [
        ("-KILL", 1, "rank 1 of 3 was killed by signal 9; resume with: "),
        ("-KILL", 0, "rank 0 of 3 was killed by signal 9; resume with: "),
        ("-STOP", 2, "rank 2 of 3 did not answer any more and was ended; resume with: "),
    ] {
        let folder = scratch();
        let mut child = start(folder.path(), &launch(&["--ranks", "3"], &LONG, &["--run", "r"]));
        let rest = wait_for(&mut child, "epoch 2/300");
        signal(ranks_of(&child)[rank], name);
        let ended = end(child, rest);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(75), "{said}");
        let expected = format!("error: {found}mnist launch --ranks 3 -- train --resume runs/r");
        assert!(ended.stderr.contains(&expected), "{expected}: {said}");
        // Of one that is stopped nothing is heard for 15 s, and 20 s later nobody waits for it any more.
        assert!(ended.seconds < 120.0, "{} s", ended.seconds);
    }
}

#[test]
fn what_would_come_again_is_not_tried_again() {
    let folder = scratch();
    let restarts = ["--ranks", "2", "--restarts", "3"];
    // A loss that is no number.
    let rate = ["--learning-rate", "1e30", "--optimizer", "sgd", "--run", "nan"];
    let failed = fail(folder.path(), &launch(&restarts, &TRAIN, &rate), 1, &["error: the loss became"]);
    assert!(!failed.stderr.contains("restart"), "{}", failed.stderr);
    // A flag that is wrong for rank 0 alone.
    let failed = fail(
        folder.path(),
        &launch(&restarts, &TRAIN, &["--run", "nan"]),
        2,
        &["runs/nan", "is there already"],
    );
    assert!(!failed.stderr.contains("restart"), "{}", failed.stderr);
    // Ctrl-C.
    let mut child = start(folder.path(), &launch(&restarts, &LONG, &["--out", "m.fireclay"]));
    let rest = wait_for(&mut child, "epoch 2/300");
    signal(child.id(), "-INT");
    let ended = end(child, rest);
    assert_eq!(ended.code, Some(130), "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains("restart"), "{}", ended.stderr);
}

#[test]
fn ranks_are_started_by_a_remote_shell() {
    use std::os::unix::fs::PermissionsExt;
    let folder = scratch();
    let shell = folder.path().join("shell");
    std::fs::write(&shell, "#!/bin/sh\nshift\nexec \"$@\"\n").unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let shell = shell.to_str().unwrap();
    let hosts = ["--hosts", "127.0.0.1,localhost", "--remote-shell", shell, "--port", &free];
    succeed(folder.path(), &launch(&hosts, &TRAIN, &["--out", "hosts.fireclay"]));
    succeed(folder.path(), &launch(&["--ranks", "2"], &TRAIN, &["--out", "here.fireclay"]));
    let bytes = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
    assert!(bytes("hosts.fireclay") == bytes("here.fireclay"), "the bytes differ");
    let mut child = start(folder.path(), &launch(&hosts, &LONG, &["--out", "m.fireclay"]));
    let rest = wait_for(&mut child, "epoch 2/300");
    signal(child.id(), "-INT");
    let ended = end(child, rest);
    assert_eq!(ended.code, Some(130), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("interrupted; resume with: mnist launch --ranks 2 --hosts 127.0.0.1,localhost"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_training_goes_on_without_a_host_that_is_gone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = scratch();
    let shell = folder.path().join("shell");
    // As ssh does where it reaches nobody.
    std::fs::write(&shell, "#!/bin/sh\n[ -e \"gone-$1\" ] && exit 255\nshift\nexec \"$@\"\n").unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let hosts =
        ["--hosts", "127.0.0.1,localhost", "--remote-shell", shell.to_str().unwrap(), "--port", &free];
    let hosts = [&hosts[..], &["--restarts", "2", "--min-ranks", "1"]].concat();
    let mut child = start(folder.path(), &launch(&hosts, &LONG, &["--out", "m.fireclay"]));
    let rest = wait_for(&mut child, "epoch 2/300");
    std::fs::write(folder.path().join("gone-localhost"), "").unwrap();
    signal(ranks_of(&child)[1], "-KILL");
    let ended = end(child, rest);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let said = "rank 1 of 2 on localhost ended with exit code 255; going on from m.fireclay.checkpoint with 1 rank (restart 2 of 2)";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[test]
fn a_training_begins_again_where_a_rank_died() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    let train: Vec<&str> = LONG.iter().map(|flag| if *flag == "300" { "20" } else { flag }).collect();
    succeed(folder.path(), &launch(&["--ranks", "2"], &train, &["--out", "whole.fireclay"]));
    let flags = ["--ranks", "2", "--restarts", "2"];
    let mut child = start(folder.path(), &launch(&flags, &train, &["--out", "m.fireclay"]));
    let rest = wait_for(&mut child, "epoch 2/20");
    signal(ranks_of(&child)[1], "-KILL");
    let ended = end(child, rest);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stderr.contains("going on from") && ended.stderr.contains("restart 1 of 2"),
        "{}",
        ended.stderr
    );
    let bytes = |file: &str| std::fs::read(path(file)).unwrap();
    assert!(bytes("m.fireclay") == bytes("whole.fireclay"), "the bytes differ");
}

#[test]
fn ranks_that_nobody_watches_any_more_end() {
    let folder = scratch();
    let mut child = start(folder.path(), &launch(&["--ranks", "2"], &LONG, &["--out", "m.fireclay"]));
    let rest = wait_for(&mut child, "epoch 2/300");
    let ranks = ranks_of(&child);
    signal(child.id(), "-KILL");
    child.wait().unwrap();
    let clock = Instant::now();
    while ranks.iter().any(|rank| lives(*rank)) {
        assert!(clock.elapsed() < Duration::from_secs(40), "they live");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(rest);
    assert!(folder.path().join("m.fireclay.checkpoint").exists());
}

#[test]
fn what_cannot_be_launched_is_refused_with_what_to_do() {
    let folder = scratch();
    for (arguments, expected) in [
        (
            &["launch", "--ranks", "2", "--", "evaluate", "m.fireclay"][..],
            "it starts train, and found evaluate",
        ),
        (&["launch", "--ranks", "2", "--", "train", "--check"], "--check is for one process"),
        (&["launch", "--ranks", "1", "--hosts", "a,b", "--", "train"], "--ranks asks for 1 rank on 2 hosts"),
        (&["launch", "--ranks", "2", "--engine", "mpi", "--", "train"], "started by mpirun"),
        (&["launch", "--ranks", "0", "--", "train"], "--ranks"),
        (&["launch", "--ranks", "2", "--", "train", "--epochs", "0"], "epochs"),
        (&["launch", "--ranks", "2"], "train"),
    ] {
        fail(folder.path(), arguments, 2, &[expected]);
    }
    let failed = mnist(folder.path()).args(["train", "--synthetic"]).env("RANK", "1").output().unwrap();
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(failed.status.code() == Some(2) && said.contains("WORLD_SIZE"), "{said}");
}
