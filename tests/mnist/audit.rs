//! `audit`: what a model gives away, how easily it is fooled, and what is said of that.

use serde_json::Value;

use crate::support::{fail, scratch, succeed};

fn record(stdout: &str) -> Value {
    let records = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.into_iter().find(|record| record["type"] == "audit").expect("a record of the audit")
}

/// The area below the curve of LiRA on a model of so many training samples, and the model's accuracy.
fn area(folder: &std::path::Path, limit: &str, training: &[&str]) -> (f64, f64) {
    let train = ["train", "-q", "--model", "mlp", "--data-dir", "data", "--limit", limit];
    succeed(folder, &[&train[..], training].concat());
    let audit =
        ["audit", "--only", "privacy", "--shadows", "4", "--data-dir", "data", "--limit", limit, "--json"];
    let privacy = &record(&succeed(folder, &audit).stdout)["privacy"];
    assert_eq!((privacy["members"].as_u64(), privacy["others"].as_u64()), (Some(200), Some(200)));
    let attacks = privacy["attacks"].as_array().unwrap();
    let found = attacks.iter().find(|found| found["name"] == "LiRA").unwrap();
    // Two hundred are too few to tell one in a thousand.
    assert!(found["at"][0]["true_positives"].is_null() && found["at"][1]["true_positives"].is_number());
    let evaluate = ["evaluate", "--data-dir", "data", "--json"];
    let evaluated: Value =
        serde_json::from_str(succeed(folder, &evaluate).stdout.lines().last().unwrap()).unwrap();
    (found["area"].as_f64().unwrap(), evaluated["report"]["accuracy"].as_f64().unwrap())
}

/// By guessing the area of 200 and 200 has a standard deviation of 0.03.
#[test]
fn what_was_learnt_by_heart_is_told_and_what_was_trained_with_privacy_is_not() {
    let folder = scratch();
    let folder = folder.path();
    let (by_heart, _) = area(folder, "200", &["--learning-rate", "0.003", "--epochs", "30"]);
    assert!(by_heart > 0.7, "{by_heart}");
    let private = ["--private", "4", "--noise", "seed", "--optimizer", "sgd", "--learning-rate", "0.5"];
    let (private, accuracy) =
        area(folder, "600", &[&private[..], &["--batch-size", "200", "--epochs", "30"]].concat());
    assert!(private < by_heart - 0.1 && accuracy > 0.3, "{private}, {by_heart} by heart; {accuracy} right");
    // Next to no step was made.
    let untrained = ["--optimizer", "sgd", "--learning-rate", "1e-12", "--epochs", "1"];
    let (untrained, _) = area(folder, "200", &untrained);
    assert!((untrained - 0.5).abs() < 0.12, "{untrained}");
}

