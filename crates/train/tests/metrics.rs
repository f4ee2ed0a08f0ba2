//! Metrics agree with scikit-learn.

use std::path::PathBuf;

use fireclay_train::{
    Accuracy, AnyMetric, BinaryCounts, ClassificationReport, Direction, F1, FBeta, IntoMetrics,
    MultiLabelReport, Perplexity, PrAuc, PredictionTargets, Predictions, RegressionReport, RocAuc, Task,
    TokenSums, TopK, best_threshold_by_f1, metric_fn,
};
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
    let margin = 1e-6 * expected.abs().max(1.0);
    assert!((found - expected).abs() < margin, "{what}: found {found}, expected {expected}");
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

#[test]
fn a_class_that_neither_occurs_nor_is_predicted_does_not_count_in_a_mean() {
    // As scikit-learn's f1_score(average="macro") without `labels`: 1.0 and not 2 / 3.
    let rows = [vec![0.9, 0.1, 0.0], vec![0.2, 0.7, 0.1]];
    let names = ["cat", "dog", "owl"].map(String::from);
    let report = ClassificationReport::new(&rows, &[0, 1], &names);
    assert_eq!((report.macro_average.f1, report.macro_average.recall), (1.0, 1.0));
    assert!(report.to_string().contains("not measured, as there are no samples: owl"), "{report}");
    // One that is predicted does.
    let report = ClassificationReport::new(&[vec![0.9, 0.1, 0.0], vec![0.2, 0.1, 0.7]], &[0, 1], &names);
    assert!((report.macro_average.f1 - 1.0 / 3.0).abs() < 1e-12);
}

/// Cases with weights, ties and absent classes, each with a value for every metric of its task.
const CASES: [&str; 15] = [
    "classes",
    "classes_weighted",
    "classes_absent",
    "classes_two",
    "yes_or_no",
    "yes_or_no_weighted",
    "yes_or_no_one_class",
    "labels",
    "labels_weighted",
    "labels_empty",
    "numbers",
    "numbers_weighted",
    "numbers_constant",
    "tokens",
    "tokens_weighted",
];

/// The cases by name, and behind them many small ones, in which classes are missing, all rows alike, or only one is left.
fn cases() -> Vec<(String, Value)> {
    let small = fixture("small")["cases"].as_array().unwrap().clone();
    let small = small.into_iter().enumerate().map(|(index, case)| (format!("small case {index}"), case));
    CASES.iter().map(|name| (name.to_string(), fixture(name))).chain(small).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    let values = value.as_array().unwrap().iter();
    values
        .flat_map(|value| match value.as_f64() {
            Some(value) => vec![value as f32],
            None => floats(value),
        })
        .collect()
}

/// The rows of a case from `start` to `end`.
fn part(fixture: &Value, start: usize, end: usize) -> Predictions {
    let logits = fixture["logits"].as_array().unwrap();
    let width = logits[0].as_array().unwrap().len();
    let task = match fixture["task"].as_str().unwrap() {
        "classes" => Task::Classes { count: width },
        "binary" => Task::Binary,
        "multi_label" => Task::MultiLabel { labels: width },
        "next_token" => Task::NextToken { vocabulary_size: width },
        _ => Task::Regression { outputs: width },
    };
    let outputs = floats(&fixture["logits"])[start * width..end * width].to_vec();
    let targets = floats(&fixture["targets"]);
    let targets = match task {
        Task::MultiLabel { .. } | Task::Regression { .. } => {
            PredictionTargets::Values { width, values: targets[start * width..end * width].to_vec() }
        }
        _ => PredictionTargets::Classes(targets[start..end].iter().map(|class| *class as u32).collect()),
    };
    let predictions = Predictions::new(task, outputs, targets);
    match fixture.get("weights") {
        Some(weights) => predictions.with_weights(floats(weights)[start..end].to_vec()),
        None => predictions,
    }
}

fn whole(fixture: &Value) -> Predictions {
    part(fixture, 0, fixture["logits"].as_array().unwrap().len())
}

/// The metrics that a case has a value for: all that support its task, where they are not of labels and probabilities.
fn expected(fixture: &Value) -> Vec<(AnyMetric, Value)> {
    let values = fixture["expected"].as_object().unwrap().iter();
    values
        .filter(|(name, _)| !name.contains("_per_label") && !name.ends_with("_micro"))
        .map(|(name, value)| (name.parse().unwrap(), value.clone()))
        .collect()
}

