//! A language model of characters.

use fireclay_report::{
    DatasetInfo, Direction, Generated, Language, Measure, Part, RunReport, Task, Training, Unit, Verdict,
};

use crate::common::{self, Random};

pub fn report() -> RunReport {
    let mut random = Random::new(10);
    let written = |temperature, text: &str| Generated {
        prompt: "In the beginning ".into(),
        text: text.into(),
        temperature: Some(temperature),
        sampling: Some("top-p 0.95, seed 0".into()),
    };
    RunReport {
        program: common::PROGRAM.into(),
        title: "A writer of tales".into(),
        verdict: Verdict {
            network: Some("a transformer".into()),
            purpose: Some("to write tales letter by letter".into()),
            measure: None,
        },
        dataset: Some(DatasetInfo {
            name: "old tales".into(),
            parts: vec![
                Part { name: "training".into(), samples: 910_000, classes: vec![] },
                Part { name: "test".into(), samples: 51_000, classes: vec![] },
            ],
            ..DatasetInfo::default()
        }),
        epochs: common::epochs(&mut random, 10, 3.1, 1.35, None),
        steps: common::steps(&mut random, 5_000, 4.2, 1.35),
        training: Training {
            method: Some(
                "by AdamW with a learning rate of 0.001, in batches of 32 samples, to lessen its loss: the cross-entropy, which is how surprised its probabilities are by the next token".into(),
            ),
            best_epoch: Some(8),
            stopped: Some("the time budget of 10 minutes was used up".into()),
            warnings: vec![],
        },
        measures: vec![Measure {
            samples: Some(51_000),
            ..Measure::new("loss", Direction::LowerIsBetter, Unit::Number, 1.42)
        }],
        task: Some(Task::Language(Language {
            token: "character".into(),
            vocabulary: Some(96),
            loss: Some(1.42),
            tokens: Some(51_000),
            generated: vec![
                written(
                    0.5,
                    "there was a king who had three daughters, and the youngest of them was so fair that the sun himself was astonished whenever he shone on her face.",
                ),
                written(
                    1.0,
                    "of the wood stood a little house, and therein lived\nan old woman with her cat, who spoke on Sundays only.",
                ),
            ],
        })),
        timings: common::timings(),
        environment: Some(common::environment(4)),
        ..RunReport::default()
    }
}
