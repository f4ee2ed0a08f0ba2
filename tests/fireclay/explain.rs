//! What decided: rows, pictures and texts are explained, and files and flags that do not fit are refused.

use std::path::Path;

use fireclay::data::DrawnDigits;
use serde_json::Value;

use crate::kinds::{write_pictures, write_texts};
use crate::{fail, scratch, succeed};

fn records(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let run = succeed(folder, &[arguments, &["--json"]].concat());
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(list: &Value, field: &str) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|part| part[field].as_f64().unwrap()).collect()
}

#[test]
fn columns_of_a_row_add_up_and_the_one_that_counts_is_first() {
    let folder = scratch();
    succeed(folder.path(), &["train", "flats.csv", "--target", "large", "--epochs", "8"]);
    let evaluate = ["evaluate", "model.fireclay", "new.csv", "--importance"];
    let run = succeed(folder.path(), &evaluate);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(
        lines[0].contains("100 of 100 rows: accuracy ") && lines[2].starts_with("size "),
        "{}",
        run.stdout
    );
    let record = &records(folder.path(), &[&evaluate[..], &["--metrics", "roc_auc"]].concat())[0];
    assert_eq!((&record["measure"], &record["columns"][0]["column"]), (&"roc_auc".into(), &"size".into()));
    assert!(record["columns"][0]["loss"].as_f64().unwrap() > 0.2, "{record}");
    let fewer = &records(folder.path(), &[&evaluate[..], &["--limit", "40"]].concat())[0];
    assert_eq!(fewer["samples"], 40);
    let table = std::fs::read_to_string(folder.path().join("new.csv")).unwrap();
    let of_one_class: Vec<&str> = table.lines().filter(|line| !line.ends_with("no")).collect();
    std::fs::write(folder.path().join("large.csv"), of_one_class.join("\n")).unwrap();
    let undefined = ["evaluate", "model.fireclay", "large.csv", "--importance", "--metrics", "roc_auc"];
    fail(folder.path(), &undefined, 1, &["roc_auc does not exist for these rows", "--metrics"]);
    fail(folder.path(), &["evaluate", "model.fireclay", "--importance"], 2, &["TABLE.csv --importance"]);
    fail(folder.path(), &[&evaluate[..], &["--metrics", "f1,roc_auc"]].concat(), 2, &["--metrics names 2"]);
    fail(folder.path(), &[&evaluate[..], &["--by", "size"]].concat(), 2, &["--by"]);
    let run =
        succeed(folder.path(), &["explain", "model.fireclay", "new.csv", "--out", "page.html", "--check"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("row 1  ") && lines[0].ends_with('%'), "{}", lines[0]);
    assert!(lines[1].trim_start().starts_with("size ") && lines[1].contains('█'), "{}", lines[1]);
    assert!(
        run.stdout
            .contains("than for a row of usual numbers and no categories; the parts add up to that within")
    );
    assert!(run.stdout.contains("Spearman") && run.stdout.contains("dense_1"), "{}", run.stdout);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("<h3>row 100</h3>") && page.contains("Do they depend on the network?"));

    let explained = records(folder.path(), &["explain", "model.fireclay", "new.csv", "--rather-than", "no"]);
    assert!((20..100).contains(&explained.len()), "those that are answered with no are left out");
    for record in &explained {
        assert_eq!((&record["class"], &record["rather_than"]), (&"yes".into(), &"no".into()));
        let of = |field: &str| record[field].as_f64().unwrap();
        let sum: f64 = numbers(&record["columns"], "attribution").iter().sum();
        let difference = of("output") - of("baseline_output");
        assert!((sum + of("remainder") - difference).abs() < 1e-3, "{record}");
        assert!(of("remainder").abs() <= 0.01 * difference.abs() || record["steps"] == 1024, "{record}");
        assert_eq!(record["columns"][0]["cell"], record["row"]["size"]);
    }

    succeed(
        folder.path(),
        &[
            "train",
            "flats.csv",
            "--target",
            "rent",
            "--epochs",
            "8",
            "--out",
            "rent.fireclay",
            "--run",
            "rent",
        ],
    );
    let page = std::fs::read_to_string(folder.path().join("runs/rent/report.html")).unwrap();
    assert!(page.contains("raised the prediction") && page.contains("by integrated gradients"));
    fail(
        folder.path(),
        &["explain", "rent.fireclay", "new.csv", "--class", "yes"],
        2,
        &["rent.fireclay", "--class"],
    );
    let grad_cam = ["explain", "rent.fireclay", "new.csv", "--method", "grad-cam"];
    fail(folder.path(), &grad_cam, 2, &["--method grad-cam", "models of pictures", "rent.fireclay"]);
    let predicted = records(folder.path(), &["predict", "new.csv", "--from", "rent.fireclay"]);
    for method in ["integrated-gradients", "gradient-times-input", "smooth-grad", "occlusion"] {
        let explained = records(folder.path(), &["explain", "rent.fireclay", "new.csv", "--method", method]);
        for (record, predicted) in explained.iter().zip(&predicted) {
            let [value, expected] = [record, predicted].map(|record| record["value"].as_f64().unwrap());
            assert!((value - expected).abs() < 1e-3 * expected.abs(), "{value} {expected}");
            assert_eq!(record["method"], method);
        }
    }
}

