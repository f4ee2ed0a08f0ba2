//! Texts end to end, cut into windows: what a network that predicts the next token learns from.
//!
//! No target is stored: those of a window are its own tokens, one later. In training all windows begin some tokens
//! later, as seed and epoch decide, so that every epoch cuts the texts elsewhere; what runs over the end goes on at the
//! beginning, so there are as many windows in every epoch and no token is left out for long.

use crate::DataError;
use crate::random::Random;
use crate::source::Pass;

/// Marks the random stream that shifts windows.
const PURPOSE: u64 = 0x7769_6e64_6f77_0001;

/// Tokens of all texts, and the windows into which they are cut.
#[derive(Debug)]
pub(super) struct Stream {
    tokens: Vec<u32>,
    /// Where each text begins in `tokens`, and at the end their number.
    pub(super) starts: Vec<usize>,
    /// Tokens of a window.
    steps: usize,
}

impl Stream {
    pub(super) fn new(texts: &[impl AsRef<[u32]>], steps: usize) -> Result<Self, DataError> {
        let mut tokens = Vec::with_capacity(texts.iter().map(|text| text.as_ref().len()).sum());
        let mut starts = Vec::with_capacity(texts.len() + 1);
        for text in texts {
            starts.push(tokens.len());
            tokens.extend_from_slice(text.as_ref());
        }
        starts.push(tokens.len());
        // The last token of a window has to have a next one.
        if tokens.len() <= steps {
            return Err(DataError::StreamTooShort { tokens: tokens.len(), steps });
        }
        Ok(Stream { tokens, starts, steps })
    }

    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Windows that have a next token at every step; what is left over at the end is none.
    pub(super) fn windows(&self) -> usize {
        (self.tokens.len() - 1) / self.steps
    }

    /// Which window the token at a place in [`tokens`](Self::tokens) is of.
    pub(super) fn window_of(&self, at: usize) -> usize {
        at / self.steps
    }

    /// The tokens of a window where nothing is shifted.
    pub(super) fn window(&self, index: usize) -> &[u32] {
        &self.tokens[index * self.steps..][..self.steps]
    }

    /// Fills `inputs` with windows, and `next` with the token after each of theirs.
    pub(super) fn gather(
        &self,
        indices: &[usize],
        pass: Option<Pass>,
        inputs: &mut Vec<i32>,
        next: &mut Vec<u32>,
    ) {
        let shift = pass.map_or(0, |pass| self.shift(pass));
        inputs.clear();
        next.clear();
        inputs.reserve_exact(indices.len() * self.steps);
        next.reserve_exact(indices.len() * self.steps);
        for index in indices {
            let from = index * self.steps + shift;
            // Below the vocabulary's size, which fits.
            inputs.extend(self.around(from).map(|token| token as i32));
            next.extend(self.around(from + 1));
        }
    }

    /// A window's length of tokens from a place on, the stream going on at its beginning.
    fn around(&self, from: usize) -> impl Iterator<Item = u32> {
        let from = from % self.tokens.len();
        let till_end = (self.tokens.len() - from).min(self.steps);
        let parts = [&self.tokens[from..from + till_end], &self.tokens[..self.steps - till_end]];
        parts.into_iter().flatten().copied()
    }

    /// How many tokens later than usual the windows of a pass begin, less than a window has.
    fn shift(&self, pass: Pass) -> usize {
        let steps = u32::try_from(self.steps).unwrap_or(u32::MAX);
        Random::new(PURPOSE, pass.seed, pass.epoch as u64).below(steps) as usize
    }

    /// Some of the texts.
    pub(super) fn of_texts(&self, texts: &[usize]) -> Result<Self, DataError> {
        let texts: Vec<&[u32]> =
            texts.iter().map(|text| &self.tokens[self.starts[*text]..self.starts[text + 1]]).collect();
        Stream::new(&texts, self.steps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(tokens: u32, steps: usize) -> Stream {
        Stream::new(&[(0..tokens).collect::<Vec<u32>>()], steps).unwrap()
    }

    fn gathered(stream: &Stream, pass: Option<Pass>) -> (Vec<i32>, Vec<u32>) {
        let all: Vec<usize> = (0..stream.windows()).collect();
        let (mut inputs, mut next) = (vec![9], vec![9]);
        stream.gather(&all, pass, &mut inputs, &mut next);
        (inputs, next)
    }

    #[test]
    fn windows_follow_one_another_and_the_rest_is_left_out() {
        let stream = stream(12, 5);
        assert_eq!(stream.windows(), 2);
        assert_eq!(gathered(&stream, None), ((0..10).collect(), (1..11).collect()));
        assert_eq!((stream.window(1), stream.window_of(9)), (&[5, 6, 7, 8, 9][..], 1));
    }

    #[test]
    fn shifts_are_pinned() {
        let stream = stream(1000, 100);
        let shifts = [(0, 1), (0, 2), (1, 1), (7, 3)].map(|(seed, epoch)| stream.shift(Pass { seed, epoch }));
        assert_eq!(shifts, [12, 86, 65, 39]);
    }

    #[test]
    fn a_stream_of_one_window_is_the_shortest() {
        assert_eq!(stream(4, 3).windows(), 1);
        let message = Stream::new(&[[1, 2], [3, 4]], 4).unwrap_err().to_string();
        assert!(message.contains("4 tokens") && message.contains("5 or more"), "{message}");
        assert!(Stream::new(&Vec::<Vec<u32>>::new(), 1).is_err());
    }

    proptest! {
        #[test]
        fn every_target_is_the_token_after_its_input(
            tokens in 2u32..200, steps in 1usize..50, seed: u64, epoch in 0usize..9,
        ) {
            prop_assume!(tokens as usize > steps);
            let stream = stream(tokens, steps);
            let (inputs, next) = gathered(&stream, Some(Pass { seed, epoch }));
            prop_assert_eq!(inputs.len(), stream.windows() * steps);
            let shift = inputs[0] as usize;
            prop_assert!(shift < steps);
            for (at, (input, next)) in inputs.iter().zip(next).enumerate() {
                prop_assert_eq!(*input as u32, (at + shift) as u32 % tokens);
                prop_assert_eq!(next, (at + shift + 1) as u32 % tokens);
            }
        }
    }
}
