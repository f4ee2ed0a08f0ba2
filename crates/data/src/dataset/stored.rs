//! What a dataset stores: features in one array, and their targets.

use std::borrow::Cow;

use super::sequences::Sequences;
use super::shards::Shards;
use super::stream::Stream;
use crate::{DataError, Targets};

#[derive(Debug)]
pub(super) struct Stored {
    /// The shape of one sample, and how many values that is.
    pub(super) shape: Vec<usize>,
    pub(super) sample_len: usize,
    pub(super) samples: usize,
    pub(super) features: Features,
    /// `None` for a stream, whose targets are its own next tokens.
    pub(super) targets: Option<Targets>,
}

#[derive(Debug)]
pub(super) enum Features {
    Bytes(Shards),
    Floats(Vec<f32>),
    /// Each of four bytes, the lowest first.
    FloatShards(Shards),
    Tokens(Vec<u32>),
    Sequences(Sequences),
    Stream(Stream),
}

/// Bytes of a number.
pub(super) const FLOAT_BYTES: usize = size_of::<f32>();

/// How many values a sample of this shape has.
pub(super) fn sample_len(shape: &[usize]) -> Result<usize, DataError> {
    (shape.iter())
        .try_fold(1usize, |product, dim| product.checked_mul(*dim))
        .filter(|len| (1..=usize::MAX / FLOAT_BYTES).contains(len))
        .ok_or_else(|| DataError::SampleShape { shape: shape.to_vec() })
}

impl Features {
    /// The numbers of a sample; `None` for what is no number, and for bytes.
    pub(super) fn floats(&self, sample: usize, sample_len: usize) -> Option<Cow<'_, [f32]>> {
        match self {
            Features::Floats(values) => {
                values.get(sample * sample_len..)?.get(..sample_len).map(Cow::Borrowed)
            }
            Features::FloatShards(shards) => {
                let (values, _) = shards.sample(sample).as_chunks();
                Some(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
            _ => None,
        }
    }
}

impl Stored {
    /// Joins features and targets that describe as many samples.
    pub(super) fn new(shape: &[usize], features: Features, targets: Targets) -> Result<Self, DataError> {
        let values = match &features {
            Features::Bytes(shards) => shards.bytes(),
            Features::FloatShards(shards) => shards.bytes() / FLOAT_BYTES,
            Features::Floats(values) => values.len(),
            Features::Tokens(tokens) => tokens.len(),
            // As many as there are going to be, or none too few: lengths that overflow agree with nothing.
            Features::Sequences(sequences) => {
                sequences.samples().saturating_mul(shape.first().copied().unwrap_or(0))
            }
            Features::Stream(stream) => stream.windows().saturating_mul(stream.steps()),
        };
        let sample_len = sample_len(shape)?;
        let samples = targets.check()?;
        if matches!(
            (&targets, &features),
            (Targets::Features { .. }, Features::Tokens(_) | Features::Sequences(_))
        ) {
            return Err(DataError::NotNumbers);
        }
        if u32::try_from(samples).is_err() {
            return Err(DataError::TooManySamples { samples });
        }
        if samples.checked_mul(sample_len) != Some(values) {
            return Err(DataError::Lengths { shape: shape.to_vec(), sample_len, targets: samples, values });
        }
        Ok(Stored { shape: shape.to_vec(), sample_len, samples, features, targets: Some(targets) })
    }

    /// The windows of a stream.
    pub(super) fn of_stream(stream: Stream) -> Result<Self, DataError> {
        let (samples, steps) = (stream.windows(), stream.steps());
        if u32::try_from(samples).is_err() {
            return Err(DataError::TooManySamples { samples });
        }
        let features = Features::Stream(stream);
        Ok(Stored { shape: vec![steps], sample_len: steps, samples, features, targets: None })
    }
}
