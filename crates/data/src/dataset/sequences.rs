//! Samples of unlike length: tokens end to end, brought to one length when a batch is gathered.

use std::sync::Arc;

use super::Dataset;
use super::stored::{Features, Stored};
use crate::{DataError, Normalization, TextPadding, TextPreprocessing, Texts};

/// Tokens of all samples, none of them padding.
#[derive(Debug)]
pub(super) struct Sequences {
    tokens: Vec<u32>,
    /// Where each sample begins in `tokens`, and at the end their number.
    starts: Vec<usize>,
    padding: TextPadding,
}

impl Sequences {
    /// Keeps of each sample what the padding keeps of it.
    fn new(samples: &[Vec<u32>], padding: TextPadding) -> Self {
        let mut tokens = Vec::with_capacity(samples.iter().map(|sample| padding.kept(sample.len())).sum());
        let mut starts = Vec::with_capacity(samples.len() + 1);
        for sample in samples {
            starts.push(tokens.len());
            let exactly = TextPadding { length: padding.kept(sample.len()), ..padding };
            exactly.apply(sample, &mut tokens);
        }
        starts.push(tokens.len());
        Sequences { tokens, starts, padding }
    }

    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub(super) fn samples(&self) -> usize {
        self.starts.len() - 1
    }

    /// Which sample the token at a place in [`tokens`](Self::tokens) is of.
    pub(super) fn sample_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The tokens of a stored sample.
    pub(super) fn sample(&self, index: usize) -> &[u32] {
        &self.tokens[self.starts[index]..self.starts[index + 1]]
    }

    /// Fills `out` with samples of one length, the greatest there may be or that of the longest of them, and returns it.
    pub(super) fn gather(&self, indices: &[usize], to_longest: bool, out: &mut Vec<i32>) -> usize {
        let longest = indices.iter().map(|index| self.sample(*index).len()).max().unwrap_or(0);
        let length = if to_longest { longest.max(1) } else { self.padding.length };
        let padding = TextPadding { length, ..self.padding };
        out.clear();
        out.reserve_exact(indices.len() * length);
        let mut sample = Vec::with_capacity(length);
        for index in indices {
            sample.clear();
            padding.apply(self.sample(*index), &mut sample);
            // Below the vocabulary's size, which fits.
            out.extend(sample.iter().map(|token| *token as i32));
        }
        length
    }
}

impl Dataset {
    /// A dataset of texts, encoded on all threads. Each is cut to the length of the padding, and filled up to it when a
    /// batch is gathered.
    ///
    /// The vocabulary is that of the preprocessing: build it from the training split, and encode all splits with it.
    ///
    /// ```
    /// use fireclay_data::{
    ///     Batch, BatchFeatures, Dataset, TextPadding, Source, TextEncoder, TextPreprocessing, Vocabulary, WordTokenizer,
    ///     WrittenReviews,
    /// };
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let (train, test) = WrittenReviews::new(0).train_and_test(100, 50);
    /// let tokenizer = WordTokenizer::default();
    /// let vocabulary = Vocabulary::build(&train, &tokenizer, Default::default())?;
    /// let encoder = TextEncoder::new(tokenizer, vocabulary);
    /// let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(60) };
    /// let test = Dataset::from_texts(&test, &preprocessing)?;
    ///
    /// let mut batch = Batch::default();
    /// test.gather(&[0, 1, 2], &mut batch);
    /// assert_eq!(batch.shape, [3, 60]);
    /// assert_eq!(test.text_preprocessing(), Some(&preprocessing));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the padding is out of range.
    pub fn from_texts(texts: &Texts, preprocessing: &TextPreprocessing) -> Result<Self, DataError> {
        preprocessing.check()?;
        let encoded = preprocessing.encoder.encode_all(texts.texts());
        let sequences = Sequences::new(&encoded, preprocessing.padding);
        let shape = [preprocessing.padding.length];
        let stored = Stored::new(&shape, Features::Sequences(sequences), texts.targets().clone())?;
        let dataset = Self::new(stored, Normalization::none(), texts.provenance().clone())?;
        let mut dataset = dataset.with_vocabulary_size(preprocessing.encoder.vocabulary_size())?;
        dataset.text = Some(Arc::new(preprocessing.clone()));
        Ok(dataset)
    }

    /// How the texts became tokens; `None` for a dataset that was not made from texts.
    pub fn text_preprocessing(&self) -> Option<&TextPreprocessing> {
        self.text.as_deref()
    }

    /// The same samples, in training put together with others of about their length, and in every batch filled up to the
    /// longest of it only. That saves the work on padding; samples of unlike length never meet in a batch.
    ///
    /// It changes nothing for samples of one length.
    #[must_use]
    pub fn bucketed_by_length(mut self) -> Self {
        self.is_bucketed = matches!(self.stored.features, Features::Sequences(_));
        self
    }

    /// Whether batches hold samples of about one length, see [`bucketed_by_length`](Self::bucketed_by_length).
    pub fn is_bucketed(&self) -> bool {
        self.is_bucketed
    }
}
