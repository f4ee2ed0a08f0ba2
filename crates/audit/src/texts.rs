//! Texts as people mistype them.

use fireclay_data::Random;

/// The stream of random numbers that changes are made by.
const PURPOSE: u64 = 0x7479_706f;

/// What happens to a text. Words are what spaces separate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextChange {
    /// In a share of the words, one letter is another, too many, missing, or changed places with the next.
    Typos,
    /// A share of the words is left out, but never all.
    DroppedWords,
}

impl TextChange {
    /// All there are.
    pub const ALL: [TextChange; 2] = [TextChange::Typos, TextChange::DroppedWords];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            TextChange::Typos => "typing mistakes",
            TextChange::DroppedWords => "dropped words",
        }
    }
}

/// A text of which about a share of the words, from 0 to 1, is changed. The same seed and sample, the same changes; a greater share changes
/// what a smaller one does, and more.
///
/// ```
/// use fireclay_audit::{TextChange, changed_text};
///
/// let text = "a film that is worth every minute of it";
/// assert_eq!(changed_text(text, TextChange::Typos, 0.0, 1, 0), text);
/// assert_ne!(changed_text(text, TextChange::Typos, 1.0, 1, 0), text);
/// let shorter = changed_text(text, TextChange::DroppedWords, 0.5, 1, 0);
/// assert!(shorter.split(' ').count() < 9 && shorter.split(' ').all(|word| text.contains(word)));
/// ```
pub fn changed_text(text: &str, change: TextChange, share: f32, seed: u64, sample: u64) -> String {
    let mut random = Random::new(PURPOSE ^ change as u64, seed, sample);
    let words: Vec<&str> = text.split(' ').collect();
    // As many numbers for each word, whether it is changed or not.
    let drawn: Vec<(f32, [u32; 3])> = words
        .iter()
        .map(|_| (random.unit(), [random.below(4), random.below(u32::MAX), random.below(26)]))
        .collect();
    let is_changed = |index: usize| drawn[index].0 < share;
    match change {
        TextChange::Typos => {
            let word = |(index, word): (usize, &&str)| match is_changed(index) {
                true => mistyped(word, drawn[index].1),
                false => (*word).to_owned(),
            };
            words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
        }
        TextChange::DroppedWords => {
            let mut kept: Vec<&str> = words
                .iter()
                .enumerate()
                .filter(|(index, _)| !is_changed(*index))
                .map(|(_, word)| *word)
                .collect();
            if kept.is_empty() {
                // The one that would be the last to go.
                let last = (0..words.len()).max_by(|a, b| drawn[*a].0.total_cmp(&drawn[*b].0));
                kept.extend(last.map(|last| words[last]));
            }
            kept.join(" ")
        }
    }
}

/// A word with one mistake: at a letter, of one of four kinds.
fn mistyped(word: &str, [kind, place, letter]: [u32; 3]) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.is_empty() {
        return String::new();
    }
    let place = place as usize % letters.len();
    let letter = char::from(b'a' + letter as u8);
    match kind {
        0 => letters[place] = letter,
        1 => letters.insert(place, letter),
        // A word of one letter would be gone.
        2 if letters.len() > 1 => {
            letters.remove(place);
        }
        _ if letters.len() > 1 => {
            let place = place.min(letters.len() - 2);
            letters.swap(place, place + 1);
        }
        _ => letters.insert(place, letter),
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Übung macht den  Meister, sagt man a b c";

    #[test]
    fn a_share_of_the_words_is_changed() {
        let long = vec!["word"; 4000].join(" ");
        for share in [0.1f32, 0.5] {
            let typed = changed_text(&long, TextChange::Typos, share, 7, 3);
            let changed = typed.split(' ').filter(|word| *word != "word").count() as f32 / 4000.0;
            // One in 26 letters is the same again, and so are some that changed places.
            assert!((changed - share).abs() < 0.1 * share + 0.02, "{share}: {changed}");
            let kept =
                changed_text(&long, TextChange::DroppedWords, share, 7, 3).split(' ').count() as f32 / 4000.0;
            assert!((1.0 - kept - share).abs() < 0.03, "{share}: {kept}");
        }
    }

    #[test]
    fn changes_repeat_and_grow() {
        for change in TextChange::ALL {
            let at = |share, seed, sample| changed_text(TEXT, change, share, seed, sample);
            assert_eq!(at(0.5, 1, 1), at(0.5, 1, 1));
            assert!((0..10).any(|sample| at(0.5, 1, sample) != at(0.5, 2, sample)));
            assert_eq!(at(0.0, 1, 1), TEXT);
            assert!(!at(1.0, 1, 1).is_empty());
        }
        // What half of the words lose, all of them lose.
        let half = changed_text(TEXT, TextChange::DroppedWords, 0.5, 1, 1);
        let more = changed_text(TEXT, TextChange::DroppedWords, 0.8, 1, 1);
        assert!(more.split(' ').all(|word| half.split(' ').any(|kept| kept == word)), "{half} / {more}");
        assert_eq!(changed_text("", TextChange::Typos, 1.0, 1, 1), "");
        assert_eq!(changed_text("", TextChange::DroppedWords, 1.0, 1, 1), "");
    }
}
