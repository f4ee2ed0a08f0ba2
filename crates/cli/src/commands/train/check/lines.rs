//! The lines of a check: one for each thing that was looked at, with a mark, and below it what is to be said of it.

use fireclay::train::Finding;

use crate::output::Output;

/// What stands before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Fine,
    Unknown,
    Warning,
    Problem,
}

impl Mark {
    fn letter(self) -> char {
        match self {
            Mark::Fine => '✓',
            Mark::Unknown => '-',
            Mark::Warning => '!',
            Mark::Problem => '✗',
        }
    }
}

/// Prints lines as they come, and keeps what is wrong.
pub struct Lines<'a> {
    output: &'a Output,
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

impl<'a> Lines<'a> {
    /// No lines yet.
    pub fn new(output: &'a Output) -> Self {
        Lines { output, problems: Vec::new(), warnings: Vec::new() }
    }

    /// Something that is as it should be.
    pub fn fine(&mut self, what: &str, text: impl AsRef<str>) {
        self.print(Mark::Fine, what, &[text.as_ref()]);
    }

    /// Something that could not be found out.
    pub fn unknown(&mut self, what: &str, text: impl AsRef<str>) {
        self.print(Mark::Unknown, what, &[text.as_ref()]);
    }

    /// Something that makes the training fail.
    pub fn problem(&mut self, what: &str, text: impl Into<String>) {
        let text = text.into();
        self.print(Mark::Problem, what, &[&text]);
        self.problems.push(text);
    }

    /// What was looked at, in a sentence if there is one, and what was found in it.
    pub fn found(&mut self, what: &str, text: Option<String>, problems: Vec<String>, warnings: Vec<String>) {
        let mark = match (problems.is_empty(), warnings.is_empty()) {
            (true, true) => Mark::Fine,
            (true, false) => Mark::Warning,
            (false, _) => Mark::Problem,
        };
        let all: Vec<&str> = text.iter().chain(&problems).chain(&warnings).map(String::as_str).collect();
        self.print(mark, what, &all);
        self.problems.extend(problems);
        self.warnings.extend(warnings);
    }

    /// The same with what a trainer found.
    pub fn findings(&mut self, what: &str, text: Option<String>, findings: &[&Finding]) {
        let texts = |is_problem| {
            findings
                .iter()
                .filter(|found| found.is_problem == is_problem)
                .map(|found| found.text.clone())
                .collect()
        };
        self.found(what, text, texts(true), texts(false));
    }

    fn print(&self, mark: Mark, what: &str, texts: &[&str]) {
        for (index, text) in texts.iter().enumerate() {
            match index {
                0 => self.output.line(format!("{} {what:<9}  {text}", mark.letter())),
                _ => self.output.line(format!("{:<13}{text}", "")),
            }
        }
    }
}
