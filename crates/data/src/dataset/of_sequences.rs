//! Datasets of samples of unlike length.

use super::Dataset;
use super::sequences::Sequences;
use super::stored::{Features, Stored};
use crate::{DataError, Normalization, Provenance, Targets, TextPadding};

impl Dataset {
    /// A dataset of tokens of unlike length, such as encoded texts. Each sample is cut to the length of the padding, and
    /// filled up to it when a batch is gathered.
    ///
    /// ```
    /// use fireclay_data::{Batch, BatchFeatures, Dataset, Provenance, Source, Targets, TextPadding};
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["bad".into(), "good".into()] };
    /// let provenance = Provenance::new("two reviews", "train", "made by hand");
    /// let samples = [vec![5, 4], vec![4, 6, 7, 8]];
    /// let reviews = Dataset::from_sequences(&samples, TextPadding::to(3), targets, provenance)?;
    ///
    /// let mut batch = Batch::default();
    /// reviews.gather(&[0, 1], &mut batch);
    /// assert_eq!(batch.shape, [2, 3]);
    /// assert_eq!(batch.features, BatchFeatures::Tokens(vec![5, 4, 0, 4, 6, 7]));
    /// assert_eq!(reviews.tokens(0), Some(&[5, 4][..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Shapes
    /// - `samples`: any number of tokens each
    /// - `targets`: one per sample
    ///
    /// # Errors
    /// If the padding is out of range, the lengths do not agree, a label has no name, a target is not finite, or a token
    /// is too large for an `i32`.
    pub fn from_sequences(
        samples: &[Vec<u32>],
        padding: TextPadding,
        targets: Targets,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        padding.check()?;
        let largest = samples.iter().flatten().max().map_or(0, |largest| *largest as usize + 1);
        let sequences = Sequences::new(samples, padding);
        let stored = Stored::new(&[padding.length], Features::Sequences(sequences), targets)?;
        Self::new(stored, Normalization::none(), provenance)?.with_vocabulary_size(largest)
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
