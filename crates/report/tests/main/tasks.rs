//! Every task has its sections, and the opening says what matters.

use fireclay_report::{
    Baseline, Classification, Direction, Generated, Importance, ImportanceMethod, Intervals, Language,
    Measure, MultiLabel, Regression, RegressionTarget, RunReport, Scores, Task, Unit,
};

use crate::markup::{check, tags, text};
use crate::samples::{classification, full, noise};

fn page(task: Task) -> String {
    let page = full(task).to_html().unwrap();
    check(&page);
    page
}

#[test]
fn classes_have_their_sections() {
    let page = page(Task::Classification(classification(10, 1000)));
    let text = text(&page);
    for heading in [
        "How good it is",
        "Confusion matrix",
        "Most confused",
        "Class by class",
        "ROC",
        "Precision and recall",
        "Calibration",
        "Confidence",
        "Most confident mistakes",
        "24 of 30 samples are shown",
        "The percentage is the probability that it gave its answer.",
        "How it was trained",
        "The network was trained by hand.",
        "Loss of each step",
        "Learning rate",
        "What it learnt from",
        "What augmentation does",
        "Which columns matter",
        "The network",
        "Where the time went",
        "How to make it again",
        "abc123, with changes",
    ] {
        assert!(text.contains(heading), "{heading}");
    }
    assert!(page.contains("<h1>A full report</h1>"));
}

#[test]
fn the_opening_says_what_how_good_and_where_it_fails() {
    let task = Classification {
        classes: vec!["cat".into(), "dog".into(), "cow".into()],
        truth: [[0; 10], [1; 10], [2; 10]].concat(),
        predicted: [[0; 10].as_slice(), &[1; 6], &[0; 3], &[2; 1], &[2; 9], &[1; 1]].concat(),
        scores: None,
        threshold: None,
    };
    let text = text(&page(Task::Classification(task)));
    let expected = "A small network with 7,850 parameters was trained on 900 samples of things to tell things apart. On 1,000 test samples, its \
        accuracy is 90.0 % (95 % interval 88.0 to 92.0 %), against 10.0 % for a constant answer. That is better than a constant answer. It fails \
        most on “dog”, of which it finds 6 of \
        10 (60.0 %); most often, it takes “dog” for “cat” (3 times).";
    assert!(text.contains(expected), "{}", &text[..1200]);
}

#[test]
fn a_baseline_that_is_as_good_is_said_to_be() {
    let mut report = full(Task::Classification(classification(2, 100)));
    report.measures[0].baselines[0].value = Some(0.95);
    assert!(text(&report.to_html().unwrap()).contains("That is worse than a constant answer."));
    report.measures[0].baselines[0].value = Some(0.89);
    assert!(text(&report.to_html().unwrap()).contains("so that the difference may be chance"));
    // Without an interval nothing is said of chance.
    report.measures[0].interval = None;
    assert!(!text(&report.to_html().unwrap()).contains("That is"));
    report.measures[0].baselines[0].value = Some(0.95);
    assert!(text(&report.to_html().unwrap()).contains("That is no better than a constant answer."));
}

#[test]
fn the_chosen_threshold_of_two_classes_is_marked() {
    let mut task = classification(2, 200);
    task.scores = Some(Scores::Probabilities((0..200).map(|sample| noise(sample) as f32).collect()));
    let without = page(Task::Classification(task.clone()));
    task.threshold = Some(0.35);
    let with = page(Task::Classification(task));
    let rings = |page: &str| tags(page).iter().filter(|tag| tag.attribute("class") == Some("ring")).count();
    assert_eq!((rings(&without), rings(&with)), (0, 2));
    assert!(text(&with).contains("The ring marks the chosen threshold, 0.35"));
}

#[test]
fn labels_have_their_sections() {
    let samples = 300;
    let truth: Vec<bool> = (0..samples * 3).map(|at| at % 3 != 2 && noise(at) < 0.3).collect();
    let predicted = truth.iter().enumerate().map(|(at, has)| *has ^ (noise(at + 9999) < 0.1)).collect();
    let scores =
        truth.iter().enumerate().map(|(at, has)| if *has { 1.0 } else { -1.0 } + noise(at) as f32).collect();
    let labels = vec!["red".into(), "green".into(), "never".into()];
    let text = text(&page(Task::MultiLabel(MultiLabel {
        labels,
        truth,
        predicted,
        scores: Some(Scores::Logits(scores)),
    })));
    for part in [
        "ROC area",
        "All labels are right for",
        "Labels of a sample",
        "n. d.",
        "Precision and recall",
        "It fails most on “",
        "with an F1 of 0.",
        "how sure it was of the label that it got most wrong",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("It fails most on “never”"), "a label that no sample has cannot be missed");
}

