//! `train --dashboard`: a full screen in the terminal with curves while a training runs.
//!
//! It is a callback of the training loop. [`Dashboard::check`] comes first, which in a build without the feature `dashboard` is an
//! error that names the feature.

#[cfg(not(feature = "dashboard"))]
mod disabled;
#[cfg(feature = "dashboard")]
mod enabled;

use fireclay::report::Step;
use fireclay::train::EpochRecord;

#[cfg(not(feature = "dashboard"))]
pub use disabled::Dashboard;
#[cfg(feature = "dashboard")]
pub use enabled::Dashboard;

/// What a dashboard says of a training besides its events.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "dashboard"), allow(dead_code, reason = "nobody reads it"))]
pub struct DashboardInfo {
    /// What is trained on what: `cnn on MNIST`.
    pub title: String,
    /// Where: `flex with 2 threads`.
    pub device: String,
    /// The value that says which epoch is best, if the best is kept.
    pub monitor: Option<String>,
    /// The epochs that were done before, of a training that goes on.
    pub epochs: Vec<EpochRecord>,
    /// The steps that were logged before. Those that are going to be repeated may be among them.
    pub steps: Vec<Step>,
}
