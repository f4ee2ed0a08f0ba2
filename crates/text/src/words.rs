//! Texts cut into words.

use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

use super::Cleaning;

/// The longest word in bytes of UTF-8; a longer one is cut into several.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// How much of a run of one mark is kept: `!!!!!!!!` becomes `!!!`.
const MAX_RUN: usize = 3;

/// Cleans texts and cuts them into words.
///
/// The rule, after [`Cleaning`]:
/// - letters, with their combining marks, and digits of any script make words; so do, between two letters or digits, an apostrophe
///   (`don't`) and, between two ASCII digits, a point or comma (`7.5`);
/// - every other mark is a word of its own, and so is a run of the same mark, of which three are kept (`...`, `!!!`);
/// - Chinese characters and Japanese kana are words of their own, as they are written without spaces. Other such
///   scripts, Thai for instance, need a tokeniser that knows words;
/// - a word of more than 128 bytes is cut into several.
///
/// ```
/// use fireclay_text::WordTokenizer;
///
/// let mut words = Vec::new();
/// WordTokenizer::default().words("Don't!!!!<br />A well-made 7.5/10...", |word| words.push(word.to_string()));
/// assert_eq!(words, ["don't", "!!!", "a", "well", "-", "made", "7.5", "/", "10", "..."]);
/// ```
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WordTokenizer {
    /// What is done before.
    pub cleaning: Cleaning,
    /// Whether marks are words.
    pub punctuation: Punctuation,
    /// Whether numbers are words.
    pub numbers: Numbers,
}

/// What becomes of punctuation and other marks.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Punctuation {
    /// They are words of their own.
    #[default]
    Words,
    /// They only part words.
    Dropped,
}

/// What becomes of words without a letter, such as `10` and `7.5`. Letters keep their digits: `80s`.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// They are words.
    #[default]
    Words,
    /// They are left out.
    Dropped,
}

impl WordTokenizer {
    /// Hands each word of `text` to `found`, in order. Nothing is allocated but one copy of the text.
    pub fn words(&self, text: &str, found: impl FnMut(&str)) {
        let cleaned = self.cleaning.clean(text);
        self.split(&cleaned).for_each(found);
    }

    /// The words of a text that is clean already, as parts of it.
    ///
    /// ```
    /// use fireclay_text::WordTokenizer;
    ///
    /// assert!(WordTokenizer::default().split("so good").eq(["so", "good"]));
    /// ```
    pub fn split<'a>(&self, cleaned: &'a str) -> Words<'a> {
        Words { rest: cleaned, punctuation: self.punctuation, numbers: self.numbers }
    }
}

/// The words of one text; see [`WordTokenizer::split`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a str,
    punctuation: Punctuation,
    numbers: Numbers,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let spaces = self.rest.bytes().position(|byte| CLASSES[usize::from(byte)] != Class::Space)?;
            let (_, text) = self.rest.split_at(spaces);
            let first = text.chars().next()?;
            let (word, rest) = text.split_at(match kind(first) {
                Kind::Space => {
                    self.rest = text.get(first.len_utf8()..)?;
                    continue;
                }
                Kind::Alone => first.len_utf8() + marks_at(text, first.len_utf8()),
                Kind::Letter => word_end(text),
                Kind::Mark | Kind::Combining => {
                    let (kept, run) = mark_run(text, first);
                    self.rest = text.get(run..)?;
                    if self.punctuation == Punctuation::Words {
                        return text.get(..kept);
                    }
                    continue;
                }
            });
            self.rest = rest;
            if self.numbers == Numbers::Words || !is_number(word) {
                return Some(word);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Mark,
    NotAscii,
}

/// The class of each byte; control characters part words as spaces do.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::NotAscii; 256];
    let mut byte = 0u8;
    while byte < 128 {
        classes[byte as usize] = if byte.is_ascii_alphanumeric() {
            Class::Letter
        } else if byte.is_ascii_punctuation() {
            Class::Mark
        } else {
            Class::Space
        };
        byte += 1;
    }
    classes
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Letter,
    /// A combining mark, which goes with the letter before it; without one it is a mark like others.
    Combining,
    Alone,
    Mark,
}

fn kind(character: char) -> Kind {
    match CLASSES.get(character as usize) {
        Some(Class::Space) => Kind::Space,
        Some(Class::Letter) => Kind::Letter,
        Some(Class::Mark) => Kind::Mark,
        Some(Class::NotAscii) | None => kind_beyond_ascii(character),
    }
}

fn kind_beyond_ascii(character: char) -> Kind {
    match character {
        // Kana, and the blocks of Chinese characters.
        '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Kind::Alone,
        // First, as some of them count as letters.
        _ if is_combining_mark(character) => Kind::Combining,
        _ if character.is_alphanumeric() => Kind::Letter,
        '\u{200b}'..='\u{200d}' => Kind::Space,
        _ if character.is_whitespace() || character.is_control() => Kind::Space,
        _ => Kind::Mark,
    }
}

/// How long the word is that `text` begins with; its first character is a letter.
fn word_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..MAX_WORD_BYTES).unwrap_or(bytes);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match CLASSES[usize::from(byte)] {
            Class::Letter => at += 1,
            Class::Space => break,
            Class::Mark => {
                let joins = match byte {
                    b'\'' => letter_at(text, at + 1),
                    b'.' | b',' => {
                        at > 0
                            && bytes[at - 1].is_ascii_digit()
                            && text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit)
                    }
                    _ => false,
                };
                if !joins {
                    break;
                }
                at += 1;
            }
            Class::NotAscii => {
                let Some(character) = char_at(text, at) else { break };
                let joins = match character {
                    '’' => letter_at(text, at + character.len_utf8()),
                    // Joiner and non-joiner.
                    '\u{200c}' | '\u{200d}' => true,
                    _ => matches!(kind_beyond_ascii(character), Kind::Letter | Kind::Combining),
                };
                if !joins || at + character.len_utf8() > MAX_WORD_BYTES {
                    break;
                }
                at += character.len_utf8();
            }
        }
    }
    at
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

