//! `compress`: a smaller model file that every other command takes, and what is said of it.

use crate::support::{fail, mnist, scratch, succeed, write_png};

/// Trains a small model, in `mnist.fireclay`.
fn train(folder: &std::path::Path) {
    let train =
        ["train", "--model", "cnn-small", "--epochs", "1", "--data-dir", "data", "--batch-size", "16"];
    succeed(folder, &train);
}

const COMPRESS: [&str; 7] =
    ["compress", "mnist.fireclay", "--int8", "--out", "small.fireclay", "--data-dir", "data"];

#[test]
fn a_model_of_whole_numbers_is_smaller_and_other_commands_take_it() {
    let folder = scratch();
    train(folder.path());
    let run = succeed(folder.path(), &COMPRESS);
    for words in [
        "mnist.fireclay in 8-bit whole numbers, by the ranges of 512 training images; on 600 training images it costs ",
        "conv2d_2  computes in 8-bit whole numbers",
        "dense_1   computes in 8-bit whole numbers",
        ", test split, 200 images",
        "before",
        "95 % interval ",
        "latency of one",
        "images a second",
        "saved small.fireclay (",
    ] {
        assert!(run.stdout.contains(words), "no {words:?} in {}", run.stdout);
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len() as f64;
    assert!(size("small.fireclay") < 0.27 * size("mnist.fireclay"));

    // What was printed as the accuracy after is what `evaluate` measures.
    let accuracy = |text: &str| -> String {
        let line = text.lines().find(|line| line.starts_with("accuracy ")).unwrap();
        line.split_whitespace().nth(3).unwrap().to_string()
    };
    let evaluated = succeed(
        folder.path(),
        &["evaluate", "small.fireclay", "--data-dir", "data", "--metrics", "accuracy"],
    );
    assert!(evaluated.stdout.contains(&accuracy(&run.stdout)), "{} {}", run.stdout, evaluated.stdout);
    let picture = write_png(folder.path(), 0).display().to_string();
    succeed(folder.path(), &["predict", &picture, "--from", "small.fireclay"]);
    let summary = |name: &str| succeed(folder.path(), &["summary", "--from", name]).stdout;
    assert_eq!(summary("small.fireclay"), summary("mnist.fireclay"));
    let toml = succeed(folder.path(), &["summary", "--from", "small.fireclay", "--toml"]).stdout;
    assert!(toml.contains("[int8.ranges.relu_1]"), "{toml}");

    // With the CPU's instructions for bytes and without any: the same answers, to the last digit.
    let outputs = |simd: &str| {
        let mut command = mnist(folder.path());
        command.args(["predict", &picture, "--from", "small.fireclay", "--json"]);
        String::from_utf8(command.env("FIRECLAY_SIMD", simd).output().unwrap().stdout).unwrap()
    };
    assert!(outputs("").contains("prediction"));
    assert_eq!(outputs("plain"), outputs(""));
}

#[test]
fn what_cannot_be_compressed_is_refused() {
    let folder = scratch();
    fail(folder.path(), &COMPRESS, 1, &["mnist.fireclay"]);
    train(folder.path());
    let same = ["compress", "--int8", "--out", "mnist.fireclay", "--data-dir", "data"];
    fail(folder.path(), &same, 2, &["stays as it is; name another file with --out"]);
    let refused = |extra: &[&str], words: &str| {
        fail(folder.path(), &[&COMPRESS[..], extra].concat(), 2, &[words]);
    };
    refused(&["--samples", "0"], "samples is 0; expected 1 or more");
    refused(&["--percentile", "40"], "percentile is 40; expected more than 50");
    refused(&["--most-lost", "2"], "most-lost is 2; expected 0 to 1");
    succeed(folder.path(), &COMPRESS);
    let twice = ["compress", "small.fireclay", "--int8", "--out", "smaller.fireclay", "--data-dir", "data"];
    fail(folder.path(), &twice, 2, &["already; begin with the one that it was made of"]);
    assert!(!folder.path().join("smaller.fireclay").exists());
}
