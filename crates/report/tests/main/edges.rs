//! What is not there, too little, too much, too large or not finite.

use fireclay_report::{
    Baseline, Classification, Direction, Epoch, Interval, Language, Measure, MultiLabel, Regression,
    RegressionTarget, RunReport, Scores, Step, Task, Unit,
};

use crate::markup::{check, tags, text};
use crate::samples::{classification, full};

fn page(report: &RunReport) -> String {
    let page = report.to_html().unwrap();
    check(&page);
    page
}

fn only(task: Task) -> String {
    page(&RunReport { title: "t".into(), task: Some(task), ..RunReport::default() })
}

#[test]
fn a_report_of_nothing_is_a_page() {
    assert_eq!(text(&page(&RunReport::default())), "Skip to the content Training report Training report");
    for task in [
        Task::Classification(Classification::default()),
        Task::MultiLabel(MultiLabel::default()),
        Task::Regression(Regression { targets: vec![RegressionTarget::default()] }),
        Task::Language(Language::default()),
    ] {
        assert_eq!(text(&only(task)), "Skip to the content Training report t");
    }
}

#[test]
fn one_sample_and_one_class_are_told_as_what_they_are() {
    let one = Classification {
        classes: vec!["cat".into(), "dog".into()],
        truth: vec![0],
        predicted: vec![0],
        scores: Some(Scores::Probabilities(vec![0.8, 0.2])),
        threshold: None,
    };
    let text = text(&only(Task::Classification(one)));
    assert!(
        text.contains("There are no test samples of class “dog”") && text.contains("not defined for “dog”"),
        "{text}"
    );
    assert!(text.contains("It made no mistake") && text.contains("† Fewer than 20 samples"));
    let alone = Classification {
        classes: vec!["all".into()],
        truth: vec![0; 5],
        predicted: vec![0; 5],
        scores: Some(Scores::Logits(vec![2.0; 5])),
        threshold: None,
    };
    assert!(crate::markup::text(&only(Task::Classification(alone))).contains("not defined for “all”"));
    let numbers = RegressionTarget {
        name: "y".into(),
        truth: vec![3.0],
        predicted: vec![3.0],
        ..RegressionTarget::default()
    };
    let text = crate::markup::text(&only(Task::Regression(Regression { targets: vec![numbers] })));
    assert!(
        text.contains("R² not defined: all true values are equal")
            && text.contains("There are only 1 samples"),
        "{text}"
    );
}

#[test]
fn a_measure_that_does_not_exist_says_why_and_is_no_number() {
    let measure = |value, undefined: Option<&str>| Measure {
        value,
        undefined: undefined.map(String::from),
        part: "test".into(),
        name: "recall".into(),
        interval: Some(Interval { lower: f64::NAN, upper: 1.0 }),
        baselines: vec![Baseline { name: "chance".into(), value: Some(f64::NAN) }],
        ..Measure::default()
    };
    for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        let report = RunReport {
            measures: vec![measure(value, Some("no test samples of class cow"))],
            ..RunReport::default()
        };
        let page = page(&report);
        let text = text(&page);
        assert!(text.contains("its recall is not defined: no test samples of class cow."), "{text}");
        assert!(!page.contains("NaN") && !text.contains(" inf"), "{text}");
    }
}

#[test]
fn few_samples_are_said_to_be_few() {
    let mut report = full(Task::Classification(classification(2, 40)));
    report.measures[0].samples = Some(40);
    assert!(text(&page(&report)).contains("Measured on only 40 samples"));
}

/// A path begins anew behind a gap.
#[test]
fn values_that_are_not_finite_leave_gaps() {
    let losses = [1.0, 0.8, f64::NAN, 0.6, 0.5, f64::INFINITY, 0.4];
    let epochs = losses.iter().enumerate().map(|(at, loss)| Epoch::new(at + 1, [("loss", *loss)])).collect();
    let page = page(&RunReport { epochs, ..RunReport::default() });
    let tags = tags(&page);
    let path = tags
        .iter()
        .find(|tag| tag.attribute("class") == Some("line s0"))
        .and_then(|tag| tag.attribute("d"))
        .unwrap();
    assert_eq!(path.matches('M').count(), 2, "{path}");
    let points = tags.iter().filter(|tag| tag.attribute("class") == Some("point s0")).count();
    assert_eq!(points, 5, "the last value stands alone and is a point");
    assert!(text(&page).contains("2 values are missing or not finite"));
}

