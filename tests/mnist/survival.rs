//! Ctrl-C, kill -9 and a full disk: what was there before is whole, and the training goes on.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{fail, mnist, run, scratch, succeed};

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// With a model file alone and no folder of a run, so that the checkpoint lies beside the file.
const LONG: [&str; 12] = [
    "train",
    "--model",
    "mlp",
    "--data-dir",
    "data",
    "--batch-size",
    "32",
    "--epochs",
    "150",
    "--seed=4",
    "--out",
    "mnist.fireclay",
];

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

#[test]
fn ctrl_c_writes_a_checkpoint_that_goes_on_to_the_very_same_model() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    let measured = ["--validation-split", "0.1", "--metrics", "f1", "--monitor", "log_loss"];
    let long = [&LONG[..], &measured].concat();
    let mut child = start(folder.path(), &long);
    let mut rest = wait_for(&mut child, "epoch 2/150");
    signal(&child, "-INT");
    let mut last = String::new();
    std::io::Read::read_to_string(&mut rest, &mut last).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(last.contains("resume with: mnist train --resume mnist.fireclay.checkpoint"), "{last}");
    assert!(path("mnist.fireclay.checkpoint").exists() && !path("mnist.fireclay").exists());

    let resumed = succeed(folder.path(), &["train", "--resume", "mnist.fireclay.checkpoint"]);
    assert!(resumed.stdout.contains("resuming from the checkpoint"), "{}", resumed.stdout);
    assert!(!resumed.stdout.contains("epoch 1/150"), "{}", resumed.stdout);
    for said in ["best epoch: by val_log_loss", "val_f1 ", "\nf1 ", "\nlog_loss "] {
        assert!(resumed.stdout.contains(said), "no {said:?} in {}", resumed.stdout);
    }
    assert!(!path("mnist.fireclay.checkpoint").exists(), "the checkpoint has done its work");
    let found = std::fs::read(path("mnist.fireclay")).unwrap();

    let whole: Vec<&str> =
        long.iter().map(|flag| if *flag == "mnist.fireclay" { "whole.fireclay" } else { *flag }).collect();
    succeed(folder.path(), &whole);
    assert!(found == std::fs::read(path("whole.fireclay")).unwrap(), "the bytes differ");
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let folder = scratch();
    // Large batches, so that the step in which the keys are pressed takes a while.
    let mut child = start(
        folder.path(),
        &["train", "--model", "cnn", "--synthetic", "--limit", "6000", "--batch-size", "3000"],
    );
    let mut rest = wait_for(&mut child, "baselines");
    std::thread::sleep(Duration::from_millis(300));
    // Both arrive together, however slow this machine is: they wait while the program stands still. Two of the same
    // signal would become one, so the second is the one that a scheduler sends.
    signal(&child, "-STOP");
    signal(&child, "-INT");
    signal(&child, "-TERM");
    signal(&child, "-CONT");
    let mut last = String::new();
    std::io::Read::read_to_string(&mut rest, &mut last).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(last, "", "no checkpoint is waited for");
    assert!(!folder.path().join("mnist.fireclay.checkpoint").exists());
}

#[test]
fn a_request_to_terminate_writes_a_checkpoint() {
    let folder = scratch();
    let mut child = start(folder.path(), &LONG);
    let mut rest = wait_for(&mut child, "epoch 2/150");
    signal(&child, "-TERM");
    let mut last = String::new();
    std::io::Read::read_to_string(&mut rest, &mut last).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(last.contains("resume with: mnist train --resume"), "{last}");
    assert!(folder.path().join("mnist.fireclay.checkpoint").exists());
}

#[test]
fn kill_nine_at_any_moment_leaves_a_checkpoint_that_goes_on() {
    let folder = scratch();
    let checkpoint = folder.path().join("mnist.fireclay.checkpoint");
    for round in 0..8 {
        let mut child = start(folder.path(), &LONG);
        // When the second epoch is told of, the checkpoint of the first has been written.
        let _rest = wait_for(&mut child, "epoch 2/150");
        // Epochs take some milliseconds, each followed by a save; the moments spread over both.
        std::thread::sleep(Duration::from_millis(1 + 7 * round));
        signal(&child, "-KILL");
        child.wait().unwrap();
        let loaded = fireclay::store::load_checkpoint::<fireclay::train::Progress>(&checkpoint);
        assert!(loaded.unwrap().progress.state.epoch > 1);
    }
    let run = succeed(folder.path(), &["train", "--resume", "mnist.fireclay.checkpoint"]);
    assert!(run.stdout.contains("saved mnist.fireclay"), "{}", run.stdout);
}

