//! Rows of tables: two classes, and numbers.

use fireclay_report::{
    Baseline, Classification, Content, DatasetInfo, Direction, Example, Importance, ImportanceMethod,
    Interval, Intervals, Layer, Measure, Part, Regression, RegressionTarget, RunReport, Scores, Task,
    Training, Unit, Verdict,
};

use crate::common::{self, Random};

fn base(title: &str, seed: u64) -> RunReport {
    RunReport {
        program: common::PROGRAM.into(),
        title: title.into(),
        settings: common::settings(seed),
        environment: Some(common::environment(seed)),
        timings: common::timings(),
        layers: vec![
            Layer {
                name: "dense_1".into(),
                kind: "dense".into(),
                output: "64".into(),
                parameters: 1_344,
                mflop: Some(0.0026),
            },
            Layer {
                name: "dense_2".into(),
                kind: "dense".into(),
                output: "2".into(),
                parameters: 130,
                mflop: Some(0.0003),
            },
        ],
        training: Training {
            method: Some(
                "by Adam with a learning rate of 0.001, in batches of 256 samples, to lessen its loss: the mean squared error".into(),
            ),
            best_epoch: Some(31),
            stopped: Some("the validation loss had not fallen for 5 epochs".into()),
            warnings: vec![],
        },
        ..RunReport::default()
    }
}

fn dataset(name: &str, training: usize, test: usize) -> DatasetInfo {
    let part = |name: &str, samples| Part { name: name.into(), samples, classes: vec![] };
    DatasetInfo {
        name: name.into(),
        source: Some("a table, comma-separated".into()),
        parts: vec![part("training", training), part("test", test)],
        split: Some("four fifths of the rows at random from seed 0".into()),
        ..DatasetInfo::default()
    }
}

fn importance(columns: &[(&str, f64)]) -> Vec<Importance> {
    let one = |(column, value): &(&str, f64)| Importance {
        column: (*column).into(),
        value: *value,
        spread: Some(value / 20.0),
        interval: None,
    };
    columns.iter().map(one).collect()
}