#[test]
fn curves_without_any_finite_value_and_of_one_epoch_are_drawn() {
    let epochs = vec![Epoch::new(1, [("loss", f64::NAN), ("accuracy", 0.5)])];
    let steps = vec![Step { step: 1, loss: Some(f64::NAN), learning_rate: Some(0.0), ..Step::default() }];
    page(&RunReport { epochs, steps, ..RunReport::default() });
}

#[test]
fn very_large_and_very_small_values_have_readable_ticks() {
    for (values, expected) in [
        ([1e9, 3e9], "3\u{a0}×\u{a0}10⁹"),
        ([1e-9, 3e-9], "3\u{a0}×\u{a0}10⁻⁹"),
        ([1e-9, 1e9], "10⁻⁹"),
        ([-5.0, 5.0], "−5"),
        ([0.2, 0.4], "0.25"),
        ([7.0, 7.0], "7"),
        ([-1e308, 1e308], "1"),
        ([1e300, f64::MAX], "1"),
        ([0.0, 5e-324], "0"),
        ([1e9, 1e9 + 1.0], "1,000,000,000.5"),
        ([1.0, 1.0 + 1e-15], "1"),
    ] {
        let epochs = vec![Epoch::new(1, [("loss", values[0])]), Epoch::new(2, [("loss", values[1])])];
        let page = page(&RunReport { epochs, ..RunReport::default() });
        let ticks: Vec<&str> = page
            .split("<text class=\"tick end\"")
            .skip(1)
            .map(|tick| &tick[tick.find('>').unwrap() + 1..tick.find('<').unwrap()])
            .collect();
        assert!(ticks.iter().any(|tick| tick.contains(expected)), "{values:?}: {ticks:?}");
        assert!(
            (1..=9).contains(&ticks.len()) && ticks.iter().all(|tick| tick.chars().count() <= 15),
            "{values:?}: {ticks:?}"
        );
    }
}

#[test]
fn two_hundred_classes_show_the_most_confused() {
    let report = full(Task::Classification(classification(200, 4000)));
    let page = page(&report);
    let text = text(&page);
    assert!(text.contains("Of 200 classes these are the 20 that take part in the most mistakes"));
    assert!(text.contains("mean of 200 classes"), "curves are those of the mean");
    let many = full(Task::Classification(classification(1500, 3000)));
    let text = crate::markup::text(&crate::edges::page(&many));
    assert!(
        text.contains("left out with more than 200 classes") && text.contains("the 200 with the lowest F1")
    );
}

#[test]
fn scores_that_are_not_finite_are_left_out_and_counted() {
    let mut task = classification(3, 90);
    let Some(Scores::Logits(scores)) = &mut task.scores else { unreachable!() };
    (scores[0], scores[4]) = (f32::NAN, f32::INFINITY);
    assert!(text(&only(Task::Classification(task))).contains("The scores of 2 samples are not finite"));
    let numbers = RegressionTarget {
        name: "y".into(),
        truth: vec![1.0, 2.0],
        predicted: vec![f64::NAN, 2.5],
        ..RegressionTarget::default()
    };
    assert!(
        text(&only(Task::Regression(Regression { targets: vec![numbers.clone()] })))
            .contains("1 sample without a finite truth")
    );
    let none = RegressionTarget { predicted: vec![f64::NAN; 2], ..numbers };
    assert!(
        text(&only(Task::Regression(Regression { targets: vec![none] })))
            .contains("None of the predictions is finite")
    );
}

#[test]
fn two_targets_of_one_name_have_two_places() {
    let target = RegressionTarget {
        name: "y".into(),
        truth: vec![1.0, 2.0],
        predicted: vec![1.5, 2.5],
        ..RegressionTarget::default()
    };
    only(Task::Regression(Regression { targets: vec![target.clone(), target] }));
}

#[test]
fn a_value_alone_has_no_line_to_stand_on() {
    let measure = Measure {
        samples: Some(500),
        ..Measure::new("f1", Direction::HigherIsBetter, Unit::Fraction, 0.9994)
    };
    let page = page(&RunReport { measures: vec![measure], ..RunReport::default() });
    assert!(!page.contains("class=\"strip\"") && text(&page).contains("99.94 %"));
}

/// Ten thousand epochs are drawn by as many points as can be seen.
#[test]
fn long_trainings_make_small_pages() {
    let epochs =
        (1..=10_000).map(|epoch| Epoch::new(epoch, [("loss", 1.0 / epoch as f64), ("val_loss", 1.0)]));
    assert!(page(&RunReport { epochs: epochs.collect(), ..RunReport::default() }).len() < 100_000);
}