#[test]
fn a_full_disk_is_reported_and_what_was_there_is_whole() {
    let folder = scratch();
    let train =
        ["train", "-q", "--model", "mlp", "--data-dir", "data", "--epochs", "1", "--out", "mnist.fireclay"];
    succeed(folder.path(), &train);
    let model = folder.path().join("mnist.fireclay");
    let checkpoint = folder.path().join("mnist.fireclay.checkpoint");
    std::fs::write(&checkpoint, "an older checkpoint").unwrap();
    let before = std::fs::read(&model).unwrap();
    // A limit on the size of files fails a write in the middle, as a full disk does.
    let program = env!("CARGO_BIN_EXE_mnist");
    let limited = format!("trap '' XFSZ; ulimit -f 100; exec '{program}' {} --seed 1", train.join(" "));
    let output = Command::new("sh").args(["-c", &limited]).current_dir(folder.path()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write ") && message.contains("is unchanged"), "{message}");
    assert_eq!(std::fs::read(&model).unwrap(), before);
    assert_eq!(std::fs::read_to_string(&checkpoint).unwrap(), "an older checkpoint");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "no partial file is left: {left:?}");
}

#[test]
fn a_checkpoint_of_other_data_is_refused() {
    let folder = scratch();
    let mut child = start(folder.path(), &LONG);
    let _rest = wait_for(&mut child, "epoch 1/150");
    signal(&child, "-INT");
    child.wait().unwrap();
    let refused = run(folder.path(), &["train", "--resume", "mnist.fireclay.checkpoint", "--synthetic"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("600 samples") && refused.stderr.contains("30000 samples"),
        "{}",
        refused.stderr
    );
}

#[test]
fn whatever_the_model_is_called_its_checkpoint_is_another_file() {
    let folder = scratch();
    let out =
        ["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data", "--out", "m.checkpoint"];
    succeed(folder.path(), &out);
    succeed(folder.path(), &["evaluate", "m.checkpoint", "--data-dir", "data"]);
}

#[test]
fn a_training_that_was_broken_off_is_not_written_over_unsaid() {
    let folder = scratch();
    let mut child = start(folder.path(), &LONG);
    let _rest = wait_for(&mut child, "epoch 1/150");
    signal(&child, "-INT");
    child.wait().unwrap();
    let again =
        ["train", "--model", "softmax", "--epochs", "1", "--data-dir", "data", "--out", "mnist.fireclay"];
    let run = succeed(folder.path(), &again);
    assert!(run.stderr.contains("mnist train --resume mnist.fireclay.checkpoint"), "{}", run.stderr);
}

#[test]
fn where_a_training_goes_on_is_said_by_its_checkpoint_and_can_be_said_anew() {
    let folder = scratch();
    let mut child = start(folder.path(), &LONG);
    let _rest = wait_for(&mut child, "epoch 2/150");
    signal(&child, "-INT");
    child.wait().unwrap();
    let path = folder.path().join("mnist.fireclay.checkpoint");
    let written: fireclay::train::Checkpoint = fireclay::store::load_checkpoint(&path).unwrap();
    let says = |device: &str, threads: u64| {
        let mut checkpoint = written.clone();
        checkpoint.progress.program["computed_on"] =
            serde_json::json!({ "device": device, "threads": threads });
        fireclay::store::save_checkpoint(&path, &checkpoint).unwrap();
    };
    let resume = ["train", "--resume", "mnist.fireclay.checkpoint"];
    let where_it_was = "mnist.fireclay.checkpoint says where it computes; --device and --threads say it anew";
    says("no-such", 1);
    fail(folder.path(), &resume, 2, &[where_it_was, "no-such"]);
    for threads in [0, 1_000_000] {
        says("flex", threads);
        fail(folder.path(), &resume, 2, &[where_it_was, &threads.to_string()]);
    }
    says("flex", 1);
    // What the user said themselves is not the checkpoint's.
    let threads = [&resume[..], &["--threads", "1000000"]].concat();
    let run = fail(folder.path(), &threads, 2, &["1000000"]);
    assert!(!run.stderr.contains(where_it_was), "{}", run.stderr);
    let factor = [&resume[..], &["--learning-rate-factor", "-1"]].concat();
    fail(folder.path(), &factor, 2, &["learning_rate_factor is"]);
    let mut tiny = written.clone();
    tiny.progress.state.learning_rate_scale = 1e-200;
    fireclay::store::save_checkpoint(&path, &tiny).unwrap();
    let factor = [&resume[..], &["--learning-rate-factor", "1e-200"]].concat();
    fail(folder.path(), &factor, 2, &["learning_rate_factor is"]);
    says("no-such", 1);
    let anew = [&resume[..], &["--device", "flex", "--threads", "1"]].concat();
    let run = succeed(folder.path(), &anew);
    assert!(run.stdout.contains("flex with 1 thread"), "{}", run.stdout);
}

#[test]
fn a_run_that_was_stopped_before_its_first_checkpoint_says_so() {
    let folder = scratch();
    succeed(
        folder.path(),
        &["train", "--model", "softmax", "--epochs", "1", "--data-dir", "data", "--run", "done"],
    );
    let record = folder.path().join("runs/done/run.json");
    let text = std::fs::read_to_string(&record).unwrap().replace("\"completed\"", "\"running\"");
    std::fs::write(&record, text).unwrap();
    let expected = ["runs/done was stopped before its first checkpoint", "--checkpoint-every"];
    fail(folder.path(), &["train", "--resume", "runs/done"], 2, &expected);
}

/// Tag and step of all summaries in the event files of a run, in order of both. A record is its length, a checksum of that, an
/// event and a checksum of it; in an event field 2 is the step, field 5 a summary, whose values have a tag in field 1.
fn summaries(run: &Path) -> Vec<(String, u64)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }
    fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let (number, length) = match key & 7 {
                0 => (varint(&mut bytes), 0),
                1 => (0, 8),
                5 => (0, 4),
                _ => (0, varint(&mut bytes) as usize),
            };
            found.push((key >> 3, number, &bytes[..length]));
            bytes = &bytes[length..];
        }
        found
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path()) {
        if !entry.file_name().unwrap().to_string_lossy().contains("tfevents") {
            continue;
        }
        let file = std::fs::read(entry).unwrap();
        let mut rest = &file[..];
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let event = fields(&rest[12..12 + length]);
            let step = event.iter().find(|(field, ..)| *field == 2).map_or(0, |(_, step, _)| *step);
            for (_, _, summary) in event.iter().filter(|(field, ..)| *field == 5) {
                for (_, _, value) in fields(summary) {
                    let tag = fields(value).into_iter().find(|(field, ..)| *field == 1);
                    found.push((String::from_utf8(tag.unwrap().2.to_vec()).unwrap(), step));
                }
            }
            rest = &rest[12 + length + 4..];
        }
    }
    found.sort();
    found
}

