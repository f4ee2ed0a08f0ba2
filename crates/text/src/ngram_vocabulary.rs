//! The n-grams of the training texts that a model knows.
//!
//! They are kept as hashes of 32 bits, so that half a million take two or three megabytes and not twenty. That one which a model
//! does not know is taken for one that it knows happens once in some thousands.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{TextError, Texts, Vocabulary, WordTokenizer, reserved};

/// The most n-grams that are known.
const MAX_NGRAMS: usize = 1 << 22;

/// The longest n-gram in words.
const MAX_LONGEST: usize = 8;

/// Buckets of the index, by the leading bits of the hash.
const BUCKET_BITS: u32 = 16;

/// Which n-grams of the training texts get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NgramOptions {
    /// Words of the longest n-gram, 1 to 8; 3 by default.
    pub longest: usize,
    /// Only n-grams that occur in at least so many texts; 1 or more, 3 by default.
    pub min_count: usize,
}

impl Default for NgramOptions {
    fn default() -> Self {
        NgramOptions { longest: 3, min_count: 3 }
    }
}

/// The runs of neighbouring words in the training texts that are not rare, each with a token.
///
/// Of a text it gives the set of those that occur, each once, in no order of the text's: what a model reads that counts
/// rather than follows. Tokens 0 to 3 are [`reserved`], as in a [`Vocabulary`].
///
/// ```
/// use fireclay_data::{Provenance, Targets};
/// use fireclay_text::{NgramOptions, NgramVocabulary, Texts, WordTokenizer};
///
/// # fn main() -> Result<(), fireclay_text::TextError> {
/// let targets = Targets::Classes { labels: vec![0, 1], names: vec!["neg".into(), "pos".into()] };
/// let texts = vec!["not good, not good".to_string(), "so good".to_string()];
/// let training = Texts::new(texts, targets, Provenance::new("two reviews", "train", "made by hand"))?;
///
/// let (tokenizer, options) = (WordTokenizer::default(), NgramOptions { longest: 2, min_count: 1 });
/// let vocabulary = NgramVocabulary::build(&training, &tokenizer, options)?;
/// assert_eq!(vocabulary.len(), 8); // not, good, a comma, so; not good, good comma, comma not, so good
/// assert_eq!(vocabulary.tokens("Not good at all", &tokenizer).len(), 3); // not, good, not good
/// # Ok(())
/// # }
/// ```
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(try_from = "StoredNgrams", into = "StoredNgrams")]
pub struct NgramVocabulary {
    longest: usize,
    /// Ascending; a token is a place here, after the reserved ones.
    hashes: Vec<u32>,
    /// Where the hashes of each bucket begin, and their end.
    buckets: Vec<u32>,
}

/// How a model file keeps it: hashes ascend, so that their differences are short.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNgrams {
    longest: usize,
    hash_steps: Vec<u32>,
}

impl NgramVocabulary {
    /// The n-grams of the training texts. They are the same whatever the number of threads.
    ///
    /// # Errors
    /// As for [`Vocabulary::build`].
    pub fn build(
        training: &Texts,
        tokenizer: &WordTokenizer,
        options: NgramOptions,
    ) -> Result<Self, TextError> {
        Vocabulary::check_is_training(training)?;
        let NgramOptions { longest, min_count } = options;
        check_option("longest n-gram", longest, MAX_LONGEST)?;
        check_option("min_count", min_count, usize::MAX)?;
        let mut found: Vec<u32> =
            (training.texts().par_iter()).flat_map_iter(|text| distinct(text, tokenizer, longest)).collect();
        found.par_sort_unstable();
        let hashes: Vec<u32> = (found.chunk_by(|a, b| a == b))
            .filter(|same| same.len() >= min_count)
            .map(|same| same[0])
            .collect();
        match hashes.len() {
            0 => Err(TextError::NoWords { texts: training.len(), min_count: min_count as u64 }),
            1..=MAX_NGRAMS => Ok(Self::of(longest, hashes)),
            found => Err(TextError::TooManyNgrams { found, limit: MAX_NGRAMS }),
        }
    }

