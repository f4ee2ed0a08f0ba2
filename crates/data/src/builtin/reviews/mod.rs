//! Film reviews written by this crate from a grammar, for when there is no network and no data.
//!
//! Every sample has its own random stream, derived from the seed, the split and the sample's index; so the text does
//! not depend on how many threads wrote it, nor on how many reviews were asked for.

mod composer;
mod matter;
mod opinions;
mod template;
mod words;

use rayon::prelude::*;

use crate::random::Random;
use crate::{Provenance, Targets, Texts};

/// Marks the random streams that write; one per split, so that the splits share nothing.
const TRAIN: u64 = 0x7772_6974_6500_0001;
const TEST: u64 = 0x7772_6974_6500_0002;

/// Writes reviews of films.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenReviews {
    seed: u64,
}

impl WrittenReviews {
    /// Reviews that depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// `(train, test)`, of these lengths. The first `n` reviews of a split are the same whatever its length.
    pub fn train_and_test(&self, train_len: usize, test_len: usize) -> (Texts, Texts) {
        (self.split("train", TRAIN, train_len), self.split("test", TEST, test_len))
    }

    fn split(&self, name: &str, purpose: u64, len: usize) -> Texts {
        let labels: Vec<u32> = (0..len as u64).map(|index| self.label(purpose, index)).collect();
        let texts: Vec<String> = (labels.par_iter().enumerate())
            .with_min_len(64)
            .map(|(index, label)| {
                let mut random = Random::new(purpose, self.seed, index as u64);
                composer::review(*label == 1, &mut random).text
            })
            .collect();
        let mut provenance =
            Provenance::new("written reviews", name, format!("written by Fireclay, seed {}", self.seed));
        let label_bytes: Vec<u8> = labels.iter().map(|label| *label as u8).collect();
        let parts: Vec<&[u8]> = texts.iter().map(String::as_bytes).chain([label_bytes.as_slice()]).collect();
        provenance.sha256 = Some(crate::sha256::of_parts(&parts));
        let targets = Targets::Classes { labels, names: vec!["neg".into(), "pos".into()] };
        match Texts::new(texts, targets, provenance) {
            Ok(texts) => texts,
            // There is one label for each text, and both have names.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Each two reviews are one of each kind, in either order.
    fn label(&self, purpose: u64, index: u64) -> u32 {
        let mut kinds = [0, 1];
        Random::new(!purpose, self.seed, index / 2).shuffle(&mut kinds);
        kinds[(index % 2) as usize]
    }
}
