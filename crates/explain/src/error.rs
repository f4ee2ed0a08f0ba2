//! Why an answer cannot be explained.

use fireclay_nn::NnError;
use fireclay_train::TrainError;

/// What can go wrong when an answer is explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The model answers at each step of a sequence.
    #[error("the model answers at each of {steps} steps; expected one that gives one answer for a sample")]
    AnswersAtSteps {
        /// Steps of a sample.
        steps: usize,
    },
    /// There is no such output.
    #[error("there is no output {found}; expected 0 to {}", outputs - 1)]
    Output {
        /// The output that was asked for.
        found: usize,
        /// How many there are.
        outputs: usize,
    },
    /// The network does not read what the method needs.
    #[error("{method} needs a network {needs}; found one that takes {found}")]
    Method {
        /// The method.
        method: &'static str,
        /// What it needs.
        needs: &'static str,
        /// What the network takes.
        found: String,
    },
    /// The layer gives no images.
    #[error("'{layer}' gives no images; expected one of {}", known.join(", "))]
    NoImages {
        /// The layer that was asked for.
        layer: String,
        /// The layers that do.
        known: Vec<String>,
    },
    /// An option outside its range.
    #[error("{option} is {found}; expected {expected}")]
    Option {
        /// The option.
        option: &'static str,
        /// The value as given.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// An output or a gradient is NaN or infinite.
    #[error("the model's {what} for this sample is not a finite number, so that it cannot be explained")]
    NotFinite {
        /// Output or gradient.
        what: &'static str,
    },
    /// The model cannot be built or cut.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// The sample is not what the model takes.
    #[error(transparent)]
    Train(#[from] TrainError),
}
