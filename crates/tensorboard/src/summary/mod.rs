//! A value under a tag.

mod histogram;
mod images;
mod pr_curve;

pub use histogram::{Histogram, HistogramBucket};

use crate::{TensorboardError, proto};

/// A value under a tag, to be written at a step by [`EventWriter::write`](crate::EventWriter::write).
///
/// Tags with a slash are grouped by what stands before the first one: `loss/train`, `loss/validation`. One tag holds one kind of
/// value.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    value: proto::SummaryValue,
}

impl Summary {
    /// A number, shown as a curve over the steps. What is not finite is shown as such.
    ///
    /// It is written as `simple_value`, which every reader of event files knows, older ones and other programs included.
    pub fn scalar(tag: impl Into<String>, value: f32) -> Self {
        Self::new(tag, None, proto::SummaryData::SimpleValue(value))
    }

    /// The distribution of values, in 30 buckets of one width; see [`Histogram::new`].
    ///
    /// ```
    /// use fireclay_tensorboard::{Histogram, Summary};
    ///
    /// let weights = [0.5, -0.25, 0.125];
    /// let summary = Summary::histogram("weights/dense_1", &weights);
    /// assert_eq!(summary, Summary::histogram_of("weights/dense_1", &Histogram::new(&weights)));
    /// ```
    pub fn histogram(tag: impl Into<String>, values: &[f32]) -> Self {
        Self::histogram_of(tag, &Histogram::new(values))
    }

    /// A distribution that was counted before.
    pub fn histogram_of(tag: impl Into<String>, histogram: &Histogram) -> Self {
        Self::tensor(tag, proto::HISTOGRAMS, Vec::new(), histogram.tensor())
    }

    /// Pictures of one size, each one a PNG file.
    ///
    /// # Errors
    /// [`TensorboardError::NotAPng`] if one is something else, [`TensorboardError::PictureSize`] if their sizes differ.
    pub fn images(tag: impl Into<String>, pngs: &[impl AsRef<[u8]>]) -> Result<Self, TensorboardError> {
        let tag = tag.into();
        let tensor = images::tensor(&tag, pngs)?;
        Ok(Self::tensor(tag, proto::IMAGES, Vec::new(), tensor))
    }

    /// A text in Markdown.
    pub fn text(tag: impl Into<String>, markdown: impl Into<String>) -> Self {
        let tensor = proto::Tensor::of_strings(&[], vec![markdown.into().into_bytes()]);
        Self::tensor(tag, proto::TEXTS, Vec::new(), tensor)
    }

    /// The precision–recall curve of answers of two classes: precision `TP / (TP + FP)` and recall `TP / (TP + FN)` of all who
    /// are called positive at a probability of `t` or more, for 201 thresholds `t` from 0 to 1.
    ///
    /// `labels` says which samples are positive, `probabilities` how likely each is so.
    ///
    /// # Errors
    /// [`TensorboardError::Lengths`] if they are not as many, [`TensorboardError::Probability`] for one that is not from 0 to 1.
    pub fn pr_curve(
        tag: impl Into<String>,
        labels: &[bool],
        probabilities: &[f32],
    ) -> Result<Self, TensorboardError> {
        let tag = tag.into();
        let tensor = pr_curve::tensor(&tag, labels, probabilities)?;
        Ok(Self::tensor(tag, proto::PR_CURVES, pr_curve::content(), tensor))
    }

    /// Adds a description in Markdown. TensorBoard shows that of the first value under a tag, so one is enough.
    ///
    /// A scalar becomes a tensor by it, as TensorFlow 2 writes all of them: TensorBoard shows no description of another one.
    /// Programs that read scalars of the older form alone do not see this value.
    pub fn with_description(mut self, markdown: impl Into<String>) -> Self {
        if let Some(proto::SummaryData::SimpleValue(value)) = self.value.data {
            self.value.data = Some(proto::SummaryData::Tensor(proto::Tensor::of_number(value)));
        }
        let scalar = || proto::Metadata::new(proto::SCALARS, Vec::new());
        self.value.metadata.get_or_insert_with(scalar).summary_description = markdown.into();
        self
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.value.tag
    }

    pub(crate) fn into_message(self) -> proto::SummaryValue {
        self.value
    }

    fn tensor(tag: impl Into<String>, plugin: &str, content: Vec<u8>, tensor: proto::Tensor) -> Self {
        Self::new(tag, Some(proto::Metadata::new(plugin, content)), proto::SummaryData::Tensor(tensor))
    }

    fn new(tag: impl Into<String>, metadata: Option<proto::Metadata>, data: proto::SummaryData) -> Self {
        Self { value: proto::SummaryValue { tag: tag.into(), metadata, data: Some(data) } }
    }
}
