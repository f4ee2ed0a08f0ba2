//! One beautiful page about a training run: what was trained, how good it is and where it fails.
//!
//! A [`RunReport`] is plain data that any program can fill in, and all of whose parts may be missing. [`RunReport::to_html`] makes of it
//! a single HTML file, which loads nothing from anywhere, runs no script, and is read on a telephone, on a wide screen, in the dark and
//! on paper. [`Comparison::to_html`] does the same with several runs side by side, [`LearningRateReport::to_html`] with a
//! learning rate range test, [`ExplanationReport::to_html`] with what decided some answers, and [`AuditReport::to_html`] with the
//! privacy, robustness, fairness and calibration of a model.
//!
//! **A page says nothing that is not known.** A measure that does not exist is left out, or called not defined with the reason; it is
//! never 0 or NaN. What rests on few samples is marked. The same data gives the same bytes: there is no clock and no random number.
//!
//! The crate knows nothing of networks, devices or files. Its sister crates: `fireclay-train` (fit, evaluate, predict),
//! `fireclay` (the front door).
//!
//! ```
//! use fireclay_report::{Classification, Direction, Epoch, Measure, RunReport, Scores, Task, Unit};
//!
//! # fn main() -> Result<(), fireclay_report::ReportError> {
//! let report = RunReport {
//!     title: "Cats and dogs".into(),
//!     epochs: vec![Epoch::new(1, [("loss", 0.6), ("val_loss", 0.5)]), Epoch::new(2, [("loss", 0.4), ("val_loss", 0.3)])],
//!     measures: vec![Measure::new("accuracy", Direction::HigherIsBetter, Unit::Fraction, 0.75)],
//!     task: Some(Task::Classification(Classification {
//!         classes: vec!["cat".into(), "dog".into()],
//!         truth: vec![0, 0, 1, 1],
//!         predicted: vec![0, 1, 1, 1],
//!         scores: Some(Scores::Probabilities(vec![0.1, 0.6, 0.7, 0.9])),
//!         threshold: None,
//!     })),
//!     ..RunReport::default()
//! };
//! let page = report.to_html()?;
//! assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Confusion matrix"));
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod attributed;
mod audit;
mod charts;
mod check;
mod compare;
mod data;
mod error;
mod explanation;
mod format;
mod learning_rate;
mod page;
mod picture;
mod statistics;
mod words;

pub use attributed::attribution_colour;
pub use compare::{ComparedRun, Comparison};
pub use data::{
    AttackCurve, AttackedPicture, Attributed, AttributedColumn, AuditReport, Augmented, Baseline,
    CalibrationAudit, CalibrationBin, CalibrationScores, Classification, Content, Corruption, DatasetInfo,
    Direction, Disparity, Environment, Epoch, Example, Exchange, Explanation, ExplanationReport,
    FairnessAudit, Generated, GroupMeasures, Importance, ImportanceMethod, Interval, Intervals, Language,
    Layer, LearningRateReport, LearningRateStep, Measure, MembershipAttack, MembershipAudit, MultiLabel,
    Part, Picture, RandomizedLayer, RateAt, Regression, RegressionTarget, RobustnessAudit, RunReport, Scores,
    SettingGroup, Step, Task, Timing, Training, Unit, Verdict,
};
pub use error::ReportError;
