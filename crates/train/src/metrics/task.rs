//! What a network is trained for.

use std::fmt;

/// What a network is trained for: what its outputs are, and what they are compared with.
///
/// Outputs are always `[rows, width]`. A row is a sample, or a step of a sample for
/// [`StepClasses`](Task::StepClasses) and [`NextToken`](Task::NextToken).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Task {
    /// One of several classes: a logit for each, the target is the index of the right one.
    Classes {
        /// How many classes there are.
        count: usize,
    },
    /// Yes or no: one logit, targets are 0 and 1.
    Binary,
    /// Several labels, each of which holds or does not: a logit for each, a target of 0 or 1 for each.
    MultiLabel {
        /// How many labels there are.
        labels: usize,
    },
    /// Numbers: as many outputs as targets.
    Regression {
        /// How many numbers are predicted for a sample.
        outputs: usize,
    },
    /// One of several classes for each step of a sequence; steps that are padding have weight 0.
    StepClasses {
        /// How many classes there are.
        count: usize,
    },
    /// The token that comes next, for each step of a text: a logit for each token of the vocabulary.
    NextToken {
        /// How many tokens there are.
        vocabulary_size: usize,
    },
}

impl Task {
    /// How many outputs a network has for one row.
    ///
    /// ```
    /// use fireclay_train::Task;
    /// assert_eq!(Task::Classes { count: 10 }.width(), 10);
    /// assert_eq!(Task::Binary.width(), 1);
    /// ```
    pub fn width(self) -> usize {
        match self {
            Task::Classes { count } | Task::StepClasses { count } => count,
            Task::Binary => 1,
            Task::MultiLabel { labels } => labels,
            Task::Regression { outputs } => outputs,
            Task::NextToken { vocabulary_size } => vocabulary_size,
        }
    }

    /// Whether a row belongs to exactly one of several classes; two of them for [`Binary`](Task::Binary).
    pub(crate) fn has_classes(self) -> bool {
        matches!(self, Task::Classes { .. } | Task::StepClasses { .. } | Task::Binary)
    }

    /// Classes, or labels, that precision, recall and the like are counted for.
    pub(crate) fn class_count(self) -> usize {
        match self {
            Task::Binary => 2,
            other => other.width(),
        }
    }
}

/// In a message: `classification`, `multi-label classification`, ...
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Classes { .. } => "classification",
            Task::Binary => "binary classification",
            Task::MultiLabel { .. } => "multi-label classification",
            Task::Regression { .. } => "regression",
            Task::StepClasses { .. } => "classification of each step",
            Task::NextToken { .. } => "language modelling",
        })
    }
}