pub fn two_classes() -> RunReport {
    let mut random = Random::new(7);
    let (mut truth, mut predicted, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2_000 {
        let leaves = random.uniform() < 0.18;
        let logit = if leaves { 0.9 } else { -1.9 } + random.normal() * 1.3;
        let probability = 1.0 / (1.0 + (-logit).exp());
        truth.push(usize::from(leaves));
        predicted.push(usize::from(probability >= 0.35));
        scores.push(probability as f32);
    }
    let right = truth.iter().zip(&predicted).filter(|(truth, predicted)| truth == predicted).count();
    let row = |age: u32, months: u32| {
        let cells = [
            ("age", age.to_string()),
            ("months", months.to_string()),
            ("tariff", "flat".into()),
            ("complaints", "0".into()),
            ("fee", "39.90".into()),
        ];
        cells.map(|(name, value)| (name.to_string(), value)).to_vec()
    };
    let mistake = |number: usize| Example {
        attributed: None,
        name: Some(format!("row {}", 17 + number * 31)),
        content: Content::Row(row(23 + number as u32, 3 + 2 * number as u32)),
        truth: "stays".into(),
        predicted: "leaves".into(),
        probability: Some(0.97 - 0.01 * number as f64),
    };
    RunReport {
        verdict: Verdict {
            network: Some("a network of two dense layers".into()),
            purpose: Some("to find customers who will leave".into()),
            measure: None,
        },
        dataset: Some(DatasetInfo {
            notes: vec!["Column “customer” has another value in each row and was left out.".into()],
            ..dataset("customers of a telephone company", 8_000, 2_000)
        }),
        epochs: common::epochs(&mut random, 36, 0.7, 0.33, None),
        measures: vec![Measure {
            samples: Some(2_000),
            interval: Some(Interval { lower: right as f64 / 2e3 - 0.015, upper: right as f64 / 2e3 + 0.015 }),
            baselines: vec![
                Baseline { name: "a constant answer".into(), value: Some(0.82) },
                Baseline { name: "logistic regression".into(), value: Some(right as f64 / 2e3 - 0.006) },
            ],
            ..Measure::new("accuracy", Direction::HigherIsBetter, Unit::Fraction, right as f64 / 2e3)
        }],
        task: Some(Task::Classification(Classification {
            classes: vec!["stays".into(), "leaves".into()],
            truth,
            predicted,
            scores: Some(Scores::Probabilities(scores)),
            threshold: Some(0.35),
        })),
        mistakes: (0..8).map(mistake).collect(),
        importance: importance(&[
            ("months", 0.081),
            ("complaints", 0.064),
            ("fee", 0.022),
            ("tariff", 0.011),
            ("age", 0.002),
        ]),
        importance_method: Some(ImportanceMethod {
            measure: "accuracy".into(),
            unit: Unit::Fraction,
            value: 0.89,
            part: "test".into(),
            samples: 900,
            of_samples: 900,
            repeats: 5,
            ..ImportanceMethod::default()
        }),
        command: Some("fireclay train customers.csv --target left --class-weights balanced".into()),
        ..base("Customers who leave", 2)
    }
}

pub fn numbers() -> RunReport {
    let mut random = Random::new(8);
    let (mut truth, mut predicted, mut lower, mut upper) = (vec![], vec![], vec![], vec![]);
    for _ in 0..4_000 {
        let price = 180.0 * (random.normal() * 0.45).exp() + 60.0;
        let guess = price * (1.0 + random.normal() * 0.09) + (price - 240.0) * -0.06;
        truth.push(price);
        predicted.push(guess);
        lower.push(guess * 0.84);
        upper.push(guess * 1.16);
    }
    let mistake = |number: usize| Example {
        attributed: None,
        name: Some(format!("row {}", 301 + number * 13)),
        content: Content::Row(vec![
            ("rooms".into(), (number + 4).to_string()),
            ("area".into(), format!("{} m²", 140 + 20 * number)),
            ("district".into(), "old town".into()),
        ]),
        truth: format!("{} k€", 812 - number * 20),
        predicted: format!("{} k€", 583 - number * 8),
        probability: None,
    };
    RunReport {
        verdict: Verdict {
            network: Some("a network of three dense layers".into()),
            purpose: Some("to estimate prices of houses".into()),
            measure: None,
        },
        dataset: Some(dataset("houses sold in one town", 16_000, 4_000)),
        epochs: common::epochs(&mut random, 40, 1.0, 0.12, None),
        measures: vec![
            Measure {
                samples: Some(4_000),
                interval: Some(Interval { lower: 17.4, upper: 18.9 }),
                baselines: vec![
                    Baseline { name: "the mean".into(), value: Some(71.0) },
                    Baseline { name: "a linear model".into(), value: Some(28.3) },
                ],
                ..Measure::new("mean_absolute_error", Direction::LowerIsBetter, Unit::Of("k€".into()), 18.1)
            },
            Measure {
                samples: Some(4_000),
                ..Measure::new("r_squared", Direction::HigherIsBetter, Unit::Number, 0.921)
            },
        ],
        task: Some(Task::Regression(Regression {
            targets: vec![RegressionTarget {
                name: "price".into(),
                unit: Some("k€".into()),
                truth,
                predicted,
                intervals: Some(Intervals { level: 0.9, lower, upper, folds: Some(5) }),
            }],
        })),
        mistakes: (0..6).map(mistake).collect(),
        importance: importance(&[
            ("area", 31.0),
            ("district", 22.4),
            ("rooms", 6.1),
            ("year", 4.8),
            ("garden", 0.2),
        ]),
        command: Some("fireclay train houses.csv --target price".into()),
        ..base("Prices of houses", 3)
    }
}
