//! Texts and files from outside are hostile.

use fireclay_report::{
    Augmented, Content, DatasetInfo, Environment, Epoch, Example, Generated, Importance, Language, Layer,
    Part, RunReport, SettingGroup, Task, Timing, Training, Verdict,
};

use crate::markup::{check, text};
use crate::samples::{classification, full, photograph};

const HOSTILE: &str = "</style></title><script src='https://example.org/x.js'>alert(1)</script><img src=x onerror=\"alert(2)\"> & \u{0}\u{8}\u{1b}[31m\u{202e}gnp.exe\u{2066}";

fn hostile() -> RunReport {
    let word = || HOSTILE.to_string();
    let mut task = classification(3, 60);
    task.classes = vec![word(), word(), word()];
    let example = |content| Example {
        attributed: None,
        name: Some(word()),
        content,
        truth: word(),
        predicted: word(),
        probability: Some(0.9),
    };
    let mut report = full(Task::Classification(task));
    report.program = word();
    report.title = word();
    report.verdict = Verdict { network: Some(word()), purpose: Some(word()), measure: Some(word()) };
    report.dataset = Some(DatasetInfo {
        name: word(),
        source: Some(word()),
        parts: vec![Part { name: word(), samples: 3, classes: vec![(word(), 3)] }],
        split: Some(word()),
        sample: Some(word()),
        notes: vec![word()],
    });
    report.settings = vec![SettingGroup::new(word(), [(word(), word())])];
    report.environment = Some(Environment {
        versions: vec![(word(), word())],
        git_commit: Some(word()),
        cpu: Some(word()),
        ..Environment::default()
    });
    report.command = Some(word());
    report.layers = vec![Layer { name: word(), kind: word(), output: word(), ..Layer::default() }];
    report.epochs.push(Epoch::new(6, [(word(), 1.0), (format!("val_{HOSTILE}"), 2.0)]));
    report.training =
        Training { method: Some(word()), best_epoch: None, stopped: Some(word()), warnings: vec![word()] };
    report.measures[0].name = word();
    report.measures[0].part = word();
    report.measures[0].baselines[0].name = word();
    report.mistakes = vec![
        example(Content::Text(word())),
        example(Content::Row(vec![(word(), word())])),
        example(Content::Picture(photograph(4))),
        example(Content::Nothing),
    ];
    report.augmented = vec![Augmented { label: Some(word()), before: photograph(4), after: vec![] }];
    report.timings = vec![Timing { name: word(), seconds: 1.0 }];
    report.importance = vec![Importance { column: word(), value: 1.0, ..Importance::default() }];
    report
}

#[test]
fn texts_from_outside_are_only_texts() {
    let mut report = hostile();
    let page = report.to_html().unwrap();
    check(&page);
    assert!(!page.contains("<script") && !page.contains('\u{202e}') && page.contains("\u{fffd}gnp.exe"));
    assert!(text(&page).contains("&lt;script src='https://example.org/x.js'&gt;alert(1)&lt;/script&gt;"));
    let generated = vec![Generated {
        prompt: HOSTILE.into(),
        text: HOSTILE.into(),
        sampling: Some(HOSTILE.into()),
        ..Generated::default()
    }];
    report.task = Some(Task::Language(Language {
        token: HOSTILE.into(),
        generated,
        loss: Some(1.0),
        ..Language::default()
    }));
    check(&report.to_html().unwrap());
}

/// `markup::check` allows no address but anchors and pictures; here is that none is written in the frame of a page either.
#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = full(Task::Classification(classification(10, 100))).to_html().unwrap();
    check(&page);
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("xmlns"));
}

#[test]
fn ten_thousand_samples_and_photographs_make_less_than_a_megabyte() {
    let mut report = full(Task::Classification(classification(10, 10_000)));
    for mistake in &mut report.mistakes {
        mistake.content = Content::Picture(photograph(128));
    }
    report.augmented =
        vec![Augmented { label: None, before: photograph(64), after: vec![photograph(64); 6] }; 20];
    report.steps = (0..200_000)
        .map(|step| fireclay_report::Step {
            step,
            loss: Some(crate::samples::noise(step as usize)),
            ..Default::default()
        })
        .collect();
    check(&report.to_html().unwrap());
}
