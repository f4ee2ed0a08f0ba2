//! `federate`: a server and its clients, a simulation of them, and a part in somebody else's federation.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::{Run, fail, mnist, scratch, succeed};

/// How all of these clients train.
const LOCAL: [&str; 8] = ["--epochs", "2", "--batch-size", "16", "--learning-rate", "0.05", "--seed", "3"];

const DATA: [&str; 4] = ["--data-dir", "data", "--threads", "1"];

fn simulate(folder: &Path, more: &[&str]) -> Run {
    let words = ["federate", "simulate", "--model", "mlp"];
    succeed(folder, &[&words[..], &LOCAL, &DATA, more].concat())
}

fn bytes(folder: &Path, file: &str) -> Vec<u8> {
    std::fs::read(folder.join(file)).unwrap()
}

fn records(stdout: &str, kind: &str) -> Vec<serde_json::Value> {
    let records = stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.filter(|record| record["type"] == kind).collect()
}

#[test]
fn a_simulation_learns_repeats_itself_and_leaves_a_model_file() {
    let folder = scratch();
    let flags = ["--clients", "4", "--share", "0.5", "--rounds", "6"];
    let run = simulate(folder.path(), &[&flags[..], &["--out", "a.fireclay"]].concat());
    assert!(run.stdout.contains("4 clients of"), "{}", run.stdout);
    assert!(run.stdout.contains("round 6/6  2 clients  accuracy"), "{}", run.stdout);
    let parallel = [&flags[..], &["--parallel", "2", "--out", "b.fireclay", "--json"]].concat();
    let run = simulate(folder.path(), &parallel);
    assert!(bytes(folder.path(), "a.fireclay") == bytes(folder.path(), "b.fireclay"), "the bytes differ");
    let rounds = records(&run.stdout, "round");
    assert_eq!(rounds.len(), 6);
    let loss = |round: usize| rounds[round]["test"]["loss"].as_f64().unwrap();
    assert!(loss(5) < loss(0), "{} and {}", loss(0), loss(5));
    assert_eq!(rounds[0]["answered"].as_array().unwrap().len(), 2);
    let federation = &records(&run.stdout, "federation")[0];
    assert_eq!((&federation["clients"], &federation["optimizer"]["type"]), (&4.into(), &"sgd".into()));
    let evaluated = succeed(folder.path(), &["evaluate", "a.fireclay", "--data-dir", "data", "--json"]);
    let then = records(&run.stdout, "evaluation");
    assert_eq!(records(&evaluated.stdout, "evaluation")[0]["loss"], then[0]["loss"]);
    assert!(!folder.path().join("a.fireclay.checkpoint").exists());
}

#[test]
fn a_federation_that_was_interrupted_goes_on_to_the_same_bytes() {
    let folder = scratch();
    let flags = ["--clients", "3", "--rounds", "60", "--server-optimizer", "fedadam=0.02"];
    simulate(folder.path(), &[&flags[..], &["--out", "whole.fireclay"]].concat());
    let words = ["federate", "simulate", "--model", "mlp"];
    let command = [&words[..], &LOCAL, &DATA, &flags, &["--out", "m.fireclay"]].concat();
    let (child, rest) = start_until(folder.path(), &command, "round 2/60");
    signal(child.id(), "-INT");
    let (code, stdout, stderr) = end(child, rest);
    assert_eq!(code, Some(130), "{stdout}{stderr}");
    let resume = stdout.lines().find_map(|line| line.split_once("interrupted; resume with: ")).unwrap().1;
    assert!(resume.contains("federate simulate --resume --model mlp"), "{resume}");
    // Other settings would lead elsewhere.
    let other = [&command[..], &["--resume", "--proximal-mu", "0.1"]].concat();
    fail(folder.path(), &other, 2, &["m.fireclay.checkpoint", "local"]);
    let other = [&words[..], &LOCAL, &DATA, &["--clients", "2", "--rounds", "60"]].concat();
    let other =
        [&other[..], &["--server-optimizer", "fedadam=0.02", "--out", "m.fireclay", "--resume"]].concat();
    fail(folder.path(), &other, 2, &["m.fireclay.checkpoint", "--clients is 3 in the file and now 2"]);
    let run = succeed(folder.path(), &[&command[..], &["--resume"]].concat());
    assert!(run.stdout.contains("going on after round"), "{}", run.stdout);
    assert!(bytes(folder.path(), "m.fireclay") == bytes(folder.path(), "whole.fireclay"), "the bytes differ");
}