#[track_caller]
fn agrees(what: &str, found: Option<f64>, expected: &Value) {
    match expected.is_null() {
        true => assert_eq!(found, None, "{what}"),
        false => close(what, found.unwrap_or(f64::NAN), expected),
    }
}

#[test]
fn small_cases_lack_what_can_be_missing() {
    let small = cases().split_off(CASES.len());
    let of = |task: &'static str| small.iter().map(|(_, case)| case).filter(move |case| case["task"] == task);
    let lacks = |task, name: &str| of(task).filter(|case| case["expected"][name].is_null()).count();
    for task in ["classes", "binary", "multi_label", "regression"] {
        let rows = |case: &Value| case["targets"].as_array().unwrap().len();
        assert!(of(task).any(|case| rows(case) == 1), "no single row of {task}");
        let is_zero = |weights: &Value| list(weights).contains(&0.0);
        assert!(
            of(task).any(|case| case.get("weights").is_some_and(is_zero)),
            "no row of {task} of weight 0"
        );
    }
    for name in ["roc_auc", "pr_auc", "cohen_kappa"] {
        assert!(lacks("classes", name) > 0 && lacks("binary", name) > 0, "{name} always exists");
    }
    for name in ["micro_roc_auc", "micro_pr_auc"] {
        assert!((1..20).contains(&lacks("multi_label", name)), "{name}");
    }
    assert!((3..25).contains(&lacks("regression", "explained_variance")));
}

#[test]
fn metrics_agree_with_scikit_learn() {
    for (case, fixture) in cases() {
        let predictions = whole(&fixture);
        for (metric, value) in expected(&fixture) {
            assert!(metric.supports(predictions.task()), "{metric} of {case}");
            agrees(&format!("{metric} of {case}"), metric.measure(&predictions), &value);
        }
    }
}

#[test]
fn every_metric_of_a_task_has_a_reference_value() {
    for case in CASES {
        let fixture = fixture(case);
        let task = whole(&fixture).task();
        let measured: Vec<String> = expected(&fixture).iter().map(|(metric, _)| metric.name()).collect();
        for name in AnyMetric::names_for(task) {
            // The errors of probabilities are those of numbers, and two classes have no top 3.
            let other = matches!(task, Task::MultiLabel { .. })
                && name
                    .parse::<AnyMetric>()
                    .is_ok_and(|metric| metric.supports(Task::Regression { outputs: 1 }));
            assert!(other || name.starts_with("top_") || measured.contains(&name), "{name} of {case}");
        }
    }
}

#[test]
fn batches_give_the_same_bits_and_parts_the_same_value() {
    for (case, fixture) in cases() {
        let rows = whole(&fixture).rows();
        for (metric, _) in expected(&fixture) {
            let value = metric.measure(&whole(&fixture));
            for size in [1, 3, 7] {
                let (mut all, mut merged) = (metric.accumulator(), metric.accumulator());
                for start in (0..rows).step_by(size) {
                    let batch = part(&fixture, start, rows.min(start + size));
                    all.update(&batch);
                    let mut own = metric.accumulator();
                    own.update(&batch);
                    merged.merge(own);
                }
                let what = format!("{metric} of {case} by {size}");
                assert_eq!(all.value().map(f64::to_bits), value.map(f64::to_bits), "{what}");
                match value {
                    Some(value) => {
                        let margin = 1e-12 * value.abs().max(1.0);
                        assert!((merged.value().unwrap() - value).abs() < margin, "{what}");
                    }
                    None => assert_eq!(merged.value(), None, "{what}"),
                }
            }
        }
    }
}

