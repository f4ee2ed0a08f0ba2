//! Datasets of texts.

use fireclay_data::Dataset;

use crate::{TextError, TextPreprocessing, Texts};

/// Datasets of texts: functions of [`Dataset`] that know what a text is. They need this trait in scope.
///
/// A dataset keeps how its texts became tokens ([`Dataset::with_preprocessing`]), and so does a model that is trained on
/// it.
pub trait TextDataset: Sized {
    /// A dataset of texts, encoded on all threads. Each is cut to the length of the padding, and filled up to it when a
    /// batch is gathered.
    ///
    /// The vocabulary is that of the preprocessing: build it from the training split, and encode all splits with it.
    ///
    /// ```
    /// use fireclay_data::{Batch, Dataset, Provenance, Source, Targets};
    /// use fireclay_text::{
    ///     TextDataset, TextEncoder, TextPadding, TextPreprocessing, Texts, Vocabulary, WordTokenizer,
    /// };
    ///
    /// # fn main() -> Result<(), fireclay_text::TextError> {
    /// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["neg".into(), "pos".into()] };
    /// let texts = vec!["so good".to_string(), "not good".to_string()];
    /// let train = Texts::new(texts, targets, Provenance::new("two reviews", "train", "made by hand"))?;
    /// let tokenizer = WordTokenizer::default();
    /// let vocabulary = Vocabulary::build(&train, &tokenizer, Default::default())?;
    /// let encoder = TextEncoder::new(tokenizer, vocabulary);
    /// let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(60) };
    /// let train = Dataset::from_texts(&train, &preprocessing)?;
    ///
    /// let mut batch = Batch::default();
    /// train.gather(&[0, 1], &mut batch);
    /// assert_eq!(batch.shape, [2, 60]);
    /// assert_eq!(train.text_preprocessing(), Some(&preprocessing));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the padding is out of range.
    fn from_texts(texts: &Texts, preprocessing: &TextPreprocessing) -> Result<Self, TextError>;

    /// A dataset for language models: all texts one after the other, cut into windows of as many tokens as the padding
    /// has (`padding.length`; there is no padding). The target at each step of a window is the next token.
    ///
    /// Let the encoder mark the ends of the texts ([`TextEncoder::with_end`](crate::TextEncoder::with_end)), or the model
    /// cannot tell where one text ends and the next begins. The texts' own targets are not looked at.
    /// [`Dataset::from_token_stream`] says how windows are cut and split.
    ///
    /// ```
    /// use fireclay_data::{Batch, BatchFeatures, BatchTargets, Dataset, Provenance, Source, Targets};
    /// use fireclay_text::{
    ///     TextDataset, TextEncoder, TextPadding, TextPreprocessing, Texts, Vocabulary, WordTokenizer,
    /// };
    ///
    /// # fn main() -> Result<(), fireclay_text::TextError> {
    /// let texts = vec!["so bad".to_string(), "not so bad".to_string()];
    /// let targets = Targets::Values { width: 1, values: vec![0.0; 2] };
    /// let texts = Texts::new(texts, targets, Provenance::new("two reviews", "train", "made by hand"))?;
    /// let vocabulary = Vocabulary::from_words(["so", "bad", "not"])?;
    /// let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary).with_end(true);
    /// let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(3) };
    /// let windows = Dataset::next_tokens(&texts, &preprocessing)?;
    ///
    /// let mut batch = Batch::default();
    /// windows.gather(&[0, 1], &mut batch);
    /// assert_eq!(batch.shape, [2, 3]);
    /// // 3 is the end of a text.
    /// assert_eq!(batch.features, BatchFeatures::Tokens(vec![4, 5, 3, 6, 4, 5]));
    /// assert_eq!(batch.targets, BatchTargets::NextTokens(vec![5, 3, 6, 4, 5, 3]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the number of steps is out of range, or the texts together are not longer than one window.
    fn next_tokens(texts: &Texts, preprocessing: &TextPreprocessing) -> Result<Self, TextError>;

    /// How the texts became tokens; `None` for a dataset that was not made from texts.
    fn text_preprocessing(&self) -> Option<&TextPreprocessing>;
}

impl TextDataset for Dataset {
    fn from_texts(texts: &Texts, preprocessing: &TextPreprocessing) -> Result<Self, TextError> {
        let TextPreprocessing { encoder, padding } = preprocessing;
        preprocessing.check()?;
        let encoded = encoder.encode_all(texts.texts());
        let (targets, provenance) = (texts.targets().clone(), texts.provenance().clone());
        let dataset = Dataset::from_sequences(&encoded, *padding, targets, provenance)?;
        let dataset = dataset.with_vocabulary_size(encoder.vocabulary_size())?;
        Ok(dataset.with_preprocessing(preprocessing.clone()))
    }

    fn next_tokens(texts: &Texts, preprocessing: &TextPreprocessing) -> Result<Self, TextError> {
        let TextPreprocessing { encoder, padding } = preprocessing;
        preprocessing.check()?;
        let encoded = encoder.encode_all(texts.texts());
        let dataset = Dataset::from_token_stream(&encoded, padding.length, texts.provenance().clone())?;
        let dataset = dataset.with_vocabulary_size(encoder.vocabulary().len())?;
        Ok(dataset.with_preprocessing(preprocessing.clone()))
    }

    fn text_preprocessing(&self) -> Option<&TextPreprocessing> {
        self.preprocessing()
    }
}
