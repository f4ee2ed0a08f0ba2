//! How stored values become what a network reads. It is part of a saved model, so it serialises.

use serde::{Deserialize, Serialize};

use crate::DataError;

/// Shift and scale per channel: `out = (value - mean) / std`, where a byte counts as `byte / 255`.
///
/// Both lists have one entry for all channels, or one entry per channel (the first dimension of a sample).
///
/// ```
/// use fireclay_data::Normalization;
///
/// let normalization = Normalization { mean: vec![0.5], std: vec![0.25] };
/// assert_eq!(normalization.byte(255, 0), 2.0);
/// assert_eq!(Normalization::none().byte(255, 0), 1.0);
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Normalization {
    /// What is subtracted, in units of `byte / 255`; finite.
    pub mean: Vec<f32>,
    /// What the result is divided by, in the same units; finite and above 0.
    pub std: Vec<f32>,
}

impl Normalization {
    /// Mean 0 and standard deviation 1: bytes become `byte / 255` in `[0, 1]`, other features stay as they are.
    pub fn none() -> Self {
        Self::uniform(0.0, 1.0)
    }

    /// The same mean and standard deviation for every channel.
    pub fn uniform(mean: f32, std: f32) -> Self {
        Self { mean: vec![mean], std: vec![std] }
    }

    /// Whether this fits samples of `channels` channels.
    ///
    /// # Errors
    /// [`DataError::Normalization`] if the lists' lengths differ or are neither 1 nor `channels`, if a value is not
    /// finite, or if a standard deviation is not above 0.
    pub fn check(&self, channels: usize) -> Result<(), DataError> {
        let refuse = |reason: String| Err(DataError::Normalization { reason });
        if self.mean.len() != self.std.len() {
            return refuse(format!(
                "it has {} means and {} standard deviations; give as many of one as of the other",
                self.mean.len(),
                self.std.len()
            ));
        }
        if self.mean.len() != 1 && self.mean.len() != channels {
            return refuse(format!(
                "it has {} entries for samples of {channels} channels; give 1 or {channels}",
                self.mean.len()
            ));
        }
        if let Some((channel, mean)) = (self.mean.iter().enumerate()).find(|(_, m)| !m.is_finite()) {
            return refuse(format!("the mean of channel {channel} is {mean}; it must be finite"));
        }
        if let Some((channel, std)) =
            (self.std.iter().enumerate()).find(|(_, s)| !(s.is_finite() && **s > 0.0))
        {
            return refuse(format!(
                "the standard deviation of channel {channel} is {std}; it must be finite and above 0"
            ));
        }
        Ok(())
    }

    /// What `byte` becomes in `channel`: `(byte / 255 - mean) / std`.
    ///
    /// # Panics
    /// If there is no entry for `channel` (see [`Normalization::check`]).
    pub fn byte(&self, byte: u8, channel: usize) -> f32 {
        self.value(f32::from(byte) / 255.0, channel)
    }

    /// What `value` becomes in `channel`: `(value - mean) / std`.
    ///
    /// # Panics
    /// If there is no entry for `channel` (see [`Normalization::check`]).
    pub fn value(&self, value: f32, channel: usize) -> f32 {
        let entry = if self.mean.len() == 1 { 0 } else { channel };
        (value - self.mean[entry]) / self.std[entry]
    }

    /// Whether this changes nothing beyond dividing bytes by 255.
    pub(crate) fn is_none(&self) -> bool {
        self.mean.iter().all(|m| *m == 0.0) && self.std.iter().all(|s| *s == 1.0)
    }
}

impl Default for Normalization {
    fn default() -> Self {
        Self::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(mean: &[f32], std: &[f32], channels: usize) -> String {
        let normalization = Normalization { mean: mean.to_vec(), std: std.to_vec() };
        normalization.check(channels).unwrap_err().to_string()
    }

    #[test]
    fn bad_values_are_refused_with_the_channel() {
        assert!(refusal(&[0.0, 0.0], &[1.0, 0.0], 2).contains("channel 1 is 0"));
        assert!(refusal(&[0.0], &[-1.0], 1).contains("channel 0 is -1"));
        assert!(refusal(&[0.0], &[f32::NAN], 1).contains("is NaN"));
        assert!(refusal(&[f32::INFINITY], &[1.0], 1).contains("mean of channel 0 is inf"));
        assert!(refusal(&[0.0; 2], &[1.0; 2], 3).contains("2 entries for samples of 3 channels"));
        assert!(refusal(&[], &[], 3).contains("0 entries"));
        assert!(refusal(&[0.0], &[1.0; 2], 2).contains("1 means and 2 standard deviations"));
    }

    #[test]
    fn one_entry_serves_every_channel() {
        let normalization = Normalization::uniform(0.1307, 0.3081);
        assert!(normalization.check(3).is_ok());
        assert_eq!(normalization.byte(0, 2), -0.1307 / 0.3081);
    }
}
