//! What a page is made of: plain data that any program can fill in. Every part may be missing, and what is missing is left out of
//! the page.

mod attributed;
mod audit;
mod example;
mod explanation;
mod learning_rate;
mod measure;
mod not_finite;
mod picture;
mod run;
mod task;
mod training;

use serde::{Deserialize, Serialize};

pub use attributed::{Attributed, AttributedColumn};
pub use audit::{
    AttackCurve, AttackedPicture, AuditReport, CalibrationAudit, CalibrationBin, CalibrationScores,
    Corruption, Disparity, FairnessAudit, GroupMeasures, MembershipAttack, MembershipAudit, RateAt,
    RobustnessAudit,
};
pub use example::{Augmented, Content, Example};
pub use explanation::{Explanation, ExplanationReport, RandomizedLayer};
pub use learning_rate::{LearningRateReport, LearningRateStep};
pub use measure::{Baseline, Direction, Interval, Measure, Unit};
pub use picture::Picture;
pub use run::{
    DatasetInfo, Environment, Exchange, Importance, ImportanceMethod, Layer, Part, SettingGroup, Timing,
    Verdict,
};
pub use task::{
    Classification, Generated, Intervals, Language, MultiLabel, Regression, RegressionTarget, Scores, Task,
};
pub use training::{Epoch, Step, Training};

/// A training run: everything that its page says.
///
/// All fields have a default, so that a program gives what it has:
///
/// ```
/// use fireclay_report::{Epoch, RunReport};
///
/// let report = RunReport {
///     title: "A first run".into(),
///     epochs: vec![Epoch::new(1, [("loss", 0.7)]), Epoch::new(2, [("loss", 0.4)])],
///     ..RunReport::default()
/// };
/// assert!(report.to_html()?.contains("A first run"));
/// # Ok::<(), fireclay_report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunReport {
    /// The program and its version, such as `fireclay 0.1.0`.
    pub program: String,
    /// The page's title.
    pub title: String,
    /// What the opening sentences say of the network, and which measure they name.
    pub verdict: Verdict,
    /// The data.
    pub dataset: Option<DatasetInfo>,
    /// The settings, in groups.
    pub settings: Vec<SettingGroup>,
    /// Where the run took place.
    pub environment: Option<Environment>,
    /// The command that makes the run again.
    pub command: Option<String>,
    /// The layers of the network, from the first to the last.
    pub layers: Vec<Layer>,
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
    /// The steps, in order; all of them, as a page reduces them to what can be seen.
    pub steps: Vec<Step>,
    /// How the training went.
    pub training: Training,
    /// The measures, the most important first.
    pub measures: Vec<Measure>,
    /// What was predicted for the test samples.
    pub task: Option<Task>,
    /// The most confident mistakes or the largest errors, the worst first.
    pub mistakes: Vec<Example>,
    /// How they are explained, such as `integrated gradients`.
    pub explanation_method: Option<String>,
    /// What augmentation made of some training pictures.
    pub augmented: Vec<Augmented>,
    /// Where the time went.
    pub timings: Vec<Timing>,
    /// What several processes exchanged, if there were several.
    pub exchange: Option<Exchange>,
    /// How much each column matters.
    pub importance: Vec<Importance>,
    /// How that was measured.
    pub importance_method: Option<ImportanceMethod>,
}