#[test]
fn the_folder_of_a_run_that_is_killed_holds_each_step_once_and_ends_in_the_same_model() {
    let folder = scratch();
    let flags = "train --model cnn-small --data-dir data --augment shift=0.1,rotation=10 --batch-size 32 --epochs 5 --seed 4 \
                 --threads 1 --validation-split 0.1 --patience 20 --averaging ema=0.99 --accumulate 2 --clip-norm 1 \
                 --schedule cosine --log-every 1 --checkpoint-every 3 --keep-checkpoints 2 --histograms";
    let train: Vec<&str> = flags.split_whitespace().collect();
    let named = |name| [&train[..], &["--run", name, "--out", name]].concat();
    succeed(folder.path(), &named("whole"));
    let mut child = start(folder.path(), &named("killed"));
    let run_folder = folder.path().join("runs/killed");
    let mut resumed = 0;
    let checkpoint = run_folder.join("checkpoints/last.checkpoint");
    let written = || std::fs::metadata(&checkpoint).and_then(|file| file.modified()).ok();
    for round in 0u64..6 {
        let before = written();
        // After the simple answers, the training begins, and after some steps a checkpoint is written.
        let _rest = wait_for(&mut child, "baselines");
        while written() == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(7 * round));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        signal(&child, "-KILL");
        child.wait().unwrap();
        resumed += 1;
        child = start(folder.path(), &["train", "--resume", "runs/killed"]);
    }
    assert!(resumed > 0, "it was never killed in mid-training");
    let mut rest = child.stdout.take();
    if let Some(stdout) = &mut rest {
        std::io::Read::read_to_end(stdout, &mut Vec::new()).unwrap();
    }
    child.wait().unwrap();
    let listed = succeed(folder.path(), &["runs"]).stdout;
    assert!(!listed.contains("killed ") || listed.matches("completed").count() == 2, "{listed}");
    let model =
        |name: &str| std::fs::read(folder.path().join("runs").join(name).join("model.fireclay")).unwrap();
    assert!(model("whole") == model("killed"), "the bytes differ");
    // Speeds differ, and everything else is the same.
    let rows = |name: &str| -> Vec<Vec<String>> {
        let csv = std::fs::read_to_string(folder.path().join("runs").join(name).join("metrics.csv")).unwrap();
        let cells = |line: &str| line.split(',').map(String::from).collect::<Vec<_>>();
        csv.lines()
            .map(cells)
            .map(|mut row| {
                row.remove(5);
                row
            })
            .collect()
    };
    assert_eq!(rows("whole"), rows("killed"));
    let steps: Vec<usize> = rows("killed")[1..].iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(steps, (1..=steps.len()).collect::<Vec<_>>(), "each step once");
    let json = std::fs::read_to_string(run_folder.join("metrics.jsonl")).unwrap();
    assert_eq!(json.lines().count(), steps.len());
    let events = |name| summaries(&folder.path().join("runs").join(name));
    let (whole, killed) = (events("whole"), events("killed"));
    assert_eq!(whole, killed);
    let loss = killed.iter().filter(|(tag, _)| tag == "step/loss").count();
    assert_eq!(loss, steps.len());
    assert!(killed.windows(2).all(|pair| pair[0] != pair[1]), "each summary once");
    assert!(
        run_folder.join("report.html").is_file() && run_folder.join("checkpoints/best.checkpoint").is_file()
    );
    assert!(!run_folder.join("checkpoints/last.checkpoint").exists());

    let compared = succeed(folder.path(), &["runs", "whole", "killed"]).stdout;
    assert!(compared.contains("accuracy") && folder.path().join("comparison.html").is_file(), "{compared}");
}
