//! The program `imdb` from outside: what a user types, what comes back, and what happens when things go wrong.

#[path = "../shared/mod.rs"]
mod shared;

mod earlier_version;
mod language;

use std::fmt::Write;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use fireclay::data::{Targets, WrittenReviews};
use shared::data_record::{self, Features, Record};
use shared::{Run, accuracy, measures};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_imdb");

#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> Run {
    shared::succeed(PROGRAM, folder, arguments)
}

#[track_caller]
fn fail(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Run {
    shared::fail(PROGRAM, folder, arguments, code, words)
}

/// 300 training and 100 test reviews in a table and in folders, as `reviews.csv`, `test.csv` and `texts`.
fn scratch() -> TempDir {
    let folder = TempDir::with_prefix("imdb-test-").unwrap();
    let (train, test) = WrittenReviews::new(7).train_and_test(300, 100);
    for (file, split, reviews) in [("reviews.csv", "train", &train), ("test.csv", "test", &test)] {
        let Targets::Classes { labels, names } = reviews.targets() else { panic!("reviews have classes") };
        let mut table = "id,verdict,review\n".to_string();
        for (index, (text, label)) in reviews.texts().iter().zip(labels).enumerate() {
            let class = &names[*label as usize];
            writeln!(table, "{index},{class},\"{}\"", text.replace('"', "\"\"")).unwrap();
            let place = folder.path().join("texts").join(split).join(class);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join(format!("{index:03}.txt")), text).unwrap();
        }
        std::fs::write(folder.path().join(file), table).unwrap();
    }
    folder
}

const TABLE: [&str; 8] = [
    "--csv",
    "reviews.csv",
    "--test-csv",
    "test.csv",
    "--text-column",
    "review",
    "--label-column",
    "verdict",
];

fn with<'a>(command: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [command, rest].concat()
}

/// What may be said of a model that has hardly begun to learn.
const FEW_STEPS: &str = "after 5 steps the model is not measurably better than always neg; that is few: train for more epochs (--epochs N)\n";

#[test]
fn a_table_is_learnt_measured_again_and_asked() {
    let folder = scratch();
    let train = succeed(folder.path(), &with(&["train", "--epochs", "1", "--length", "60"], &TABLE));
    assert!(train.stdout.contains("300 training and 100 test reviews"), "{}", train.stdout);
    assert!(["", FEW_STEPS].contains(&&*train.stderr), "no bar and no notes in a pipe: {}", train.stderr);
    let evaluate = succeed(folder.path(), &with(&["evaluate"], &TABLE));
    let expected = measures(&train.stdout);
    assert!(expected.len() > 8, "{expected:?}");
    assert_eq!(measures(&evaluate.stdout), expected, "the file knows words and length");

    let predict = succeed(folder.path(), &["predict", "A joy from start to end.", "Dull.\nVery dull."]);
    let lines: Vec<&str> = predict.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", predict.stdout);
    assert!(lines[0].contains("A joy from start to end.") && lines[0].contains('%'), "{}", lines[0]);
    assert!(lines[1].ends_with("Dull. Very dull."), "one line each: {}", lines[1]);
}

