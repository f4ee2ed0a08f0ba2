//! A sweep over learning rates that ends where the loss diverges.

use fireclay_report::{LearningRateReport, LearningRateStep, SettingGroup};

use crate::common::{PROGRAM, Random};

pub fn report() -> LearningRateReport {
    let mut random = Random::new(9);
    let (mut mean, mut steps) = (0.0, Vec::new());
    for at in 0..88 {
        let learning_rate = 1e-7 * 1e8f64.powf(f64::from(at) / 99.0);
        // From the loss of ten classes that are guessed, down by way of a sigmoid, and up again.
        let power = learning_rate.log10();
        let fallen = 1.9 / (1.0 + (-3.0 * (power + 2.6)).exp());
        let loss = 2.31 - fallen + (6.0 * (power + 0.35)).exp() + 0.06 * random.normal();
        mean = 0.9 * mean + 0.1 * loss;
        let smoothed_loss = mean / (1.0 - 0.9f64.powi(at + 1));
        steps.push(LearningRateStep { learning_rate, loss, smoothed_loss });
        if smoothed_loss > 4.0 * 0.5 && power > -1.0 {
            break;
        }
    }
    LearningRateReport {
        program: PROGRAM.into(),
        title: "Learning rates of mlp on drawn digits".into(),
        summary:
            "The learning rate of a copy of the network grew from 10⁻⁷ to 10 in 100 steps of 128 samples."
                .into(),
        steps,
        ended: Some("the smoothed loss was more than 4 times its lowest value".into()),
        suggestion: Some(9.8e-3),
        reason: "a tenth of the rate at which the smoothed loss is lowest".into(),
        others: vec![("steepest descent".into(), 3.1e-3), ("the recipe's".into(), 1e-3)],
        notes: Vec::new(),
        command: Some("mnist train --model mlp --learning-rate 0.0098".into()),
        settings: vec![SettingGroup::new(
            "training",
            [("optimizer", "adam"), ("batch size", "128"), ("seed", "0")],
        )],
        environment: None,
    }
}
