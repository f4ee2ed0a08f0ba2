//! Networks with every layer in every form that makes a difference in ONNX.

use fireclay_nn::{
    AvgPool2dSpec, BatchNormSpec, Conv1dSpec, Conv2dSpec, DenseSpec, EmbeddingSpec, FeedForwardActivation,
    GruSpec, LayerNormSpec, LstmSpec, MaxPool2dSpec, ModelSpec, MultiHeadAttentionSpec, NaiveBayesBagSpec,
    Padding, PositionKind, ResidualSpec, RnnActivation, SimpleRnnSpec, TestTimeAugmentation, TiedDenseSpec,
    TransformerSpec, WhiteningSpec,
};

/// As many tokens as texts have at most.
pub(super) const TOKENS: usize = 250;

/// How many tokens there are; 0 fills up.
pub(super) const VOCABULARY: usize = 28;

pub(super) fn networks() -> Vec<(&'static str, ModelSpec)> {
    let padded = || ModelSpec::tokens(TOKENS).layer(EmbeddingSpec::new(VOCABULARY, 8).padding_idx(0));
    let mirrored = TestTimeAugmentation::Mirrored;
    let shifted = TestTimeAugmentation::MirroredAndShifted;
    let conv = |channels: usize, kernel: usize| Conv2dSpec::new(channels, kernel).padding(Padding::Same);
    let conv1d = Conv1dSpec::new;
    vec![
        ("rows", rows()),
        ("softmax_at_the_end", ModelSpec::new([5]).dense(4).softmax()),
        ("images", images()),
        ("uneven_padding", uneven_padding()),
        ("residual", residual().test_time_augmentation(TestTimeAugmentation::None)),
        ("mirrored", residual().test_time_augmentation(mirrored)),
        ("mirrored_and_shifted", residual().test_time_augmentation(shifted)),
        (
            "smallest_shifted",
            ModelSpec::new([1, 2, 2]).test_time_augmentation(shifted).layer(conv(2, 3)).flatten().dense(3),
        ),
        ("sequences", sequences()),
        ("lstm", padded().layer(LstmSpec::new(6)).dense(3)),
        (
            "lstm_both_ways",
            padded()
                .layer(LstmSpec::new(5).bidirectional(true).num_layers(2).learn_initial_state(true))
                .dense(3),
        ),
        ("gru", padded().layer(GruSpec::new(6).num_layers(2).learn_initial_state(true)).dense(3)),
        (
            "gru_both_ways",
            padded()
                .layer(GruSpec::new(5).bidirectional(true).return_sequences(true))
                .global_max_pool1d()
                .dense(3),
        ),
        (
            "simple_rnn",
            padded()
                .layer(SimpleRnnSpec::new(6).num_layers(2).return_sequences(true).bidirectional(true))
                .global_avg_pool1d()
                .dense(3),
        ),
        (
            "simple_rnn_relu",
            padded()
                .layer(SimpleRnnSpec::new(6).activation(RnnActivation::Relu).bidirectional(true))
                .dense(3),
        ),
        (
            "every_state",
            padded().layer(LstmSpec::new(5).return_sequences(true).learn_initial_state(true)).dense(4),
        ),
        ("pools", padded().dense(6).tanh().global_avg_pool1d().dense(3)),
        ("greatest", padded().dense(6).global_max_pool1d().dense(3)),
        (
            "conv1d",
            padded()
                .layer(conv1d(6, 3).padding(Padding::Same))
                .relu()
                .layer(conv1d(4, 5).stride(2).dilation(2).groups(2))
                .global_avg_pool1d()
                .dense(3),
        ),
        (
            "conv1d_same_stride",
            padded()
                .layer(conv1d(6, 4).padding(Padding::Same).stride(3))
                .layer(conv1d(6, 4).padding(1).stride(2))
                .global_max_pool1d()
                .dense(3),
        ),
        (
            "conv1d_then_lstm",
            padded().layer(conv1d(6, 3).stride(2)).layer(GruSpec::new(5).bidirectional(true)).dense(3),
        ),
        (
            "conv1d_every_step",
            ModelSpec::tokens(TOKENS).embedding(VOCABULARY, 4).layer(conv1d(3, 3).stride(2)),
        ),
        ("conv1d_laid_out", padded().layer(conv1d(3, 4).padding(Padding::Same).stride(3)).flatten().dense(3)),
        ("laid_out", padded().layer(LstmSpec::new(4).return_sequences(true)).flatten().dense(3)),
        (
            "encoder",
            padded()
                .position_embedding(PositionKind::Sinusoidal)
                .transformer_encoder(TransformerSpec::new(2, 16).num_layers(2))
                .global_avg_pool1d()
                .dense(3),
        ),
        (
            "encoder_norm_last",
            padded()
                .position_embedding(PositionKind::Learnt)
                .transformer_encoder(
                    TransformerSpec::new(4, 12)
                        .norm_first(false)
                        .activation(FeedForwardActivation::Relu)
                        .rotary(true),
                )
                .global_max_pool1d()
                .dense(3),
        ),
        (
            "encoder_every_step",
            padded().transformer_encoder(TransformerSpec::new(2, 8).final_norm(true)).dense(3),
        ),
        (
            "attention",
            padded()
                .layer(MultiHeadAttentionSpec::new(2).rotary(true).bias(false))
                .layer(MultiHeadAttentionSpec::new(4).causal(true))
                .global_avg_pool1d()
                .dense(3),
        ),
        ("tied_rows", padded().lstm(8).layer(TiedDenseSpec::default().bias(false))),
        ("bag", ModelSpec::tokens(TOKENS).layer(NaiveBayesBagSpec::new(VOCABULARY, 3).padding_idx(0))),
        (
            "residual_steps",
            padded()
                .residual([DenseSpec::new(8).into(), LstmSpec::new(8).return_sequences(true).into()])
                .layer(
                    ResidualSpec::new([conv1d(4, 3).padding(Padding::Same).into()])
                        .shortcut([DenseSpec::new(4).bias(false).into()]),
                )
                .global_avg_pool1d()
                .dense(3),
        ),
    ]
    .into_iter()
    .chain(language_models())
    .chain([(
        "first_step",
        padded().transformer_encoder(TransformerSpec::new(2, 8).epsilon(1e-3)).first_step().dense(3),
    )])
    .collect()
}