#[test]
fn pictures_become_pictures_and_pages() {
    let folder = scratch();
    let (train, test) = DrawnDigits::new(0).train_and_test(200, 4);
    write_pictures(&folder.path().join("known"), &train);
    write_pictures(&folder.path().join("new"), &test);
    succeed(folder.path(), &["train", "known", "--model", "cnn-small", "--epochs", "2"]);
    let page = std::fs::read_to_string(folder.path().join("runs/cnn-small-1/report.html")).unwrap();
    assert!(page.contains("spoke for the wrong answer") && page.contains("what decided: a sample of"));
    let explain = ["explain", "model.fireclay", "new"];

    std::fs::create_dir(folder.path().join("why")).unwrap();
    succeed(folder.path(), &[&explain[..], &["--out", "why"]].concat());
    for _ in 0..2 {
        succeed(folder.path(), &[&explain[..], &["--out", "why", "--method", "grad-cam"]].concat());
    }
    let written: Vec<_> =
        std::fs::read_dir(folder.path().join("why")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(written.len(), 8, "one for each picture and method: {written:?}");
    for path in &written {
        let picture = image::open(path).unwrap().to_rgb8();
        assert!(picture.width() > 2 * 280 && picture.height() > 280);
        let colours = |of: fn(&image::Rgb<u8>) -> bool| picture.pixels().filter(|pixel| of(pixel)).count();
        assert!(colours(|pixel| pixel[0] > 150 && pixel[2] < 80) > 20, "{}", path.display());
    }

    let (class, digit) = (test.class_names()[test.label(0).unwrap() as usize].clone(), "0.png");
    let first = format!("new/{class}/{digit}");
    succeed(folder.path(), &["explain", "model.fireclay", &first, "--out", "one.png", "--baseline", "white"]);
    assert!(image::open(folder.path().join("one.png")).is_ok());
    succeed(folder.path(), &[&explain[..], &["--out", "all.html"]].concat());
    let page = std::fs::read_to_string(folder.path().join("all.html")).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 2 * 4);

    for method in ["integrated-gradients", "occlusion", "grad-cam"] {
        let explained =
            records(folder.path(), &[&explain[..], &["--method", method, "--class", "7"]].concat());
        assert_eq!(explained.len(), 4);
        for record in &explained {
            let rows = record["attributions"].as_array().unwrap();
            assert!(rows.len() == 28 && rows.iter().all(|row| row.as_array().unwrap().len() == 28));
            assert_eq!(record["class"], "7");
        }
        assert_eq!(explained[0]["layer"].is_string(), method == "grad-cam");
    }

    let refused: [(&[&str], &[&str]); 7] = [
        (&["--out", "two.png"], &["two.png", "more than one", ".html"]),
        (&["--out", "why.txt"], &["why.txt", ".png", ".html"]),
        (&["--class", "eleven"], &["--class", "\"eleven\"", "0, 1, 2"]),
        (&["--class", "1", "--rather-than", "1"], &["--rather-than", "\"1\""]),
        (&["--layer", "conv2d_1"], &["--layer", "grad-cam"]),
        (&["--baseline", "white", "--method", "grad-cam"], &["--baseline", "occlusion"]),
        (&["--out", "model.fireclay"], &["model.fireclay"]),
    ];
    for (flags, words) in refused {
        fail(folder.path(), &[&explain[..], flags].concat(), 2, words);
    }
    assert!(!folder.path().join("two.png").exists());
    std::fs::create_dir(folder.path().join("single")).unwrap();
    let single = folder.path().join("single/it.png");
    std::fs::copy(folder.path().join(&first), &single).unwrap();
    let before = std::fs::read(&single).unwrap();
    let replaces = ["explain", "model.fireclay", "single", "--out", "single/it.png"];
    fail(folder.path(), &replaces, 2, &["single/it.png", "would replace"]);
    assert_eq!(std::fs::read(&single).unwrap(), before);
    let layer = [&explain[..], &["--method", "grad-cam", "--layer", "dense_9"]].concat();
    fail(folder.path(), &layer, 1, &["'dense_9'", "dense_1"]);
    std::fs::write(folder.path().join("broken.png"), "no picture").unwrap();
    let run = fail(folder.path(), &["explain", "model.fireclay", "broken.png", &first], 1, &["broken.png"]);
    assert!(run.stdout.contains(&first), "the other is explained: {}", run.stdout);
}