    /// From ascending hashes.
    fn of(longest: usize, hashes: Vec<u32>) -> Self {
        let mut buckets = vec![0u32; (1 << BUCKET_BITS) + 1];
        for hash in &hashes {
            buckets[bucket(*hash) + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        NgramVocabulary { longest, hashes, buckets }
    }

    /// The tokens of the n-grams of a text that are known, each once, ascending; one [`reserved::UNKNOWN`] if there is
    /// none.
    pub fn tokens(&self, text: &str, tokenizer: &WordTokenizer) -> Vec<u32> {
        let hashes = distinct(text, tokenizer, self.longest);
        let mut tokens: Vec<u32> = hashes.into_iter().filter_map(|hash| self.token(hash)).collect();
        if tokens.is_empty() {
            tokens.push(reserved::UNKNOWN);
        }
        tokens
    }

    fn token(&self, hash: u32) -> Option<u32> {
        let bucket = bucket(hash);
        let (start, end) = (self.buckets[bucket] as usize, self.buckets[bucket + 1] as usize);
        // Some seven, which are faster looked through than halved.
        let at = self.hashes[start..end].iter().position(|known| *known == hash)?;
        Some((reserved::NAMES.len() + start + at) as u32)
    }

    /// Words of the longest n-gram.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// How many n-grams there are, without the reserved tokens.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

impl std::fmt::Debug for NgramVocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let NgramVocabulary { longest, hashes, .. } = self;
        f.debug_struct("NgramVocabulary")
            .field("longest", longest)
            .field("len", &hashes.len())
            .finish_non_exhaustive()
    }
}

fn bucket(hash: u32) -> usize {
    (hash >> (u32::BITS - BUCKET_BITS)) as usize
}

/// The hashes of a text's n-grams, each once, ascending.
fn distinct(text: &str, tokenizer: &WordTokenizer, longest: usize) -> Vec<u32> {
    let mut hashes = Vec::with_capacity(text.len() / 2);
    // The upper half of 64 bits, into which all words of the run were multiplied.
    tokenizer.hashed_ngrams(text, longest, |hash| hashes.push(((hash ^ (hash << 29)) >> 32) as u32));
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn check_option(option: &'static str, found: usize, most: usize) -> Result<(), TextError> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    let expected = if most == usize::MAX { "1 or more".to_string() } else { format!("1 to {most}") };
    Err(TextError::VocabularyOption { option, expected, found: found as u64 })
}

impl From<NgramVocabulary> for StoredNgrams {
    fn from(ngrams: NgramVocabulary) -> Self {
        let mut last = 0;
        let steps = ngrams.hashes.iter().map(|hash| hash - std::mem::replace(&mut last, *hash));
        StoredNgrams { longest: ngrams.longest, hash_steps: steps.collect() }
    }
}

impl TryFrom<StoredNgrams> for NgramVocabulary {
    type Error = String;

    fn try_from(StoredNgrams { longest, hash_steps }: StoredNgrams) -> Result<Self, String> {
        check_option("longest n-gram", longest, MAX_LONGEST).map_err(|error| error.to_string())?;
        if !(1..=MAX_NGRAMS).contains(&hash_steps.len()) {
            return Err(format!("{} n-grams; expected 1 to {MAX_NGRAMS}", hash_steps.len()));
        }
        let mut hashes = Vec::with_capacity(hash_steps.len());
        let mut last = 0u32;
        for (index, step) in hash_steps.into_iter().enumerate() {
            last = match last.checked_add(step) {
                Some(hash) if step > 0 || index == 0 => hash,
                _ => return Err(format!("n-gram {index} does not come after the one before it")),
            };
            hashes.push(last);
        }
        Ok(Self::of(longest, hashes))
    }
}

#[cfg(test)]
mod tests {
    use fireclay_data::{Provenance, Targets};

    use super::*;

    fn texts(split: &str, texts: &[&str]) -> Texts {
        let targets = Targets::Classes { labels: vec![0; texts.len()], names: vec!["all".into()] };
        let texts = texts.iter().map(|text| text.to_string()).collect();
        Texts::new(texts, targets, Provenance::new("made up", split, "made by hand")).unwrap()
    }

    fn build(longest: usize, min_count: usize) -> NgramVocabulary {
        let training = texts("train", &["a b c", "a b d", "b a b a"]);
        NgramVocabulary::build(&training, &WordTokenizer::default(), NgramOptions { longest, min_count })
            .unwrap()
    }

    #[test]
    fn only_those_of_several_texts_are_known() {
        // a, b and a b are in three texts; b a is twice in one text only.
        assert_eq!((build(2, 3).len(), build(1, 1).len(), build(2, 1).len()), (3, 4, 8));
        let tokens = build(2, 3).tokens("a b a b zzz", &WordTokenizer::default());
        assert_eq!(tokens, [4, 5, 6]);
        assert_eq!(build(2, 3).tokens("zzz", &WordTokenizer::default()), [reserved::UNKNOWN]);
        assert_eq!(build(2, 3).tokens("", &WordTokenizer::default()), [reserved::UNKNOWN]);
    }

    #[test]
    fn texts_to_be_judged_by_and_options_that_cannot_be_are_refused() {
        let build = |split, options| {
            NgramVocabulary::build(&texts(split, &["a b"]), &WordTokenizer::default(), options)
                .unwrap_err()
                .to_string()
        };
        let options = NgramOptions::default();
        assert!(build("test", options).contains("training texts alone"));
        assert!(build("train", options).contains("no word occurs 3 time(s)"));
        assert!(
            build("train", NgramOptions { longest: 9, ..options })
                .contains("longest n-gram of a vocabulary is 9")
        );
        assert!(build("train", NgramOptions { min_count: 0, ..options }).contains("expected 1 or more"));
    }

    #[test]
    fn the_stored_form_is_checked() {
        let vocabulary = build(2, 1);
        let json = serde_json::to_string(&vocabulary).unwrap();
        assert_eq!(serde_json::from_str::<NgramVocabulary>(&json).unwrap(), vocabulary);
        let complaint = |json: &str| serde_json::from_str::<NgramVocabulary>(json).unwrap_err().to_string();
        assert!(complaint(r#"{"longest":0,"hash_steps":[1]}"#).contains("longest n-gram"));
        assert!(complaint(r#"{"longest":2,"hash_steps":[]}"#).contains("0 n-grams"));
        assert!(complaint(r#"{"longest":2,"hash_steps":[1,0]}"#).contains("n-gram 1 does not come after"));
        assert!(
            complaint(r#"{"longest":2,"hash_steps":[4294967295,1]}"#)
                .contains("n-gram 1 does not come after")
        );
        assert!(complaint(r#"{"longest":2,"hash_steps":[1],"x":1}"#).contains("unknown field"));
    }
}
