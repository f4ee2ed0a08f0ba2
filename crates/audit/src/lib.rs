//! What a model gives away, and how easily it is fooled.
//!
//! Four questions, each with figures that have intervals. *Privacy*: [`lira_scores`] tells samples that were trained on from others by
//! comparing the model with [`Shadow`]s of it, and [`Roc`] says how well. *Robustness*: [`accuracy_under`] an attack, and where pictures are
//! noisy, blurred or turned ([`Corruption`]) or texts mistyped ([`TextChange`]). *Fairness*: [`Fairness`] compares groups. *Calibration*:
//! [`Calibration`] compares probabilities with shares of right answers, and [`Temperature`] mends them.
//!
//! ```
//! use fireclay_audit::{Answers, Roc, Shadow, ShadowPlan, lira_scores};
//!
//! // Four shadow models; a model that is surer of the first two samples than any that were not trained on them.
//! let plan = ShadowPlan::new(4, 4, 0)?;
//! let shadow = |trained_on: &Vec<bool>| Shadow { trained_on: trained_on.clone(), log_odds: vec![1.0, 2.0, 1.5, 0.5] };
//! let shadows: Vec<Shadow> = plan.models().iter().map(shadow).collect();
//! let answers = Answers::new(vec![0.0, 4.0, 0.0, 5.0, 0.0, 1.5, 0.0, 0.4], vec![1; 4], 2)?;
//! let scores = lira_scores(&answers.log_odds(), &shadows)?;
//! assert_eq!(Roc::new(&scores, &[true, true, false, false]).area(), 1.0);
//! # Ok::<(), fireclay_audit::AuditError>(())
//! ```
//!
//! Sister crates: `fireclay-train` (attacks, private and adversarial training), `fireclay-explain` (what decided), `fireclay` (all of them
//! behind one door).

mod answers;
mod attack;
mod calibration;
mod corruption;
mod error;
mod fairness;
mod interval;
mod membership;
mod texts;

pub use answers::Answers;
pub use attack::{Attacked, AttackedPicture, accuracy_under};
pub use calibration::{Calibration, CalibrationBin, CalibrationScores, Temperature};
pub use corruption::{Corruption, STRENGTHS, corrupted};
pub use error::AuditError;
pub use fairness::{Disparity, Fairness, Group, Rate};
pub use interval::share_interval;
pub use membership::{RateAt, Roc, Shadow, ShadowPlan, lira_scores};
pub use texts::{TextChange, changed_text};
