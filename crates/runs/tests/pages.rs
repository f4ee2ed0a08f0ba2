//! What pages and graphs are made of: intervals on the rows that they were measured on, and networks as nodes.

use fireclay_nn::{ModelSpec, ResidualSpec};
use fireclay_report::{RegressionTarget, Task};
use fireclay_runs::{graph, task};
use fireclay_store::PredictionIntervals;
use fireclay_tensorboard::Attribute;
use fireclay_train::{PredictionTargets, Predictions, Task as Kind};

/// Predictions whose truths are off by up to 5, and the intervals of all of them.
fn regression(rows: usize) -> (Predictions, Option<PredictionIntervals>) {
    let predicted: Vec<f32> = (0..rows).map(|row| row as f32).collect();
    let truths: Vec<f32> = (0..rows).map(|row| row as f32 + (row * 37 % 101) as f32 / 10.0 - 5.0).collect();
    let intervals = PredictionIntervals::of(&predicted, &truths, 0.9);
    let targets = PredictionTargets::Values { width: 1, values: truths };
    (Predictions::new(Kind::Regression { outputs: 1 }, predicted, targets), intervals)
}

fn target(task: Option<Task>) -> RegressionTarget {
    match task {
        Some(Task::Regression(task)) => task.targets.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn intervals_are_measured_on_rows_that_they_were_not_made_from() {
    let (predictions, kept) = regression(500);
    let found = target(task(&predictions, &["price".into()], None, kept.as_ref()));
    let intervals = found.intervals.unwrap();
    assert_eq!((intervals.level, intervals.folds, intervals.lower.len()), (0.9, Some(5), 500));
    let kept = kept.unwrap();
    let of_all: Vec<f64> =
        predictions.outputs().iter().map(|value| f64::from(kept.around(*value)[0])).collect();
    assert_ne!(intervals.lower, of_all, "not those that the row itself has a part in");

    // Of so few rows those that are left are too few.
    let (predictions, kept) = regression(22);
    assert!(kept.is_some());
    assert_eq!(target(task(&predictions, &[], None, kept.as_ref())).intervals, None);
    assert_eq!(target(task(&predictions, &[], None, None)).intervals, None);
}

#[test]
fn both_branches_of_a_block_lead_to_its_sum() {
    let inner = ResidualSpec::new([ModelSpec::new([6]).dense(6).layers.remove(0)]);
    let body = ModelSpec::new([6]).dense(6).layer(inner).layers;
    let block = ResidualSpec::new(body).shortcut(ModelSpec::new([6]).dense(6).layers);
    let spec = ModelSpec::new([6]).layer(block).dense(3);
    let nodes = graph(&spec).unwrap();
    let found: Vec<(&str, &str, Vec<&str>)> = nodes
        .iter()
        .map(|node| (node.name.as_str(), node.op.as_str(), node.inputs.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        found,
        [
            ("input", "input", vec![]),
            ("residual_1/dense_1", "dense", vec!["input"]),
            ("residual_1/residual_1/dense_1", "dense", vec!["residual_1/dense_1"]),
            ("residual_1/residual_1/add", "add", vec!["residual_1/residual_1/dense_1", "residual_1/dense_1"]),
            ("residual_1/dense_2", "dense", vec!["input"]),
            ("residual_1/add", "add", vec!["residual_1/residual_1/add", "residual_1/dense_2"]),
            ("dense_1", "dense", vec!["residual_1/add"]),
        ]
    );
    let shapes = Attribute::Shapes(vec![vec![-1, 3]]);
    assert!(nodes[6].attributes.contains(&("_output_shapes".into(), shapes)), "{:?}", nodes[6]);
    assert!(nodes[6].attributes.contains(&("parameters".into(), Attribute::Integer(21))));

    let mut spec = ModelSpec::new([6]).dense(6);
    spec.layers[0].name = Some("input".into());
    let names: Vec<String> = graph(&spec).unwrap().into_iter().map(|node| node.name).collect();
    assert_eq!(names, ["input_", "input"]);
}
