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
    /// A rate or a share that is not from 0 to 1.
    #[error("{what} is {found}; expected a number from 0 to 1")]
    Rate {
        /// What it is of.
        what: String,
        /// The value.
        found: f64,
    },
    /// A number that is too small, too large or not finite.
    #[error("{what} is {found}; expected a finite number that is {expected}")]
    Number {
        /// What it is of.
        what: String,
        /// Which numbers are possible, such as `at least 0`.
        expected: &'static str,
        /// The value.
        found: f64,
    },
    /// An interval whose lower end lies above its upper end.
    #[error("the interval of {what} is from {lower} to {upper}; its lower end comes first")]
    IntervalEnds {
        /// What it is of.
        what: String,
        /// The first end.
        lower: f64,
        /// The second end.
        upper: f64,
    },
    /// Points of a curve that are not sorted.
    #[error("{what}: {found} comes after {before}; sort the points in ascending order")]
    NotAscending {
        /// The curve and its axis.
        what: String,
        /// A value.
        before: f64,
        /// The next one.
        found: f64,
    },
    /// A corruption that was not measured at all strengths.
    #[error("corruption {name:?}: expected {expected} accuracies, found {found}; give one for each strength")]
    Strengths {
        /// The corruption.
        name: String,
        /// The number of strengths.
        expected: usize,
        /// How many accuracies it has.
        found: usize,
    },
    /// A group that has other measures than the first one.
    #[error(
        "group {group:?} has the measures {found:?}, and the first group has {expected:?}; give the same ones in the same order"
    )]
    GroupMeasures {
        /// The group.
        group: String,
        /// The names of the measures of the first group.
        expected: Vec<String>,
        /// The names of its own.
        found: Vec<String>,
    },
}
