//! Runs of neighbouring words as numbers, for models that count them.

use super::WordTokenizer;

/// FNV-1a, 64 bits, whose values are fixed by its definition: <https://datatracker.ietf.org/doc/html/rfc9923>.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The longest run of words.
const MAX_N: usize = 8;

impl WordTokenizer {
    /// Hands a hash of every run of 1 to `longest` neighbouring words to `found`: at each word its own, then those of
    /// the longer runs that end with it.
    ///
    /// The hash of a run is the same in every release; taken modulo a number of features it says which one to count.
    /// `longest` is 8 at most, larger values count as 8, and 0 gives nothing.
    ///
    /// ```
    /// use fireclay_text::WordTokenizer;
    ///
    /// let grams = |text| {
    ///     let mut grams = Vec::new();
    ///     WordTokenizer::default().hashed_ngrams(text, 2, |hash| grams.push(hash));
    ///     grams
    /// };
    /// let not_good = grams("not good");
    /// assert_eq!(not_good.len(), 3); // not, good, not good
    /// assert_eq!(grams("NOT  good"), not_good);
    /// assert_ne!(grams("good not")[2], not_good[2]);
    /// ```
    pub fn hashed_ngrams(&self, text: &str, longest: usize, mut found: impl FnMut(u64)) {
        // runs[k] is the state after the last k + 1 words.
        let mut runs = [OFFSET; MAX_N];
        let longest = longest.min(MAX_N);
        let mut words = 0usize;
        self.words(text, |word| {
            words = words.saturating_add(1);
            for k in (0..longest.min(words)).rev() {
                // A byte that no word holds keeps "ab c" and "a bc" apart.
                let before = if k == 0 { OFFSET } else { add(runs[k - 1], b" ") };
                runs[k] = add(before, word.as_bytes());
            }
            runs[..longest.min(words)].iter().copied().for_each(&mut found);
        });
    }
}

fn add(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(text: &str, longest: usize) -> Vec<u64> {
        let mut grams = Vec::new();
        WordTokenizer::default().hashed_ngrams(text, longest, |hash| grams.push(hash));
        grams
    }

    #[test]
    fn hashes_are_those_of_the_words_with_a_space_between() {
        let hash = |words: &str| add(OFFSET, words.as_bytes());
        assert_eq!(
            grams("a b c d", 3),
            ["a", "b", "a b", "c", "b c", "a b c", "d", "c d", "b c d"].map(hash)
        );
        // From the table of the hash's authors.
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_longest_run_has_limits() {
        assert!(grams("a b c", 0).is_empty());
        assert_eq!(grams("a b c", 1).len(), 3);
        assert_eq!(grams("a b c", usize::MAX).len(), 6);
        assert!(grams("", 2).is_empty());
    }
}