#[test]
fn words_of_texts_are_explained_by_any_network() {
    let folder = scratch();
    write_texts(&folder.path().join("notes"), 0..400);
    succeed(folder.path(), &["train", "notes"]);
    let text = "It was a gem, moving and warm";
    let run = succeed(folder.path(), &["explain", "model.fireclay", "--text", text]);
    let words: Vec<&str> =
        run.stdout.lines().find(|line| line.starts_with("  for ")).unwrap().split(' ').collect();
    assert!(words.contains(&"gem") || words.contains(&"moving") || words.contains(&"warm"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "no colours where nobody sees them");
    let record = &records(folder.path(), &["explain", "model.fireclay", "--text", text])[0];
    assert_eq!((&record["method"], &record["text"]), (&"occlusion".into(), &text.into()));
    let message = ["--method", "integrated-gradients"];
    let refused = [&["explain", "model.fireclay", "--text", text][..], &message].concat();
    fail(folder.path(), &refused, 2, &["model.fireclay", "--method occlusion"]);
    fail(
        folder.path(),
        &["explain", "model.fireclay", "--text", text, "--baseline", "white"],
        2,
        &["--baseline"],
    );
    fail(
        folder.path(),
        &["explain", "model.fireclay", "--text", text, "--out", "x.png"],
        2,
        &["x.png", ".html"],
    );

    let rollout = ["--method", "attention-rollout"];
    let refused = [&["explain", "model.fireclay", "--text", text][..], &rollout].concat();
    fail(folder.path(), &refused, 2, &["model.fireclay", "attention"]);
    let flags = ["train", "notes", "--model", "transformer", "--epochs", "1", "--out", "tr.fireclay"];
    succeed(folder.path(), &flags);
    let explain = [&["explain", "tr.fireclay", "--text", text][..], &rollout].concat();
    let sum: f64 = numbers(&records(folder.path(), &explain)[0]["words"], "attribution").iter().sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    assert!(succeed(folder.path(), &explain).stdout.contains("  looks at "));
    fail(folder.path(), &[&explain[..], &["--class", "pos"]].concat(), 2, &["--class", "all classes"]);

    let flags = ["train", "notes", "--model", "gru", "--epochs", "1", "--out", "gru.fireclay"];
    succeed(folder.path(), &flags);
    let record = &records(folder.path(), &["explain", "gru.fireclay", "--text", "a GEM, unheard-of"])[0];
    let words: Vec<&str> =
        record["words"].as_array().unwrap().iter().map(|word| word["word"].as_str().unwrap()).collect();
    assert_eq!(words[..3], ["a", "gem", ","], "{words:?}");
    let sum: f64 = numbers(&record["words"], "attribution").iter().sum();
    let of = |field: &str| record[field].as_f64().unwrap();
    assert!((sum + of("remainder") - of("output") + of("baseline_output")).abs() < 1e-4, "{record}");
}
