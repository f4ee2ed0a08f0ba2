//! Hugging Face folders: pre-trained encoders of texts as networks of ours.
//!
//! [`import_encoder`] reads `config.json` and `model.safetensors` (or `pytorch_model.bin`) of BERT and DistilBERT, and so of
//! MiniLM and the many that are built like them. What comes out is an ordinary description with weights: it can be trained
//! further, saved, and asked. The tokens are those of the folder's `tokenizer.json`, which `fireclay-text` reads
//! (`HuggingFaceTokenizer::from_file`, or `from_vocabulary` for a `vocab.txt`, with its feature `tokenizers`).
//!
//! To train it for classes, add a head and take the weights over:
//!
//! ```
//! use fireclay_exchange::huggingface::{EncoderOptions, import_encoder};
//! use fireclay_nn::Device;
//! # let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/huggingface/bert"));
//!
//! let device = Device::default();
//! let imported = import_encoder(folder, &EncoderOptions { max_tokens: Some(10), ..EncoderOptions::default() })?;
//! let (encoder, card) = imported.model.build(&device)?;
//! let classifier = card.spec.dropout(0.1).dense(2).build(&device)?;
//! let (classifier, transfer) = classifier.with_weights_of(&encoder);
//! assert_eq!(transfer.new_head, Vec::<String>::new(), "the head has no weights in the encoder");
//! assert_eq!(transfer.left.missing[0].0, "dense_1.weight");
//! # let _ = classifier;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod names;

use std::path::{Path, PathBuf};

use fireclay_nn::{
    EmbeddingSpec, LayerKind, LayerNormSpec, LayerSpec, ModelSpec, NamedTensor, NnError, PositionKind,
    TransformerSpec,
};

use crate::pytorch::TensorFile;
use crate::{ExchangeError, Imported, file};
use config::Config;
use names::Weights;

/// The largest `config.json` that is read, in bytes.
const MAX_CONFIG: u64 = 1 << 20;

/// How a folder becomes a network.
#[derive(Clone, Debug, Default)]
pub struct EncoderOptions {
    /// The most tokens of a text; what the folder says by default, at most as many as there are positions. Attention costs the
    /// square of it.
    pub max_tokens: Option<usize>,
    /// What the steps become; by default as the folder says, see [`Pooling`].
    pub pooling: Option<Pooling>,
}

/// What the outputs at all tokens of a text become.
///
/// By default it is the head of a folder that has one for classes, else what its `1_Pooling/config.json` says, and else the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pooling {
    /// Their mean over the tokens that are the text's own, as in
    /// [Sentence-BERT](https://arxiv.org/abs/1908.10084).
    Mean,
    /// The output at the first token, `[CLS]`.
    First,
    /// All outputs, as they are: one row for each token.
    None,
}

/// Reads the encoder of a Hugging Face folder.
///
/// Layers, positions and weights are as in the folder; the embedding of token types, of which only the first is used, is added
/// to that of the positions. The result of `[batch, tokens]` is `[batch, hidden_size]`, for a folder with a head for
/// classes `[batch, classes]`. Folders of sentence encoders that bring vectors to length 1 afterwards leave that to who compares
/// them, as a note says.
///
/// ```
/// use fireclay_exchange::huggingface::{EncoderOptions, import_encoder};
/// # let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/huggingface/bert"));
///
/// let imported = import_encoder(folder, &EncoderOptions::default())?;
/// assert_eq!(imported.model.card.spec.output_features()?, 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExchangeError::Unsupported`] for other kinds of models, with their name; [`ExchangeError::Model`] with all weights that are
/// missing, unexpected or of another shape; and as for [`TensorFile`].
pub fn import_encoder(folder: impl AsRef<Path>, options: &EncoderOptions) -> Result<Imported, ExchangeError> {
    let folder = folder.as_ref();
    let path = folder.join("config.json");
    let config = Config::read(&path, &file::read(&path, MAX_CONFIG)?)?;
    let weights_path = weights_path(folder);
    let mut weights = Weights::open(&weights_path, TensorFile::open(&weights_path)?, &config);
    let has_head = options.pooling.is_none() && weights.has_head();
    let pooling = match options.pooling {
        Some(pooling) => pooling,
        None => config::pooling(folder)?.unwrap_or(Pooling::Mean),
    };
    let max_tokens = match options.max_tokens {
        Some(most) => most,
        None => config::max_tokens(folder)?.unwrap_or(config.max_positions),
    };
    let max_tokens = max_tokens.min(config.max_positions);
    let body = body(&config, max_tokens);
    let spec = match has_head {
        true => head(body, &config, weights.classes()),
        false => pooled(body, pooling),
    };
    // Sizes that cannot be are refused before anything is made of them.
    let wrong = |source: NnError| ExchangeError::Model { path: path.clone(), source };
    spec.tensors().map_err(wrong)?;
    let tensors: Vec<NamedTensor> = weights.take(&config, max_tokens, has_head)?;
    let mut notes = weights.notes();
    if max_tokens < config.max_positions {
        notes.push(format!(
            "texts have at most {max_tokens} tokens; there are {} positions",
            config.max_positions
        ));
    }
    if folder.join("2_Normalize").is_dir() || config::normalises(folder)? {
        notes.push(
            "the folder brings its vectors to length 1 in the end, which is left to who compares them".into(),
        );
    }
    let imported = Imported::new(&weights_path, spec, tensors)?;
    let mut model = imported.model;
    if has_head && config.classes.len() == weights.classes() {
        model.card.classes = config.classes;
    }
    Ok(Imported { model, notes })
}

/// The file of weights: safetensors where there are some.
pub(crate) fn weights_path(folder: &Path) -> PathBuf {
    let safetensors = folder.join("model.safetensors");
    let pickle = folder.join("pytorch_model.bin");
    if !safetensors.exists() && pickle.exists() { pickle } else { safetensors }
}

fn body(config: &Config, max_tokens: usize) -> ModelSpec {
    let embedding = EmbeddingSpec::new(config.vocabulary_size, config.hidden_size);
    let embedding = match config.padding {
        Some(padding) => embedding.padding_idx(padding),
        None => embedding,
    };
    let blocks = TransformerSpec::new(config.num_heads, config.intermediate_size)
        .num_layers(config.num_layers)
        .norm_first(false)
        .activation(config.activation)
        .dropout(config.dropout)
        .epsilon(config.epsilon);
    let spec = ModelSpec::tokens(max_tokens)
        .layer(embedding)
        .position_embedding(PositionKind::Learnt)
        .layer(LayerNormSpec::default().epsilon(config.epsilon));
    let spec = if config.dropout > 0.0 { spec.dropout(config.dropout) } else { spec };
    spec.transformer_encoder(blocks)
}

fn pooled(body: ModelSpec, pooling: Pooling) -> ModelSpec {
    match pooling {
        Pooling::Mean => body.global_avg_pool1d(),
        Pooling::First => body.first_step(),
        Pooling::None => body,
    }
}

/// The head for classes of either family.
fn head(body: ModelSpec, config: &Config, classes: usize) -> ModelSpec {
    let named = |kind: LayerKind, name: &str| LayerSpec::from(kind).named(name);
    let dense = |outputs: usize| LayerKind::from(fireclay_nn::DenseSpec::new(outputs));
    let spec = body.first_step().layer(named(dense(config.hidden_size), names::HEAD));
    let spec = if config.is_distilled { spec.relu() } else { spec.tanh() };
    let spec = if config.dropout > 0.0 { spec.dropout(config.dropout) } else { spec };
    spec.layer(named(dense(classes), names::CLASSIFIER))
}