#[test]
fn rows_of_weight_0_do_not_count_whatever_they_hold() {
    let mut count = 0;
    for (case, fixture) in cases() {
        let predictions = whole(&fixture);
        let (rows, width) = (predictions.rows(), predictions.width());
        let mut outputs = predictions.outputs().to_vec();
        outputs.extend(vec![f32::NAN; width]);
        let targets = match predictions.targets().clone() {
            PredictionTargets::Classes(mut classes) => {
                classes.push(0);
                PredictionTargets::Classes(classes)
            }
            PredictionTargets::Values { width, mut values } => {
                values.extend(vec![1.0; width]);
                PredictionTargets::Values { width, values }
            }
        };
        let mut weights = predictions.weights().map_or(vec![1.0; rows], <[f32]>::to_vec);
        weights.push(0.0);
        let padded = Predictions::new(predictions.task(), outputs, targets).with_weights(weights);
        for (metric, _) in expected(&fixture) {
            assert_eq!(metric.measure(&padded), metric.measure(&predictions), "{metric} of {case}");
            count += 1;
        }
    }
    assert!(count > 1000, "{count}");
}

#[test]
fn calibration_is_that_of_the_bins_of_the_paper() {
    let metrics = ["ece", "mce"].map(|name| name.parse::<AnyMetric>().unwrap());
    let measure = |probabilities: &[f64], right: &[u32]| {
        let logits = probabilities.iter().map(|p| (p / (1.0 - p)).ln() as f32).collect();
        let predictions = Predictions::new(Task::Binary, logits, PredictionTargets::Classes(right.to_vec()));
        metrics.clone().map(|metric| metric.measure(&predictions).unwrap())
    };
    let close = |found: [f64; 2], expected: [f64; 2]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}, not {expected:?}");
    };
    // Two bins, with three rows and one.
    close(measure(&[0.91, 0.92, 0.93, 0.7], &[1, 1, 0, 1]), [(0.76 + 0.3) / 4.0, 0.3]);
    // As sure of the first class as of the second.
    close(measure(&[0.09, 0.92, 0.07, 0.7], &[0, 1, 1, 1]), [(0.76 + 0.3) / 4.0, 0.3]);
    // A confidence of 1 is in the last bin, with one of 0.95.
    close(measure(&[1.0, 0.95], &[1, 0]), [0.475, 0.475]);
    // With two logits for two classes it is the same.
    let targets = PredictionTargets::Classes(vec![1, 0]);
    let two = Predictions::new(Task::Classes { count: 2 }, vec![0.0, 0.4, 1.5, 0.0], targets.clone());
    let one = Predictions::new(Task::Binary, vec![0.4, -1.5], targets);
    for metric in metrics {
        assert!((metric.measure(&two).unwrap() - metric.measure(&one).unwrap()).abs() < 1e-6, "{metric}");
    }
}

#[test]
fn parameters_out_of_range_have_no_value() {
    let predictions = whole(&fixture("classes"));
    for beta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(AnyMetric::from(FBeta(beta)).measure(&predictions), None, "{beta}");
    }
    assert_eq!(AnyMetric::from(TopK(0)).measure(&predictions), None);
    let f1 = AnyMetric::from(F1);
    assert_eq!(AnyMetric::from(FBeta(1.0)), f1);
    assert_eq!(AnyMetric::from(FBeta(1.0)).measure(&predictions), f1.measure(&predictions));
}

#[test]
fn one_target_that_all_rows_share_has_no_variance_whatever_the_weights() {
    let weights: Vec<f32> = (1..=40).map(|row| 1.0 / row as f32).collect();
    let targets = PredictionTargets::Values { width: 1, values: vec![0.1; 40] };
    let outputs = (0..40).map(|row| row as f32 / 7.0).collect();
    let predictions =
        Predictions::new(Task::Regression { outputs: 1 }, outputs, targets).with_weights(weights);
    for name in ["r2", "explained_variance"] {
        assert_eq!(name.parse::<AnyMetric>().unwrap().measure(&predictions), None, "{name}");
    }
}

#[test]
fn scores_that_are_no_numbers_are_ranked_last() {
    let targets = PredictionTargets::Values { width: 3, values: vec![1.0, 0.0, 0.0] };
    let logits = vec![f32::NAN, 1.0, 2.0];
    let predictions = Predictions::new(Task::MultiLabel { labels: 3 }, logits, targets);
    let metric: AnyMetric = "label_ranking_average_precision".parse().unwrap();
    assert_eq!(metric.measure(&predictions), Some(1.0 / 3.0));
}

