//! Texts out of files, in messages.

/// A name or a text of a file in a message: not endless, and without characters that do something to a terminal.
pub(crate) fn short(name: &str) -> String {
    const SHOWN: usize = 80;
    let mut cut = String::new();
    for letter in name.chars().take(SHOWN) {
        match letter {
            '\'' | '"' | '\\' => cut.push(letter),
            other => cut.extend(other.escape_debug()),
        }
    }
    if name.chars().nth(SHOWN).is_some() { format!("{cut}...") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn texts_are_cut_and_do_nothing_to_a_terminal() {
        assert_eq!(short("it's \u{1b}[31mred"), "it's \\u{1b}[31mred");
        let long = short(&"ä".repeat(81));
        assert_eq!(long, "ä".repeat(80) + "...");
    }
}
