//! Texts with any number of labels.

use fireclay_report::{
    Content, DatasetInfo, Direction, Example, Measure, MultiLabel, Part, RunReport, Scores, Task, Training,
    Unit, Verdict,
};

use crate::common::{self, Random};

pub fn report() -> RunReport {
    const LABELS: [&str; 6] = ["politics", "sport", "economy", "weather", "science", "obituary"];
    let mut random = Random::new(9);
    let (mut truth, mut predicted, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..1_500 {
        for label in 0..LABELS.len() {
            // The last label is on no test sample.
            let has = label < 5 && random.uniform() < 0.32 - 0.06 * label as f64;
            let logit = (if has { 1.6 } else { -2.2 }) + random.normal() * (1.0 + 0.15 * label as f64);
            truth.push(has);
            predicted.push(logit > 0.0);
            scores.push(logit as f32);
        }
    }
    let mistake = |number: usize| {
        Example {
            attributed: None,
        name: Some(format!("article {}", 40 + number)),
        content: Content::Text("The committee met again on Tuesday to discuss whether the stadium, which cost twice as much as had been planned, may be paid for from the reserve. The team's coach did not want to comment. Rain is expected at the weekend.".into()),
        truth: "politics, economy".into(),
        predicted: "sport".into(),
        probability: Some(0.93 - 0.02 * number as f64),
    }
    };
    RunReport {
        program: common::PROGRAM.into(),
        title: "Topics of newspaper articles".into(),
        verdict: Verdict {
            network: Some("a bag of embeddings".into()),
            purpose: Some("to find the topics of articles".into()),
            measure: None,
        },
        dataset: Some(DatasetInfo {
            name: "articles of a newspaper".into(),
            parts: vec![
                Part { name: "training".into(), samples: 9_000, classes: vec![] },
                Part { name: "test".into(), samples: 1_500, classes: vec![] },
            ],
            ..DatasetInfo::default()
        }),
        epochs: common::epochs(&mut random, 12, 0.5, 0.15, None),
        steps: common::steps(&mut random, 400, 0.7, 0.15),
        training: Training {
            method: Some(
                "by AdamW with a learning rate of 0.002, in batches of 128 samples, to lessen its loss: the binary cross-entropy, which is how surprised its probabilities are by each label".into(),
            ),
            best_epoch: Some(9),
            stopped: Some("somebody pressed Ctrl-C".into()),
            warnings: vec![],
        },
        measures: vec![
            Measure {
                samples: Some(1_500),
                ..Measure::new("f1_micro", Direction::HigherIsBetter, Unit::Fraction, 0.853)
            },
            Measure {
                value: None,
                undefined: Some("no test samples of label obituary".into()),
                samples: Some(1_500),
                ..Measure::new("f1_macro", Direction::HigherIsBetter, Unit::Fraction, 0.0)
            },
        ],
        task: Some(Task::MultiLabel(MultiLabel {
            labels: LABELS.map(String::from).to_vec(),
            truth,
            predicted,
            scores: Some(Scores::Logits(scores)),
        })),
        mistakes: (0..5).map(mistake).collect(),
        timings: common::timings(),
        environment: Some(common::environment(1)),
        ..RunReport::default()
    }
}
