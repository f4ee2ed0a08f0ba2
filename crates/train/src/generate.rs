//! Texts that a language model writes, word by word.

use fireclay_nn::{Model, Sampler, Sampling, Stepper};
use fireclay_text::{Prose, TextEncoder, TextPreprocessing, reserved};

use crate::TrainError;

/// A text that goes on: each word is drawn from what the model finds probable after all words before it.
///
/// A text begins where another has ended. Reserved tokens, such as the one for words that are not in the vocabulary, are
/// never drawn.
///
/// ```
/// use fireclay_data::{Dataset, TextPadding};
/// use fireclay_datasets::WrittenReviews;
/// use fireclay_text::{TextDataset, TextEncoder, TextPreprocessing, Vocabulary, WordTokenizer};
/// use fireclay_nn::{LstmSpec, ModelSpec, Sampling};
/// use fireclay_train::{FitOptions, TextGenerator, Trainer};
///
/// let (train, _) = WrittenReviews::new(0).train_and_test(40, 0);
/// let tokenizer = WordTokenizer::default();
/// let vocabulary = Vocabulary::build(&train, &tokenizer, Default::default())?;
/// let words = vocabulary.len();
/// let encoder = TextEncoder::new(tokenizer, vocabulary).with_end(true);
/// let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(16) };
/// let windows = Dataset::next_tokens(&train, &preprocessing)?;
///
/// let lstm = LstmSpec::new(8).return_sequences(true);
/// let spec = ModelSpec::tokens(16).embedding(words, 8).layer(lstm).dense(words);
/// let mut trainer = Trainer::language_model(spec.build(&burn::tensor::Device::flex())?);
/// trainer.fit(&windows, &FitOptions { epochs: 1, ..FitOptions::default() })?;
///
/// let mut text = TextGenerator::new(trainer.network(), &preprocessing, Sampling::default(), 7)?;
/// assert_eq!(text.prompt("the")?, "the");
/// let more: Vec<String> = text.take(5).collect::<Result<_, _>>()?;
/// assert_eq!(more.len(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TextGenerator {
    stepper: Stepper,
    encoder: TextEncoder,
    sampler: Sampler,
    prose: Prose,
    /// Of the next token.
    logits: Vec<f32>,
}

impl TextGenerator {
    /// A text that is about to begin.
    ///
    /// # Errors
    /// If the model does not write texts, its vocabulary is another one, or the sampling is out of range.
    pub fn new(
        model: &Model,
        preprocessing: &TextPreprocessing,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let sampler = Sampler::new(sampling, seed)?.never(0..reserved::NAMES.len() as u32);
        let mut stepper = model.stepper()?;
        let logits = stepper.step(&[reserved::END])?;
        let encoder = preprocessing.encoder.clone().with_start(false).with_end(false);
        let vocabulary_size = encoder.vocabulary().len();
        if logits.len() != vocabulary_size {
            return Err(TrainError::Vocabulary { found: vocabulary_size, expected: logits.len() });
        }
        Ok(TextGenerator { stepper, encoder, sampler, prose: Prose::default(), logits })
    }

    /// Goes on with words that are given, and returns them as they stand in the text; those that the model does not know
    /// are unknown to it.
    ///
    /// # Errors
    /// If the model cannot read them.
    pub fn prompt(&mut self, words: &str) -> Result<String, TrainError> {
        let mut text = String::new();
        let mut tokens = Vec::new();
        let vocabulary = self.encoder.vocabulary();
        self.encoder.tokenizer().words(words, |word| {
            tokens.push(vocabulary.token(word));
            self.prose.push(word, &mut text);
        });
        if !tokens.is_empty() {
            self.logits = self.stepper.step(&tokens)?;
        }
        Ok(text)
    }

    /// Draws a word and reads it; returns it with a space before it where one belongs.
    fn word(&mut self) -> Result<Option<String>, TrainError> {
        let Some(token) = self.sampler.sample(&self.logits) else { return Ok(None) };
        self.logits = self.stepper.step(&[token])?;
        let mut text = String::new();
        self.prose.push(self.encoder.vocabulary().word(token).unwrap_or_default(), &mut text);
        Ok(Some(text))
    }
}

/// Words without end, each as it stands in the text: with a space before it where one belongs.
impl Iterator for TextGenerator {
    type Item = Result<String, TrainError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.word().transpose()
    }
}
