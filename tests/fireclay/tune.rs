//! `tune`: a search that goes on where it was stopped, and ends with a command.

use std::time::{Duration, Instant};

use crate::shared::{Run, command};
use crate::{PROGRAM, fail, scratch, succeed};

/// A search small enough for a test; `journal` is its file.
fn flags(journal: &str) -> [&str; 12] {
    [
        "tune",
        "flats.csv",
        "--target",
        "rent",
        "--epochs",
        "9",
        "--brackets",
        "2",
        "--journal",
        journal,
        "--limit",
        "200",
    ]
}

/// What the search ends with; how long trials took, and the journal's name, are not the same twice.
fn end(run: &Run) -> String {
    let end = run.stdout.split_once("\nbest of ").unwrap_or_else(|| panic!("{run:?}")).1;
    end.split_once("\ntrain it").unwrap().0.to_owned()
}

#[test]
fn a_search_ends_the_same_when_it_is_killed_and_when_trials_run_side_by_side() {
    let folder = scratch();
    let whole = succeed(folder.path(), &flags("whole.jsonl"));
    assert!(end(&whole).contains("share of the differences between trials"), "{}", whole.stdout);
    let train = whole.stdout.lines().find_map(|line| line.strip_prefix("train it: ")).unwrap();
    for word in ["fireclay train flats.csv --target rent", "--spec whole.toml", "--learning-rate "] {
        assert!(train.contains(word), "{train}");
    }
    assert!(!train.contains("journal") && !train.contains("brackets"), "{train}");
    assert!(std::fs::read_to_string(folder.path().join("whole.toml")).unwrap().contains("dense"));
    let words: Vec<&str> = train.split_whitespace().skip(1).collect();
    succeed(folder.path(), &words);

    let journal = folder.path().join("killed.jsonl");
    for trials in [3, 14] {
        let mut search =
            command(PROGRAM, folder.path()).args(flags("killed.jsonl")).arg("-q").spawn().unwrap();
        let lines = || std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
        let start = Instant::now();
        while lines() < trials && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(lines() >= trials, "the search does not go on");
        search.kill().unwrap();
        search.wait().unwrap();
    }
    let resumed = succeed(folder.path(), &flags("killed.jsonl"));
    assert!(resumed.stderr.contains("going on with the "), "{}", resumed.stderr);
    assert_eq!(end(&resumed), end(&whole));

    let beside: Vec<&str> = flags("beside.jsonl").into_iter().chain(["--parallel", "3"]).collect();
    assert_eq!(end(&succeed(folder.path(), &beside)), end(&whole));
}

#[test]
fn a_search_says_what_it_cannot_do() {
    let folder = scratch();
    let space = |text: &str| std::fs::write(folder.path().join("space.toml"), text).unwrap();
    let tune = ["tune", "flats.csv", "--target", "rent", "--space", "space.toml"];
    space("[learning_rat]\nlow = 0.1\nhigh = 1.0\n");
    fail(folder.path(), &tune, 2, &["learning_rat", "learning_rate, weight_decay"]);
    space("[learning_rate]\nlow = 1.0\nhigh = 0.1\n");
    fail(folder.path(), &tune, 2, &["space.toml", "not below high"]);
    space("[batch_size]\nlow = 8\nhigh = 64\n");
    fail(folder.path(), &tune, 2, &["batch_size", "integer = true"]);
    space("[dropout]\nlow = 0.5\nhigh = 1.5\n");
    fail(folder.path(), &tune, 2, &["dropout from 0 to below 1"]);
    fail(
        folder.path(),
        &["tune", "flats.csv", "--patience", "2"],
        2,
        &["--patience has no part in a search"],
    );
    fail(folder.path(), &["tune", "flats.csv", "--minutes", "0"], 2, &["more than 0"]);
    let printed = succeed(folder.path(), &["tune", "flats.csv", "--target", "rent", "--print-space"]);
    std::fs::write(folder.path().join("space.toml"), &printed.stdout).unwrap();
    let again = succeed(folder.path(), &[&tune[..], &["--print-space"]].concat());
    assert_eq!(again.stdout, printed.stdout);
    std::fs::write(folder.path().join("other.jsonl"), "{\"not\": 1}\n").unwrap();
    fail(folder.path(), &["tune", "flats.csv", "--journal", "other.jsonl"], 1, &["other.jsonl"]);
}
