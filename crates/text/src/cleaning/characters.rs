//! What single characters mean for a text.

/// What is written in place of a character.
pub(super) enum Meaning {
    Space,
    Nothing,
    Character(char),
}

pub(super) fn meaning(character: char) -> Meaning {
    match character {
        '\u{80}'..='\u{9f}' => match windows_1252(character) {
            Some(meant) => Meaning::Character(meant),
            None => Meaning::Nothing,
        },
        // A place where a line may break, in scripts that write no spaces between words.
        '\u{200b}' => Meaning::Space,
        _ if character.is_whitespace() => Meaning::Space,
        // Soft hyphen, direction marks, word joiner and byte order mark. The joiner and non-joiner U+200C and U+200D
        // stay: Persian and Indic words differ by them.
        '\u{ad}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => Meaning::Nothing,
        _ if character.is_control() => Meaning::Nothing,
        _ => Meaning::Character(character),
    }
}

/// The straight form of a curly quote or apostrophe.
pub(super) fn straight(character: char) -> char {
    match character {
        // The acute accent alone is an apostrophe from the wrong key.
        '‘' | '’' | '‚' | '‛' | '´' => '\'',
        '“' | '”' | '„' | '‟' => '"',
        _ => character,
    }
}

/// The characters of Windows-1252 from 0x80 on, a dot for each that is not one.
/// See <https://html.spec.whatwg.org/multipage/parsing.html#numeric-character-reference-end-state>.
const WINDOWS_1252: &str = "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ";

fn windows_1252(control: char) -> Option<char> {
    let index = u32::from(control).checked_sub(0x80)?;
    WINDOWS_1252.chars().nth(index as usize).filter(|meant| *meant != '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1252_is_whole() {
        assert_eq!(WINDOWS_1252.chars().count(), 32);
        for (control, meant) in [('\u{80}', '€'), ('\u{85}', '…'), ('\u{92}', '’'), ('\u{9f}', 'Ÿ')] {
            assert_eq!(windows_1252(control), Some(meant));
        }
        assert_eq!(windows_1252('\u{81}'), None);
    }
}
