//! What is printed while a full screen hides the terminal: it is kept, and printed when the screen is gone.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Results,
    /// Standard error.
    Remarks,
}

impl Stream {
    fn is_terminal(self) -> bool {
        match self {
            Stream::Results => io::stdout().is_terminal(),
            Stream::Remarks => io::stderr().is_terminal(),
        }
    }
}

/// What was printed since it was held.
#[derive(Debug, Default)]
pub struct Held {
    texts: Mutex<Option<Vec<Text>>>,
}

#[derive(Debug)]
struct Text {
    stream: Stream,
    text: String,
    /// Whether it went to a file or a pipe, and was written at once.
    written: bool,
}

impl Held {
    /// Keeps texts from now on.
    pub fn begin(&self) {
        self.texts().get_or_insert_default();
    }

    /// Whether texts are kept.
    pub fn is_on(&self) -> bool {
        self.texts().is_some()
    }

    /// Takes a text in; false if it is to be written now.
    pub fn take(&self, stream: Stream, text: &str) -> bool {
        match &mut *self.texts() {
            Some(texts) => {
                let waits = stream.is_terminal();
                texts.push(Text { stream, text: text.to_owned(), written: !waits });
                waits
            }
            None => false,
        }
    }

    /// Writes what waits, in its order, and keeps no more.
    pub fn end(&self, write: impl Fn(Stream, &str)) {
        let mut texts = self.texts();
        let waiting = texts.take().unwrap_or_default().into_iter().filter(|text| !text.written);
        waiting.for_each(|text| write(text.stream, &text.text));
    }

    /// The last lines.
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        let texts = self.texts();
        // From the end, so that a long training takes no longer than a short one.
        let lines = texts.iter().flatten().rev().flat_map(|text| text.text.lines().rev());
        let mut last: Vec<String> =
            lines.filter(|line| !line.is_empty()).take(most).map(str::to_owned).collect();
        last.reverse();
        last
    }

    fn texts(&self) -> MutexGuard<'_, Option<Vec<Text>>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_waits_is_written_once_and_in_order() {
        let held = Held::default();
        assert!(!held.take(Stream::Results, "before\n"), "nothing is held yet");
        held.begin();
        *held.texts() = Some(vec![
            Text { stream: Stream::Results, text: "epoch 1\n".into(), written: false },
            Text { stream: Stream::Results, text: "in a file\n".into(), written: true },
            Text { stream: Stream::Remarks, text: "warning: a\nb\n".into(), written: false },
        ]);
        assert_eq!(held.last_lines(3), ["in a file", "warning: a", "b"]);
        let written = RefCell::new(Vec::new());
        let write = |stream, text: &str| written.borrow_mut().push((stream, text.to_owned()));
        held.end(write);
        held.end(write);
        let expected = [(Stream::Results, "epoch 1\n".into()), (Stream::Remarks, "warning: a\nb\n".into())];
        assert_eq!(written.into_inner(), expected);
        assert!(!held.is_on());
    }
}
