//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::nn::{EmbeddingSpec, Initializer, NaiveBayesBagSpec};
use fireclay::prelude::*;
use fireclay::train::schedule::Cosine;

use crate::program::DataSpec;
use crate::recipe::{BestEpoch, Recipe};

/// A network for texts by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextNetwork {
    /// embedding 128, LSTM 128 with dropout 0.2 of inputs and states and a forget bias of 1, dense
    #[default]
    Lstm,
    /// embedding 128, bidirectional LSTM 64, greatest values, dense
    Bilstm,
    /// embedding 128, GRU 128 with dropout of inputs and states, dense
    Gru,
    /// embedding 64 with positions, an encoder block of 4 heads, mean, dense
    Transformer,
    /// n-grams of up to 3 words weighted by naive Bayes, one linear layer: seconds instead of minutes
    Ngram,
    /// embedding 16, mean over the words, dense: few parameters, for --private
    Bag,
    /// Language model: embedding 128, LSTM 128 with dropout 0.2 of inputs and states, dense
    LmLstm,
    /// Language model: embedding 128, decoder of 2 blocks of 4 heads with rotary positions, tied dense
    LmTransformer,
}

impl crate::program::ModelName for TextNetwork {
    fn spec(self, data: &DataSpec) -> ModelSpec {
        let padding = fireclay::data::reserved::PADDING as usize;
        match self {
            TextNetwork::Lstm => embedded(data, 128)
                .layer(LstmSpec::new(128).input_dropout(0.2).recurrent_dropout(0.2).forget_bias(1.0))
                .dense(data.classes),
            TextNetwork::Bilstm => embedded(data, 128)
                .dropout(0.3)
                .layer(LstmSpec::new(64).bidirectional(true).return_sequences(true))
                .global_max_pool1d()
                .dropout(0.3)
                .dense(data.classes),
            TextNetwork::Gru => embedded(data, 128)
                .layer(GruSpec::new(128).input_dropout(0.3).recurrent_dropout(0.2))
                .dense(data.classes),
            TextNetwork::Transformer => embedded(data, 64)
                .position_embedding(PositionKind::Learnt)
                .dropout(0.3)
                .transformer_encoder(TransformerSpec::new(4, 128).dropout(0.2))
                .layer_norm()
                .global_avg_pool1d()
                .dropout(0.3)
                .dense(data.classes),
            TextNetwork::Ngram => data
                .model()
                .layer(NaiveBayesBagSpec::new(data.vocabulary_size, data.classes).padding_idx(padding)),
            TextNetwork::Bag => embedded(data, 16).global_avg_pool1d().dense(data.classes),
            TextNetwork::LmLstm => embedded(data, 128)
                .layer(LstmSpec::new(128).return_sequences(true).input_dropout(0.2).recurrent_dropout(0.2))
                .dense(data.vocabulary_size),
            TextNetwork::LmTransformer => {
                let blocks =
                    TransformerSpec::new(4, 512).num_layers(2).dropout(0.1).rotary(true).final_norm(true);
                embedded(data, 128).dropout(0.1).transformer_decoder(blocks).tied_dense()
            }
        }
    }

    fn recipe(self, _: &DataSpec) -> Recipe {
        match self {
            TextNetwork::Lstm => Recipe::new(Adam::new(2e-3), 64, 3),
            TextNetwork::Bilstm | TextNetwork::Gru => best_of(Recipe::new(Adam::new(2e-3), 64, 4)),
            TextNetwork::Transformer => best_of(Recipe {
                warm_up: 0.5,
                schedule: Cosine::to(0.0).into(),
                ..Recipe::new(AdamW::new(1e-3).weight_decay(0.1), 64, 3)
            }),
            TextNetwork::Ngram => Recipe::new(Adam::new(2.5e-3), 256, 4),
            TextNetwork::Bag => Recipe { clip_norm: Some(1.0), ..Recipe::new(Adam::new(0.04), 4_096, 40) },
            TextNetwork::LmLstm => language(Recipe::new(Adam::new(4e-3), 32, 4)),
            TextNetwork::LmTransformer => language(Recipe::new(AdamW::new(2e-3), 32, 4)),
        }
    }

    fn is_language_model(self) -> bool {
        matches!(self, TextNetwork::LmLstm | TextNetwork::LmTransformer)
    }
}

/// Tokens, then a row of numbers for each.
fn embedded(data: &DataSpec, embedding_dim: usize) -> ModelSpec {
    let padding = fireclay::data::reserved::PADDING as usize;
    // PyTorch's deviation of 1 drowns what follows.
    let initializer = Initializer::Uniform { bound: 0.05 };
    let embedding = EmbeddingSpec::new(data.vocabulary_size, embedding_dim).padding_idx(padding);
    data.model().layer(embedding.initializer(initializer))
}

/// Keeps the epoch that is best on a tenth of the training texts, held out for validation.
fn best_of(recipe: Recipe) -> Recipe {
    Recipe { validation_split: 0.1, best: BestEpoch { keep: true, patience: None }, ..recipe }
}

/// For a model that predicts the next word, measured on a twentieth of the training texts.
fn language(recipe: Recipe) -> Recipe {
    Recipe {
        warm_up: 0.2,
        schedule: Cosine::to(0.0).into(),
        clip_norm: Some(1.0),
        validation_split: 0.05,
        ..recipe
    }
}
