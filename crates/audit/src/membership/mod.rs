//! Who can tell from a model whether a sample was trained on: membership inference.

mod lira;
mod roc;

pub use lira::{Shadow, ShadowPlan, lira_scores};
pub use roc::{RateAt, Roc};
