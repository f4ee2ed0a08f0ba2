//! Runs side by side.

use fireclay_report::{Baseline, ComparedRun, Comparison, Interval, RunReport, SettingGroup, Task};

use crate::markup::{check, text};
use crate::samples::{classification, full};

fn run(name: &str, rate: &str, accuracy: f64, half: Option<f64>) -> ComparedRun {
    let mut report = full(Task::Classification(classification(3, 30)));
    report.settings = vec![SettingGroup::new("optimiser", [("learning rate", rate), ("name", "adam")])];
    report.measures[0].value = Some(accuracy);
    report.measures[0].interval =
        half.map(|half| Interval { lower: accuracy - half, upper: accuracy + half });
    ComparedRun::new(name, report)
}

fn page(runs: Vec<ComparedRun>) -> String {
    let comparison = Comparison { title: "Runs".into(), program: "fireclay".into(), runs };
    let page = comparison.to_html().unwrap();
    check(&page);
    let json = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap().to_html().unwrap(), page);
    page
}

#[test]
fn only_settings_that_differ_are_shown() {
    let text = text(&page(vec![run("a", "0.1", 0.9, None), run("b", "0.2", 0.8, None)]));
    assert!(
        text.contains("They differ in learning rate.") && text.contains("Setting a b learning rate 0.1 0.2"),
        "{text}"
    );
    assert!(!text.contains("adam"));
    assert!(text.contains("no intervals are known"));
    let same = vec![run("a", "0.1", 0.9, None), run("b", "0.1", 0.9, None)];
    let text = crate::markup::text(&page(same));
    assert!(
        text.contains("No setting that is known differs")
            && text.contains("Their accuracy is the same")
            && !text.contains('★')
    );
}

#[test]
fn what_simpler_answers_reach_stands_beside_each_run() {
    let mut runs = vec![run("a", "0.1", 0.9, None), run("b", "0.2", 0.8, None)];
    let baseline = |value| Baseline { name: "always cat".into(), value };
    runs[0].report.measures[0].baselines = vec![baseline(Some(0.35))];
    runs[1].report.measures[0].baselines = vec![baseline(None)];
    let with = text(&page(runs.clone()));
    assert!(with.contains("What simpler answers reach"), "{with}");
    assert!(with.contains("accuracy always cat 35.0 %"), "{with}");
    runs.iter_mut().flat_map(|run| &mut run.report.measures).for_each(|measure| measure.baselines.clear());
    assert!(!text(&page(runs)).contains("simpler answers"));
}

#[test]
fn differences_within_the_intervals_are_said_to_be() {
    let near = text(&page(vec![run("a", "0.1", 0.90, Some(0.02)), run("b", "0.2", 0.89, Some(0.02))]));
    assert!(
        near.contains(
            "The best accuracy, 90.0 %, is that of a; but the differences lie within the intervals"
        ),
        "{near}"
    );
    assert!(near.contains("differences lie within the intervals") && near.matches('★').count() == 1);
    let apart = text(&page(vec![run("a", "0.1", 0.90, Some(0.02)), run("b", "0.2", 0.80, Some(0.02))]));
    assert!(
        apart.contains("its interval lies apart from that of b.") && apart.contains("better than b"),
        "{apart}"
    );
    let runs =
        vec![run("a", "1", 0.9, Some(0.02)), run("b", "1", 0.8, Some(0.02)), run("c", "1", 0.89, Some(0.02))];
    assert!(text(&page(runs)).contains("better than b; within the intervals of c"));
}

#[test]
fn other_test_samples_are_said_to_be_no_comparison() {
    let mut runs = vec![run("a", "1", 0.9, Some(0.01)), run("b", "1", 0.8, Some(0.01))];
    runs[1].report.measures[0].samples = Some(10);
    let text = text(&page(runs));
    assert!(text.contains("cannot be compared safely") && !text.contains("better than b"));
}

#[test]
fn runs_that_have_nothing_in_common_and_many_runs_make_a_page() {
    page(vec![run("<b>", "1", 0.9, Some(0.01)), ComparedRun::new("empty", RunReport::default())]);
    page(vec![ComparedRun::default(), ComparedRun::default()]);
    page(
        (0..12)
            .map(|number| run(&format!("run {number}"), "1", 0.9 - 0.01 * f64::from(number), Some(0.01)))
            .collect(),
    );
}
