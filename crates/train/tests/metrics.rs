//! Metrics agree with scikit-learn.

use std::path::PathBuf;

use fireclay_train::{ClassificationReport, RegressionReport};
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../nn/fixtures/metrics").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run `python crates/nn/fixtures/metrics/make.py`", path.display())
    });
    serde_json::from_str(&text).unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(what: &str, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-6, "{what}: found {found}, expected {expected}");
}

#[test]
fn classification_agrees_with_scikit_learn() {
    for name in ["multiclass_balanced", "multiclass_imbalanced", "binary"] {
        let fixture = fixture(name);
        let labels: Vec<u32> = list(&fixture["y_true"]).iter().map(|label| *label as u32).collect();
        let rows: Vec<Vec<f32>> = fixture["probabilities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| match row.as_f64() {
                Some(positive) => vec![1.0 - positive as f32, positive as f32],
                None => list(row).iter().map(|value| *value as f32).collect(),
            })
            .collect();
        let names: Vec<String> = (0..rows[0].len()).map(|class| format!("class {class}")).collect();
        let report = ClassificationReport::new(&rows, &labels, &names);
        let expected = &fixture["expected"];
        close(name, report.accuracy, &expected["accuracy"]);
        for (class, scores) in report.classes.iter().enumerate() {
            close(name, scores.scores.precision, &expected["precision_per_class"][class]);
            close(name, scores.scores.recall, &expected["recall_per_class"][class]);
            close(name, scores.scores.f1, &expected["f1_per_class"][class]);
            close(name, scores.samples as f64, &expected["support_per_class"][class]);
        }
        for (average, scores) in [("macro", report.macro_average), ("weighted", report.weighted_average)] {
            close(name, scores.precision, &expected[format!("precision_{average}")]);
            close(name, scores.recall, &expected[format!("recall_{average}")]);
            close(name, scores.f1, &expected[format!("f1_{average}")]);
        }
        for (row, expected) in
            report.confusion_matrix.iter().zip(expected["confusion_matrix"].as_array().unwrap())
        {
            assert_eq!(row.iter().map(|count| *count as f64).collect::<Vec<_>>(), list(expected), "{name}");
        }
        if let Some(top) = expected.get("top_k_accuracy") {
            for (k, share) in top.as_object().unwrap() {
                close(name, report.top_k(k.parse().unwrap()).unwrap(), share);
            }
        }
        let area = expected.get("roc_auc").or(expected.get("roc_auc_ovr_macro")).unwrap();
        match area.is_null() {
            true => assert_eq!(report.roc_auc, None, "{name}"),
            false => close(name, report.roc_auc.unwrap(), area),
        }
    }
}

#[test]
fn regression_agrees_with_scikit_learn() {
    let fixture = fixture("regression");
    let column =
        |name: &str| list(&fixture[name]).iter().map(|value| vec![*value as f32]).collect::<Vec<_>>();
    let report = RegressionReport::new(&column("y_pred"), &column("y_true"));
    let expected = &fixture["expected"];
    close("mae", report.mae, &expected["mae"]);
    close("mse", report.mse, &expected["mse"]);
    close("r2", report.r2.unwrap(), &expected["r2"]);
}

#[test]
fn the_table_shows_what_matters() {
    let rows = [vec![0.9, 0.1, 0.0], vec![0.2, 0.7, 0.1], vec![0.6, 0.3, 0.1]];
    let names = ["cat", "dog", "a long name"].map(String::from);
    let table = ClassificationReport::new(&rows, &[0, 1, 1], &names).to_string();
    assert!(table.contains("accuracy 66.67 %  (2 of 3 right)"), "{table}");
    assert!(table.contains("dog            1.00000  0.50000  0.66667        2"), "{table}");
    assert!(table.contains("confusion matrix"), "{table}");
}
