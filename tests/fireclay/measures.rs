//! `--metrics` and `--monitor`: what else is measured, and by what an epoch is best.

use serde_json::Value;

use crate::{fail, scratch, succeed};

/// The records of a type.
fn records(stdout: &str, kind: &str) -> Vec<Value> {
    let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == kind).collect()
}

const LARGE: [&str; 6] = ["train", "flats.csv", "--ignore", "rent", "--epochs", "4"];

#[test]
fn metrics_are_measured_after_each_epoch_and_at_the_end() {
    let folder = scratch();
    let asked = ["--validation-split", "0.2", "--metrics", "f1,roc_auc,f0.5", "--metrics", "ece"];
    let trained = succeed(folder.path(), &[&LARGE[..], &asked, &["--json"]].concat()).stdout;
    let names = ["expected_calibration_error", "f0.5", "f1", "roc_auc"];
    for epoch in records(&trained, "epoch") {
        let values = epoch["values"].as_object().unwrap();
        assert!(names.iter().all(|name| values[&format!("val_{name}")].is_number()), "{epoch}");
        assert!(values["val_accuracy"].is_number(), "{epoch}");
    }
    let training = &records(&trained, "training")[0];
    assert_eq!(training["metrics"], serde_json::json!(["f1", "roc_auc", "f0.5", names[0]]));
    let evaluation = &records(&trained, "evaluation")[0];
    let found: Vec<&String> = evaluation["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(found, names);
    assert_eq!(evaluation["metrics"]["f1"], evaluation["report"]["macro_average"]["f1"]);
    assert_eq!(evaluation["metrics"]["roc_auc"], evaluation["report"]["roc_auc"]);

    // `evaluate` gives the same, as text too; the model file does not say what was measured.
    let evaluate = ["evaluate", "model.fireclay", "flats.csv", "--metrics", "roc_auc,f1"];
    let json = succeed(folder.path(), &[&evaluate[..], &["--json"]].concat()).stdout;
    let again = &records(&json, "evaluation")[0];
    assert_eq!(again["metrics"]["f1"], evaluation["metrics"]["f1"]);
    let text = succeed(folder.path(), &evaluate).stdout;
    let f1 = format!("\nf1       {:.4}\n", evaluation["metrics"]["f1"].as_f64().unwrap());
    assert!(text.contains(&f1) && text.contains("\nroc_auc  "), "no {f1:?} in {text}");
    let usual = succeed(folder.path(), &["evaluate", "model.fireclay", "flats.csv", "--json"]).stdout;
    assert!(!usual.contains("metrics"), "{usual}");
    let by = succeed(folder.path(), &[&evaluate[..], &["--by", "district", "--json"]].concat()).stdout;
    let measures = &records(&by, "group")[0]["measures"];
    assert_eq!(measures.as_object().unwrap().len(), 2, "{by}");
}

#[test]
fn a_value_that_does_not_exist_is_said_to_be_none() {
    let folder = scratch();
    succeed(folder.path(), &LARGE);
    let table = std::fs::read_to_string(folder.path().join("new.csv")).unwrap();
    let small = table.lines().filter(|line| !line.ends_with("yes")).collect::<Vec<_>>().join("\n");
    std::fs::write(folder.path().join("small.csv"), small).unwrap();
    let evaluate = ["evaluate", "model.fireclay", "small.csv", "--metrics", "roc_auc,log_loss"];
    let text = succeed(folder.path(), &evaluate).stdout;
    assert!(text.contains("\nroc_auc   "), "{text}");
    assert!(text.lines().any(|line| line.starts_with("roc_auc") && line.ends_with(" -")), "{text}");
    let json = succeed(folder.path(), &[&evaluate[..], &["--json"]].concat()).stdout;
    let metrics = &records(&json, "evaluation")[0]["metrics"];
    assert!(metrics["roc_auc"].is_null() && metrics["log_loss"].is_number(), "{json}");
}

#[test]
fn the_best_epoch_is_that_of_the_monitored_value() {
    let folder = scratch();
    let monitored = |name: &str| {
        let flags = ["--validation-split", "0.2", "--monitor", name, "--json", "--learning-rate", "0.05"];
        let trained = succeed(folder.path(), &[&LARGE[..], &flags].concat()).stdout;
        let training = records(&trained, "training").remove(0);
        assert_eq!(training["keep_best"], true);
        (training["monitor"].as_str().unwrap().to_owned(), trained)
    };
    let (value, trained) = monitored("log_loss");
    assert_eq!(value, "val_log_loss");
    // The evaluation of the validation samples would be that of the best epoch; what is saved is that of one of them.
    assert!(records(&trained, "epoch").iter().all(|epoch| epoch["values"]["val_log_loss"].is_number()));
    assert_eq!(records(&trained, "evaluation")[0]["metrics"].as_object().unwrap().len(), 1);
    assert_eq!(monitored("loss").0, "val_loss");
    assert_eq!(monitored("val_accuracy").0, "val_accuracy");
    // It stops early by it, too.
    let flags = ["--validation-split", "0.2", "--monitor", "matthews", "--patience", "1"];
    let trained = succeed(folder.path(), &[&LARGE[..4], &["--epochs", "60"], &flags].concat()).stdout;
    assert!(trained.contains("best epoch: by val_matthews"), "{trained}");
    assert!(trained.contains("stopped: val_matthews has not improved for 1 epoch"), "{trained}");
}

#[test]
fn what_is_no_measure_of_the_task_is_refused_with_those_that_are() {
    let folder = scratch();
    let rent = ["train", "flats.csv", "--target", "rent"];
    let refused = |flags: &[&str], words: &[&str]| {
        fail(folder.path(), &[&rent[..], flags].concat(), 2, words);
    };
    refused(&["--metrics", "r2,f1"], &["f1 cannot be measured for regression; choose mae, mse, rmse"]);
    refused(
        &["--metrics", "medan_absolute_error"],
        &["did you mean 'median_absolute_error'?; there are mae, mse"],
    );
    let split = ["--validation-split", "0.2"];
    refused(
        &[&split[..], &["--monitor", "accuracy"]].concat(),
        &["accuracy cannot be measured for regression", "loss too"],
    );
    refused(&["--monitor", "r2", "--keep-best=false"], &["--monitor says which epoch is kept"]);
    refused(&["--monitor", "r2", "--validation-split", "0"], &["validation_split is 0"]);
    refused(&["--resume", "x.checkpoint", "--metrics", "r2"], &["--resume"]);
    succeed(folder.path(), &[&rent[..], &["--epochs", "1"]].concat());
    let evaluate = ["evaluate", "model.fireclay", "new.csv", "--metrics", "accuracy"];
    fail(folder.path(), &evaluate, 2, &["accuracy cannot be measured for regression"]);
}

#[test]
fn a_file_of_settings_names_measures() {
    let folder = scratch();
    let file = folder.path().join("fireclay.toml");
    let settings =
        "target = \"rent\"\nmetrics = [\"r2\", \"mape\"]\nmonitor = \"r2\"\nvalidation_split = 0.2\n";
    std::fs::write(&file, settings).unwrap();
    let printed = succeed(folder.path(), &["train", "flats.csv", "--print-config"]).stdout;
    for line in ["metrics = [\"r2\", \"mape\"]\n", "monitor = \"val_r2\"\n", "keep-best = true\n"] {
        assert!(printed.contains(line), "no {line:?} in {printed}");
    }
    std::fs::write(&file, &printed).unwrap();
    assert_eq!(succeed(folder.path(), &["train", "flats.csv", "--print-config"]).stdout, printed);
    let typed = succeed(folder.path(), &["train", "flats.csv", "--metrics", "rmse", "--print-config"]).stdout;
    assert!(typed.contains("metrics = [\"rmse\", \"r2\"]\n"), "{typed}");
    // A search has no use for them and goes on without.
    std::fs::write(&file, settings.replace("validation_split = 0.2\n", "")).unwrap();
    succeed(folder.path(), &["tune", "flats.csv", "--print-space"]);
}
