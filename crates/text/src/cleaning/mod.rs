//! What happens to a text before it is cut into words.
//!
//! One pass copies runs of plain ASCII as they are and looks closer only at what may be markup or is not ASCII. Case
//! and normal form are changed in the whole result afterwards, because a letter and its accent may come from different
//! places: one from the text, one from an entity.

mod characters;
mod markup;

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use characters::{Meaning, meaning, straight};

/// What is done to a text before it is cut into words, in the order of the fields.
///
/// Whatever the fields say: white space of every kind, CRLF among it, becomes spaces; control characters (NUL among
/// them) and characters that only steer the layout (byte order mark, direction marks, soft hyphen) are dropped, so
/// that two words that look the same are the same; and the control characters U+0080 to U+009F become what they were
/// in Windows-1252, as HTML demands, because texts that hold them were read as Latin-1 by mistake: 5,000 dashes and
/// ellipses in the Large Movie Review Dataset. Letters of every script and their combining marks survive.
///
/// ```
/// use fireclay_text::Cleaning;
///
/// let text = "Not <i>bad</i>.<br /><br />It&#39;s Tom &amp; Jerry’s BEST";
/// assert_eq!(Cleaning::default().clean(text), "not bad . it's tom & jerry's best");
/// assert_eq!(Cleaning::none().clean("As\tit\r\nis <br />"), "As it is <br />");
/// ```
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Cleaning {
    /// HTML line breaks (`<br>`, `<br />`) become spaces. By default they do.
    pub line_breaks: bool,
    /// All other HTML tags become spaces; `a < b` and `<3` are no tags. By default they do.
    pub tags: bool,
    /// HTML entities become the characters they stand for, once: `&amp;lt;` gives `&lt;`. All numeric ones and the
    /// common names are known, others stay as they are. By default they do.
    pub entities: bool,
    /// Curly quotes and apostrophes become straight ones, so that `don’t` is the word `don't`. By default they do.
    pub quotes: bool,
    /// Unicode's normal form NFKC: letters and their accents are joined, full-width letters, ligatures and the ellipsis
    /// become plain ones. By default it is applied. See <https://www.unicode.org/reports/tr15/>.
    pub nfkc: bool,
    /// Capital letters become small ones, the Greek final sigma becomes a plain one. By default they do.
    pub lowercase: bool,
}

impl Default for Cleaning {
    fn default() -> Self {
        Self { line_breaks: true, tags: true, entities: true, quotes: true, nfkc: true, lowercase: true }
    }
}

impl Cleaning {
    /// None of the steps: only what is done in any case.
    pub const fn none() -> Self {
        Self {
            line_breaks: false,
            tags: false,
            entities: false,
            quotes: false,
            nfkc: false,
            lowercase: false,
        }
    }

    /// The cleaned text.
    pub fn clean(&self, text: &str) -> String {
        let mut out = self.plain(text);
        if out.is_ascii() {
            if self.lowercase {
                out.make_ascii_lowercase();
            }
            return out;
        }
        if self.nfkc && is_nfkc_quick(out.chars()) != IsNormalized::Yes {
            out = out.nfkc().collect();
        }
        if self.lowercase {
            out = lowercase(&out);
        }
        out
    }

    /// The text without markup, and without characters that say nothing.
    fn plain(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| SPECIAL[usize::from(byte)]) {
            let (run, from) = rest.split_at(at);
            out.push_str(run);
            rest = self.special(from, &mut out);
        }
        out.push_str(rest);
        out
    }

    /// Deals with the special character that `text` begins with; returns what comes after it.
    fn special<'a>(&self, text: &'a str, out: &mut String) -> &'a str {
        if let Some((tag, after)) = markup::tag(text)
            && if markup::is_line_break(tag) { self.line_breaks } else { self.tags }
        {
            space(out);
            return after.trim_start_matches(' ');
        }
        if self.entities
            && let Some((decoded, after)) = markup::entity(text)
        {
            self.push(decoded, out);
            return after;
        }
        let mut chars = text.chars();
        if let Some(first) = chars.next() {
            self.push(first, out);
        }
        chars.as_str()
    }

    fn push(&self, character: char, out: &mut String) {
        match meaning(character) {
            Meaning::Space => space(out),
            Meaning::Nothing => {}
            Meaning::Character(character) if self.quotes => out.push(straight(character)),
            Meaning::Character(character) => out.push(character),
        }
    }
}

/// Bytes at which the plain copying stops: what may begin markup, control characters, and all that is not ASCII.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = byte < 0x20 || byte >= 0x7f || byte == b'<' as usize || byte == b'&' as usize;
        byte += 1;
    }
    special
};

/// One space where several would mean no more.
fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn lowercase(text: &str) -> String {
    let small = text.chars().flat_map(char::to_lowercase);
    small.map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        Cleaning::default().clean(text)
    }

    #[test]
    fn every_step_can_be_left_out() {
        let text = "A<BR/>b <i>C</i> &lt; ‘d’ ﬁn";
        assert_eq!(clean(text), "a b c < 'd' fin");
        let without = |change: fn(&mut Cleaning)| {
            let mut cleaning = Cleaning::default();
            change(&mut cleaning);
            cleaning.clean(text)
        };
        assert_eq!(without(|c| c.line_breaks = false), "a<br/>b c < 'd' fin");
        assert_eq!(without(|c| c.tags = false), "a b <i>c</i> < 'd' fin");
        assert_eq!(without(|c| c.entities = false), "a b c &lt; 'd' fin");
        assert_eq!(without(|c| c.quotes = false), "a b c < ‘d’ fin");
        assert_eq!(without(|c| c.nfkc = false), "a b c < 'd' ﬁn");
        assert_eq!(without(|c| c.lowercase = false), "A b C < 'd' fin");
    }

    #[test]
    fn white_space_and_control_characters() {
        assert_eq!(
            clean("one\r\ntwo\tthree\u{a0}four\u{2028}five\u{3000}six"),
            "one two three four five six"
        );
        assert_eq!(clean("\u{feff}na\0me\u{7f} so\u{ad}ft \u{202e}left\u{202c}"), "name soft left");
        // Windows-1252 read as Latin-1: a dash, an ellipsis and an apostrophe.
        assert_eq!(clean("a\u{96}b\u{85} don\u{92}t"), "a–b... don't");
    }

    #[test]
    fn scripts_and_combining_marks_survive() {
        for text in ["שלום עולם", "مرحبا بالعالم", "नमस्ते", "می\u{200c}خواهم", "日本語"]
        {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("cafe\u{301}"), "café");
        assert_eq!(clean("caf&#101;&#x301;"), "café");
        assert_eq!(clean("ΛΟΓΟΣ λόγος"), "λογοσ λόγοσ");
        let as_is = Cleaning { nfkc: false, ..Cleaning::default() };
        assert_eq!(as_is.clean("cafe\u{301}"), "cafe\u{301}");
    }

    #[test]
    fn nothing_but_markup_gives_nothing() {
        for text in ["", "<br />", "\0\r\n\t", "&#0;&nbsp;"] {
            assert_eq!(clean(text).trim(), "", "{text:?}");
        }
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let json = serde_json::to_string(&Cleaning::default()).unwrap();
        assert_eq!(
            json,
            r#"{"line_breaks":true,"tags":true,"entities":true,"quotes":true,"nfkc":true,"lowercase":true}"#
        );
        assert_eq!(serde_json::from_str::<Cleaning>(&json).unwrap(), Cleaning::default());
        let message = serde_json::from_str::<Cleaning>(r#"{"stemming":true}"#).unwrap_err().to_string();
        assert!(message.contains("stemming"), "{message}");
    }
}
