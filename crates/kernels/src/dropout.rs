//! Dropout ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)), of values and inside attention.
//!
//! What is dropped is a function of the seed and the place, so that the backward pass finds it again and no mask is kept.

use crate::Cpu;
use crate::cpu::Shared;
use crate::mix::mix;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, over_rows, put};

/// Values that are set to zero at random; the others are scaled up, so that the mean stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Share of values set to zero, in `[0, 1)`; counted in parts of 65536.
    pub rate: f32,
    /// What decides which.
    pub seed: u64,
    /// Where these values begin, if they are a part of more: the place of the first value in [`dropout`], and of the first row of
    /// probabilities or of hidden values where it is a part of attention or of a feed-forward block. 0 if they are everything.
    pub first: usize,
}

/// Values that have one stream of random numbers.
const BLOCK: usize = 256;

/// `output = input · factor`, with a factor for each place that is 0 or a little more than 1. With the same seed it is the
/// gradient as well.
///
/// # Panics
/// If the slices differ in length.
///
/// ```
/// use fireclay_kernels::{Cpu, Dropout, dropout};
/// let mut output = [0.0; 1000];
/// dropout(Cpu::best(1), Dropout { rate: 0.5, seed: 1, first: 0 }, &[1.0; 1000], &mut output);
/// assert!(output.iter().all(|value| [0.0, 2.0].contains(value)));
/// assert!((400..600).contains(&output.iter().filter(|value| **value == 0.0).count()));
/// ```
pub fn dropout(cpu: Cpu, dropout: Dropout, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len(), "as many values come out as go in");
    let shared = Shared::new(output);
    // The first block may have begun before.
    let (first, skipped) = (dropout.first / BLOCK, dropout.first % BLOCK);
    over_rows(cpu, (skipped + input.len()).div_ceil(BLOCK), input.len(), |blocks| {
        let start = (blocks.start * BLOCK).saturating_sub(skipped);
        let places = start..(blocks.end * BLOCK - skipped).min(input.len());
        let skipped = if blocks.start == 0 { skipped } else { 0 };
        // SAFETY: no other part has these blocks.
        let output = unsafe { shared.part(places.clone()) };
        cpu.path.run(Drop { dropout, first: first + blocks.start, skipped, input: &input[places], output });
    });
}

struct Drop<'a> {
    dropout: Dropout,
    /// The number of the first block.
    first: usize,
    /// How many values of it come before the input.
    skipped: usize,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Drop<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut factors = [0.0; BLOCK];
        let (mut block, mut skipped, mut done) = (self.first, self.skipped, 0);
        while done < self.input.len() {
            let end = self.input.len().min(done + BLOCK - skipped);
            let (input, output) = (&self.input[done..end], &mut self.output[done..end]);
            let factors = &mut factors[..skipped + input.len()];
            self.dropout.stream(block, 0, factors);
            let factors = &factors[skipped..];
            (block, skipped, done) = (block + 1, 0, end);
            each_vector!(S::LANES, input.len(), |column, count| {
                put(
                    s,
                    output,
                    column,
                    count,
                    s.mul(get(s, input, column, count), get(s, factors, column, count)),
                );
            });
        }
    }
}

impl Dropout {
    /// Writes the factors of a row, 0 or a little more than 1.
    #[inline(always)]
    pub(crate) fn factors(&self, row: usize, factors: &mut [f32]) {
        self.factors_from(row, 0, factors);
    }

    /// Writes the factors of a row from a place on, which is a multiple of 4.
    #[inline(always)]
    pub(crate) fn factors_from(&self, row: usize, place: usize, factors: &mut [f32]) {
        self.stream(self.first + row, place, factors);
    }

    /// Writes the factors of a stream from a place on, which is a multiple of 4.
    #[inline(always)]
    fn stream(&self, stream: usize, place: usize, factors: &mut [f32]) {
        let dropped = ((self.rate * 65536.0).round() as u64).min(65535);
        let kept = 65536.0 / (65536 - dropped) as f32;
        let stream = mix(self.seed ^ mix(stream as u64));
        // Each number decides for four places.
        for (at, four) in (place / 4..).zip(factors.chunks_mut(4)) {
            let bits = mix(stream.wrapping_add(at as u64));
            for (place, factor) in four.iter_mut().enumerate() {
                *factor = if (bits >> (16 * place)) & 0xFFFF < dropped { 0.0 } else { kept };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Random, cpus};

    #[test]
    fn as_many_are_dropped_as_asked_and_the_mean_stays() {
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let (mut dropped, mut sum) = (0, 0.0);
            for stream in 0..1000 {
                let mut factors = [9.0; 101];
                Dropout { rate, seed: 5, first: 0 }.factors(stream, &mut factors);
                dropped += factors.iter().filter(|factor| **factor == 0.0).count();
                sum += factors.iter().sum::<f32>();
            }
            let count = 101_000.0;
            assert!((dropped as f32 / count - rate).abs() < 0.005, "{rate}: {dropped}");
            assert!((sum / count - 1.0).abs() < 0.02, "{rate}: {sum}");
        }
    }

    #[test]
    fn every_path_and_number_of_threads_drops_the_same() {
        for len in (0..=64).chain([255, 256, 257, 1000]) {
            let input = Random::new(len as u64).numbers(len);
            let run = |cpu| {
                let mut output = vec![9.0; len];
                dropout(cpu, Dropout { rate: 0.3, seed: 7, first: 0 }, &input, &mut output);
                output
            };
            let expected = run(Cpu::single(crate::Path::Plain));
            for cpu in cpus() {
                assert_eq!(run(cpu), expected, "{len} on {cpu:?}");
            }
            let kept = 65536.0 / (65536.0 - (0.3f32 * 65536.0).round());
            let pairs = input.iter().zip(&expected);
            assert!(pairs.clone().all(|(x, y)| *y == 0.0 || *y == x * kept));
        }
    }

    #[test]
    fn a_part_drops_what_it_drops_of_the_whole() {
        let input = Random::new(1).numbers(1100);
        let mut whole = vec![9.0; input.len()];
        let cpu = Cpu::best(2);
        dropout(cpu, Dropout { rate: 0.3, seed: 7, first: 0 }, &input, &mut whole);
        for (first, end) in [(0, 1100), (1, 3), (255, 257), (256, 700), (300, 301), (511, 1100), (513, 1029)]
        {
            let mut part = vec![9.0; end - first];
            dropout(cpu, Dropout { rate: 0.3, seed: 7, first }, &input[first..end], &mut part);
            assert_eq!(part, whole[first..end], "{first}..{end}");
        }
    }
}
