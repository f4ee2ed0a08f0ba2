//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::nn::{EmbeddingSpec, Initializer};
use fireclay::prelude::*;
use fireclay_cli::{Recipe, Task};

/// A network by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelName {
    /// embedding 128, LSTM 128, dense; adam, 0.001, batch 64, 3 epochs
    #[default]
    Lstm,
    /// Language model: embedding 128, LSTM 128 with dropout 0.2 of inputs and states, dense; adam, 0.002, batch 32, 5
    /// epochs
    LmLstm,
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
            ModelName::LmLstm => task
                .model()
                .layer(
                    EmbeddingSpec::new(task.vocabulary_size, 128)
                        .initializer(Initializer::Uniform { bound: 0.05 }),
                )
                .layer(LstmSpec::new(128).return_sequences(true).input_dropout(0.2).recurrent_dropout(0.2))
                .dense(task.vocabulary_size),
        }
    }

    fn recipe(self) -> Recipe {
        match self {
            ModelName::Lstm => Recipe { optimizer: "adam", learning_rate: 1e-3, batch_size: 64, epochs: 3 },
            ModelName::LmLstm => Recipe { optimizer: "adam", learning_rate: 2e-3, batch_size: 32, epochs: 5 },
        }
    }

    fn predicts_next_tokens(self) -> bool {
        matches!(self, ModelName::LmLstm)
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
        let of =
            |model: ModelName| model.spec(&ImdbProgram::usual_task_of(model)).summary().unwrap().parameters();
        assert_eq!(of(ModelName::LmLstm), 10_004 * 128 + 4 * 128 * (128 + 128 + 2) + 128 * 10_004 + 10_004);
        assert_eq!(summary.parameters(), 20_004 * 128 + 4 * 128 * (128 + 128 + 2) + 128 * 2 + 2);
    }
}
