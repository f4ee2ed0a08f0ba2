//! A learning rate range test.

use fireclay_report::{Environment, LearningRateReport, LearningRateStep, SettingGroup};

use crate::markup::{check, tags, text};
use crate::samples::noise;

const HOSTILE: &str = "<script src='https://example.org/x.js'>\u{202e}\"&";

fn steps(count: usize) -> Vec<LearningRateStep> {
    let step = |at: usize| {
        let power = -7.0 + 8.0 * at as f64 / count as f64;
        let smoothed_loss = 2.3 - 2.0 / (1.0 + (-4.0 * (power + 3.0)).exp()) + (5.0 * power).exp();
        LearningRateStep { learning_rate: 10f64.powf(power), loss: smoothed_loss + noise(at), smoothed_loss }
    };
    (0..count).map(step).collect()
}

fn report(count: usize) -> LearningRateReport {
    LearningRateReport {
        program: "fireclay 0.1.0".into(),
        title: "A sweep".into(),
        summary: "It grew.".into(),
        steps: steps(count),
        ended: Some("all steps were done".into()),
        suggestion: Some(1e-3),
        reason: "where it falls most steeply".into(),
        others: vec![("usual recipe".into(), 0.002)],
        notes: vec!["Look here.".into()],
        command: Some("mnist train --learning-rate 0.001".into()),
        settings: vec![SettingGroup::new("training", [("seed", "0")])],
        environment: Some(Environment { seed: Some(7), ..Environment::default() }),
    }
}

fn page(report: &LearningRateReport) -> String {
    let page = report.to_html().unwrap();
    check(&page);
    let json = serde_json::to_string(report).unwrap();
    assert_eq!(serde_json::from_str::<LearningRateReport>(&json).unwrap().to_html().unwrap(), page);
    page
}

#[test]
fn the_suggestion_is_said_and_marked_in_both_figures() {
    let page = page(&report(100));
    let text = text(&page);
    for words in [
        "It grew. The suggested learning rate is 0.001, where it falls most steeply.",
        "Suggested 0.001",
        "Usual recipe 0.002",
        "Look here.",
        "The sweep ended because all steps were done.",
        "Slope of the smoothed loss",
        "mnist train --learning-rate 0.001",
        "All values",
        "10⁻⁶",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let marks = tags(&page).iter().filter(|tag| tag.attribute("class") == Some("mark")).count();
    let rings = tags(&page).iter().filter(|tag| tag.attribute("class") == Some("ring")).count();
    assert_eq!((marks, rings), (2, 1));
}

#[test]
fn a_sweep_without_a_suggestion_says_why() {
    let reason = "The loss never fell.".to_owned();
    let text = text(&page(&LearningRateReport { suggestion: None, reason, command: None, ..report(100) }));
    assert!(
        text.contains("There is no suggestion: The loss never fell.") && text.contains("How it was made")
    );
    assert!(!text.contains("Suggested"));
}

#[test]
fn nothing_little_much_and_hostile_make_a_page() {
    page(&LearningRateReport::default());
    for count in [1, 2, 3] {
        page(&report(count));
    }
    let many = page(&report(20_000));
    assert!(text(&many).contains("One of 100 steps is shown."));
    let mut wild = report(60);
    wild.steps[30].loss = f64::NAN;
    wild.steps[31].smoothed_loss = f64::INFINITY;
    wild.steps[59].smoothed_loss = 1e30;
    wild.steps[10].smoothed_loss = -1e30;
    wild.to_html().map(|page| check(&page)).unwrap();
    let flat =
        report(50).steps.into_iter().map(|step| LearningRateStep { loss: 1.0, smoothed_loss: 1.0, ..step });
    page(&LearningRateReport { steps: flat.collect(), ..report(50) });
    let word = || HOSTILE.to_owned();
    let hostile = LearningRateReport {
        program: word(),
        title: word(),
        summary: word(),
        ended: Some(word()),
        reason: word(),
        others: vec![(word(), 1.0)],
        notes: vec![word()],
        command: Some(word()),
        ..report(20)
    };
    assert!(!page(&hostile).contains("<script"));
}

#[test]
fn learning_rates_are_more_than_0() {
    for found in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut wrong = report(20);
        wrong.steps[3].learning_rate = found;
        let message = wrong.to_html().unwrap_err().to_string();
        assert_eq!(
            message,
            format!("a learning rate is {found}; expected a finite number that is more than 0")
        );
        let message =
            LearningRateReport { suggestion: Some(found), ..report(20) }.to_html().unwrap_err().to_string();
        assert!(message.contains("expected a finite number"), "{message}");
    }
}
