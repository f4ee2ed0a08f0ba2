//! `train --check`: what is found before a training, and that nothing is left of it.

use std::path::Path;

use crate::support::{fail, run, scratch, succeed};

const CHECK: [&str; 5] = ["train", "--check", "--model=mlp", "--epochs=2", "--data-dir=data"];

/// What lies in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_check_looks_at_everything_and_leaves_nothing() {
    let folder = scratch();
    let flags = [&CHECK[..], &["--validation-split=0.1", "--keep-best"]].concat();
    let checked = succeed(folder.path(), &flags);
    let lines: Vec<&str> = checked.stdout.lines().collect();
    for (what, words) in [
        ("data", "600 training and 200 test images of 10 classes; 60 of training held out"),
        ("network", "mlp: 118,282 parameters on flex with "),
        ("loss", "before training; guessing costs 2.3026, the best constant answer 2."),
        ("gradients", "each of the 6 trainable tensors gets a finite one that is not 0"),
        ("one batch", "learnt by heart: the loss of 32 samples went from 2."),
        ("time", "a step of 128 samples, 5 steps an epoch: "),
        ("files", "mnist.fireclay (about 47"),
    ] {
        let found = lines.iter().any(|line| line.starts_with(&format!("✓ {what}")) && line.contains(words));
        assert!(found, "no line of {what} with {words:?}: {}", checked.stdout);
    }
    let command = "ready to train: mnist train --model=mlp --epochs=2 --data-dir=data --validation-split=0.1 --keep-best";
    assert_eq!(lines.last(), Some(&command));
    assert_eq!(files(folder.path()), ["data"], "nothing was saved, and no folder of a run was made");
}

#[test]
fn what_would_make_the_training_fail_ends_with_one() {
    let folder = scratch();
    let refused = |flags: &[&str], words: &[&str]| {
        let found = run(folder.path(), &[&CHECK[..], flags].concat());
        assert_eq!(found.code, Some(1), "{found:#?}");
        for word in words {
            assert!(found.stdout.contains(word), "no {word:?} in {}", found.stdout);
        }
        assert!(!found.stdout.contains("ready to train: mnist"), "{}", found.stdout);
    };
    let diverges = ["--optimizer=sgd", "--learning-rate=1e30"];
    refused(&diverges, &["✗ time", "the loss became", "not ready to train: the loss became"]);
    let below_a_file = ["--runs-dir=data/train-images-idx3-ubyte/runs"];
    refused(&below_a_file, &["✗ files", "cannot make data/train-images-idx3-ubyte/runs"]);
    let other =
        "input = [1, 28, 28]\nlayers = [{ type = \"flatten\" }, { type = \"dense\", out_features = 7 }]\n";
    std::fs::write(folder.path().join("seven.toml"), other).unwrap();
    let found = run(folder.path(), &["train", "--check", "--spec=seven.toml", "--data-dir=data"]);
    assert_eq!(found.code, Some(1), "{found:#?}");
    assert!(found.stdout.contains("✗ network    the network gives 7 outputs"), "{}", found.stdout);
    let found = run(folder.path(), &["train", "--check", "--data-dir=nowhere"]);
    assert_eq!(found.code, Some(1), "{found:#?}");
    assert!(found.stdout.contains("✗ data       ") && found.stdout.contains("nowhere"), "{}", found.stdout);
    assert_eq!(files(folder.path()), ["data", "seven.toml"]);
}

#[test]
fn a_training_that_learns_nothing_is_warned_of_and_may_be_done() {
    let folder = scratch();
    let found = succeed(folder.path(), &[&CHECK[..], &["--learning-rate=1e-12"]].concat());
    for words in
        ["! one batch", "cannot be learnt by heart", "another learning rate", "with the warning above"]
    {
        assert!(found.stdout.contains(words), "no {words:?} in {}", found.stdout);
    }
}

#[test]
fn several_devices_are_tried_in_turn_and_only_by_a_check() {
    let folder = scratch();
    let found = succeed(folder.path(), &[&CHECK[..], &["--device", "flex,flex"]].concat());
    assert_eq!(found.stdout.matches("✓ network").count(), 2, "{}", found.stdout);
    assert!(found.stdout.ends_with("--data-dir=data --device flex\n"), "{}", found.stdout);
    let train = ["train", "--model=mlp", "--data-dir=data", "--device", "flex,flex"];
    fail(folder.path(), &train, 2, &["'flex,flex' are several devices", "train --check"]);
    fail(folder.path(), &["evaluate", "--device", "flex,flex"], 2, &["several devices"]);
    fail(folder.path(), &[&CHECK[..], &["--device=flex,gpu"]].concat(), 2, &["no device is called 'gpu'"]);
}

#[test]
fn flags_are_checked_first() {
    let folder = scratch();
    fail(folder.path(), &["train", "--check", "--resume", "runs/mlp-1"], 2, &["--resume", "--check"]);
    fail(folder.path(), &[&CHECK[..], &["--batch-size=0"]].concat(), 2, &["batch_size is 0"]);
    fail(folder.path(), &[&CHECK[..], &["--run=../x"]].concat(), 2, &["cannot be the name of a run"]);
    fail(folder.path(), &[&CHECK[..], &["--out=nowhere/m.fireclay"]].concat(), 2, &["does not exist"]);
    assert_eq!(files(folder.path()), ["data"]);
}
