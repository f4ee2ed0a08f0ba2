//! Files of explanations: a page of all, or a picture of each.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fireclay::data::write_atomically;
use fireclay::explain::Way;
use fireclay::report::{Explanation, ExplanationReport, RandomizedLayer};
use fireclay_cli::{Output, UsageError, check_output, count, same_file};

use super::Explained;
use crate::error::AppError;

/// A page has no more: with their pictures they are some megabytes.
const MOST: usize = 200;

/// Where explanations are written.
pub enum Out {
    /// All of them, and how many were left out.
    Page { path: PathBuf, explanations: Vec<Explanation>, left_out: usize },
    /// One picture, which is written when it is known that there is no other.
    Picture { path: PathBuf, bytes: Option<Vec<u8>> },
    /// A picture for each, with the names that were given.
    Folder { path: PathBuf, names: HashSet<String> },
}

impl Out {
    /// What a path asks for.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        let path = path.to_path_buf();
        if path.is_dir() {
            return Ok(Out::Folder { path, names: HashSet::new() });
        }
        check_output(&path, "--out")?;
        match ending.to_str() {
            Some("html" | "htm") => Ok(Out::Page { path, explanations: Vec::new(), left_out: 0 }),
            Some("png") => Ok(Out::Picture { path, bytes: None }),
            _ => Err(UsageError::of(AppError::ExplanationOut { path })),
        }
    }

    /// Takes an explanation, and writes it if it has a file of its own.
    pub fn add(&mut self, explained: Explained) -> anyhow::Result<()> {
        let Explained { explanation, input, method } = explained;
        match self {
            Out::Page { explanations, left_out, .. } => match explanations.len() < MOST {
                true => explanations.push(explanation),
                false => *left_out += 1,
            },
            Out::Picture { path, bytes } => {
                if bytes.is_some() {
                    return Err(UsageError::of(AppError::OnePicture { path: path.clone() }));
                }
                *bytes = Some(png(path, &explanation)?);
            }
            Out::Folder { path, names } => {
                let stem = input.file_stem().unwrap_or_default().to_string_lossy();
                let method = method.word();
                let numbered = (2..).map(|number| format!("{stem}-{number}.{method}.png"));
                let mut all = std::iter::once(format!("{stem}.{method}.png")).chain(numbered);
                // Pictures of several folders may have the same name. What an earlier run wrote is written anew, an input is not.
                let is_free = |name: &String| !names.contains(name) && !same_file(&path.join(name), &input);
                let name = all.find(is_free).unwrap_or_default();
                let path = path.join(&name);
                write(&path, &png(&path, &explanation)?)?;
                names.insert(name);
            }
        }
        Ok(())
    }

    /// Writes what is to be written when all are known.
    pub fn finish(
        self,
        model: &Path,
        way: &Way,
        (randomized, randomized_samples): (Vec<RandomizedLayer>, usize),
        output: &Output,
    ) -> anyhow::Result<()> {
        match self {
            Out::Page { path, explanations, left_out } => {
                let mut notes = Vec::new();
                if left_out > 0 {
                    notes.push(format!(
                        "The first {} of {} answers are shown.",
                        explanations.len(),
                        count((explanations.len() + left_out) as u64)
                    ));
                }
                let answers = explanations.len();
                let name = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let report = ExplanationReport {
                    program: format!("fireclay {}", env!("CARGO_PKG_VERSION")),
                    title: format!("What decided: {name}"),
                    summary: match answers {
                        1 => format!("An answer of {name}, explained by {}.", way.method.name()),
                        _ => format!(
                            "{} answers of {name}, explained by {}.",
                            count(answers as u64),
                            way.method.name()
                        ),
                    },
                    method: way.method.name().into(),
                    meaning: way.method.meaning().into(),
                    colour: way.method.colour().into(),
                    explanations,
                    randomized,
                    randomized_samples,
                    notes,
                };
                let page = report.to_html()?;
                write(&path, page.as_bytes())?;
                output.note(format!("the page: {}", path.display()));
            }
            Out::Picture { path, bytes } => {
                if let Some(bytes) = bytes {
                    write(&path, &bytes)?;
                    output.note(format!("the picture: {}", path.display()));
                }
            }
            Out::Folder { path, names } => {
                let pictures = if names.len() == 1 { "picture" } else { "pictures" };
                output.note(format!("{} {pictures} in {}", count(names.len() as u64), path.display()));
            }
        }
        Ok(())
    }
}

fn png(path: &Path, explanation: &Explanation) -> anyhow::Result<Vec<u8>> {
    let bytes = explanation.to_png()?;
    bytes.ok_or_else(|| UsageError::of(AppError::NoPictures { path: path.to_path_buf() }))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_atomically(path, |file| file.write_all(bytes))
        .map_err(|source| AppError::Write { path: path.to_path_buf(), source }.into())
}