/// Networks that also go step by step.
pub(super) fn language_models() -> Vec<(&'static str, ModelSpec)> {
    let start = || ModelSpec::tokens(TOKENS).embedding(VOCABULARY, 8);
    let decoder = || TransformerSpec::new(2, 16).num_layers(2);
    vec![
        (
            "lm_lstm",
            start()
                .layer(LstmSpec::new(9).num_layers(2).return_sequences(true).learn_initial_state(true))
                .dropout(0.2)
                .dense(VOCABULARY),
        ),
        (
            "lm_gru",
            start()
                .layer(GruSpec::new(9).return_sequences(true))
                .layer_norm()
                .dense(6)
                .gelu()
                .dense(VOCABULARY),
        ),
        (
            "lm_simple_rnn",
            start()
                .residual([SimpleRnnSpec::new(8).return_sequences(true).learn_initial_state(true).into()])
                .dense(VOCABULARY),
        ),
        (
            "lm_decoder",
            start()
                .position_embedding(PositionKind::Learnt)
                .transformer_decoder(decoder().final_norm(true))
                .tied_dense(),
        ),
        ("lm_rotary", start().transformer_decoder(decoder().rotary(true)).dense(VOCABULARY)),
        (
            "lm_attention",
            start()
                .position_embedding(PositionKind::Sinusoidal)
                .residual([
                    LayerNormSpec::default().into(),
                    MultiHeadAttentionSpec::new(2).causal(true).into(),
                ])
                .silu()
                .dense(VOCABULARY),
        ),
        (
            "lm_padding",
            ModelSpec::tokens(TOKENS)
                .layer(EmbeddingSpec::new(VOCABULARY, 8).padding_idx(0))
                .transformer_decoder(decoder())
                .dense(VOCABULARY),
        ),
    ]
}

fn rows() -> ModelSpec {
    ModelSpec::new([12])
        .dense(9)
        .relu()
        .layer(BatchNormSpec::default().epsilon(1e-3))
        .layer(DenseSpec::new(8).bias(false))
        .leaky_relu(0.2)
        .dense(8)
        .elu(0.7)
        .dropout(0.5)
        .dense(8)
        .softplus()
        .layer(LayerNormSpec::default().epsilon(1e-4))
        .dense(7)
        .gelu()
        .dense(7)
        .silu()
        .softmax()
        .dense(6)
        .sigmoid()
        .flatten()
        .dense(6)
        .tanh()
        .dense(5)
}

fn images() -> ModelSpec {
    ModelSpec::new([3, 17, 14])
        .layer(WhiteningSpec::new([2, 3]))
        .gelu()
        .layer(Conv2dSpec::new(8, [3, 2]).groups(2).dilation([2, 1]).padding([2, 1]).bias(false))
        .batch_norm()
        .relu()
        .layer(MaxPool2dSpec::new(3).stride(2).padding(1))
        .layer(AvgPool2dSpec::new([2, 3]).stride(1).padding([1, 1]).count_include_pad(false))
        .layer(AvgPool2dSpec::new(3).stride([1, 2]).padding(1))
        .layer(BatchNormSpec::default().scale(false))
        .global_avg_pool2d()
        .dense(5)
}

fn uneven_padding() -> ModelSpec {
    ModelSpec::new([2, 13, 10])
        .layer(Conv2dSpec::new(4, [4, 2]).stride([3, 2]).padding(Padding::Same))
        .sigmoid()
        .max_pool2d([2, 1])
        .avg_pool2d([1, 2])
        .softmax()
        .flatten()
        .dense(4)
}

fn residual() -> ModelSpec {
    let conv = |channels: usize, kernel: usize| Conv2dSpec::new(channels, kernel).padding(Padding::Same);
    let inner = ResidualSpec::new([conv(5, 3).into(), BatchNormSpec::default().into()]);
    ModelSpec::new([2, 7, 6])
        .layer(ResidualSpec::new([conv(5, 3).into(), inner.into()]).shortcut([conv(5, 1).into()]))
        .relu()
        .flatten()
        .dense(4)
}

/// Of numbers, with all their steps.
fn sequences() -> ModelSpec {
    ModelSpec::new([10, 6])
        .layer(LstmSpec::new(4).bidirectional(true).return_sequences(true).num_layers(2))
        .layer(Conv1dSpec::new(6, 3).padding(Padding::Same).stride(2))
        .position_embedding(PositionKind::Learnt)
        .layer_norm()
        .transformer_encoder(TransformerSpec::new(3, 8).rotary(true))
        .gru(5)
        .dense(4)
}