#[test]
fn nothing_has_no_value() {
    for task in [
        Task::Classes { count: 3 },
        Task::Binary,
        Task::MultiLabel { labels: 2 },
        Task::Regression { outputs: 2 },
        Task::StepClasses { count: 3 },
        Task::NextToken { vocabulary_size: 5 },
    ] {
        let targets = match task {
            Task::MultiLabel { .. } | Task::Regression { .. } => {
                PredictionTargets::Values { width: 2, values: Vec::new() }
            }
            _ => PredictionTargets::Classes(Vec::new()),
        };
        let none = Predictions::new(task, Vec::new(), targets);
        let names = AnyMetric::names_for(task);
        assert!(names.len() > 1, "{task}");
        for name in names {
            let metric: AnyMetric = name.parse().unwrap();
            assert_eq!(metric.accumulator().value(), None, "{name} for {task}");
            assert_eq!(metric.measure(&none), None, "{name} for {task}");
        }
    }
    // Nor have rows none of which counts.
    for (case, fixture) in cases() {
        let rows = whole(&fixture).rows();
        let none = whole(&fixture).with_weights(vec![0.0; rows]);
        for (metric, _) in expected(&fixture) {
            assert_eq!(metric.measure(&none), None, "{metric} of {case}");
        }
    }
}

#[test]
fn metrics_are_those_of_the_reports() {
    for name in ["multiclass_balanced", "multiclass_imbalanced"] {
        let fixture = fixture(name);
        let labels: Vec<u32> = floats(&fixture["y_true"]).iter().map(|label| *label as u32).collect();
        let logits: Vec<f32> = floats(&fixture["probabilities"]).iter().map(|value| value.ln()).collect();
        let task = Task::Classes { count: logits.len() / labels.len() };
        let predictions = Predictions::new(task, logits, PredictionTargets::Classes(labels));
        let report = ClassificationReport::from_predictions(&predictions, &[], None);
        let value = |name: &str| name.parse::<AnyMetric>().unwrap().measure(&predictions);
        assert_eq!(value("accuracy"), Some(report.accuracy));
        assert_eq!(value("top_2_accuracy"), report.top_k(2));
        assert_eq!(value("precision"), Some(report.macro_average.precision));
        assert_eq!(value("recall"), Some(report.macro_average.recall));
        assert_eq!(value("f1"), Some(report.macro_average.f1));
        assert_eq!(value("roc_auc"), report.roc_auc);
    }
    for name in ["numbers", "numbers_constant"] {
        let fixture = fixture(name);
        let rows = |key: &str| fixture[key].as_array().unwrap().iter().map(floats).collect::<Vec<_>>();
        let report = RegressionReport::new(&rows("logits"), &rows("targets"));
        let value = |name: &str| name.parse::<AnyMetric>().unwrap().measure(&whole(&fixture));
        assert_eq!(value("mae"), Some(report.mae));
        assert_eq!(value("mse"), Some(report.mse));
        assert_eq!(value("r2"), report.r2);
    }
}

#[test]
fn a_report_of_labels_agrees_with_scikit_learn() {
    for name in ["labels", "labels_empty"] {
        let fixture = fixture(name);
        let report = MultiLabelReport::new(&whole(&fixture), &[], 0.5);
        let expected = &fixture["expected"];
        close(name, report.subset_accuracy, &expected["subset_accuracy"]);
        close(name, report.hamming_loss, &expected["hamming_loss"]);
        close(name, report.macro_average.f1, &expected["f1"]);
        close(name, report.micro_average.precision, &expected["precision_micro"]);
        close(name, report.micro_average.recall, &expected["recall_micro"]);
        close(name, report.micro_average.f1, &expected["micro_f1"]);
        for (label, own) in report.labels.iter().enumerate() {
            close(name, own.scores.precision, &expected["precision_per_label"][label]);
            close(name, own.scores.recall, &expected["recall_per_label"][label]);
            close(name, own.scores.f1, &expected["f1_per_label"][label]);
            agrees(name, own.roc_auc, &expected["roc_auc_per_label"][label]);
            agrees(name, own.pr_auc, &expected["pr_auc_per_label"][label]);
        }
        let table = report.to_string();
        assert!(table.contains("PR AUC  samples") && table.contains("all labels right"), "{table}");
    }
}

