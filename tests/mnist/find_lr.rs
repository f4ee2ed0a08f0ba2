//! `find-lr`: the curve, the suggestion, the command that trains with it, and the page.

use crate::support::{fail, scratch, succeed};

const FIND: [&str; 9] =
    ["find-lr", "--data-dir", "data", "--model", "mlp", "--batch-size", "32", "--seed", "3"];

fn with<'a>(extra: &[&'a str]) -> Vec<&'a str> {
    FIND.iter().chain(extra).copied().collect()
}

/// The rest of the line that begins so.
#[track_caller]
fn after<'a>(text: &'a str, start: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(start));
    line.unwrap_or_else(|| panic!("no line {start:?} in {text}"))
}

#[test]
fn it_suggests_a_rate_that_trains_and_writes_a_page() {
    let folder = scratch();
    let run = succeed(folder.path(), &with(&["--plot", "lr.html", "--epochs", "1"]));
    for words in [
        "600 training images",
        "learning rate 1e-7 to 10 in 100 steps of batch 32",
        "smoothed loss",
        "1.00e-7",
    ] {
        assert!(run.stdout.contains(words), "no {words:?} in {}", run.stdout);
    }
    // In a pipe there is a table, not a plot.
    assert!(!run.stdout.chars().any(|letter| ('\u{2800}'..='\u{28ff}').contains(&letter)), "{}", run.stdout);
    let rate: f64 =
        after(&run.stdout, "suggested learning rate ").split(',').next().unwrap().parse().unwrap();
    assert!((1e-4..0.1).contains(&rate), "{}", run.stdout);
    let command = after(&run.stdout, "train with it: mnist ");
    let expected = format!(
        "train --data-dir data --model mlp --batch-size 32 --seed 3 --epochs 1 --learning-rate {rate}"
    );
    assert_eq!(command, expected);
    let page = std::fs::read_to_string(folder.path().join("lr.html")).unwrap();
    for words in ["Learning rates of mlp on", "Slope of the smoothed loss", &expected, "aria-label"] {
        assert!(page.contains(words), "no {words:?}");
    }
    // The command works as it is printed, and nothing but the page was written.
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 2);
    let trained = succeed(folder.path(), &command.split(' ').collect::<Vec<_>>());
    assert!(trained.stdout.contains(&format!("adam {rate}")), "{}", trained.stdout);
    assert_eq!(
        succeed(folder.path(), &with(&["--epochs", "1"])).stdout,
        run.stdout.replace("plot: lr.html\n", "")
    );
}

#[test]
fn a_sweep_without_a_suggestion_says_why_and_is_no_failure() {
    let folder = scratch();
    let small = ["--min-learning-rate", "1e-12", "--max-learning-rate", "1e-9", "--sweep-steps", "20"];
    let run = succeed(folder.path(), &with(&[&small[..], &["--plot", "lr.html"]].concat()));
    assert!(after(&run.stdout, "no suggestion: ").contains("never fell"), "{}", run.stdout);
    assert!(!run.stdout.contains("train with it"));
    let page = std::fs::read_to_string(folder.path().join("lr.html")).unwrap();
    assert!(page.contains("There is no suggestion"));
    let wild = ["--optimizer", "sgd", "--min-learning-rate", "1e20", "--max-learning-rate", "1e30"];
    let run = succeed(folder.path(), &with(&wild));
    assert!(after(&run.stdout, "no suggestion: ").contains("points"), "{}", run.stdout);
}

#[test]
fn flags_that_cannot_be_are_refused_before_the_data_is_read() {
    let folder = scratch();
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    let refused = |extra: &[&str], words: &[&str]| {
        let run = fail(folder.path(), &with(extra), 2, words);
        assert_eq!(run.stdout, "");
    };
    refused(&["--sweep-steps", "0"], &["'0'", "--sweep-steps", "a number of steps, 10 or more"]);
    refused(&["--sweep-steps", "-5"], &["--sweep-steps", "10 or more"]);
    refused(&["--min-learning-rate", "-1"], &["min_learning_rate is -1; expected more than 0"]);
    refused(&["--min-learning-rate", "nan"], &["min_learning_rate is NaN"]);
    refused(
        &["--min-learning-rate", "1", "--max-learning-rate", "1"],
        &["max_learning_rate is 1; expected more than min_learning_rate"],
    );
    refused(&["--max-learning-rate", "inf"], &["max_learning_rate is inf"]);
    refused(&["--plot", "lr.png"], &["lr.png", "ends in .html", "--plot"]);
    refused(&["--plot", "nowhere/lr.html"], &["nowhere", "does not exist", "--plot"]);
    refused(&["--epochs", "0"], &["epochs is 0"]);
    refused(&["--device", "gpu"], &["no device is called 'gpu'"]);
    fail(folder.path(), &FIND, 1, &["data"]);
}

#[test]
fn a_range_that_ends_too_early_is_said() {
    let folder = scratch();
    let run = succeed(folder.path(), &with(&["--max-learning-rate", "5e-3", "--min-learning-rate", "1e-5"]));
    assert!(
        run.stderr.contains("note: the loss was still falling at the largest learning rate, 0.005"),
        "{run:?}"
    );
}
