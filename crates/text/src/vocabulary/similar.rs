//! Words that are spelled nearly alike.

use strsim::osa_distance;

use super::Vocabulary;

impl Vocabulary {
    /// The words most like a spelling, the nearest first, and of those as near the most frequent: for "did you mean".
    /// Letters changed, added, left out or swapped with their neighbour count as one each ([Damerau 1964](
    /// https://doi.org/10.1145/363958.363994)); words that differ in more than a third of the letters are left out.
    ///
    /// ```
    /// use fireclay_text::Vocabulary;
    ///
    /// # fn main() -> Result<(), fireclay_text::TextError> {
    /// let vocabulary = Vocabulary::from_words(["the", "brilliant", "film", "firm"])?;
    /// assert_eq!(vocabulary.similar("briliant", 3), ["brilliant"]);
    /// assert_eq!(vocabulary.similar("flim", 3), ["film", "firm"]);
    /// assert!(vocabulary.similar("xylophone", 3).is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn similar(&self, spelling: &str, count: usize) -> Vec<&str> {
        let start = beginning(spelling);
        let limit = start.chars().count().div_ceil(3);
        let mut near: Vec<(usize, usize, &str)> = (self.words().enumerate())
            .filter(|(_, word)| word.len().abs_diff(spelling.len()) <= 4 * limit)
            .map(|(index, word)| (osa_distance(start, beginning(word)), index, word))
            .filter(|(distance, _, word)| *distance <= limit && *distance < word.chars().count())
            .collect();
        near.sort_unstable();
        near.into_iter().take(count).map(|(_, _, word)| word).collect()
    }
}

/// Longer words are compared by their beginnings.
const LONGEST: usize = 40;

/// The beginning of a word that is compared.
fn beginning(word: &str) -> &str {
    word.char_indices().nth(LONGEST).map_or(word, |(end, _)| &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_compared_by_their_beginnings() {
        let (long, longer) = ("é".repeat(40), "é".repeat(50));
        let vocabulary = Vocabulary::from_words([long.as_str(), "sitting"]).unwrap();
        assert_eq!(vocabulary.similar(&longer, 3), [long.as_str()]);
        assert_eq!(vocabulary.similar("kitting", 3), ["sitting"]);
    }

    #[test]
    fn distances_of_known_words() {
        let distances = [("kitten", "sitting"), ("flim", "film"), ("", "abc"), ("é", "e")];
        assert_eq!(distances.map(|(from, to)| osa_distance(from, to)), [3, 1, 3, 1]);
    }
}
