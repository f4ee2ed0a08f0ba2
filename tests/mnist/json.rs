//! `--json` prints what apps/README.md says and nothing else: every line is parsed by types that refuse a field
//! that is not documented and miss one that is gone.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::support::shared::data_record::{self, Record};
use crate::support::{fail, scratch, succeed, write_png};

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Group {
    parameters: Vec<String>,
    optimizer: Optimizer,
}

#[derive(Deserialize, Debug)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "a few lines are held at a time")]
#[allow(dead_code, reason = "the fields are the point")]
enum Line {
    Training {
        model: String,
        parameters: u64,
        dataset: String,
        limit: Option<u64>,
        training_samples: u64,
        test_samples: u64,
        optimizer: Optimizer,
        groups: Vec<Group>,
        schedule: String,
        warm_up: f64,
        accumulate: usize,
        averaging: Option<String>,
        clip_value: Option<f64>,
        clip_norm: Option<f64>,
        precision: String,
        privacy: Option<serde_json::Value>,
        adversarial: Option<serde_json::Value>,
        sync_batch_norm: bool,
        label_smoothing: f64,
        class_weights: String,
        preprocessing: Vec<String>,
        batch_size: u64,
        epochs: u64,
        validation_split: f64,
        metrics: Vec<String>,
        keep_best: bool,
        monitor: Option<String>,
        patience: Option<u64>,
        seed: u64,
        device: String,
        threads: u64,
        ranks: u64,
        resumed: bool,
    },
    Epoch {
        epoch: u64,
        epochs: u64,
        values: BTreeMap<String, f64>,
        seconds: f64,
        samples_per_s: f64,
    },
    Evaluation {
        dataset: String,
        split: String,
        samples: u64,
        loss: f64,
        report: Report,
        #[serde(default)]
        metrics: BTreeMap<String, Option<f64>>,
    },
    Comparison {
        constant: String,
        measures: Vec<Compared>,
    },
    Saved {
        file: String,
        bytes: u64,
        dataset: String,
    },
    RunSaved {
        name: String,
        folder: String,
        report: String,
    },
    Run {
        name: String,
        status: String,
        dataset: Option<String>,
        epochs: u64,
        measures: BTreeMap<String, Option<f64>>,
        started: u64,
        seconds: f64,
    },
    ComparedRuns {
        runs: Vec<String>,
        file: String,
    },
    Compression {
        file: String,
        method: String,
        training_samples: Option<u64>,
        compared_samples: Option<u64>,
        lost: Option<f64>,
        dataset: String,
        split: String,
        samples: u64,
        layers: Option<Vec<CompressedLayer>>,
        score: Option<String>,
        channels: Option<Vec<PrunedChannels>>,
        teacher: Option<String>,
        temperature: Option<f64>,
        teacher_share: Option<f64>,
        epochs: Option<u64>,
        before: CompressedModel,
        after: CompressedModel,
    },
    LearningRateCurve {
        model: String,
        parameters: u64,
        dataset: String,
        limit: Option<u64>,
        training_samples: u64,
        optimizer: String,
        learning_rate: f64,
        batch_size: u64,
        accumulate: u64,
        seed: u64,
        device: String,
        threads: u64,
        min_learning_rate: f64,
        max_learning_rate: f64,
        steps: u64,
        points: Vec<Point>,
        ended: String,
        suggestion: Option<f64>,
        rule: Option<String>,
        steepest_descent: Option<f64>,
        reason: Option<String>,
        command: Option<String>,
        file: Option<String>,
    },
    TrainingCheck {
        ready: bool,
        command: String,
        problems: Vec<String>,
        warnings: Vec<String>,
        model: Option<String>,
        data: Option<CheckedData>,
        devices: Vec<CheckedDevice>,
        peak_memory_bytes: Option<u64>,
        files: Option<CheckedFiles>,
    },
    Interrupted {
        checkpoint: String,
        resume: String,
    },
    Prediction {
        file: String,
        class: String,
        top: Vec<Guess>,
        trained_on: Option<String>,
        notes: Vec<String>,
    },
    Summary {
        parameters: u64,
        frozen: u64,
        buffers: u64,
        flops: u64,
        recipe: Option<String>,
        trained_on: Option<String>,
        privacy: Option<serde_json::Value>,
        input: Vec<u64>,
        rows: Vec<Row>,
    },
    Error {
        message: String,
        checkpoint: Option<String>,
        resume: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are there to be named")]
struct CompressedLayer {
    name: String,
    computes_in: String,
    weights: String,
    lost: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrunedChannels {
    layers: Vec<String>,
    before: u64,
    after: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are there to be named")]
struct CompressedModel {
    parameters: u64,
    flops: u64,
    bytes: u64,
    latency: f64,
    samples_per_second: f64,
    measures: Vec<Compared>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Compared {
    name: String,
    model: Option<f64>,
    interval: Option<[f64; 2]>,
    linear: Option<f64>,
    constant: Option<f64>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedData {
    dataset: String,
    training_samples: u64,
    validation_samples: u64,
    test_samples: u64,
    classes: u64,
    problems: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedDevice {
    device: String,
    problem: Option<String>,
    check: Option<Check>,
    epochs: Option<u64>,
    total_seconds: Option<f64>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Check {
    outputs: [u64; 2],
    not_finite: Option<String>,
    loss: CheckedLoss,
    gradients: CheckedGradients,
    one_batch: CheckedBatch,
    first_steps: CheckedSteps,
    time: CheckedTime,
    weights_bytes: u64,
    model_bytes: u64,
    notes: Vec<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedLoss {
    samples: u64,
    measured: f64,
    guessing: Option<f64>,
    constant: Option<f64>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedGradients {
    tensors: u64,
    missing: Vec<String>,
    zero: Vec<String>,
    not_finite: Vec<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedBatch {
    samples: u64,
    steps: u64,
    first_loss: f64,
    last_loss: f64,
    learning_rate_scale: f64,
    verdict: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedSteps {
    steps: u64,
    samples: u64,
    step_seconds: f64,
    epoch_seconds: Option<f64>,
    checkpoint_bytes: Option<u64>,
    diverged: Option<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedTime {
    step: f64,
    steps_per_epoch: u64,
    epoch: f64,
    validation: f64,
    evaluated_sample: f64,
    total: f64,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct CheckedFiles {
    out: String,
    runs: Option<String>,
    model_bytes: Option<u64>,
    checkpoint_bytes: Option<u64>,
    needed_bytes: Option<u64>,
    free_bytes: Option<u64>,
}

#[derive(Deserialize, Debug)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
enum Optimizer {
    Sgd {
        learning_rate: f64,
        momentum: f64,
        nesterov: bool,
        weight_decay: f64,
    },
    RmsProp {
        learning_rate: f64,
        alpha: f64,
        momentum: f64,
        epsilon: f64,
        weight_decay: f64,
    },
    Adam {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
    },
    AdamW {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
    },
    Adagrad {
        learning_rate: f64,
        learning_rate_decay: f64,
        initial_accumulator_value: f64,
        epsilon: f64,
        weight_decay: f64,
    },
    Adadelta {
        learning_rate: f64,
        rho: f64,
        epsilon: f64,
        weight_decay: f64,
    },
    NAdam {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        momentum_decay: f64,
        weight_decay: f64,
        decoupled_weight_decay: bool,
    },
    RAdam {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
        decoupled_weight_decay: bool,
    },
    Lamb {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
    },
    Lion {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        weight_decay: f64,
    },
    Muon {
        learning_rate: f64,
        momentum: f64,
        nesterov: bool,
        weight_decay: f64,
        normalized: bool,
        iterations: u64,
        vector_learning_rate: f64,
    },
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Report {
    samples: u64,
    correct: u64,
    accuracy: f64,
    top_k_accuracy: Vec<f64>,
    roc_auc: Option<f64>,
    classes: Vec<Class>,
    macro_average: Scores,
    weighted_average: Scores,
    confusion_matrix: Vec<Vec<u64>>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Class {
    name: String,
    samples: u64,
    precision: f64,
    recall: f64,
    f1: f64,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Scores {
    precision: f64,
    recall: f64,
    f1: f64,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Guess {
    class: String,
    probability: f64,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Row {
    name: String,
    output: Vec<u64>,
    parameters: u64,
    frozen: u64,
    buffers: u64,
    flops: u64,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are the point")]
struct Point {
    step: u64,
    learning_rate: f64,
    loss: f64,
    smoothed_loss: f64,
}

#[track_caller]
fn lines(stdout: &str) -> Vec<Line> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn every_line_is_as_documented() {
    let folder = scratch();
    let train = succeed(
        folder.path(),
        &[
            "train",
            "--json",
            "--model",
            "mlp",
            "--epochs",
            "2",
            "--data-dir",
            "data",
            "--validation-split",
            "0.2",
            "--metrics",
            "f1",
        ],
    );
    let lines_of_train = lines(&train.stdout);
    let [
        Line::Training { training_samples: 600, test_samples: 200, epochs: 2, .. },
        Line::Epoch { .. },
        Line::Epoch { epoch: 2, epochs: 2, values, .. },
        Line::Evaluation { report, .. },
        Line::Comparison { constant, measures },
        Line::Saved { bytes, .. },
        Line::RunSaved { name, .. },
    ] = lines_of_train.as_slice()
    else {
        panic!("{lines_of_train:?}")
    };
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    assert_eq!(names, ["accuracy", "loss", "val_accuracy", "val_f1", "val_loss"]);
    assert!(constant.starts_with("always "), "{constant}");
    let [accuracy, f1, log_loss] = measures.as_slice() else { panic!("{measures:?}") };
    assert_eq!([&accuracy.name, &f1.name, &log_loss.name], ["accuracy", "f1", "log_loss"]);
    assert_eq!(accuracy.model, Some(report.accuracy));
    let [lower, upper] = accuracy.interval.unwrap();
    assert!(lower < report.accuracy && report.accuracy < upper, "{accuracy:?}");
    assert!(accuracy.linear > accuracy.constant && accuracy.constant > Some(0.05), "{accuracy:?}");
    assert_eq!(report.confusion_matrix.iter().flatten().sum::<u64>(), 200);
    assert_eq!(*bytes, std::fs::metadata(folder.path().join("mnist.fireclay")).unwrap().len());

    let check =
        succeed(folder.path(), &["train", "--check", "--json", "--model", "mlp", "--data-dir", "data"]);
    let lines_of_check = lines(&check.stdout);
    let [Line::TrainingCheck { ready: true, command, devices, files: Some(files), .. }] =
        lines_of_check.as_slice()
    else {
        panic!("{lines_of_check:?}")
    };
    assert_eq!(command, "mnist train --json --model mlp --data-dir data");
    assert_eq!(devices[0].check.as_ref().unwrap().one_batch.verdict, "learnt");
    let foretold = files.model_bytes.unwrap() as f64 / *bytes as f64;
    assert!((foretold - 1.0).abs() < 0.02, "the size of the model file: {foretold}");

    assert_eq!(name, "mlp-1");
    let lines_of_runs = lines(&succeed(folder.path(), &["runs", "--json"]).stdout);
    assert!(matches!(&lines_of_runs[..], [Line::Run { epochs: 2, status, .. }] if status == "completed"));

    let find_lr = ["find-lr", "--json", "--model", "mlp", "--data-dir", "data", "--batch-size", "32"];
    let lines_of_find_lr = lines(&succeed(folder.path(), &find_lr).stdout);
    let [Line::LearningRateCurve { points, suggestion: Some(suggestion), reason: None, file: None, .. }] =
        lines_of_find_lr.as_slice()
    else {
        panic!("{lines_of_find_lr:?}")
    };
    assert!(points.len() > 50 && points[0].step == 1 && *suggestion < 1.0);

    let compress = ["compress", "--json", "--int8", "--out", "small.fireclay", "--data-dir", "data"];
    let lines_of_compress = lines(&succeed(folder.path(), &compress).stdout);
    let [
        Line::Compression {
            method,
            training_samples: Some(512),
            compared_samples: Some(600),
            lost: Some(_),
            layers: Some(layers),
            score: None,
            teacher: None,
            epochs: None,
            samples: 200,
            before,
            after,
            ..
        },
    ] = lines_of_compress.as_slice()
    else {
        panic!("{lines_of_compress:?}")
    };
    assert_eq!((method.as_str(), layers.len()), ("int8", 3));
    assert_eq!((before.parameters, before.flops), (after.parameters, after.flops));
    assert!(layers.iter().all(|layer| layer.computes_in == "int8" && layer.weights == "int8"), "{layers:?}");
    assert!(before.bytes == *bytes && 3 * after.bytes < *bytes && after.latency > 0.0);
    assert_eq!(before.measures[0].model, Some(report.accuracy), "as the training measured it");

    let prune = [
        "compress",
        "--json",
        "--prune",
        "0.3",
        "--multiple-of",
        "4",
        "--epochs",
        "1",
        "--out",
        "cut.fireclay",
        "--data-dir",
        "data",
    ];
    let lines_of_prune = lines(&succeed(folder.path(), &prune).stdout);
    let [
        ..,
        Line::Compression {
            method,
            layers: None,
            score: Some(score),
            channels: Some(channels),
            epochs,
            before,
            after,
            ..
        },
    ] = lines_of_prune.as_slice()
    else {
        panic!("{lines_of_prune:?}")
    };
    assert_eq!((method.as_str(), score.as_str(), *epochs), ("prune", "first-order", Some(1)));
    assert!(
        channels.iter().all(|group| group.after <= group.before && !group.layers.is_empty()),
        "{channels:?}"
    );
    assert!(10 * after.flops <= 7 * before.flops && after.parameters < before.parameters);
    let distill = [
        "compress",
        "cut.fireclay",
        "--json",
        "--distill",
        "mnist.fireclay",
        "--epochs",
        "1",
        "--out",
        "taught.fireclay",
        "--data-dir",
        "data",
    ];
    let lines_of_distill = lines(&succeed(folder.path(), &distill).stdout);
    let [
        ..,
        Line::Compression {
            method,
            channels: None,
            teacher: Some(teacher),
            temperature: Some(4.0),
            teacher_share: Some(share),
            epochs: Some(1),
            ..
        },
    ] = lines_of_distill.as_slice()
    else {
        panic!("{lines_of_distill:?}")
    };
    assert_eq!((method.as_str(), teacher.as_str()), ("distill", "mnist.fireclay"));
    assert!((share - 0.9).abs() < 1e-6);

    let evaluate = succeed(folder.path(), &["evaluate", "--json", "--data-dir", "data", "--metrics", "f1"]);
    let measured = train.stdout.lines().find(|line| line.contains("evaluation")).unwrap();
    assert_eq!(evaluate.stdout.trim_end(), measured, "the same to the last digit");

    let picture = write_png(folder.path(), 0).display().to_string();
    let predict = succeed(folder.path(), &["predict", "--json", &picture]);
    let lines_of_predict = lines(&predict.stdout);
    let [Line::Prediction { top, class, .. }] = lines_of_predict.as_slice() else {
        panic!("{lines_of_predict:?}")
    };
    assert_eq!((top.len(), &top[0].class), (3, class));

    let lines_of_summary = lines(&succeed(folder.path(), &["summary", "--json", "--model", "mlp"]).stdout);
    let [Line::Summary { parameters: 118_282, recipe: Some(recipe), .. }] = lines_of_summary.as_slice()
    else {
        panic!("{lines_of_summary:?}")
    };
    assert_eq!(recipe, "adam 0.001, batch 128, 10 epochs");
    let data = succeed(folder.path(), &["data", "--json", "--data-dir", "data"]);
    let Record::Data { train, sheet, .. } = data_record::read(&data.stdout);
    assert_eq!((train.samples, sheet.as_deref()), (600, Some("mnist-data.png")));
    let failed = fail(folder.path(), &["predict", "--json", "none.png"], 1, &["none.png"]);
    let lines_of_failed = lines(&failed.stdout);
    let [Line::Error { message, checkpoint: None, resume: None }] = lines_of_failed.as_slice() else {
        panic!("{lines_of_failed:?}")
    };
    assert!(message.contains("none.png"), "{message}");
    for optimizer in [
        "sgd", "nesterov", "rmsprop", "adamw", "muon", "adagrad", "adadelta", "nadam", "radam", "lamb",
        "lion",
    ] {
        let run = succeed(
            folder.path(),
            &[
                "train",
                "--json",
                "--model",
                "softmax",
                "--epochs",
                "1",
                "--data-dir",
                "data",
                "--optimizer",
                optimizer,
            ],
        );
        assert_eq!(lines(&run.stdout).len(), 6);
    }
}

#[test]
fn an_error_names_the_checkpoint_that_a_training_can_go_on_from() {
    let folder = scratch();
    let train = ["train", "--json", "--model", "softmax", "--data-dir", "data", "--optimizer", "sgd"];
    let failed =
        fail(folder.path(), &[&train[..], &["--learning-rate", "1e38"]].concat(), 1, &["loss became"]);
    let lines = lines(&failed.stdout);
    let Some(Line::Error { message, checkpoint: Some(checkpoint), resume: Some(resume) }) = lines.last()
    else {
        panic!("{lines:?}")
    };
    assert_eq!(checkpoint, "runs/softmax-1/checkpoints/last.checkpoint");
    assert!(resume.contains("train --resume runs/softmax-1 --learning-rate-factor 0.1"), "{resume}");
    assert!(message.contains(checkpoint) && message.ends_with(resume.as_str()), "{message}");
}
