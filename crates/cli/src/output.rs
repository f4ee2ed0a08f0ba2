//! What a program prints: results to standard output, notes and errors to standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde::Serialize;

use crate::held::{Held, Stream};

/// What to print.
#[derive(Args, Clone, Copy, Debug)]
pub struct OutputArgs {
    /// Print results as JSON Lines, one object with a `type` on each line
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Leave out progress and notes
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,
}

impl OutputArgs {
    /// The output that the flags ask for.
    pub fn output(self) -> Output {
        Output::new(self.json, self.quiet)
    }
}

/// Prints results to standard output, as text or as JSON Lines, and notes to standard error.
///
/// When standard output is closed, as by `| head`, printing ends quietly and the work goes on. When it cannot be written for
/// another reason, as on a full disk, the work goes on as well, and the program then fails ([`failure`](Self::failure)).
#[derive(Debug)]
pub struct Output {
    json: bool,
    quiet: bool,
    silent: bool,
    closed: AtomicBool,
    failure: OnceLock<io::Error>,
    held: Held,
}

impl Output {
    /// Text, or JSON Lines with `json`; `quiet` leaves out notes and progress.
    pub fn new(json: bool, quiet: bool) -> Self {
        Output {
            json,
            quiet,
            silent: false,
            closed: AtomicBool::new(false),
            failure: OnceLock::new(),
            held: Held::default(),
        }
    }

    /// One that says nothing: for what was said before.
    pub fn silent() -> Self {
        Output { silent: true, ..Output::new(false, true) }
    }

    /// Whether nobody reads the results any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Why results are missing from standard output, if they are and it was not closed.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.get()
    }

    /// Whether progress and notes are left out.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether results are JSON Lines.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a bar can be drawn: on a terminal, unless it is unwanted.
    pub fn shows_bars(&self) -> bool {
        !self.quiet && io::stderr().is_terminal() && !self.held.is_on()
    }

    /// Keeps what would reach the terminal, in its order, until [`release`](Self::release): a full screen hides it. What goes to a
    /// file or a pipe is written as ever.
    pub fn hold(&self) {
        self.held.begin();
    }

    /// Prints what was held, and holds nothing any more.
    pub fn release(&self) {
        self.held.end(|stream, text| match stream {
            Stream::Results => self.write_now(text),
            Stream::Remarks => {
                let _ = io::stderr().lock().write_all(text.as_bytes());
            }
        });
    }

    /// The last lines that were printed since [`hold`](Self::hold), whether they reached something or wait.
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        self.held.last_lines(most)
    }

    /// Whether results are read by people on a terminal, which a plot is for.
    pub fn is_terminal(&self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// A line of a result for people. With JSON it is left out, since a record says the same.
    pub fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            self.write(&printable(text.as_ref()));
        }
    }

    /// A line of a result for people whose parts have colours where that is a terminal that shows them. With JSON it is left out.
    pub fn coloured_line<'a>(&self, parts: impl IntoIterator<Item = Coloured<'a>>) {
        if self.json {
            return;
        }
        let shows = self.shows_colours();
        let mut line = String::new();
        for Coloured { text, ink, ground } in parts {
            let text = printable(text);
            let codes: Vec<String> = [(38, ink), (48, ground)]
                .into_iter()
                .filter_map(|(code, colour)| colour.map(|[r, g, b]| format!("{code};2;{r};{g};{b}")))
                .collect();
            match shows && !codes.is_empty() {
                true => line.push_str(&format!("\u{1b}[{}m{text}\u{1b}[0m", codes.join(";"))),
                false => line.push_str(&text),
            }
        }
        self.write(&line);
    }

    /// Whether a line in colours has them: on a terminal, unless `NO_COLOR` is set to anything.
    pub fn shows_colours(&self) -> bool {
        self.is_terminal()
            && !colours_are_unwanted()
            && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
    }

    /// A part of a result for people that goes on on the same line, shown at once. With JSON it is left out.
    pub fn piece(&self, text: &str) {
        if !self.json {
            self.write_as_it_is(&printable(text));
        }
    }

    /// A line about the course of things, such as an epoch: a line that `quiet` leaves out.
    pub fn progress_line(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// A record of a result for programs: one line of JSON. As text it is left out.
    pub fn record(&self, record: &impl Serialize) {
        if self.json {
            match serde_json::to_string(record) {
                Ok(line) => self.write(&line),
                Err(error) => self.error(&format!("a record cannot be written as JSON: {error}")),
            }
        }
    }

    /// A remark that changes what the results mean, on standard error; `quiet` does not leave it out.
    pub fn warn(&self, text: impl AsRef<str>) {
        if self.silent {
            return;
        }
        self.remark(&format!("{}\n", printable(text.as_ref())));
    }

    /// A remark, on standard error.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.remark(&format!("{}\n", printable(text.as_ref())));
        }
    }

    /// An error, on standard error; with JSON a record too.
    pub fn error(&self, message: &str) {
        self.any_error(Failure { message, checkpoint: None, resume: None });
    }

    /// The error of a training that can go on by a command, from a checkpoint if that is known.
    pub fn resumable_error(&self, message: &str, checkpoint: Option<&str>, resume: &str) {
        self.any_error(Failure { message, checkpoint, resume: Some(resume) });
    }

    fn any_error(&self, failure: Failure) {
        self.remark(&format!("error: {}\n", printable(failure.message)));
        self.record(&failure);
    }

    fn write(&self, line: &str) {
        self.write_as_it_is(&format!("{line}\n"));
    }

    fn remark(&self, text: &str) {
        if !self.held.take(Stream::Remarks, text) {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    fn write_as_it_is(&self, text: &str) {
        if !self.held.take(Stream::Results, text) {
            self.write_now(text);
        }
    }

    fn write_now(&self, text: &str) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            self.closed.store(true, Ordering::Relaxed);
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _ = self.failure.set(error);
            }
        }
    }
}

/// Whether `NO_COLOR` is set to anything.
pub(crate) fn colours_are_unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// A part of a line with the colours of its letters and behind them, red, green and blue; the terminal's own where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coloured<'a> {
    /// The text.
    pub text: &'a str,
    /// The colour of the letters.
    pub ink: Option<[u8; 3]>,
    /// The colour behind them.
    pub ground: Option<[u8; 3]>,
}

/// The record of an error.
#[derive(Serialize)]
#[serde(tag = "type", rename = "error")]
struct Failure<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<&'a str>,
}

/// The text with every control character but ends of lines and tabs written out, as in `\u{1b}`: names of files, columns and classes
/// come from anywhere, and a terminal would obey what they hold.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_obeyed = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_obeyed(letter) {
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_told_what_names_hold() {
        assert_eq!(printable("a\tb\nç"), "a\tb\nç");
        assert_eq!(printable("\u{1b}[2Jname\r\u{9b}"), r"\u{1b}[2Jname\u{d}\u{9b}");
    }
}
