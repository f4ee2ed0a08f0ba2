//! Perplexity of a language model.

use super::BuiltIn;
use crate::metrics::predictions::cross_entropy;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Perplexity: `exp` of the mean cross-entropy of a token ([Jelinek et al. 1977](https://doi.org/10.1121/1.2016299)). 1
/// or more, smaller is better; a network that knows nothing has the size of the vocabulary.
///
/// ```
/// use fireclay_train::{AnyMetric, Perplexity, Predictions, TokenSums};
/// let sums = TokenSums { cross_entropy: 10.0 * 2f64.ln(), correct: 5.0, tokens: 10.0 };
/// let predictions = Predictions::from_token_sums(1000, sums);
/// let value = AnyMetric::from(Perplexity).measure(&predictions);
/// assert!((value.unwrap() - 2.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Perplexity;

impl BuiltIn for Perplexity {
    const EXAMPLE: Self = Perplexity;
}

impl Metric for Perplexity {
    type State = WeightedMean;

    fn name(&self) -> String {
        "perplexity".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::NextToken { .. })
    }

    fn needs_outputs(&self, _: Task) -> bool {
        false
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        if let Some(sums) = batch.given_token_sums() {
            return state.merge(WeightedMean::of_sums(sums.cross_entropy, sums.tokens));
        }
        // One by one, so that the sum is the same however the tokens are cut into batches.
        for (row, weight) in batch.weighted_rows() {
            state.add(cross_entropy(batch.output_row(row), batch.target_class(row)), weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value().map(f64::exp)
    }
}