#[test]
fn numbers_have_their_sections_one_after_the_other() {
    let target = |name: &str| {
        let truth: Vec<f64> = (0..500).map(|at| 10.0 * noise(at)).collect();
        let predicted: Vec<f64> =
            truth.iter().enumerate().map(|(at, truth)| truth + noise(at + 1000) - 0.5).collect();
        let bound = |shift: f64| predicted.iter().map(|value| value + shift).collect();
        let intervals =
            Some(Intervals { level: 0.9, lower: bound(-0.45), upper: bound(0.45), folds: Some(5) });
        RegressionTarget { name: name.into(), unit: Some("kg".into()), truth, predicted, intervals }
    };
    let page = page(Task::Regression(Regression { targets: vec![target("weight"), target("<load>")] }));
    let text = text(&page);
    for part in [
        "How close it comes to weight",
        "How close it comes to &lt;load&gt;",
        "Predicted and true",
        "Residuals by prediction",
        "Largest errors",
        "The intervals should hold the truth of 90.0 % of the samples",
        "as well as so many samples can tell",
        "dealt out to 5 parts, and the intervals of each part were made from the others. The intervals should",
        "Half of its predictions of weight are off by",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn language_models_have_perplexity_and_what_they_wrote() {
    let generated = vec![Generated {
        prompt: "Once".into(),
        text: " upon a time".into(),
        temperature: Some(0.8),
        sampling: Some("top-p 0.95, seed 0".into()),
    }];
    let task = Language {
        token: "word".into(),
        vocabulary: Some(1000),
        loss: Some(2.0),
        tokens: Some(5000),
        generated,
    };
    let text = text(&page(Task::Language(task)));
    for part in [
        "Perplexity 7.389",
        "Bits per word 2.885",
        "Test words 5,000",
        "Once upon a time",
        "The model that was saved goes on from some beginnings",
        "Temperature 0.8, top-p 0.95, seed 0",
        "chose among 7.389 equally likely ones",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn columns_are_sorted_by_importance_with_rows_and_shuffles_said() {
    let column = |name: &str, value: f64, spread| Importance {
        column: name.into(),
        value,
        spread: Some(spread),
        interval: None,
    };
    let mut report = full(Task::Classification(classification(2, 200)));
    report.importance =
        vec![column("age", 0.021, 0.004), column("income", 0.12, 0.01), column("noise", -0.003, 0.002)];
    report.importance_method = Some(ImportanceMethod {
        measure: "accuracy".into(),
        unit: Unit::Fraction,
        value: 0.9,
        part: "test".into(),
        samples: 2000,
        of_samples: 10_788,
        repeats: 5,
        left_out: 2,
        ..ImportanceMethod::default()
    });
    let of_page = text(&report.to_html().unwrap());
    for part in [
        "How far accuracy falls from 90.0 % where",
        "5 times for each column, on 2,000 of 10,788 test rows, spread evenly.",
        "income 12.00 points ± 1.00 points age 2.10 points ± 0.40 points noise −0.30 points",
        "There was no time to measure 2 columns more.",
        "no proof that a column is the cause",
    ] {
        assert!(of_page.contains(part), "{part}: {of_page}");
    }
    let method = report.importance_method.as_mut().unwrap();
    *method = ImportanceMethod {
        measure: "log_loss".into(),
        direction: Direction::LowerIsBetter,
        unit: Unit::Number,
        value: 0.3,
        samples: 40,
        of_samples: 40,
        repeats: 1,
        left_out: 0,
        ..method.clone()
    };
    let of_page = text(&report.to_html().unwrap());
    assert!(of_page.contains("How far log loss rises from 0.3 where"), "{of_page}");
    assert!(of_page.contains("once for each column, on 40 test rows."), "{of_page}");
}

#[test]
fn measures_are_explained_and_baselines_have_the_decimals_of_the_value() {
    let mut report = full(Task::Classification(classification(2, 100)));
    report.measures[0] = Measure {
        baselines: vec![Baseline { name: "the mean".into(), value: Some(-5.63e-5) }],
        ..Measure::new("R²", Direction::HigherIsBetter, Unit::Number, 0.9778)
    };
    let of_page = text(&report.to_html().unwrap());
    assert!(of_page.contains("its R² is 0.9778, against −0.0001 for the mean."), "{of_page}");
    assert!(of_page.contains("R²: the share of the variance that predictions explain; 1 is perfect"));
    report.measures[0].name = "a measure of one's own".into();
    assert!(!text(&report.to_html().unwrap()).contains("1 is perfect"));
}

#[test]
fn a_page_is_a_function_of_its_data_also_through_json() {
    let mut report = full(Task::Classification(classification(4, 200)));
    report.epochs[1].values.insert("loss".into(), f64::NAN);
    let page = report.to_html().unwrap();
    assert_eq!(page, report.clone().to_html().unwrap());
    let json = serde_json::to_string(&report).unwrap();
    let read: RunReport = serde_json::from_str(&json).unwrap();
    assert_eq!(page, read.to_html().unwrap());
}
