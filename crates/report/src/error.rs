//! What can be wrong with a report.

use thiserror::Error;

/// What makes a page impossible: data that contradicts itself.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReportError {
    /// Two lists that should be as long as each other.
    #[error("{what}: expected {expected} values, found {found}; give one for each sample")]
    Length {
        /// The list.
        what: String,
        /// How many values it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A class that there is not.
    #[error("{what} of sample {sample} is class {found}, and there are {classes}; both are counted from 0")]
    Class {
        /// `truth` or `predicted`.
        what: &'static str,
        /// The sample.
        sample: usize,
        /// The class.
        found: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A picture whose bytes do not fit its size.
    #[error(
        "{what}: a picture of {width} by {height} pixels has as many bytes if it is grey and three times as many in colour, found {found}"
    )]
    Picture {
        /// Where the picture is.
        what: String,
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// The number of bytes.
        found: usize,
    },
    /// A picture that cannot be written as PNG.
    #[error("{what}: the picture cannot be written as PNG: {problem}")]
    Png {
        /// Where the picture is.
        what: String,
        /// Why.
        problem: String,
    },
    /// A learning rate that no step can have had.
    #[error("a learning rate is {found}; expected a finite number that is more than 0")]
    LearningRate {
        /// The rate.
        found: f64,
    },
    /// A comparison of fewer than two runs.
    #[error("a comparison needs two runs at least, found {found}")]
    TooFewRuns {
        /// How many there are.
        found: usize,
    },
}
