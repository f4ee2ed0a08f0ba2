//! An audit of a network that tells drawn digits apart.

use fireclay_report::{
    AttackCurve, AttackedPicture, AuditReport, CalibrationAudit, CalibrationBin, CalibrationScores,
    Corruption, Disparity, FairnessAudit, GroupMeasures, MembershipAttack, MembershipAudit, Picture, RateAt,
    RobustnessAudit,
};

use crate::common::{PROGRAM, Random};
use crate::digits::digit;

pub fn report() -> AuditReport {
    let mut random = Random::new(21);
    let facts = [
        ("model", "digits.fireclay, a convolutional network with 421,642 parameters"),
        ("audited on", "2,000 test samples of drawn digits"),
        ("trained on", "54,000 samples of drawn digits"),
        ("training", "private (DP-SGD), not adversarial"),
    ];
    AuditReport {
        title: "digits.fireclay".into(),
        facts: facts.map(|(name, value)| (name.into(), value.into())).to_vec(),
        privacy: Some(privacy()),
        robustness: Some(robustness(&mut random)),
        fairness: Some(fairness()),
        calibration: Some(calibration()),
        left_out: vec![("privacy of single columns".into(), "samples are pictures and have none".into())],
        version: PROGRAM.into(),
    }
}

/// Half the width of a 95 % interval of a share.
fn half(share: f64, samples: usize) -> f64 {
    1.96 * (share * (1.0 - share) / samples as f64).sqrt()
}

fn interval(share: f64, samples: usize) -> Option<[f64; 2]> {
    let half = half(share, samples);
    Some([(share - half).max(0.0), (share + half).min(1.0)])
}

fn privacy() -> MembershipAudit {
    let samples = 2000;
    let attack = |name: &str, power: f64| {
        let rate = |false_positives: f64| false_positives.powf(power);
        let curve = (0..=samples).map(|at| at as f64 / samples as f64).map(|x| [x, rate(x)]).collect();
        let at = [1e-4, 1e-3, 1e-2, 1e-1].map(|false_positives| RateAt {
            false_positives,
            true_positives: (false_positives > 4e-4).then(|| rate(false_positives)),
            interval: (false_positives > 4e-4).then(|| interval(rate(false_positives), samples)).flatten(),
        });
        MembershipAttack { name: name.into(), curve, area: 1.0 / (1.0 + power), at: at.to_vec() }
    };
    MembershipAudit {
        members: samples,
        others: samples,
        shadows: 64,
        attacks: vec![attack("LiRA", 0.72), attack("loss threshold", 0.95)],
        claim: Some((3.0, 1e-5)),
    }
}

fn robustness(random: &mut Random) -> RobustnessAudit {
    let samples = 500;
    let curve = |name: &str, unit: &str, largest: f64, fall: f64| AttackCurve {
        name: name.into(),
        unit: unit.into(),
        points: (0..=6)
            .map(|at| {
                let accuracy = 0.981 * (-fall * f64::from(at * at) / 36.0).exp();
                (largest * f64::from(at) / 6.0, accuracy, interval(accuracy, samples))
            })
            .collect(),
    };
    let corruption = |(name, fall): (&str, f64)| Corruption {
        name: name.into(),
        accuracy: (1..=5).map(|strength| 0.981 - fall * f64::from(strength * strength) / 25.0).collect(),
    };
    let corruptions: Vec<Corruption> = [
        ("Gaussian noise", 0.41),
        ("shot noise", 0.28),
        ("Gaussian blur", 0.17),
        ("brightness", 0.02),
        ("contrast", 0.36),
        ("pixelation", 0.09),
        ("translation", 0.78),
    ]
    .map(corruption)
    .to_vec();
    let mean: f64 = corruptions.iter().flat_map(|corruption| &corruption.accuracy).sum::<f64>()
        / (5 * corruptions.len()) as f64;
    RobustnessAudit {
        samples,
        accuracy: 0.981,
        interval: interval(0.981, samples),
        attacks: vec![
            curve("FGSM", "of a pixel's range", 0.12, 0.9),
            curve("PGD, 20 steps", "of a pixel's range", 0.12, 2.9),
        ],
        corruptions,
        mean_corruption_error: Some(1.0 - mean),
        pictures: (0..6).map(|class| attacked(class, random)).collect(),
    }
}