#[test]
fn an_audit_is_printed_written_as_a_page_and_calibrates() {
    let folder = scratch();
    let folder = folder.path();
    let train =
        ["train", "-q", "--model", "cnn-small", "--epochs", "3", "--data-dir", "data", "--batch-size", "16"];
    succeed(folder, &train);
    let audit = [
        "audit",
        "--data-dir",
        "data",
        "--shadows",
        "2",
        "--samples",
        "60",
        "--strengths",
        "0.3,8/255",
        "--steps",
        "3",
        "--report",
        "audit.html",
        "--calibrated",
        "calibrated.fireclay",
    ];
    let stdout = succeed(folder, &audit).stdout;
    for words in [
        "mnist.fireclay",
        "privacy: can it be told that a sample was trained on?",
        "LiRA",
        "loss threshold",
        "robustness: ",
        "FGSM, of the range of a pixel",
        "PGD, 3 steps",
        "Gaussian noise",
        "mean corruption error",
        "not measured: fairness, as groups are a column of a table",
        "expected calibration error",
        "after temperature scaling",
        "wrote audit.html",
        "saved calibrated.fireclay",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let page = std::fs::read_to_string(folder.join("audit.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("PGD, 3 steps"));

    // The same answers, with probabilities that fit better.
    let evaluated = |file: &str| {
        let evaluate = ["evaluate", file, "--data-dir", "data", "--json"];
        let record: Value =
            serde_json::from_str(succeed(folder, &evaluate).stdout.lines().last().unwrap()).unwrap();
        (record["report"]["accuracy"].clone(), record["loss"].as_f64().unwrap())
    };
    let (before, after) = (evaluated("mnist.fireclay"), evaluated("calibrated.fireclay"));
    assert!(before.0 == after.0 && after.1 < before.1 + 1e-6, "{before:?} {after:?}");
}

#[test]
fn a_stronger_attack_leaves_no_more_and_training_against_it_helps() {
    let folder = scratch();
    let folder = folder.path();
    let left = |training: &[&str]| -> Vec<f64> {
        let train =
            ["train", "-q", "--model", "mlp", "--epochs", "6", "--data-dir", "data", "--batch-size", "20"];
        succeed(folder, &[&train[..], training].concat());
        let audit = [
            "audit",
            "--only",
            "robustness",
            "--data-dir",
            "data",
            "--strengths",
            "0.05,0.15",
            "--steps",
            "10",
            "--json",
        ];
        let found = record(&succeed(folder, &audit).stdout);
        let points = found["robustness"]["attacks"][1]["points"].as_array().unwrap().clone();
        points.iter().map(|point| point[1].as_f64().unwrap()).collect()
    };
    let plain = left(&[]);
    assert!(plain.len() == 3 && plain[1] < plain[0] && plain[2] < plain[1], "{plain:?}");
    let hardened = left(&["--adversarial", "0.15,5"]);
    assert!(hardened[2] > plain[2] + 0.2, "{plain:?} {hardened:?}");
    let summary = succeed(folder, &["summary", "--from", "mnist.fireclay"]).stdout;
    assert!(summary.contains("adversarial training: ") && summary.contains("up to 0.15"), "{summary}");
}

#[test]
fn what_cannot_be_audited_is_refused() {
    let folder = scratch();
    let folder = folder.path();
    for (flags, words) in [
        (&["--shadows", "3"][..], &["shadows is 3", "an even number"][..]),
        (&["--strengths", "1.5"], &["adversarial strength is 1.5", "0 to 1"]),
        (&["--strengths", "weak"], &["--strengths"]),
        (&["--steps", "0"], &["adversarial steps is 0"]),
        (&["--samples", "0"], &["--samples"]),
        (&["--only", "robustness", "--calibrated", "c.fireclay"], &["--calibrated", "--only leaves out"]),
        (&["--only", "fairness"], &["--group COLUMN"]),
        (&["--report", "nowhere/a.html"], &["nowhere", "does not exist"]),
        (&["--calibrated", "mnist.fireclay"], &["mnist.fireclay", "name another file with --calibrated"]),
        (&["--report", "a", "--calibrated", "a"], &["both name a"]),
    ] {
        std::fs::write(folder.join("mnist.fireclay"), "not yet a model").unwrap();
        fail(folder, &[&["audit", "--data-dir", "data"], flags].concat(), 2, words);
    }
    std::fs::remove_file(folder.join("mnist.fireclay")).unwrap();
    fail(folder, &["audit", "--data-dir", "data"], 1, &["mnist.fireclay", "No such file"]);
    let train =
        ["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data", "--limit", "100"];
    succeed(folder, &train);
    // Of other samples than those of the training nobody knows which are which.
    let other = ["audit", "--only", "privacy", "--shadows", "0", "--data-dir", "data"];
    let stdout = succeed(folder, &other).stdout;
    assert!(
        stdout.contains(
            "not measured: privacy, as the model was trained on 100 samples, and these data have 600"
        ),
        "{stdout}"
    );
    fail(folder, &["audit", "--group", "digit", "--data-dir", "data"], 2, &["reads no table"]);
    fail(folder, &["train", "--adversarial", "2"], 2, &["adversarial strength is 2", "0 to 1"]);
    fail(folder, &["train", "--resume", "x", "--adversarial", "0.1"], 2, &["--resume", "--adversarial"]);
    let int8 = ["compress", "--int8", "--out", "small.fireclay", "--data-dir", "data", "--limit", "100"];
    succeed(folder, &int8);
    let small = ["audit", "small.fireclay", "--data-dir", "data", "--limit", "100"];
    let stdout = succeed(folder, &[&small[..], &["--only", "privacy,calibration"]].concat()).stdout;
    assert!(
        stdout.contains("not measured: privacy, as a model in 8-bit whole numbers is not trained"),
        "{stdout}"
    );
    fail(folder, &[&small[..], &["--calibrated", "c.fireclay"]].concat(), 2, &["cannot be scaled"]);
    fail(folder, &["train", "--adversarial", "0.1", "--private", "8"], 2, &["--private"]);
}
