//! Which channels stay.

use fireclay_nn::{ChannelGroup, ModelSpec, NnError};

use super::PruneOptions;
use crate::CompressError;

/// What is chosen from.
pub(super) struct Choice<'a> {
    pub(super) spec: &'a ModelSpec,
    pub(super) groups: &'a [ChannelGroup],
    /// For each group the score of each channel.
    pub(super) scores: &'a [Vec<f64>],
    pub(super) options: &'a PruneOptions,
}

impl Choice<'_> {
    /// The channels of each group that stay, in their order.
    pub(super) fn kept(&self) -> Result<Vec<Vec<usize>>, CompressError> {
        let before = self.spec.summary()?.flops();
        let most = (before as f64 * (1.0 - self.options.share)) as u64;
        let least: Vec<usize> = self.groups.iter().map(|group| self.fewest(group.channels)).collect();
        let possible = self.flops(&least)?;
        if possible > most {
            let gone = 1.0 - possible as f64 / before.max(1) as f64;
            let PruneOptions { share: asked, multiple, .. } = *self.options;
            return Err(CompressError::TooFewChannels { asked, most: gone, multiple });
        }
        let counts = match self.options.by_layer {
            true => self.same_share(most)?,
            false => self.least_harm(before, most)?,
        };
        Ok(self.scores.iter().zip(counts).map(|(scores, count)| greatest(scores, count)).collect())
    }

    /// As few channels as a group may be left with.
    fn fewest(&self, channels: usize) -> usize {
        channels.min(self.options.multiple)
    }

    /// The next smaller number of channels, if there is one.
    fn fewer(&self, channels: usize) -> Option<usize> {
        let multiple = self.options.multiple;
        let next = channels.saturating_sub(1) / multiple * multiple;
        (next > 0).then_some(next)
    }

    /// Operations for a sample with so many channels in each group.
    fn flops(&self, counts: &[usize]) -> Result<u64, NnError> {
        let counts: Vec<_> = self.groups.iter().zip(counts.iter().copied()).collect();
        Ok(self.spec.with_channels(&counts)?.summary()?.flops())
    }

    /// Takes out, a few at a time, the channels that matter least for the operations they cost.
    fn least_harm(&self, before: u64, most: u64) -> Result<Vec<usize>, NnError> {
        let mut counts: Vec<usize> = self.groups.iter().map(|group| group.channels).collect();
        let sorted: Vec<Vec<f64>> = self.scores.iter().map(|scores| descending(scores)).collect();
        let mut left = before;
        while left > most {
            let mut best: Option<(f64, usize, usize, u64)> = None;
            for (group, scores) in sorted.iter().enumerate() {
                let Some(fewer) = self.fewer(counts[group]) else { continue };
                let mut trial = counts.clone();
                trial[group] = fewer;
                let flops = self.flops(&trial)?;
                let harm: f64 = scores[fewer..counts[group]].iter().sum();
                let price = harm / left.saturating_sub(flops).max(1) as f64;
                if best.is_none_or(|(least, ..)| price < least) {
                    best = Some((price, group, fewer, flops));
                }
            }
            let Some((_, group, fewer, flops)) = best else { break };
            (counts[group], left) = (fewer, flops);
        }
        self.give_back(&mut counts, &sorted, most)?;
        Ok(counts)
    }

    /// Puts back what the last steps took beyond the share, the channels that matter most first.
    fn give_back(&self, counts: &mut [usize], sorted: &[Vec<f64>], most: u64) -> Result<(), NnError> {
        loop {
            let mut best: Option<(f64, usize, usize)> = None;
            for (group, scores) in sorted.iter().enumerate() {
                let more = (counts[group] + 1).next_multiple_of(self.options.multiple).min(scores.len());
                let gain: f64 = scores[counts[group]..more].iter().sum();
                let mut trial = counts.to_vec();
                trial[group] = more;
                let is_more = more > counts[group] && best.is_none_or(|(greatest, ..)| gain > greatest);
                if is_more && self.flops(&trial)? <= most {
                    best = Some((gain, group, more));
                }
            }
            let Some((_, group, more)) = best else { return Ok(()) };
            counts[group] = more;
        }
    }

    /// The same share of each group, as small as it can be.
    fn same_share(&self, most: u64) -> Result<Vec<usize>, NnError> {
        let counts = |percent: usize| -> Vec<usize> {
            let of = |group: &ChannelGroup| {
                let wanted = (group.channels * (100 - percent)).div_ceil(100);
                let rounded = wanted.next_multiple_of(self.options.multiple);
                rounded.max(self.options.multiple).min(group.channels)
            };
            self.groups.iter().map(of).collect()
        };
        for percent in 1..100 {
            let counts = counts(percent);
            if self.flops(&counts)? <= most {
                return Ok(counts);
            }
        }
        Ok(counts(100))
    }
}

fn descending(scores: &[f64]) -> Vec<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|one, other| other.total_cmp(one));
    sorted
}

/// Those with the greatest scores, in their order; of equal ones the first.
fn greatest(scores: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    let mut kept = order[..count].to_vec();
    kept.sort_unstable();
    kept
}
