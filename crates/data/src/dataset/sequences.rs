//! Samples of unlike length: tokens end to end, brought to one length when a batch is gathered.

use crate::TextPadding;

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
    pub(super) fn new(samples: &[Vec<u32>], padding: TextPadding) -> Self {
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

    /// Some of these samples, and behind them some of others.
    pub(super) fn with(&self, mine: &[usize], others: &Sequences, theirs: &[usize]) -> Self {
        let mine = mine.iter().map(|index| self.sample(*index));
        let samples: Vec<Vec<u32>> =
            mine.chain(theirs.iter().map(|index| others.sample(*index))).map(<[u32]>::to_vec).collect();
        Sequences::new(&samples, self.padding)
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
