//! Words back to a text that reads as texts do.

/// Marks that follow a word without a space, and marks that a word follows without one.
const CLOSING: [char; 10] = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '%'];
const OPENING: [char; 5] = ['(', '[', '{', '#', '$'];
/// Marks with no space on either side: `well-made`, `7/10`.
const JOINING: [char; 2] = ['-', '/'];

/// Puts words together, one after the other, with spaces where a text has them.
///
/// ```
/// use fireclay_text::Prose;
///
/// let mut prose = Prose::default();
/// let mut text = String::new();
/// for word in ["\"", "so", "bad", "\"", ",", "he", "said", "(", "7", "/", "10", ")", "..."] {
///     prose.push(word, &mut text);
/// }
/// assert_eq!(text, r#""so bad", he said (7/10)..."#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Prose {
    /// Whether there is a word already, and one that wants a space after it.
    wants_space: bool,
    /// Whether a double quote is open.
    quoted: bool,
}

impl Prose {
    /// Adds a word or a mark to the text, with a space before it where one belongs.
    pub fn push(&mut self, word: &str, text: &mut String) {
        let is_quote = word == "\"";
        let closes = (is_quote && self.quoted) || word.starts_with(CLOSING) || word.starts_with(JOINING);
        if self.wants_space && !closes {
            text.push(' ');
        }
        text.push_str(word);
        let opens = (is_quote && !self.quoted) || word.starts_with(OPENING);
        let joins = word.starts_with(JOINING) && word.chars().count() == 1;
        self.wants_space = !(opens || joins);
        self.quoted ^= is_quote;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_where_they_do_in_texts() {
        for (words, expected) in [
            ("not bad . really !", "not bad. really!"),
            ("a well - made film", "a well-made film"),
            ("a \" must \" , \" no \"", "a \"must\", \"no\""),
            ("( 7.5 / 10 ) costs $ 5 or 5 %", "(7.5/10) costs $5 or 5%"),
            ("it -- no", "it-- no"),
            ("", ""),
        ] {
            let mut text = String::new();
            let mut prose = Prose::default();
            words.split_whitespace().for_each(|word| prose.push(word, &mut text));
            assert_eq!(text, expected);
        }
    }
}
