//! Pictures of one of several classes.

use fireclay_report::{
    Augmented, Baseline, Classification, Content, DatasetInfo, Direction, Example, Interval, Layer, Measure,
    Part, Picture, RunReport, Scores, Task, Training, Unit, Verdict,
};

use crate::common::{self, Random};

pub fn report(classes: usize, samples: usize, certainty: f64, seed: u64) -> RunReport {
    let mut random = Random::new(seed);
    let names: Vec<String> = (0..classes)
        .map(|class| if classes == 10 { class.to_string() } else { format!("sign {class:03}") })
        .collect();
    let (mut truth, mut predicted, mut logits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..samples {
        let class = random.below(classes);
        // Each class has one that it looks like, and some are harder than others.
        let like = (class * 7 + 3) % classes;
        let row: Vec<f64> = (0..classes)
            .map(|other| {
                let hardness = (class % 5) as f64 * 0.25;
                let mean = if other == class {
                    certainty - hardness
                } else if other == like {
                    1.2
                } else {
                    0.0
                };
                mean * 2.0 + random.normal() * 1.7
            })
            .collect();
        let best = (0..classes).max_by(|left, right| row[*left].total_cmp(&row[*right])).unwrap_or(0);
        truth.push(class);
        predicted.push(best);
        logits.extend(row.into_iter().map(|logit| logit as f32));
    }
    let right = truth.iter().zip(&predicted).filter(|(truth, predicted)| truth == predicted).count();
    let accuracy = right as f64 / samples as f64;
    let half = 1.96 * (accuracy * (1.0 - accuracy) / samples as f64).sqrt();
    let mut mistakes: Vec<(f64, usize)> = (0..samples)
        .filter(|sample| truth[*sample] != predicted[*sample])
        .map(|sample| {
            let row = &logits[sample * classes..(sample + 1) * classes];
            let sum: f64 = row.iter().map(|logit| f64::from(*logit - row[predicted[sample]]).exp()).sum();
            (1.0 / sum, sample)
        })
        .collect();
    mistakes.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mistakes = mistakes.iter().map(|(probability, sample)| Example {
        attributed: None,
        name: Some(format!("test sample {sample}")),
        content: Content::Picture(digit(truth[*sample], 0.0, &mut random)),
        truth: names[truth[*sample]].clone(),
        predicted: names[predicted[*sample]].clone(),
        probability: Some(*probability),
    });
    let mistakes: Vec<Example> = mistakes.collect();
    let augmented = (0..6).map(|class| Augmented {
        label: Some(names[class].clone()),
        before: digit(class, 0.0, &mut random),
        after: (0..4)
            .map(|_| {
                let shift = random.normal() * 2.0;
                digit(class, shift, &mut random)
            })
            .collect(),
    });
    let augmented = augmented.collect();
    let counts = |samples: usize| names.iter().map(|name| (name.clone(), samples / classes)).collect();
    let part = |name: &str, samples: usize| Part { name: name.into(), samples, classes: counts(samples) };
    let measure = |name: &str, direction, unit, value, half: f64, baselines: [f64; 2]| Measure {
        samples: Some(samples),
        interval: Some(Interval { lower: value - half, upper: value + half }),
        baselines: vec![
            Baseline { name: "a constant answer".into(), value: Some(baselines[0]) },
            Baseline { name: "a linear model".into(), value: Some(baselines[1]) },
        ],
        ..Measure::new(name, direction, unit, value)
    };
    RunReport {
        program: common::PROGRAM.into(),
        title: if classes == 10 { "Drawn digits".into() } else { "A hundred road signs".into() },
        verdict: Verdict {
            network: Some("a convolutional network".into()),
            purpose: Some(format!("to tell {classes} classes of pictures apart")),
            measure: Some("accuracy".into()),
        },
        dataset: Some(DatasetInfo {
            name: if classes == 10 { "drawn digits".into() } else { "drawn road signs".into() },
            source: Some("made by fireclay from seed 0".into()),
            parts: vec![part("training", 54_000), part("validation", 6_000), part("test", samples)],
            split: Some("every tenth training sample is for validation, each class alike".into()),
            sample: Some("a picture of 28 × 28 pixels, grey".into()),
            notes: vec!["Twelve training pictures occur twice.".into(), "No picture is in two parts.".into()],
        }),
        settings: common::settings(seed),
        environment: Some(common::environment(seed)),
        command: Some(
            "fireclay train digits --model cnn --epochs 20 --batch-size 64 --learning-rate 0.003 --seed 1"
                .into(),
        ),
        layers: layers(classes),
        epochs: common::epochs(&mut random, 20, 1.1, 0.05, Some(accuracy)),
        steps: common::steps(&mut random, 16_880, 2.3, 0.05),
        training: Training {
            method: Some(
                "by Adam with a learning rate of 0.001, in batches of 64 samples, to lessen its loss: the cross-entropy, which is how surprised its probabilities are by the truth".into(),
            ),
            best_epoch: Some(14),
            stopped: Some("all 20 epochs were done".into()),
            warnings: vec!["The gradient was clipped in 212 of 16,880 steps.".into()],
        },
        measures: vec![
            measure(
                "accuracy",
                Direction::HigherIsBetter,
                Unit::Fraction,
                accuracy,
                half,
                [1.0 / classes as f64, accuracy * 0.93],
            ),
            measure(
                "f1",
                Direction::HigherIsBetter,
                Unit::Fraction,
                accuracy - 0.0005,
                half,
                [0.02, accuracy * 0.928],
            ),
            measure(
                "loss",
                Direction::LowerIsBetter,
                Unit::Number,
                3.2 * (1.0 - accuracy),
                4.0 * half,
                [(classes as f64).ln(), 0.31],
            ),
        ],
        task: Some(Task::Classification(Classification {
            classes: names,
            truth,
            predicted,
            scores: Some(Scores::Logits(logits)),
            threshold: None,
        })),
        mistakes,
        augmented,
        timings: common::timings(),
        ..RunReport::default()
    }
}

fn layers(classes: usize) -> Vec<Layer> {
    let layer = |name: &str, output: &str, parameters, mflop| Layer {
        name: name.into(),
        kind: name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '_').into(),
        output: output.into(),
        parameters,
        mflop: Some(mflop),
    };
    vec![
        layer("conv2d_1", "32 × 26 × 26", 320, 0.39),
        layer("relu_1", "32 × 26 × 26", 0, 0.02),
        layer("conv2d_2", "64 × 24 × 24", 18_496, 21.23),
        layer("max_pool2d_1", "64 × 12 × 12", 0, 0.04),
        layer("flatten_1", "9216", 0, 0.0),
        layer("dense_1", "128", 1_179_776, 2.36),
        layer("dense_2", &classes.to_string(), 129 * classes as u64, 0.0026),
    ]
}

