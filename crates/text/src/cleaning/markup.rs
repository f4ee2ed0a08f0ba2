//! HTML tags and entities, as far as reviews and comments hold them.

/// How far the end of a tag is looked for: nothing in a text is scanned twice beyond it.
const MAX_TAG_BYTES: usize = 1024;
const MAX_ENTITY_BYTES: usize = 12;

/// The inside of the tag that `text` begins with, and what comes after it.
///
/// A tag is `<`, perhaps `/` or `!`, an ASCII letter or `-`, and all up to the next `>`, with no `<` between.
pub(super) fn tag(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?;
    let name = inside.strip_prefix(['/', '!']).unwrap_or(inside);
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if !begins {
        return None;
    }
    let end = inside.bytes().take(MAX_TAG_BYTES).position(|byte| byte == b'<' || byte == b'>')?;
    let (tag, after) = inside.split_at(end);
    Some((tag, after.strip_prefix('>')?))
}

/// Whether the inside of a tag is that of a line break, `br` in any of its spellings.
pub(super) fn is_line_break(tag: &str) -> bool {
    let name = tag.trim_matches(|c: char| c == '/' || c.is_whitespace());
    name.eq_ignore_ascii_case("br")
}

/// The character of the entity that `text` begins with, and what comes after it.
pub(super) fn entity(text: &str) -> Option<(char, &str)> {
    let inside = text.strip_prefix('&')?;
    let end = inside.bytes().take(MAX_ENTITY_BYTES).position(|byte| byte == b';')?;
    let (name, after) = inside.split_at(end);
    let decoded = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((decoded, after.strip_prefix(';')?))
}

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // The standard library would take a sign before the digits.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}

/// The names found in the wild where markup is not the purpose of a text.
const NAMED: [(&str, char); 48] = [
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("lt", '<'),
    ("gt", '>'),
    ("nbsp", ' '),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("bull", '•'),
    ("middot", '·'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("iexcl", '¡'),
    ("iquest", '¿'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("frac12", '½'),
    ("times", '×'),
    ("pound", '£'),
    ("euro", '€'),
    ("cent", '¢'),
    ("szlig", 'ß'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("aring", 'å'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("iacute", 'í'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("oslash", 'ø'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_begin_with_a_letter_and_end() {
        assert_eq!(tag("<br />after"), Some(("br />".trim_end_matches('>'), "after")));
        assert_eq!(tag("</i>x"), Some(("/i", "x")));
        assert_eq!(tag("<!-- note -->x"), Some(("!-- note --", "x")));
        for text in ["<3", "< b>", "<>", "<i", "<i <b>", "<", "x<i>", "<é>"] {
            assert_eq!(tag(text), None, "{text}");
        }
        assert_eq!(tag(&format!("<i {}>", "x".repeat(MAX_TAG_BYTES))), None);
    }

    #[test]
    fn line_breaks_in_all_spellings() {
        for inside in ["br", "br/", "br /", "BR", "/br", "br\t"] {
            assert!(is_line_break(inside), "{inside}");
        }
        for inside in ["b", "break", "brr /", ""] {
            assert!(!is_line_break(inside), "{inside}");
        }
    }

    #[test]
    fn entities_are_decoded_and_lies_are_left_alone() {
        for (text, decoded) in
            [("&amp;x", '&'), ("&#39;x", '\''), ("&#x27;x", '\''), ("&#X1F600;x", '😀'), ("&eacute;x", 'é')]
        {
            assert_eq!(entity(text), Some((decoded, "x")));
        }
        // No end, no name, no number, a sign, a surrogate, beyond Unicode, beyond 32 bits.
        for text in [
            "&amp x",
            "&;",
            "&unheard;",
            "&#;",
            "&#x;",
            "&#+39;",
            "&#xd800;",
            "&#x110000;",
            "&#9999999999;",
            "&",
            "&é;",
        ] {
            assert_eq!(entity(text), None, "{text}");
        }
    }
}
