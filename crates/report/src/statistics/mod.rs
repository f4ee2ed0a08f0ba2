//! What is computed from predictions for the figures. A number that does not exist is `None`, never 0 or NaN.

mod calibration;
mod confusion;
mod downsample;
mod histogram;
mod probabilities;
mod ranking;
mod residuals;
#[cfg(test)]
mod tests;

pub use calibration::{Calibration, wilson};
pub use confusion::{ClassCounts, Confusion};
pub use downsample::{downsample, moving_average};
pub use histogram::Histogram;
pub use probabilities::{label_probabilities, probabilities};
pub use ranking::{Ranking, macro_average};
pub use residuals::{Residuals, coverage};

/// Points of a curve.
pub type Points = Vec<(f64, f64)>;
