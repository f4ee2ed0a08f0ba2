//! The folders of runs: what is refused, and what is found again.

use std::path::Path;

use crate::support::{fail, scratch, succeed};

const TRAIN: [&str; 7] = ["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir=data"];

fn train(folder: &Path, flags: &[&str]) {
    succeed(folder, &[&TRAIN[..], flags].concat());
}

#[test]
fn runs_are_numbered_named_listed_and_compared() {
    let folder = scratch();
    assert!(succeed(folder.path(), &["runs"]).stdout.contains("no runs in runs; mnist train makes one"));
    train(folder.path(), &[]);
    train(folder.path(), &["--learning-rate", "0.01"]);
    train(folder.path(), &["--run", "third", "--seed", "1"]);
    train(folder.path(), &["--out", "alone.fireclay"]);
    let listed = succeed(folder.path(), &["runs"]).stdout;
    let names: Vec<&str> =
        listed.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["softmax-1", "softmax-2", "third"], "a model file alone makes no run");

    let compared = succeed(folder.path(), &["runs", "softmax-1", "softmax-2"]).stdout;
    let differs = compared.lines().find(|line| line.starts_with("learning-rate")).unwrap();
    assert!(differs.contains("0.001") && differs.contains("0.01"), "{compared}");
    assert!(!compared.contains("batch-size"), "settings that are the same are left out: {compared}");
    assert!(compared.contains("accuracy") && compared.contains(" .. "), "{compared}");
    assert!(compared.contains("of simpler answers") && compared.contains("accuracy, always "), "{compared}");
    let page = std::fs::read_to_string(folder.path().join("comparison.html")).unwrap();
    assert!(page.contains("What simpler answers reach"), "the page has them too");
    let page = std::fs::read_to_string(folder.path().join("runs/softmax-1/report.html")).unwrap();
    assert!(page.contains("for always ") && !page.contains("for a linear model"), "softmax is linear itself");

    let words = [r#"there is no run "softmax-9""#, "softmax-1, softmax-2, third"];
    fail(folder.path(), &["runs", "softmax-1", "softmax-9"], 2, &words);
    fail(folder.path(), &["runs", "third"], 2, &["one run alone", "two or more"]);
    let run = folder.path().join("runs/third/run.json");
    std::fs::write(&run, "{").unwrap();
    fail(
        folder.path(),
        &["runs", "third", "softmax-1"],
        1,
        &["run.json cannot be read as the record of a run"],
    );
    let listed = succeed(folder.path(), &["runs"]);
    assert!(listed.stderr.contains("third: ") && listed.stdout.contains("softmax-2"), "{listed:?}");
}

#[test]
fn flags_of_runs_are_checked_before_the_work() {
    let folder = scratch();
    for (flags, words) in [
        (["--run", "../out"], ["cannot be the name of a run", "letters, digits"]),
        (["--run", ""], ["cannot be the name of a run", "letters, digits"]),
        (["--log-every", "0"], ["--log-every", "1 or more"]),
        (["--checkpoint-every", "0m"], ["--checkpoint-every", "such as 10m"]),
        (["--checkpoint-every", "soon"], ["--checkpoint-every", "such as 500"]),
        (["--averaging", "ema"], ["averaging is 'ema'", "ema=0.999"]),
        (["--averaging", "ema=1"], ["decay is 1", "less than 1"]),
        (["--averaging", "swa=9"], ["from_epoch is 9", "no more than there are epochs"]),
        (["--accumulate", "0"], ["accumulate is 0", "1 or more"]),
    ] {
        fail(folder.path(), &[&TRAIN[..], &flags].concat(), 2, &words);
    }
    train(folder.path(), &["--run", "twice"]);
    fail(
        folder.path(),
        &[&TRAIN[..], &["--run", "twice"]].concat(),
        2,
        &["is there already", "another name"],
    );
    fail(folder.path(), &["train", "--resume", "data"], 2, &["no folder of a run", "run.json"]);
    fail(folder.path(), &["train", "--resume", "runs/twice"], 2, &["is a finished model"]);
}

#[test]
fn nothing_in_a_run_names_a_path_outside() {
    let folder = scratch();
    let data = folder.path().join("data");
    let flag = format!("--data-dir={}", data.display());
    let whole = ["train", "-q", "--model", "softmax", "--epochs", "1", flag.as_str()];
    succeed(folder.path(), &whole);
    let outside = folder.path().to_str().unwrap().as_bytes();
    for entry in std::fs::read_dir(folder.path().join("runs/softmax-1")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(outside.len()).any(|part| part == outside), "{}", path.display());
    }
}
