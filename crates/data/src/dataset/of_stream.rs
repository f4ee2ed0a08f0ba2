//! Datasets for language models: windows of one stream of tokens.

use std::sync::Arc;

use super::Dataset;
use super::stored::{Features, Stored};
use super::stream::Stream;
use crate::{DataError, Normalization, Provenance, TextPadding, split_indices};

impl Dataset {
    /// A dataset for language models: the tokens of all texts one after the other, cut into windows of `steps` tokens. The
    /// target at each step of a window is the next token.
    ///
    /// Let each text end with a token of its own, or the model cannot tell where one text ends and the next begins. In
    /// training the windows begin elsewhere in every epoch, as seed and epoch decide; [`split`](Self::split) sets whole
    /// texts aside, so that no part of one is in both halves.
    ///
    /// ```
    /// use fireclay_data::{Batch, BatchFeatures, BatchTargets, Dataset, Provenance, Source};
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// // 3 is the end of a text.
    /// let texts = [vec![4, 5, 3], vec![6, 4, 5, 3]];
    /// let provenance = Provenance::new("two reviews", "train", "made by hand");
    /// let windows = Dataset::from_token_stream(&texts, 3, provenance)?;
    ///
    /// let mut batch = Batch::default();
    /// windows.gather(&[0, 1], &mut batch);
    /// assert_eq!(batch.shape, [2, 3]);
    /// assert_eq!(batch.features, BatchFeatures::Tokens(vec![4, 5, 3, 6, 4, 5]));
    /// assert_eq!(batch.targets, BatchTargets::NextTokens(vec![5, 3, 6, 4, 5, 3]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the number of steps is out of range, the texts together are not longer than one window, or a token is too large
    /// for an `i32`.
    pub fn from_token_stream(
        texts: &[Vec<u32>],
        steps: usize,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        TextPadding::to(steps).check()?;
        let largest = texts.iter().flatten().max().map_or(0, |largest| *largest as usize + 1);
        let stored = Stored::of_stream(Stream::new(texts, steps)?)?;
        Self::new(stored, Normalization::none(), provenance)?.with_vocabulary_size(largest)
    }

    /// Whether the target of each token is the next one, see [`from_token_stream`](Self::from_token_stream).
    pub fn predicts_next_tokens(&self) -> bool {
        matches!(self.stored.features, Features::Stream(_))
    }

    /// Sets texts of a stream aside; `None` where there is no stream, or only some of its windows.
    pub(super) fn split_stream(
        &self,
        fraction: f64,
        seed: u64,
    ) -> Result<Option<(Dataset, Dataset)>, DataError> {
        let (Features::Stream(stream), None) = (&self.stored.features, &self.view) else {
            return Ok(None);
        };
        let (rest, part) = split_indices(stream.starts.len() - 1, None, 0, fraction, seed)?;
        let of = |texts: &[usize], name: &str| -> Result<Dataset, DataError> {
            let stored = Stored::of_stream(stream.of_texts(texts)?)?;
            let mut provenance = (*self.provenance).clone();
            provenance.samples = stored.samples;
            let dataset =
                Dataset { stored: Arc::new(stored), provenance: Arc::new(provenance), ..self.clone() };
            Ok(dataset.renamed(name))
        };
        Ok(Some((of(&rest, "training part")?, of(&part, "validation part")?)))
    }
}