#[test]
fn a_chosen_threshold_is_the_best_of_all() {
    for name in ["yes_or_no", "yes_or_no_weighted", "classes_two"] {
        let predictions = whole(&fixture(name));
        let chosen = best_threshold_by_f1(&predictions).unwrap();
        assert!((BinaryCounts::at(&predictions, chosen.threshold).f1() - chosen.score).abs() < 1e-12);
        for step in 0..=1000 {
            let other = BinaryCounts::at(&predictions, f64::from(step) / 1000.0).f1();
            assert!(other <= chosen.score + 1e-12, "{name}: {other} at {step}, {chosen:?}");
        }
    }
    let predictions = whole(&fixture("yes_or_no"));
    let chosen = best_threshold_by_f1(&predictions).unwrap();
    let report = ClassificationReport::from_predictions(&predictions, &[], Some(chosen.threshold));
    assert_eq!(report.classes[1].scores.f1, chosen.score);
    let usual = ClassificationReport::from_predictions(&predictions, &[], None);
    assert!(chosen.score > usual.classes[1].scores.f1, "few positives are above 0.5");
    assert_eq!(report.pr_auc, AnyMetric::from(PrAuc).measure(&predictions));
    assert!(report.to_string().contains("class '1' is predicted above"), "{report}");
    assert_eq!(best_threshold_by_f1(&whole(&fixture("yes_or_no_one_class"))), None);
}

#[test]
fn language_models_are_measured_from_sums() {
    let logits = [[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 1.0]];
    let task = Task::NextToken { vocabulary_size: 3 };
    let targets = PredictionTargets::Classes(vec![1, 1, 2]);
    let tokens = Predictions::new(task, logits.concat(), targets);
    let surprise = |row: &[f32; 3], class: usize| {
        row.iter().map(|logit| f64::from(*logit).exp()).sum::<f64>().ln() - f64::from(row[class])
    };
    let sum = surprise(&logits[0], 1) + surprise(&logits[1], 1) + surprise(&logits[2], 2);
    let sums = tokens.token_sums();
    assert!((sums.cross_entropy - sum).abs() < 1e-12);
    assert_eq!((sums.correct, sums.tokens), (1.0, 3.0));
    for metric in (Accuracy, Perplexity).into_metrics() {
        assert!(!metric.needs_outputs(task));
        assert_eq!(metric.measure(&tokens), metric.measure(&Predictions::from_token_sums(3, sums)));
    }
    let more = TokenSums { cross_entropy: 1.0, correct: 2.0, tokens: 3.0 };
    let mut accuracy = AnyMetric::from(Accuracy).accumulator();
    accuracy.update(&tokens);
    accuracy.update(&Predictions::from_token_sums(3, more));
    assert_eq!(accuracy.value(), Some(0.5));
}

#[test]
fn a_closure_sees_the_whole_set_once() {
    // Kappa in which a mistake costs the square of how far off it is.
    let kappa = metric_fn("quadratic_kappa", Direction::Maximize, |predictions: &Predictions| {
        let (predicted, actual) = (predictions.predicted_classes(), predictions.target_classes()?);
        let cost = |a: u32, b: u32| (f64::from(a) - f64::from(b)).powi(2);
        let found: f64 = predicted.iter().zip(&actual).map(|(a, b)| cost(*a, *b)).sum();
        let chance: f64 = predicted.iter().flat_map(|a| actual.iter().map(|b| cost(*a, *b))).sum();
        Some(1.0 - found * predicted.len() as f64 / chance)
    });
    let metric = AnyMetric::from(kappa);
    let fixture = fixture("classes");
    let value = metric.measure(&whole(&fixture)).unwrap();
    assert!((0.0..1.0).contains(&value), "{value}");
    let (mut first, mut second) = (metric.accumulator(), metric.accumulator());
    first.update(&part(&fixture, 0, 11));
    second.update(&part(&fixture, 11, 40));
    first.merge(second);
    assert_eq!(first.value(), Some(value));
    assert_eq!(metric.accumulator().value(), None);
    assert_eq!(metric.direction(), Direction::Maximize);
    assert!(!metric.supports(Task::NextToken { vocabulary_size: 3 }));
}