/// Seven segments, as on a clock, with noise.
pub fn digit(class: usize, shift: f64, random: &mut Random) -> Picture {
    const SEGMENTS: [u8; 10] = [0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f];
    const LINES: [[f64; 4]; 7] = [
        [8., 5., 19., 5.],
        [8., 5., 8., 14.],
        [19., 5., 19., 14.],
        [8., 14., 19., 14.],
        [8., 14., 8., 23.],
        [19., 14., 19., 23.],
        [8., 23., 19., 23.],
    ];
    let lean = random.normal() * 1.5;
    let mut bytes = Vec::with_capacity(28 * 28);
    for y in 0..28 {
        for x in 0..28 {
            let (x, y) = (f64::from(x) - shift + (f64::from(y) - 14.0) * lean / 14.0, f64::from(y));
            let near = (0..7).filter(|segment| SEGMENTS[class % 10] >> segment & 1 == 1).map(|segment| {
                let [x0, y0, x1, y1] = LINES[segment];
                let (dx, dy) = (x - x.clamp(x0, x1), y - y.clamp(y0, y1));
                (dx * dx + dy * dy).sqrt()
            });
            let distance = near.fold(f64::INFINITY, f64::min);
            let ink = (1.9 - distance).clamp(0.0, 1.0) * 235.0 + random.uniform() * 18.0;
            bytes.push(ink as u8);
        }
    }
    Picture { width: 28, height: 28, bytes }
}
