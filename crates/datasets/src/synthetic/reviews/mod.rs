//! Film reviews written by this crate from a grammar, for when there is no network and no data.
//!
//! Every sample has its own random stream, derived from the seed, the split and the sample's index; so the text does
//! not depend on how many threads wrote it, nor on how many reviews were asked for.

mod composer;
mod matter;
mod opinions;
mod template;
mod words;

use fireclay_data::{Provenance, Random, Targets, sha256};
use fireclay_text::Texts;
use rayon::prelude::*;

/// Marks the random streams that write; one per split, so that the splits share nothing.
const TRAIN: u64 = 0x7772_6974_6500_0001;
const TEST: u64 = 0x7772_6974_6500_0002;

/// Writes reviews of films, for and against.
///
/// A review has 2 to 8 sentences of plain English; the classes are 0 `"neg"` and 1 `"pos"`, as many of one as of the
/// other. They are in the public domain like anything computed from a seed. For example, with seed 0:
///
/// - neg: It tells the story of a confident pilot and her likeable daughter. I saw Return to Oslo at a small cinema in
///   Venice. There is hardly any charm in it. I found the action scenes a bit shoddy.
/// - pos: A lazy family moves to an ugly valley, where a violinist has hidden an old piano. The audience was mostly
///   young that night. The actors are much less stiff than in the original. It is one of the most beautiful films I
///   have ever seen.
/// - neg: Victor Okafor plays a violinist who loses everything in a great trial. The funny lines are fresh and
///   delightful, but it left me cold and annoyed me. It is not beautiful. The action scenes could easily have been
///   striking, and are not.
///
/// The label follows from a rule. Each clause that judges the film, or an aspect of it, counts for or against it: 4, or
/// 6 when it is strong ("truly"), or 2 when it is hedged ("a little"), whether it says so plainly ("dull"), denies the
/// opposite ("never gripping"), compares or is ironic. Of two clauses joined by "but", "although" and the like, the
/// main one counts twice and the other half. Advice at the end counts 4. What happens in the story and how the popcorn
/// was count nothing, whatever words they use. The sum is at least 4 one way or the other, and its sign is the label.
///
/// So single words tell much but not all, and their order the rest. With 20,000 training reviews, logistic regression
/// gets 78 % of 5,000 test reviews right by single words and 93 % by runs of up to three, a convolution over five words
/// 98 %, and an LSTM 99 % (measured with scikit-learn and PyTorch, seed 0).
///
/// ```
/// use fireclay_datasets::WrittenReviews;
///
/// let (train, test) = WrittenReviews::new(0).train_and_test(50, 20);
/// assert_eq!((train.len(), test.len()), (50, 20));
/// assert!(train.texts()[0].starts_with("It tells the story of a confident pilot"));
/// assert_eq!(train.provenance().source, "written by Fireclay, seed 0");
/// ```
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
        provenance.sha256 = Some(sha256::of_parts(&parts));
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
