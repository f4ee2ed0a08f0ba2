//! Sentences with choices in them: `[fine|good]` stands for one of its alternatives, which may hold choices of their
//! own, and `{name}` for a slot that the writer fills.

use std::borrow::Cow;

use fireclay_data::Random;

/// What a slot stands for: a template, expanded in its turn.
pub(super) type Filling<'a> = Cow<'a, str>;

/// Writes one of the sentences that `template` stands for to the end of `out`.
///
/// # Panics
/// If a bracket is not closed; templates are part of this crate, and its tests expand every one.
pub(super) fn expand<'a>(
    template: &str,
    r: &mut Random,
    slot: &dyn Fn(&str, &mut Random) -> Filling<'a>,
    out: &mut String,
) {
    let mut rest = template;
    while let Some(at) = rest.find(['[', '{']) {
        out.push_str(&rest[..at]);
        let open = &rest[at..];
        let end = closing(open);
        let inside = &open[1..end];
        if open.starts_with('{') {
            let filling = slot(inside, r);
            expand(&filling, r, slot, out);
        } else {
            let (alternatives, count) = (alternatives(inside), alternatives(inside).count());
            let chosen = r.below(count as u32) as usize;
            for alternative in alternatives.skip(chosen).take(1) {
                expand(alternative, r, slot, out);
            }
        }
        rest = &open[end + 1..];
    }
    out.push_str(rest);
}

/// Where the bracket closes that the text opens with.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    unreachable!("unclosed bracket in {text:?}")
}

/// The parts between the bars that stand in no bracket.
fn alternatives(inside: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    inside.split(move |character| {
        match character {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        character == '|' && depth == 0
    })
}

/// Capitals where sentences begin, and "an" before a vowel.
pub(super) fn polish(text: &str) -> String {
    let mut polished = String::with_capacity(text.len() + 8);
    let mut begins = true;
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        if !polished.is_empty() {
            polished.push(' ');
        }
        let article = matches!(word, "a" | "A") && words.peek().is_some_and(|next| sounds_like_vowel(next));
        let word = if article { "an" } else { word };
        match word.chars().next() {
            Some(first) if begins => {
                polished.extend(first.to_uppercase());
                polished.push_str(&word[first.len_utf8()..]);
            }
            _ => polished.push_str(word),
        }
        begins = word.ends_with(['.', '!', '?']);
    }
    polished
}

fn sounds_like_vowel(word: &str) -> bool {
    let silent = ["hour", "honest"].iter().any(|start| word.starts_with(start));
    let spoken = ["one", "uni", "use"].iter().any(|start| word.starts_with(start));
    silent || (!spoken && word.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(template: &str) -> Vec<String> {
        let slot = |name: &str, _: &mut Random| Filling::from(format!("<{name}|[x|y]>"));
        let mut seen: Vec<String> = (0..200)
            .map(|index| {
                let mut out = String::new();
                expand(template, &mut Random::new(0, 0, index), &slot, &mut out);
                out
            })
            .collect();
        seen.sort();
        seen.dedup();
        seen
    }

    #[test]
    fn choices_nest() {
        assert_eq!(all("no choice"), ["no choice"]);
        assert_eq!(all("a [b|c [d|e]]!"), ["a b!", "a c d!", "a c e!"]);
        assert_eq!(all("[|very ]{s}"), ["<s|x>", "<s|y>", "very <s|x>", "very <s|y>"]);
    }

    #[test]
    fn polishing() {
        assert_eq!(
            polish("it is a odd film. a hour! we met a one-eyed man"),
            "It is an odd film. An hour! We met a one-eyed man"
        );
        assert_eq!(polish("a \"b\" is a use"), "A \"b\" is a use");
    }
}
