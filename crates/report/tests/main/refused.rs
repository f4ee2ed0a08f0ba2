//! Data that contradicts itself.

use fireclay_report::{
    Augmented, Classification, Comparison, Intervals, MultiLabel, Picture, Regression, RegressionTarget,
    RunReport, Scores, Task,
};

use crate::samples::classification;

fn refused(task: Task) -> String {
    RunReport { task: Some(task), ..RunReport::default() }.to_html().unwrap_err().to_string()
}

#[test]
fn lists_that_do_not_fit_are_refused_by_name() {
    let classes = classification(3, 9);
    let short = Classification { predicted: vec![0; 8], ..classes.clone() };
    assert_eq!(
        refused(Task::Classification(short)),
        "predicted classes: expected 9 values, found 8; give one for each sample"
    );
    let unknown = Classification { truth: vec![0, 1, 2, 3, 0, 0, 0, 0, 0], ..classes.clone() };
    assert_eq!(
        refused(Task::Classification(unknown)),
        "truth of sample 3 is class 3, and there are 3; both are counted from 0"
    );
    let scores = Classification { scores: Some(Scores::Logits(vec![0.0; 9])), ..classes };
    assert_eq!(
        refused(Task::Classification(scores)),
        "scores: expected 27 values, found 9; give one for each sample"
    );
    let labels = MultiLabel {
        labels: vec!["a".into(), "b".into()],
        truth: vec![true; 3],
        predicted: vec![true; 3],
        scores: None,
    };
    assert_eq!(
        refused(Task::MultiLabel(labels)),
        "true labels: expected 2 values, found 3; give one for each sample"
    );
    let intervals = Some(Intervals { level: 0.9, lower: vec![], upper: vec![1.0], folds: None });
    let target =
        RegressionTarget { name: "y".into(), unit: None, truth: vec![1.0], predicted: vec![1.0], intervals };
    let message = refused(Task::Regression(Regression { targets: vec![target] }));
    assert_eq!(
        message,
        "lower ends of intervals of \"y\": expected 1 values, found 0; give one for each sample"
    );
}

#[test]
fn pictures_of_another_size_are_refused() {
    for (width, height) in [(4, 5), (0, 0), (usize::MAX, 2)] {
        let before = Picture { width, height, bytes: vec![0; 12] };
        let report = RunReport {
            augmented: vec![Augmented { before, ..Augmented::default() }],
            ..RunReport::default()
        };
        let message = report.to_html().unwrap_err().to_string();
        let expected = format!("augmented sample 1: a picture of {width} by {height} pixels");
        assert!(message.starts_with(&expected) && message.ends_with("found 12"), "{message}");
    }
}

#[test]
fn one_run_is_no_comparison() {
    let error = Comparison::default().to_html().unwrap_err();
    assert_eq!(error.to_string(), "a comparison needs two runs at least, found 0");
}