fn letter_at(text: &str, at: usize) -> bool {
    char_at(text, at).is_some_and(|character| kind(character) == Kind::Letter)
}

/// How many bytes of combining marks there are at `at`, as far as a word may be long.
fn marks_at(text: &str, at: usize) -> usize {
    let mut end = at;
    while let Some(mark) = char_at(text, end).filter(|character| is_combining_mark(*character)) {
        if end + mark.len_utf8() > MAX_WORD_BYTES {
            break;
        }
        end += mark.len_utf8();
    }
    end - at
}

/// Of the run of `mark` that `text` begins with: how many bytes are kept, and how many there are.
fn mark_run(text: &str, mark: char) -> (usize, usize) {
    let count = text.chars().take_while(|character| *character == mark).count();
    (count.min(MAX_RUN) * mark.len_utf8(), count * mark.len_utf8())
}

fn is_number(word: &str) -> bool {
    word.chars().all(|character| character.is_numeric() || character == '.' || character == ',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        WordTokenizer::default().words(text, |word| words.push(word.into()));
        words
    }

    #[test]
    fn apostrophes_and_decimal_points_stay_inside() {
        assert_eq!(words("don't rock'n'roll O’Neill"), ["don't", "rock'n'roll", "o'neill"]);
        assert_eq!(words("'tis the boys' 'fun'"), ["'", "tis", "the", "boys", "'", "'", "fun", "'"]);
        assert_eq!(
            words("1,000.50 3. .5 v1.x 1,a"),
            ["1,000.50", "3", ".", ".", "5", "v1", ".", "x", "1", ",", "a"]
        );
        let as_is = WordTokenizer { cleaning: Cleaning::none(), ..WordTokenizer::default() };
        assert!(as_is.split("don’t ’x’").eq(["don’t", "’", "x", "’"]));
    }

    #[test]
    fn marks_are_words_of_their_own_and_runs_are_cut() {
        assert_eq!(words("so...bad?!?!!!!!"), ["so", "...", "bad", "?", "!", "?", "!!!"]);
        assert_eq!(words("A_B ((c)) ♥♥♥♥♥"), ["a", "_", "b", "((", "c", "))", "♥♥♥"]);
    }

    #[test]
    fn punctuation_and_numbers_can_be_dropped() {
        let bare = WordTokenizer {
            punctuation: Punctuation::Dropped,
            numbers: Numbers::Dropped,
            ..WordTokenizer::default()
        };
        assert!(bare.split("don't: 7.5/10, the 80s! ٣").eq(["don't", "the", "80s"]));
        assert_eq!(bare.split("?! 10").next(), None);
    }

    #[test]
    fn other_scripts() {
        assert_eq!(words("שלום, עולם"), ["שלום", ",", "עולם"]);
        assert_eq!(words("مرحبا بالعالم؟"), ["مرحبا", "بالعالم", "؟"]);
        assert_eq!(words("नमस्ते दुनिया।"), ["नमस्ते", "दुनिया", "।"]);
        assert_eq!(words("می\u{200c}خواهم"), ["می\u{200c}خواهم"]);
        assert_eq!(words("好电影。とても"), ["好", "电", "影", "。", "と", "て", "も"]);
        assert_eq!(words("naïve Ünïcode"), ["naïve", "ünïcode"]);
        // NFKC makes a space and a combining mark of a bare diaeresis.
        assert_eq!(words("¨the don´t"), ["\u{308}", "the", "don't"]);
        let as_is = WordTokenizer { cleaning: Cleaning::none(), ..WordTokenizer::default() };
        assert!(as_is.split("cafe\u{301} が\u{3099}").eq(["cafe\u{301}", "が\u{3099}"]));
    }

    #[test]
    fn nothing_gives_nothing() {
        for text in ["", " \r\n\t", "\0\0", "<br />", "\u{200d}"] {
            assert!(words(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_word_of_a_megabyte_is_cut_into_short_ones() {
        for letter in ["a", "é", "क्", "a\u{301}", "が\u{3099}"] {
            let text = letter.repeat(1_000_000 / letter.len());
            let tokenizer = WordTokenizer { cleaning: Cleaning::none(), ..WordTokenizer::default() };
            let lengths: Vec<usize> = tokenizer.split(&text).map(str::len).collect();
            assert!(lengths.iter().all(|len| *len <= MAX_WORD_BYTES), "{letter}");
            assert_eq!(lengths.iter().sum::<usize>(), text.len(), "{letter}");
        }
        assert_eq!(words(&"!".repeat(1_000_000)), ["!!!"]);
        assert!(words(&"<".repeat(1_000_000)) == ["<<<"] && words(&"<a".repeat(100_000)).len() == 200_000);
    }

    proptest! {
        #[test]
        fn words_are_parts_of_the_text_in_order(text in ".*") {
            let cleaned = Cleaning::default().clean(&text);
            let mut rest = cleaned.as_str();
            for word in WordTokenizer::default().split(&cleaned) {
                prop_assert!(!word.is_empty() && word.len() <= MAX_WORD_BYTES);
                prop_assert!(!word.chars().any(|c| c.is_whitespace() || c.is_control()), "{word:?}");
                let at = rest.find(word);
                prop_assert!(at.is_some());
                rest = &rest[at.unwrap_or(0) + word.len()..];
            }
        }
    }
}
