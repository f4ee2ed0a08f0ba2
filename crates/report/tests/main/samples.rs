//! Reports to make pages of.

use fireclay_report::{
    Attributed, Augmented, Baseline, Classification, Content, DatasetInfo, Direction, Environment, Epoch,
    Example, Exchange, Importance, Interval, Layer, Measure, Part, Picture, RunReport, Scores, SettingGroup,
    Step, Task, Timing, Training, Unit, Verdict,
};

/// Numbers that look random and are the same everywhere.
pub fn noise(at: usize) -> f64 {
    let mixed = (at as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / (1u64 << 24) as f64
}

/// Answers of which most are right, with probabilities.
pub fn classification(classes: usize, samples: usize) -> Classification {
    let truth: Vec<usize> = (0..samples).map(|sample| sample % classes).collect();
    let wrong = |sample: usize| noise(sample) < 0.1;
    let predicted: Vec<usize> = truth
        .iter()
        .enumerate()
        .map(|(sample, class)| (class + usize::from(wrong(sample))) % classes)
        .collect();
    let mut scores = Vec::new();
    for (sample, predicted) in predicted.iter().enumerate() {
        for class in 0..classes {
            scores.push(if class == *predicted {
                3.0 + noise(sample * 7) as f32
            } else {
                noise(sample * classes + class) as f32
            });
        }
    }
    let classes = (0..classes).map(|class| format!("class {class}")).collect();
    Classification { classes, truth, predicted, scores: Some(Scores::Logits(scores)), threshold: None }
}

pub fn photograph(side: usize) -> Picture {
    let bytes = (0..side * side * 3).map(|at| (noise(at) * 255.0) as u8).collect();
    Picture { width: side, height: side, bytes }
}

/// A report with all parts.
pub fn full(task: Task) -> RunReport {
    let mistake = |number: usize| Example {
        attributed: Some(Attributed::Picture {
            picture: photograph(16),
            values: (0..256).map(|at| noise(at) as f32 - 0.5).collect(),
            signed: true,
        }),
        name: Some(format!("file_{number}.png")),
        content: Content::Picture(photograph(16)),
        truth: "cat".into(),
        predicted: "dog".into(),
        probability: Some(0.97),
    };
    RunReport {
        program: "fireclay 0.1.0".into(),
        title: "A full report".into(),
        verdict: Verdict {
            network: Some("a small network".into()),
            purpose: Some("to tell things apart".into()),
            measure: None,
        },
        dataset: Some(DatasetInfo {
            name: "things".into(),
            source: Some("a folder".into()),
            parts: vec![
                Part {
                    name: "training".into(),
                    samples: 900,
                    classes: vec![("cat".into(), 500), ("dog".into(), 400)],
                },
                Part { name: "test".into(), samples: 100, classes: vec![] },
            ],
            split: Some("as the folders say".into()),
            sample: None,
            notes: vec!["Two samples are equal.".into()],
        }),
        settings: vec![SettingGroup::new("optimiser", [("learning rate", "0.001")])],
        environment: Some(Environment {
            seed: Some(7),
            git_commit: Some("abc123".into()),
            git_dirty: true,
            ..Environment::default()
        }),
        command: Some("fireclay train things".into()),
        layers: vec![Layer {
            name: "dense_1".into(),
            kind: "dense".into(),
            output: "10".into(),
            parameters: 7850,
            mflop: Some(0.0157),
        }],
        epochs: (1..=5)
            .map(|epoch| Epoch {
                seconds: Some(1.5),
                ..Epoch::new(
                    epoch,
                    [("loss", 1.0 / epoch as f64), ("val_loss", 1.1 / epoch as f64), ("accuracy", 0.8)],
                )
            })
            .collect(),
        steps: (1..=3000)
            .map(|step| Step {
                step,
                loss: Some(1.0 + noise(step as usize)),
                learning_rate: Some(0.01),
                ..Step::default()
            })
            .collect(),
        training: Training {
            method: Some("by hand".into()),
            best_epoch: Some(4),
            stopped: Some("all epochs were done".into()),
            warnings: vec!["Look here.".into()],
        },
        measures: vec![Measure {
            interval: Some(Interval { lower: 0.88, upper: 0.92 }),
            samples: Some(1000),
            baselines: vec![Baseline { name: "a constant answer".into(), value: Some(0.1) }],
            ..Measure::new("accuracy", Direction::HigherIsBetter, Unit::Fraction, 0.9)
        }],
        task: Some(task),
        mistakes: (0..30).map(mistake).collect(),
        explanation_method: Some("integrated gradients".into()),
        augmented: vec![Augmented {
            label: Some("cat".into()),
            before: photograph(16),
            after: vec![photograph(16)],
        }],
        timings: vec![
            Timing { name: "steps".into(), seconds: 7.5 },
            Timing { name: "reading".into(), seconds: 2.5 },
        ],
        exchange: Some(Exchange {
            ranks: 2,
            steps: 470,
            step_seconds: 0.002,
            exchange_seconds: 0.0005,
            sent_bytes: 473_300.0,
            received_bytes: 1_500_000.0,
        }),
        importance: vec![Importance { column: "age".into(), value: 0.2, ..Importance::default() }],
        importance_method: None,
    }
}
