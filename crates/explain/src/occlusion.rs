//! Occlusion: what becomes of the output where parts of a sample are covered.

use crate::explainer::{Encoded, Explainer};
use crate::gradients::Attribution;
use crate::{ExplainError, Target};

/// What is covered.
#[derive(Clone, Debug, PartialEq)]
pub struct Occlusion {
    /// Rows and columns of an image that are covered at once, in all channels.
    pub patch: [usize; 2],
    /// How far the next patch lies from one, down and across.
    pub stride: [usize; 2],
    /// What stands there instead: numbers as the model reads them, one for each of the sample. Zeros by default, the mean of the
    /// training data where the data are normalised.
    pub baseline: Option<Vec<f32>>,
}

impl Explainer {
    /// Occlusion of an image ([Zeiler and Fergus 2013](https://arxiv.org/abs/1311.2901)): how much the output falls where a patch is
    /// covered; of each pixel the mean over the patches that covered it. `values` are of all numbers of the image, and those of the channels of
    /// a pixel are equal.
    ///
    /// # Errors
    /// [`ExplainError::Method`] for a network that reads no images, [`ExplainError::Option`] for sizes of 0, strides longer than
    /// the patch, and a baseline of another length, [`ExplainError::Output`], and [`ExplainError::NotFinite`].
    pub fn occlusion(
        &self,
        sample: &Encoded,
        target: &Target,
        options: &Occlusion,
    ) -> Result<Attribution, ExplainError> {
        let &[channels, height, width] = self.shape() else {
            return Err(ExplainError::Method {
                method: "occlusion by patches",
                needs: "of images",
                found: self.answering.spec().input.to_string(),
            });
        };
        let Occlusion { patch, stride, baseline } = options;
        if patch.contains(&0) || stride.contains(&0) || stride[0] > patch[0] || stride[1] > patch[1] {
            return Err(ExplainError::Option {
                option: "the patch with its stride",
                found: format!("{} by {} every {} by {}", patch[0], patch[1], stride[0], stride[1]),
                expected: "sizes of 1 or more, and a stride that is not longer than the patch",
            });
        }
        let values = sample.values();
        if baseline.as_ref().is_some_and(|baseline| baseline.len() != values.len()) {
            let found = format!("of {} numbers", baseline.as_ref().map_or(0, Vec::len));
            return Err(ExplainError::Option {
                option: "baseline",
                found,
                expected: "one with as many as the sample",
            });
        }
        let starts = |size: usize, patch: usize, stride: usize| {
            let last = size.saturating_sub(patch).div_ceil(stride);
            (0..=last).map(move |index| (index * stride, (index * stride + patch).min(size)))
        };
        let patches: Vec<_> = starts(height, patch[0], stride[0])
            .flat_map(|rows| starts(width, patch[1], stride[1]).map(move |columns| (rows, columns)))
            .collect();
        let whole = self.outputs(values, target)?[0];
        let (mut sums, mut covered) = (vec![0f64; height * width], vec![0u32; height * width]);
        let places = |((top, bottom), (left, right)): ((usize, usize), (usize, usize))| {
            (top..bottom).flat_map(move |row| (left..right).map(move |column| row * width + column))
        };
        for patches in patches.chunks(64) {
            let mut samples = Vec::with_capacity(patches.len() * values.len());
            for patch in patches {
                let begin = samples.len();
                samples.extend_from_slice(values);
                for place in places(*patch) {
                    for at in (0..channels).map(|channel| channel * height * width + place) {
                        samples[begin + at] = baseline.as_ref().map_or(0.0, |baseline| baseline[at]);
                    }
                }
            }
            for (patch, output) in patches.iter().zip(self.outputs(&samples, target)?) {
                for place in places(*patch) {
                    sums[place] += f64::from(whole - output);
                    covered[place] += 1;
                }
            }
        }
        let map = sums.iter().zip(&covered).map(|(sum, count)| (sum / f64::from((*count).max(1))) as f32);
        let map: Vec<f32> = map.collect();
        Ok(Attribution { values: map.repeat(channels), output: whole })
    }

    /// How much the output falls without each of some words, for a model that reads texts, whatever it makes of them: the text is the words with
    /// spaces between them, and `values` has one for each.
    ///
    /// # Errors
    /// [`TrainError::PredictorInput`](fireclay_train::TrainError::PredictorInput) for a model that reads no texts, [`ExplainError::Output`], and
    /// [`ExplainError::NotFinite`].
    pub fn occlusion_of_words<W: AsRef<str>>(
        &self,
        words: &[W],
        target: &Target,
    ) -> Result<Attribution, ExplainError> {
        let without = |left_out: Option<usize>| {
            let kept = words.iter().enumerate().filter(|(index, _)| Some(*index) != left_out);
            kept.map(|(_, word)| word.as_ref()).collect::<Vec<&str>>().join(" ")
        };
        let whole = self.output(&self.sample(&without(None))?, target)?;
        let mut falls = Vec::with_capacity(words.len());
        let all: Vec<usize> = (0..words.len()).collect();
        for places in all.chunks(64) {
            let mut samples = Vec::new();
            for place in places {
                samples.extend_from_slice(self.sample(&without(Some(*place)))?.values());
            }
            falls.extend(self.outputs(&samples, target)?.iter().map(|output| whole - output));
        }
        Ok(Attribution { values: falls, output: whole })
    }

    /// How much the output falls when each of some groups of a sample's numbers are those of a baseline, zeros by default: of a table's
    /// columns, say. `values` has one for each group.
    ///
    /// # Errors
    /// [`ExplainError::Option`] for places that the sample does not have, [`ExplainError::Output`], and [`ExplainError::NotFinite`].
    pub fn occlusion_of_groups(
        &self,
        sample: &Encoded,
        target: &Target,
        groups: &[std::ops::Range<usize>],
        baseline: Option<&[f32]>,
    ) -> Result<Attribution, ExplainError> {
        let values = sample.values();
        if let Some(group) = groups.iter().find(|group| group.end > values.len()) {
            let found = format!("{} to {}", group.start, group.end);
            return Err(ExplainError::Option { option: "a group", found, expected: "places of the sample" });
        }
        let whole = self.outputs(values, target)?[0];
        let mut falls = Vec::with_capacity(groups.len());
        for groups in groups.chunks(64) {
            let samples: Vec<f32> = groups
                .iter()
                .flat_map(|group| {
                    let of =
                        |at: usize| baseline.and_then(|baseline| baseline.get(at)).copied().unwrap_or(0.0);
                    values
                        .iter()
                        .enumerate()
                        .map(move |(at, value)| if group.contains(&at) { of(at) } else { *value })
                })
                .collect();
            falls.extend(self.outputs(&samples, target)?.iter().map(|output| whole - output));
        }
        Ok(Attribution { values: falls, output: whole })
    }
}