fn attacked(class: usize, random: &mut Random) -> AttackedPicture {
    let before = digit(class, 0.0, random);
    let change = |value: &u8| (f64::from(*value) + if random.uniform() < 0.5 { 25.0 } else { -25.0 }) as u8;
    let after = Picture { bytes: before.bytes.iter().map(change).collect(), ..before.clone() };
    let said_after = if class == 2 { class } else { (class * 7 + 3) % 10 };
    AttackedPicture {
        before,
        after,
        attack: "PGD, 20 steps, 0.1 of a pixel's range".into(),
        truth: class.to_string(),
        said_before: class.to_string(),
        said_after: said_after.to_string(),
    }
}

fn fairness() -> FairnessAudit {
    let groups = [
        ("pencil", 1120, [Some(0.986), Some(0.104), Some(0.979), Some(0.004)]),
        ("ball pen", 640, [Some(0.979), Some(0.098), Some(0.961), Some(0.006)]),
        ("felt-tip pen of the second kind", 204, [Some(0.961), Some(0.123), Some(0.917), Some(0.011)]),
        ("brush", 36, [Some(0.917), Some(0.056), None, Some(0.029)]),
    ]
    .map(|(name, samples, rates)| group(name, samples, rates));
    let difference = |name: &str, meaning: &str, value: Option<f64>, half: f64| Disparity {
        name: name.into(),
        meaning: meaning.into(),
        value,
        interval: value.map(|value| [(value - half).max(0.0), value + half]),
    };
    FairnessAudit {
        column: "drawn with".into(),
        positive: Some("7".into()),
        groups: groups.to_vec(),
        differences: vec![
            difference(
                "demographic parity difference",
                "how much more often the answer is “7” in the group where it is most frequent than where it is least",
                Some(0.067),
                0.052,
            ),
            difference(
                "equalised odds difference",
                "the larger one of the differences of the true and of the false positive rates",
                None,
                0.0,
            ),
            difference(
                "accuracy difference",
                "accuracy of the best group, less that of the worst",
                Some(0.069),
                0.071,
            ),
        ],
    }
}

fn group(name: &str, samples: usize, rates: [Option<f64>; 4]) -> GroupMeasures {
    let names = ["accuracy", "predicted 7", "true positives", "false positives"];
    let measures = names
        .into_iter()
        .zip(rates)
        .map(|(name, rate)| (name.into(), rate, rate.and_then(|rate| interval(rate, samples / 4))));
    GroupMeasures { name: name.into(), samples, measures: measures.collect() }
}

fn calibration() -> CalibrationAudit {
    let counts = [3, 6, 9, 14, 22, 30, 44, 81, 170, 1621];
    let bins = (0..15).map(|at| {
        let (low, high) = (f64::from(at) / 15.0, f64::from(at + 1) / 15.0);
        let samples = usize::try_from(at - 5).map_or(0, |at| counts[at]);
        let confidence = (low + high) / 2.0;
        let accuracy = confidence - 0.35 * (1.0 - confidence) * confidence.powi(2);
        CalibrationBin {
            low,
            high,
            samples,
            confidence,
            accuracy,
            interval: interval(accuracy, samples.max(1)),
        }
    });
    CalibrationAudit {
        samples: counts.iter().sum(),
        bins: bins.collect(),
        before: CalibrationScores { expected_calibration_error: 0.0231, log_loss: 0.0842, brier: 0.0312 },
        after: Some(CalibrationScores {
            expected_calibration_error: 0.0064,
            log_loss: 0.0711,
            brier: 0.0303,
        }),
        temperature: Some(1.41),
    }
}