#[test]
fn a_goal_ends_it_and_so_does_too_few_clients() {
    let folder = scratch();
    let flags =
        ["--clients", "2", "--rounds", "200", "--until", "accuracy=0.3", "--out", "m.fireclay", "--json"];
    let run = simulate(folder.path(), &flags);
    let rounds = records(&run.stdout, "round");
    assert!(rounds.len() < 200);
    let accuracy = |round: &serde_json::Value| round["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy(rounds.last().unwrap()) >= 0.3);
    assert!(rounds[..rounds.len() - 1].iter().all(|round| accuracy(round) < 0.3));
    let words = ["federate", "simulate", "--model", "mlp"];
    let lost = ["--clients", "2", "--lose", "client-0000@2", "--min-clients", "2", "--wait-seconds", "1"];
    let command = [&words[..], &LOCAL, &DATA, &lost].concat();
    fail(
        folder.path(),
        &command,
        1,
        &["round 3", "expected 2 registered clients or more, found 1", "--resume"],
    );
}

/// Eight clients, of which three are killed, end as the simulation in which they are lost.
#[test]
fn a_server_and_its_clients_give_what_the_simulation_gives() {
    let folder = scratch();
    let flags = ["--rounds", "30", "--min-clients", "5"];
    let init = [
        "federate",
        "init",
        "--model",
        "mlp",
        "--seed",
        "3",
        "--data-dir",
        "data",
        "--out",
        "begin.fireclay",
    ];
    succeed(folder.path(), &init);
    std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
    let server = ["federate", "server", "begin.fireclay", "--bind", "127.0.0.1:0", "--key-file", "key"];
    let server =
        [&server[..], &LOCAL, &DATA, &flags, &["--start-clients", "8", "--out", "real.fireclay"]].concat();
    let (mut child, mut lines) = start(folder.path(), &[&server[..], &["--json"]].concat());
    let listening = next(&mut lines, "listening");
    let address = listening["address"].as_str().unwrap().to_owned();
    let mut clients = Killed(Vec::new());
    for number in 0..8 {
        let (name, part) = (format!("client-{number:04}"), format!("{}/8", number + 1));
        let client = ["federate", "client", "begin.fireclay", "--server", &address, "--key-file", "key"];
        let more = ["--name", &name, "--part", &part, "--split", "shards=2", "--split-seed", "3"];
        let mut command = mnist(folder.path());
        command.args([&client[..], &more, &DATA].concat()).stdout(Stdio::null()).stderr(Stdio::null());
        clients.0.push(command.spawn().unwrap());
    }
    // Each is in a round or not, whenever it is killed: the record says in which one it was last.
    let mut rounds = Vec::new();
    for killed in [1, 4, 6] {
        rounds.push(next(&mut lines, "round"));
        clients.0[killed].kill().unwrap();
        clients.0[killed].wait().unwrap();
    }
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    rounds.extend(records(&rest, "round"));
    assert_eq!(rounds.len(), 30);
    for (number, client) in clients.0.iter_mut().enumerate().filter(|(number, _)| ![1, 4, 6].contains(number))
    {
        assert_eq!(
            client.wait().unwrap().code(),
            Some(0),
            "client {number} ends when the federation is over"
        );
    }
    let mut lost = Vec::new();
    for killed in [1, 4, 6] {
        let name = format!("client-{killed:04}");
        let is_in =
            |round: &serde_json::Value| round["answered"].as_array().unwrap().contains(&name.clone().into());
        let last = rounds.iter().rposition(is_in).unwrap() as u64 + 1;
        assert!(last < 30, "it was killed too late");
        lost.push(format!("{name}@{}", last + 1));
    }
    let lost: Vec<&str> = lost.iter().flat_map(|lost| ["--lose", lost]).collect();
    let split = ["--clients", "8", "--split", "shards=2", "--out", "simulated.fireclay"];
    let run = simulate(folder.path(), &[&flags[..], &split, &lost, &["--json"]].concat());
    let simulated = records(&run.stdout, "round");
    for (real, simulated) in rounds.iter().zip(&simulated) {
        assert_eq!((&real["answered"], &real["test"]), (&simulated["answered"], &simulated["test"]));
    }
    // The files differ in what they say of the data alone.
    for (model, weights) in [("real.fireclay", "real"), ("simulated.fireclay", "simulated")] {
        succeed(folder.path(), &["federate", "weights", model, "--out", weights]);
    }
    assert!(bytes(folder.path(), "real") == bytes(folder.path(), "simulated"), "the weights differ");
}

#[test]
fn a_client_with_another_model_file_is_refused() {
    let folder = scratch();
    let init = ["federate", "init", "--model", "mlp", "--data-dir", "data", "--out"];
    succeed(folder.path(), &[&init[..], &["begin.fireclay"]].concat());
    succeed(folder.path(), &[&init[..], &["other.fireclay", "--standardize"]].concat());
    std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
    let server = ["federate", "server", "begin.fireclay", "--bind", "127.0.0.1:0", "--key-file", "key"];
    let more = ["--out", "real.fireclay", "--rounds", "1", "--min-clients", "1", "--json"];
    let (child, mut lines) = start(folder.path(), &[&server[..], &DATA, &more].concat());
    let mut server = Killed(vec![child]);
    let address = next(&mut lines, "listening")["address"].as_str().unwrap().to_owned();
    let client = |model| {
        [&["federate", "client", model, "--server", &address, "--key-file", "key", "--name", "a"][..], &DATA]
            .concat()
    };
    let words = ["refuses client a", "prepares samples otherwise", "the server's model file"];
    fail(folder.path(), &client("other.fireclay"), 1, &words);
    // Other weights are no other file: the server sends its own.
    succeed(folder.path(), &[&init[..], &["weights.fireclay", "--seed", "9"]].concat());
    succeed(folder.path(), &client("weights.fireclay"));
    assert_eq!(server.0[0].wait().unwrap().code(), Some(0));
}

#[test]
fn updates_under_masks_and_with_noise_are_told_so() {
    let folder = scratch();
    let flags = [
        "--clients",
        "4",
        "--rounds",
        "2",
        "--secure",
        "--client-clip",
        "1",
        "--client-noise",
        "1",
        "--json",
    ];
    let run = simulate(folder.path(), &[&flags[..], &["--out", "m.fireclay"]].concat());
    let rounds = records(&run.stdout, "round");
    assert!(rounds[0]["clients"].as_object().unwrap().is_empty(), "{}", rounds[0]);
    let epsilon = |round: usize| rounds[round]["epsilon"].as_f64().unwrap();
    assert!(epsilon(1) > epsilon(0) && epsilon(0) > 0.0);
}

/// What Flower's client does: weights as safetensors, a round, weights again.
#[test]
fn a_round_for_others_begins_and_ends_with_safetensors() {
    let folder = scratch();
    let run = |words: &[&str]| succeed(folder.path(), words);
    run(&["federate", "init", "--model", "mlp", "--data-dir", "data", "--out", "begin.fireclay"]);
    run(&["federate", "weights", "begin.fireclay", "--out", "begin.safetensors"]);
    let round = ["federate", "round", "begin.fireclay", "--data-dir", "data", "--threads", "1", "--json"];
    let one = run(&[&round[..], &["--weights", "begin.safetensors", "--out", "one.safetensors"]].concat());
    let update = &records(&one.stdout, "local_update")[0];
    assert!(update["samples"].as_u64().unwrap() > 0 && update["metrics"]["loss"].as_f64().is_some());
    // Without weights it begins with those of the model file.
    run(&[&round[..], &["--out", "same.safetensors"]].concat());
    assert!(bytes(folder.path(), "one.safetensors") == bytes(folder.path(), "same.safetensors"));
    run(&["federate", "apply", "begin.fireclay", "--weights", "one.safetensors", "--out", "one.fireclay"]);
    run(&["evaluate", "one.fireclay", "--data-dir", "data"]);
    run(&["federate", "weights", "one.fireclay", "--out", "again.safetensors"]);
    assert!(bytes(folder.path(), "one.safetensors") == bytes(folder.path(), "again.safetensors"));
    // Weights of another network.
    run(&["federate", "init", "--model", "cnn", "--data-dir", "data", "--out", "other.fireclay"]);
    let apply =
        ["federate", "apply", "other.fireclay", "--weights", "one.safetensors", "--out", "x.fireclay"];
    fail(folder.path(), &apply, 2, &["one.safetensors", "conv2d_1.weight"]);
    std::fs::write(folder.path().join("broken.safetensors"), "no weights").unwrap();
    let broken = [&round[..], &["--weights", "broken.safetensors", "--out", "y.safetensors"]].concat();
    fail(folder.path(), &broken, 2, &["broken.safetensors"]);
    let other = ["federate", "round", "other.fireclay", "--data-dir", "data", "--weights", "one.safetensors"];
    fail(
        folder.path(),
        &[&other[..], &["--out", "z.safetensors"]].concat(),
        2,
        &["one.safetensors", "conv2d_1.weight"],
    );
    let wrong = |more: &[&str], words: &[&str]| {
        fail(folder.path(), &[&round[..], &["--out", "w.safetensors"], more].concat(), 2, words);
    };
    wrong(&["--epochs", "0"], &["--epochs is 0"]);
    wrong(&["--proximal-mu", "-1"], &["--proximal-mu is -1"]);
    wrong(&["--part", "900/1000"], &["--part is 900/1000", "600 samples"]);
    wrong(&["--split", "shards=2"], &["--part"]);
}

#[test]
fn mistakes_are_named_before_any_work() {
    let folder = scratch();
    let simulate = |more: &[&str], words: &[&str]| {
        fail(folder.path(), &[&["federate", "simulate"], more].concat(), 2, words);
    };
    simulate(&[], &["--clients"]);
    simulate(&["--clients", "0", "--data-dir", "data"], &["--clients is 0"]);
    simulate(&["--clients", "2", "--share", "0"], &["--share is 0"]);
    simulate(&["--clients", "2", "--split", "even"], &["shards=2"]);
    simulate(
        &["--clients", "2", "--lose", "client-0009@1", "--data-dir", "data"],
        &["--lose is client-0009"],
    );
    simulate(&["--clients", "2", "--until", "f1=1", "--data-dir", "data"], &["--until is f1", "accuracy"]);
    simulate(&["--clients", "2", "--out", "nowhere/m.fireclay"], &["nowhere"]);
    simulate(&["--clients", "2", "--until", "accuracy=99", "--data-dir", "data"], &["--until", "up to 1"]);
    simulate(&["--clients", "2", "--resume"], &["mnist.fireclay.checkpoint", "leave out --resume"]);
    simulate(&["--clients", "2", "--delta", "0"], &["--client-noise"]);
    let noise = ["--clients", "2", "--client-clip", "1", "--client-noise", "1"];
    simulate(&[&noise[..], &["--delta", "1"]].concat(), &["--delta is 1", "less than 1"]);
    simulate(
        &[&noise[..], &["--model", "best", "--data-dir", "data"]].concat(),
        &["running_mean", "batch norm"],
    );
    let twice =
        ["--clients", "2", "--lose", "client-0000@1", "--lose", "client-0000@2", "--data-dir", "data"];
    simulate(&twice, &["--lose is client-0000", "each client once"]);
    std::fs::write(folder.path().join("t.fireclay.checkpoint"), "a training").unwrap();
    simulate(
        &["--clients", "2", "--out", "t.fireclay"],
        &["t.fireclay.checkpoint", "another place with --out"],
    );
    simulate(&["--clients", "2", "--clip-norm", "-1"], &["clip_norm is -1"]);
    succeed(
        folder.path(),
        &["federate", "init", "--model", "mlp", "--data-dir", "data", "--out", "m.fireclay"],
    );
    let server = ["federate", "server", "m.fireclay", "--data-dir", "data", "--out"];
    fail(
        folder.path(),
        &[&server[..], &["new.fireclay"]].concat(),
        2,
        &["--key-file", "openssl rand -hex 32"],
    );
    fail(folder.path(), &[&server[..], &["m.fireclay"]].concat(), 2, &["--out"]);
    let client = ["federate", "client", "m.fireclay", "--data-dir", "data", "--key-file", "key"];
    fail(folder.path(), &[&client[..], &["--name", "../x"]].concat(), 2, &["client name"]);
    fail(folder.path(), &[&client[..], &["--name", "x"]].concat(), 2, &["key"]);
    std::fs::write(folder.path().join("key"), "0123456789abcdef").unwrap();
    fail(folder.path(), &[&client[..], &["--name", "x", "--part", "9/8"]].concat(), 2, &["3/8"]);
    let lost = ["--name", "x", "--server", "127.0.0.1:1", "--patience-seconds", "1"];
    fail(folder.path(), &[&client[..], &lost].concat(), 1, &["127.0.0.1:1"]);
}

/// Processes that do not outlive the test.
struct Killed(Vec<Child>);

impl Drop for Killed {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(folder: &Path, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut command = mnist(folder);
    let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// The next record of a kind.
fn next(lines: &mut BufReader<ChildStdout>, kind: &str) -> serde_json::Value {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the program ended before a record '{kind}'");
        let record: serde_json::Value = serde_json::from_str(&line).unwrap();
        if record["type"] == kind {
            return record;
        }
    }
}

fn start_until(folder: &Path, arguments: &[&str], text: &str) -> (Child, BufReader<ChildStdout>) {
    let (child, mut lines) = start(folder, arguments);
    let mut line = String::new();
    while !line.starts_with(text) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the program ended before '{text}'");
    }
    (child, lines)
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

fn end(mut child: Child, mut rest: BufReader<ChildStdout>) -> (Option<i32>, String, String) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    rest.read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stdout, stderr)
}
