//! An audit of a trained model: privacy, robustness, fairness and calibration.
//!
//! Rates and shares are from 0 to 1. Intervals are 95 % intervals, `[lower, upper]`.

use serde::{Deserialize, Serialize};

use super::Picture;

/// An audit: everything that its page says. All fields have a default, and each of the four parts may be missing.
///
/// ```
/// use fireclay_report::{AuditReport, CalibrationAudit, CalibrationScores};
///
/// let before = CalibrationScores { expected_calibration_error: 0.04, log_loss: 0.21, brier: 0.09 };
/// let report = AuditReport {
///     title: "mnist.fireclay".into(),
///     calibration: Some(CalibrationAudit { samples: 1000, before, ..CalibrationAudit::default() }),
///     left_out: vec![("privacy".into(), "the training samples are not at hand".into())],
///     ..AuditReport::default()
/// };
/// let page = report.to_html()?;
/// assert!(page.contains("Expected calibration error") && page.contains("Not measured"));
/// # Ok::<(), fireclay_report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditReport {
    /// The page's title, such as the name of the model's file.
    pub title: String,
    /// Names and values under the title: the model, the data, what it was trained on, how.
    pub facts: Vec<(String, String)>,
    /// Whether samples of the training can be told from others.
    pub privacy: Option<MembershipAudit>,
    /// Accuracy where samples are changed.
    pub robustness: Option<RobustnessAudit>,
    /// Measures of groups.
    pub fairness: Option<FairnessAudit>,
    /// Whether the model is right as often as it says.
    pub calibration: Option<CalibrationAudit>,
    /// Parts that were not measured: the name and the reason, in words.
    pub left_out: Vec<(String, String)>,
    /// The program and its version, such as `fireclay 0.1.0`.
    pub version: String,
}

/// Membership inference: whether the model's answers tell if a sample was trained on (Shokri et al. 2017,
/// <https://arxiv.org/abs/1610.05820>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MembershipAudit {
    /// The number of samples asked about that were trained on.
    pub members: usize,
    /// The number of samples asked about that were not.
    pub others: usize,
    /// The number of models trained for comparison; 0 if no attack needs any.
    pub shadows: usize,
    /// The attacks.
    pub attacks: Vec<MembershipAttack>,
    /// Epsilon and delta of differential privacy that the file says were spent.
    pub claim: Option<(f64, f64)>,
}

/// A membership inference attack, such as LiRA (Carlini et al. 2022, <https://arxiv.org/abs/2112.03570>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MembershipAttack {
    /// Its name, such as `LiRA` or `loss threshold`.
    pub name: String,
    /// The ROC curve: false positive rate and true positive rate, both ascending.
    pub curve: Vec<[f64; 2]>,
    /// The area under the curve.
    pub area: f64,
    /// True positive rates at chosen false positive rates.
    pub at: Vec<RateAt>,
}

/// The true positive rate at a false positive rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RateAt {
    /// The false positive rate.
    pub false_positives: f64,
    /// The true positive rate; `None` if there are too few samples to tell.
    pub true_positives: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
}

/// Accuracy where samples are changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RobustnessAudit {
    /// The number of samples.
    pub samples: usize,
    /// The accuracy on the samples as they are.
    pub accuracy: f64,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// Accuracy against the strength of attacks.
    pub attacks: Vec<AttackCurve>,
    /// Accuracy where samples are corrupted.
    pub corruptions: Vec<Corruption>,
    /// The mean share of wrong answers over all corruptions and strengths, not divided by that of another model.
    pub mean_corruption_error: Option<f64>,
    /// Samples before and after an attack.
    pub pictures: Vec<AttackedPicture>,
}

/// Accuracy against the strength of an attack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttackCurve {
    /// The attack's name, such as `FGSM`.
    pub name: String,
    /// What the strength is counted in, such as `of a pixel's range`. Attacks of one unit share a figure.
    pub unit: String,
    /// Strength, accuracy and its interval, by ascending strength.
    pub points: Vec<(f64, f64, Option<[f64; 2]>)>,
}

/// Accuracy on samples that are corrupted, such as by blur or noise (Hendrycks and Dietterich 2019,
/// <https://arxiv.org/abs/1903.12261>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Corruption {
    /// Its name.
    pub name: String,
    /// The accuracy at each of the strengths 1 to 5.
    pub accuracy: Vec<f64>,
}

/// A picture before and after an attack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttackedPicture {
    /// The picture as it is.
    pub before: Picture,
    /// What the attack made of it.
    pub after: Picture,
    /// The attack, such as `PGD, 0.1`.
    pub attack: String,
    /// The true class.
    pub truth: String,
    /// What the model said of the picture as it is.
    pub said_before: String,
    /// What it said afterwards.
    pub said_after: String,
}

/// Measures of the groups that a column makes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FairnessAudit {
    /// The column.
    pub column: String,
    /// The class whose rates are compared.
    pub positive: Option<String>,
    /// The groups.
    pub groups: Vec<GroupMeasures>,
    /// How far the groups are apart.
    pub differences: Vec<Disparity>,
}

/// The measures of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupMeasures {
    /// The group: a value of the column.
    pub name: String,
    /// Its number of samples.
    pub samples: usize,
    /// Name, rate and interval of each measure, with the same names in the same order in each group; the rate is `None` where it is not
    /// defined. A measure called `accuracy` that comes first is told in the opening.
    pub measures: Vec<(String, Option<f64>, Option<[f64; 2]>)>,
}

/// How far groups are apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disparity {
    /// Its name, such as `demographic parity difference`.
    pub name: String,
    /// What it is, for people who do not know the name.
    pub meaning: String,
    /// The value; `None` if it is not defined.
    pub value: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
}

/// Whether the model is right as often as it says (Guo et al. 2017, <https://arxiv.org/abs/1706.04599>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibrationAudit {
    /// The number of samples.
    pub samples: usize,
    /// Answers by their confidence, before temperature scaling, in ascending order.
    pub bins: Vec<CalibrationBin>,
    /// The scores of the model as it is.
    pub before: CalibrationScores,
    /// The scores after temperature scaling.
    pub after: Option<CalibrationScores>,
    /// The temperature that logits are divided by.
    pub temperature: Option<f64>,
}

/// Answers of like confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibrationBin {
    /// The lower end of the bin.
    pub low: f64,
    /// The upper end of the bin.
    pub high: f64,
    /// The number of answers; a bin without any is not shown, whatever its other values are.
    pub samples: usize,
    /// Their mean confidence.
    #[serde(deserialize_with = "super::not_finite::number")]
    pub confidence: f64,
    /// The share of them that is right.
    #[serde(deserialize_with = "super::not_finite::number")]
    pub accuracy: f64,
    /// The interval of that share.
    pub interval: Option<[f64; 2]>,
}

/// How far probabilities are from the truth; 0 is perfect in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibrationScores {
    /// The mean distance between confidence and accuracy of a bin, by its share of the samples.
    pub expected_calibration_error: f64,
    /// The mean negative natural logarithm of the probability of the true class.
    pub log_loss: f64,
    /// The mean over the samples of the squared errors of the probabilities, summed over the classes: from 0 to 2.
    pub brier: f64,
}
