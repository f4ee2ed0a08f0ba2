//! Measures of a network that predicts the next token.

use serde::Serialize;
use std::fmt;

/// Measures over all tokens of a set.
///
/// They are summed up token by token, so that nothing as large as a vocabulary is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LanguageReport {
    /// Tokens that were to be predicted.
    pub tokens: usize,
    /// Mean of `-ln p` of the right tokens.
    pub cross_entropy: f64,
    /// `exp(cross_entropy)`: among how many tokens, all as probable, a choice would be as hard
    /// ([Jelinek et al. 1977](https://doi.org/10.1121/1.2016299)). The size of the vocabulary is that of a network that
    /// knows nothing, 1 is perfect.
    pub perplexity: f64,
    /// Tokens predicted right.
    pub correct: usize,
    /// Share of tokens predicted right.
    pub accuracy: f64,
}

impl LanguageReport {
    /// Measures from the sum of `-ln p` over `tokens` tokens, of which `correct` were predicted right.
    ///
    /// ```
    /// use fireclay_train::LanguageReport;
    /// let coin = LanguageReport::new(10.0 * 2f64.ln(), 5, 10);
    /// assert!((coin.perplexity - 2.0).abs() < 1e-12);
    /// assert_eq!(coin.accuracy, 0.5);
    /// ```
    pub fn new(cross_entropy_sum: f64, correct: usize, tokens: usize) -> Self {
        let tokens_or_one = tokens.max(1) as f64;
        let cross_entropy = cross_entropy_sum / tokens_or_one;
        LanguageReport {
            tokens,
            cross_entropy,
            perplexity: cross_entropy.exp(),
            correct,
            accuracy: correct as f64 / tokens_or_one,
        }
    }
}

impl fmt::Display for LanguageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "perplexity {:.3}  (over {} tokens)", self.perplexity, self.tokens)?;
        write!(f, "accuracy {:.2} %  ({} tokens right)", 100.0 * self.accuracy, self.correct)
    }
}