#[test]
fn names_are_read_and_written() {
    let metrics = (Accuracy, TopK(5), F1, RocAuc).into_metrics();
    let text = serde_json::to_string(&metrics).unwrap();
    assert_eq!(text, r#"["accuracy","top_5_accuracy","f1","roc_auc"]"#);
    assert_eq!(serde_json::from_str::<Vec<AnyMetric>>(&text).unwrap(), metrics);
    let error = serde_json::from_str::<AnyMetric>(r#""rocauc""#).unwrap_err().to_string();
    assert!(error.contains("no metric is called 'rocauc'; did you mean 'roc_auc'?"), "{error}");
    assert!(error.contains("pr_auc, ") && error.contains("top_3_accuracy"), "{error}");
    let error = "zzzzzz".parse::<AnyMetric>().unwrap_err().to_string();
    assert!(!error.contains("did you mean"), "{error}");
    let own = metric_fn("own", Direction::Minimize, |_: &Predictions| 1.0).into();
    assert_eq!(AnyMetric::find("own", &[own]).unwrap().name(), "own");
    assert_eq!(AnyMetric::find("f1", &[]).unwrap(), AnyMetric::from(F1));
    assert_eq!("average_precision".parse::<AnyMetric>().unwrap(), AnyMetric::from(PrAuc));
}

#[test]
fn a_name_that_does_not_fit_the_task_is_refused_with_those_that_do() {
    let regression = Task::Regression { outputs: 1 };
    let message = |name: &str, task| AnyMetric::find_for(name, task).unwrap_err().to_string();
    let of_regression = "mae, mse, rmse, median_absolute_error, mape, r2, explained_variance";
    assert_eq!(
        message("f1", regression),
        format!("f1 cannot be measured for regression; choose {of_regression}")
    );
    assert_eq!(
        message("explained_varience", regression),
        format!(
            "no metric is called 'explained_varience'; did you mean 'explained_variance'?; there are {of_regression}"
        )
    );
    let text = message("mape", Task::Binary);
    assert!(
        text.starts_with("mape cannot be measured for binary classification; choose accuracy, "),
        "{text}"
    );
    assert!(text.ends_with(" (any other number in top_3_accuracy and f2 too)"), "{text}");
    assert_eq!(AnyMetric::find_for("f0.5", Task::Binary).unwrap(), AnyMetric::from(FBeta(0.5)));
}

#[test]
fn directions_are_those_of_the_measures() {
    let smaller = AnyMetric::names_for(Task::Regression { outputs: 1 })
        .into_iter()
        .filter(|name| name != "r2" && name != "explained_variance")
        .chain(["perplexity", "log_loss", "brier_score", "hamming_loss", "ece", "mce"].map(String::from));
    for name in smaller {
        assert_eq!(name.parse::<AnyMetric>().unwrap().direction(), Direction::Minimize, "{name}");
    }
    let larger = ["accuracy", "f1", "roc_auc", "pr_auc", "matthews", "cohen_kappa", "r2", "subset_accuracy"];
    let more = ["f2", "f0.5", "explained_variance", "micro_roc_auc", "micro_pr_auc"];
    for name in larger.into_iter().chain(more).chain(["label_ranking_average_precision"]) {
        assert_eq!(name.parse::<AnyMetric>().unwrap().direction(), Direction::Maximize, "{name}");
    }
}

#[test]
fn predictions_that_contradict_their_task_panic() {
    let message = |make: fn() -> Predictions| {
        let error = std::panic::catch_unwind(make).unwrap_err();
        let text = error.downcast_ref::<String>().cloned();
        text.or_else(|| error.downcast_ref::<&str>().map(|text| text.to_string())).unwrap()
    };
    let text = message(|| {
        Predictions::new(Task::Classes { count: 2 }, vec![0.0; 2], PredictionTargets::Classes(vec![2]))
    });
    assert_eq!(text, "a class is not below 2");
    let text = message(|| {
        Predictions::new(Task::Classes { count: 2 }, vec![0.0; 3], PredictionTargets::Classes(vec![0]))
    });
    assert!(text.contains("one row of 2 outputs for each target"), "{text}");
    let text = message(|| {
        let targets = PredictionTargets::Classes(vec![0]);
        Predictions::new(Task::Regression { outputs: 1 }, vec![0.0], targets)
    });
    assert_eq!(text, "regression has values as targets, not classes");
    let text = message(|| {
        Predictions::new(Task::Binary, vec![0.0], PredictionTargets::Classes(vec![0]))
            .with_weights(vec![-1.0])
    });
    assert!(text.contains("weights are 0 or more"), "{text}");
}
