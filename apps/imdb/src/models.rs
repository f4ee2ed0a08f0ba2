//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::nn::{EmbeddingSpec, Initializer, NaiveBayesBagSpec};
use fireclay::prelude::*;
use fireclay_cli::{Recipe, Task};

/// A network by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelName {
    /// embedding 128, LSTM 128, dense; adam, 0.001, batch 64, 3 epochs
    #[default]
    Lstm,
    /// n-grams of up to 3 words weighted by naive Bayes, one linear layer; adam, 0.0025, batch 256, 4 epochs
    Ngram,
}

impl fireclay_cli::ModelName for ModelName {
    fn spec(self, task: &Task) -> ModelSpec {
        let padding = fireclay::data::reserved::PADDING as usize;
        match self {
            ModelName::Lstm => task
                .model()
                .layer(
                    EmbeddingSpec::new(task.vocabulary_size, 128)
                        .padding_idx(padding)
                        // PyTorch's deviation of 1 drowns what the LSTM is to learn.
                        .initializer(Initializer::Uniform { bound: 0.05 }),
                )
                .lstm(128)
                .dense(task.classes),
            ModelName::Ngram => task
                .model()
                .layer(NaiveBayesBagSpec::new(task.vocabulary_size, task.classes).padding_idx(padding)),
        }
    }

    fn recipe(self) -> Recipe {
        match self {
            ModelName::Lstm => Recipe::new(Adam::new(1e-3), 64, 3),
            ModelName::Ngram => Recipe::new(Adam::new(2.5e-3), 256, 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use fireclay_cli::{ModelName as _, Program};

    use super::*;
    use crate::program::ImdbProgram;

    #[test]
    fn the_network_has_its_known_size() {
        let summary = ModelName::Lstm.spec(&ImdbProgram::usual_task()).summary().unwrap();
        assert_eq!(summary.parameters(), 20_004 * 128 + 4 * 128 * (128 + 128 + 2) + 128 * 2 + 2);
    }
}