#[test]
fn texts_are_read_from_standard_input_and_from_files() {
    let folder = scratch();
    std::fs::write(folder.path().join("texts/train/pos/notes.md"), "not a text").unwrap();
    let run = succeed(folder.path(), &["train", "--epochs", "1", "--texts", "texts", "-q"]);
    assert!(["", FEW_STEPS].contains(&&*run.stderr), "quiet: {}", run.stderr);
    let run = succeed(folder.path(), &["train", "--epochs", "1", "--texts", "texts"]);
    assert!(run.stderr.contains("train: skipped 1 files of other kinds, such as"), "{}", run.stderr);
    let mut child = shared::command(PROGRAM, folder.path())
        .args(["predict", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("a joy\n\n  \nnot dull\n".as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "empty lines are no texts: {lines:?}");
    assert_eq!((&lines[0]["type"], &lines[0]["text"]), (&"prediction".into(), &"a joy".into()));

    std::fs::write(folder.path().join("lines.txt"), "a joy\nnot dull\n").unwrap();
    let file = succeed(folder.path(), &["predict", "--json", "--file", "lines.txt"]);
    let from_file: Vec<serde_json::Value> =
        file.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let classes =
        |lines: &[serde_json::Value]| lines.iter().map(|line| line["class"].clone()).collect::<Vec<_>>();
    assert_eq!(classes(&from_file), classes(&lines));
    std::fs::write(folder.path().join("bytes.txt"), b"fine\nnot \xff text\n").unwrap();
    fail(folder.path(), &["predict", "--file", "bytes.txt"], 1, &["line 2 of bytes.txt"]);
    fail(folder.path(), &["predict", "--file", "nowhere.txt"], 1, &["nowhere.txt"]);
}

#[test]
fn a_seed_decides_every_byte_and_a_checkpoint_goes_on() {
    let folder = scratch();
    let train = with(&["train", "-q", "--epochs", "1", "--seed", "3", "--length", "30"], &TABLE);
    let mut files = Vec::new();
    for name in ["a.fireclay", "b.fireclay"] {
        succeed(folder.path(), &with(&train, &["--out", name]));
        files.push(std::fs::read(folder.path().join(name)).unwrap());
    }
    assert!(files[0] == files[1], "the bytes differ");
}

#[test]
fn data_is_described_with_samples_and_a_vocabulary() {
    let folder = scratch();
    let run = succeed(folder.path(), &with(&["data", "--vocabulary", "words.tsv"], &TABLE));
    assert!(run.stdout.contains("vocabulary: words.tsv"), "{}", run.stdout);
    assert!(run.stdout.contains("neg") && run.stdout.contains("pos"), "{}", run.stdout);
    let words = std::fs::read_to_string(folder.path().join("words.tsv")).unwrap();
    assert!(words.lines().count() > 100, "{words}");
    let run = succeed(folder.path(), &with(&["data", "--json", "--per-class", "3"], &TABLE));
    let Record::Data { train, samples, sheet, duplicates, .. } = data_record::read(&run.stdout);
    assert_eq!((train.samples, sheet, duplicates.between.samples), (300, None, 0));
    assert!(samples.unwrap().groups.iter().all(|group| group.samples.len() == 3));
    let Features::Texts { words: Some(words), .. } = train.features else { panic!("texts") };
    assert!(words.min > 1 && words.median < 100.0);
}

#[test]
fn without_files_and_network_synthetic_reviews_are_used() {
    let folder = TempDir::with_prefix("imdb-test-").unwrap();
    let run = succeed(
        folder.path(),
        &["train", "--epochs", "1", "--length", "40", "--max-words", "500", "--limit", "1000"],
    );
    assert!(run.stderr.contains("IMDB is not on this machine and there is no network"), "{}", run.stderr);
    assert!(run.stderr.contains("Going on with written reviews"), "{}", run.stderr);
    assert!(run.stdout.contains("written reviews: 1,000 training and 1,000 test reviews"), "{}", run.stdout);
    let again = succeed(folder.path(), &["evaluate", "--limit", "1000"]);
    assert_eq!(measures(&again.stdout), measures(&run.stdout), "the file knows its data");
}

#[test]
fn n_grams_tell_written_reviews_apart_in_one_epoch() {
    let folder = TempDir::with_prefix("imdb-test-").unwrap();
    let train = ["train", "--model", "ngram", "--synthetic", "--epochs", "1"];
    let run = succeed(folder.path(), &train);
    assert!(accuracy(&run) > 85.0, "{}", run.stdout);
    let again = succeed(folder.path(), &["evaluate"]);
    assert_eq!(measures(&again.stdout), measures(&run.stdout), "the file knows its n-grams");
    let predict = succeed(folder.path(), &["predict", "A joy from start to end.", ""]);
    assert!(predict.stdout.starts_with("pos"), "{}", predict.stdout);
    let summary = succeed(folder.path(), &["summary", "--from", "imdb.fireclay"]);
    assert!(summary.stdout.contains("naive_bayes_bag_1"), "{}", summary.stdout);
}

#[test]
fn every_classifier_learns_from_written_reviews_in_one_epoch() {
    let folder = TempDir::with_prefix("imdb-test-").unwrap();
    for (model, least) in [("bilstm", 80.0), ("gru", 80.0), ("transformer", 65.0)] {
        let train = ["train", "--model", model, "--synthetic", "--epochs", "1", "--length", "60"];
        let run = succeed(folder.path(), &train);
        assert!(run.stdout.contains("the best epoch is kept"), "{}", run.stdout);
        assert!(accuracy(&run) > least, "{model}: {}", run.stdout);
        let again = succeed(folder.path(), &["evaluate"]);
        assert_eq!(measures(&again.stdout), measures(&run.stdout), "{model}");
    }
}

#[test]
fn n_grams_are_for_networks_of_ones_own_too() {
    let folder = scratch();
    let spec = r#"
        input = { tokens = 500 }
        layers = [{ type = "naive_bayes_bag", num_embeddings = 20000, out_features = 2, padding_idx = 0 }]
    "#;
    std::fs::write(folder.path().join("bag.toml"), spec).unwrap();
    let train = ["train", "--spec", "bag.toml", "--ngrams", "2", "--length", "500", "--epochs", "2"];
    let run = succeed(folder.path(), &with(&train, &TABLE));
    let again = succeed(folder.path(), &with(&["evaluate"], &TABLE));
    assert_eq!(measures(&again.stdout), measures(&run.stdout));
    fail(folder.path(), &with(&["train", "--ngrams", "9"], &TABLE), 2, &["--ngrams", "1..=8"]);
    fail(folder.path(), &with(&["data", "--ngrams", "2", "--vocabulary", "w"], &TABLE), 1, &["hashes"]);
}

#[test]
fn a_network_that_takes_one_length_only_is_given_that() {
    let folder = scratch();
    let spec = r#"
        input = { tokens = 40 }
        layers = [
            { type = "embedding", num_embeddings = 2000, embedding_dim = 4 },
            { type = "flatten" },
            { type = "dense", out_features = 2 },
        ]
    "#;
    std::fs::write(folder.path().join("flat.toml"), spec).unwrap();
    let train = ["train", "--spec", "flat.toml", "--length", "40", "--max-words", "1900", "--epochs", "1"];
    let run = succeed(folder.path(), &with(&train, &TABLE));
    let again = succeed(folder.path(), &with(&["evaluate"], &TABLE));
    assert_eq!(measures(&again.stdout), measures(&run.stdout));
}

#[test]
fn a_table_without_names_is_read_by_numbers() {
    let folder = scratch();
    let table = std::fs::read_to_string(folder.path().join("reviews.csv")).unwrap();
    let rows = table.split_once('\n').unwrap().1;
    std::fs::write(folder.path().join("bare.csv"), rows).unwrap();
    let columns = ["--csv", "bare.csv", "--header", "no", "--text-column", "2", "--label-column", "1"];
    let run = succeed(folder.path(), &with(&["train", "--epochs", "1", "--length", "30"], &columns));
    assert!(run.stdout.contains("240 training and 60 test reviews"), "{}", run.stdout);
    fail(folder.path(), &["evaluate"], 2, &["trained on data of your own, bare.csv", "say where"]);
}

#[test]
fn semicolons_are_found_and_lone_quotes_are_letters() {
    let folder = scratch();
    let rows = |quoted: &[usize], between: char| -> String {
        let row = |at: usize| {
            let quote = if quoted.contains(&at) { "\"" } else { "" };
            let [word, label] = if at.is_multiple_of(2) { ["lovely", "pos"] } else { ["dull", "neg"] };
            format!("{quote}a {word} film, number {at}{between}{label}\n")
        };
        format!("text{between}label\n") + &(0..60).map(row).collect::<String>()
    };
    let train = |file: &str, extra: &[&str]| {
        let columns = ["--csv", file, "--text-column", "text", "--label-column", "label", "--epochs", "1"];
        succeed(folder.path(), &with(&["train", "--length", "10"], &with(&columns, extra)))
    };
    std::fs::write(folder.path().join("lone.tsv"), rows(&[10, 31], '\t')).unwrap();
    let run = train("lone.tsv", &[]);
    assert!(run.stderr.contains("lone.tsv: quotes are read as letters"), "{run:?}");
    assert!(run.stdout.contains("48 training and 12 test reviews"), "{}", run.stdout);
    // Whoever says that they are quotes is told what comes of it.
    let run = train("lone.tsv", &["--quotes", "yes"]);
    assert!(!run.stdout.contains("48 training and 12 test reviews"), "{}", run.stdout);
    std::fs::write(folder.path().join("semicolons.csv"), rows(&[], ';')).unwrap();
    let run = train("semicolons.csv", &[]);
    assert!(run.stderr.contains("semicolons.csv: fields are separated by semicolons"), "{run:?}");
    assert!(run.stdout.contains("48 training and 12 test reviews"), "{}", run.stdout);
    train("semicolons.csv", &["--delimiter", "semicolon"]);
    let one = "text,label\na,x\nb,x\nc,x\nd,x\ne,x\nf,x\n";
    std::fs::write(folder.path().join("one.csv"), one).unwrap();
    let columns = ["train", "--csv", "one.csv", "--text-column", "text", "--label-column", "label"];
    fail(folder.path(), &columns, 1, &["one class cannot be learnt"]);
}

#[test]
fn mistakes_are_named() {
    let folder = scratch();
    fail(folder.path(), &["train", "--text-column", "review"], 2, &["--csv"]);
    for (flag, value) in [("--header", "no"), ("--quotes", "no"), ("--delimiter", "tab")] {
        fail(folder.path(), &["train", flag, value], 2, &["--csv"]);
    }
    fail(folder.path(), &["train", "--csv", "nowhere.csv"], 1, &["nowhere.csv"]);
    let columns = ["train", "--csv", "reviews.csv", "--text-column", "revue", "--label-column", "verdict"];
    fail(folder.path(), &columns, 1, &["reviews.csv", "revue", "review"]);
    fail(folder.path(), &with(&["train", "--length", "0"], &TABLE), 2, &["--length", "1..=1048576"]);
    fail(folder.path(), &with(&["train", "--max-words", "0"], &TABLE), 2, &["--max-words"]);
    fail(folder.path(), &["predict", "good", "--from", "none.fireclay"], 1, &["none.fireclay"]);
}

#[test]
fn every_command_is_documented() {
    let folder = scratch();
    let expected = [
        "train",
        "launch",
        "federate",
        "evaluate",
        "summary",
        "runs",
        "find-lr",
        "compress",
        "audit",
        "data",
        "predict",
        "generate",
        "neighbours",
    ];
    let readme = include_str!("../../apps/imdb/README.md");
    shared::commands::are_documented(PROGRAM, folder.path(), readme, &expected);
}
