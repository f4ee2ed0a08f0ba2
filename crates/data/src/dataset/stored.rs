//! What a dataset stores: features in one array, and their targets.

use super::Bytes;
use super::sequences::Sequences;
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
    Bytes(Bytes),
    Floats(Vec<f32>),
    Tokens(Vec<u32>),
    Sequences(Sequences),
    Stream(Stream),
}

impl Stored {
    /// Joins features and targets that describe as many samples.
    pub(super) fn new(shape: &[usize], features: Features, targets: Targets) -> Result<Self, DataError> {
        let values = match &features {
            Features::Bytes(bytes) => bytes.len(),
            Features::Floats(values) => values.len(),
            Features::Tokens(tokens) => tokens.len(),
            // As many as there are going to be, or none too few: lengths that overflow agree with nothing.
            Features::Sequences(sequences) => {
                sequences.samples().saturating_mul(shape.first().copied().unwrap_or(0))
            }
            Features::Stream(stream) => stream.windows().saturating_mul(stream.steps()),
        };
        let sample_len = (shape.iter())
            .try_fold(1usize, |product, dim| product.checked_mul(*dim))
            .filter(|len| *len > 0)
            .ok_or_else(|| DataError::SampleShape { shape: shape.to_vec() })?;
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
