//! Words that are spelled nearly alike.

use super::Vocabulary;

impl Vocabulary {
    /// The words most like a spelling, the nearest first, and of those as near the most frequent: for "did you mean".
    /// Words that differ in more than a third of the letters are left out.
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
        let letters: Vec<char> = spelling.chars().take(LONGEST).collect();
        let limit = letters.len().div_ceil(3);
        let mut near: Vec<(usize, usize, &str)> = (self.words().enumerate())
            .filter(|(_, word)| word.len().abs_diff(spelling.len()) <= 4 * limit)
            .map(|(index, word)| (distance(&letters, word), index, word))
            .filter(|(distance, _, word)| *distance <= limit && *distance < word.chars().count())
            .collect();
        near.sort_unstable();
        near.into_iter().take(count).map(|(_, _, word)| word).collect()
    }
}

/// Longer words are compared by their beginnings.
const LONGEST: usize = 40;

/// How many letters must be changed, added, left out or swapped with their neighbour ([Damerau 1964](
/// https://doi.org/10.1145/363958.363994), each place once).
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().take(LONGEST).collect();
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=to.len()).collect());
    for i in 0..from.len() {
        let mut row = vec![i + 1];
        for j in 0..to.len() {
            let mut best = (last[j] + usize::from(from[i] != to[j])).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_known_words() {
        let of = |from: &str, to: &str| distance(&from.chars().collect::<Vec<_>>(), to);
        assert_eq!([of("kitten", "sitting"), of("flim", "film"), of("", "abc"), of("é", "e")], [3, 1, 3, 1]);
    }
}
