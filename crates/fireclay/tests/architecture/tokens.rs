//! Rust source as tokens, as far as paths need it: words, punctuation, and brackets that know their partner. Comments are
//! gone; a literal is one token without text.

/// One token and where it stands.
pub struct Token {
    /// A word without `r#`, one character of punctuation, `::`, or nothing for a literal or a lifetime.
    pub text: String,
    pub line: usize,
    /// For an opening bracket, where its partner is.
    pub close: usize,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// The tokens of `source`, which compiles.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut open = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, text) = next(rest, first);
        let (taken, after) = rest.split_at(length);
        match text {
            Some("(" | "[" | "{") => open.push(found.len()),
            Some(")" | "]" | "}") => {
                let partner: usize = open.pop().expect("brackets are balanced");
                found[partner].close = found.len();
            }
            _ => {}
        }
        if let Some(text) = text {
            found.push(Token { text: text.to_string(), line, close: 0 });
        }
        line += taken.matches('\n').count();
        rest = after;
    }
    found
}

/// How long the first token of `rest` is, and its text if it is one that paths need.
fn next(rest: &str, first: char) -> (usize, Option<&str>) {
    if first.is_whitespace() {
        return (first.len_utf8(), None);
    }
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some(length) = string(rest).or_else(|| character(rest)) {
        return (length, Some(""));
    }
    let is_part = |part: char| part.is_alphanumeric() || part == '_';
    let word = |text: &str| text.find(|part| !is_part(part)).unwrap_or(text.len());
    if let Some(raw) = rest.strip_prefix("r#") {
        let length = word(raw);
        return (2 + length, Some(&raw[..length]));
    }
    if first == '\'' {
        return (1 + word(&rest[1..]), Some("")); // a lifetime
    }
    if is_part(first) {
        let length = word(rest);
        return (length, Some(if first.is_ascii_digit() { "" } else { &rest[..length] }));
    }
    let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
    (length, Some(&rest[..length]))
}

/// The length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    loop {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += rest[at..].chars().next().map_or(rest.len(), char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
}

/// The length of a string, if `rest` begins with one of any kind.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|after| {
            let after = if prefix.ends_with('r') { after.trim_start_matches('#') } else { after };
            after.starts_with('"')
        })
    })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let end = format!("\"{}", &after[..hashes]);
        let inside = &after[hashes + 1..];
        return Some(prefix.len() + hashes + 1 + inside.find(&end)? + end.len());
    }
    Some(prefix.len() + 1 + until(&after[1..], '"')?)
}

/// The length of a character, if `rest` begins with one and not with a lifetime.
fn character(rest: &str) -> Option<usize> {
    let prefix = usize::from(rest.starts_with("b'"));
    let inside = rest[prefix..].strip_prefix('\'')?;
    let one = inside.chars().next()?;
    let closed = one == '\\' || inside[one.len_utf8()..].starts_with('\'');
    if closed { Some(prefix + 1 + until(inside, '\'')?) } else { None }
}

/// How many bytes of `inside` lead up to and over the first `end` that no backslash stands before.
fn until(inside: &str, end: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == end => return Some(at + end.len_utf8()),
            _ => {}
        }
    }
    None
}

#[test]
fn what_is_no_path_hides_none() {
    let source = r##"// crate::a
        /* crate::b /* */ crate::c */ let r#type = "crate::d \" {"; let c = ['"', '\'', b'{'];
        let raw = r#"crate::e "{ "#; fn f<'a>(x: &'a str) -> f32 { 1.0e-3 + 0x1f_u8 } crate::g"##;
    let found = tokens(source);
    let text: Vec<&str> =
        found.iter().map(|token| token.text.as_str()).filter(|text| !text.is_empty()).collect();
    assert_eq!(
        text.join(" "),
        "let type = ; let c = [ , , ] ; let raw = ; fn f < > ( x : & str ) - > f32 { . - + } crate :: g"
    );
    assert_eq!(found.last().unwrap().line, 3);
    let brace = found.iter().position(|token| token.text == "{").unwrap();
    assert_eq!(found[found[brace].close].text, "}");
}
