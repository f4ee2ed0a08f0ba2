//! A folder of texts, with a sub-folder for each class.

use std::path::Path;

use fireclay_data::{Provenance, Targets};
use fireclay_text::Texts;
use rayon::prelude::*;

use super::FolderProblem;
use super::listing::{self, Parts, Skipped, Wanted, refuse};
use crate::DatasetsError;
use crate::formats::text::{Unreadable, decode_text};
use crate::formats::whole::{Whole, file_name, read_whole};

/// Of one text: longer ones are books, or no texts.
const MOST_TEXT_BYTES: u64 = 16 << 20;

/// Of all texts.
const MOST_BYTES: u64 = 8 << 30;

/// Files and folders.
const MOST_FILES: usize = 10_000_000;

/// Broken files that an error lists.
const MOST_LISTED: usize = 10;

/// The texts of a folder, and what was passed over.
#[derive(Clone, Debug)]
pub struct TextFolder {
    /// The texts, in the order of their classes and then of their paths. The sub-folders' names, sorted, are the
    /// classes' names.
    pub texts: Texts,
    /// Files that were passed over.
    pub skipped: Skipped,
    /// How many texts are empty or only white space; they are kept.
    pub empty: usize,
}

impl TextFolder {
    /// Loads the `.txt` files of a folder that has a sub-folder for each class.
    ///
    /// Texts are UTF-8 and kept as they are, line ends included; only a byte order mark at the beginning is dropped. A
    /// text has 16 MiB at most, all of them 8 GiB. Hidden files and files of other endings are passed over and counted.
    ///
    /// ```
    /// use fireclay_datasets::TextFolder;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// for (class, text) in [("neg", "a bore"), ("pos", "a joy")] {
    ///     std::fs::create_dir(folder.join(class))?;
    ///     std::fs::write(folder.join(class).join("1.txt"), text)?;
    /// }
    /// let reviews = TextFolder::load(folder)?;
    /// assert_eq!(reviews.texts.texts(), ["a bore", "a joy"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the folder has no classes, one without texts, too much text, or files that are no UTF-8 text; the first ten of
    /// these are listed.
    pub fn load(folder: &Path) -> Result<Self, DatasetsError> {
        load_part(folder, folder, "all", None)
    }

    /// Loads `(train, test)` from the sub-folders `train` and `test`, each as [`TextFolder::load`] does; the classes of
    /// both are those of the training part. In any case, and `training` is a training part as well; without a test part a
    /// validation part (`val`, `valid`, `validation`, `dev`, `eval`) is the second.
    ///
    /// # Errors
    /// As [`TextFolder::load`], and if one of the sub-folders is missing or the test part has a class of its own.
    pub fn load_train_and_test(folder: &Path) -> Result<(Self, Self), DatasetsError> {
        let Parts { train, held_out, split } = listing::parts(folder)?;
        let train = load_part(folder, &train, "train", None)?;
        let Targets::Classes { names, .. } = train.texts.targets() else {
            unreachable!("folders are classes");
        };
        let test = load_part(folder, &held_out, split, Some(names))?;
        Ok((train, test))
    }

    /// Loads another folder as the test part of this one, with its classes: some may be without texts.
    ///
    /// # Errors
    /// As [`TextFolder::load`], and if the folder has another class.
    pub fn load_like(&self, folder: &Path) -> Result<Self, DatasetsError> {
        load_part(folder, folder, "test", self.texts.targets().classes().map(|(_, names)| names))
    }

    /// Whether a folder has sub-folders for two parts, so that
    /// [`load_train_and_test`](Self::load_train_and_test) reads it.
    pub fn has_train_and_test(folder: &Path) -> bool {
        listing::has_parts(folder)
    }
}

fn load_part(
    whole: &Path,
    folder: &Path,
    split: &str,
    classes: Option<&[String]>,
) -> Result<TextFolder, DatasetsError> {
    let wanted = Wanted { expected: "texts (.txt)", extensions: &["txt"], most_files: MOST_FILES, classes };
    let listing = listing::list(folder, wanted)?;
    let bytes = listing.files.iter().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
    if bytes > MOST_BYTES {
        let what = format!("{} texts", listing.files.len());
        let hint = "use a part of them";
        return Err(refuse(folder, FolderProblem::TooLarge { what, bytes, limit: MOST_BYTES, hint }));
    }
    let outcomes: Vec<Result<String, DatasetsError>> =
        listing.files.par_iter().map(|file| read_text(&file.path)).collect();
    let files = outcomes.len();
    let (mut texts, mut broken, mut count) = (Vec::with_capacity(files), Vec::new(), 0);
    for outcome in outcomes {
        match outcome {
            Ok(text) => texts.push(text),
            Err(error) => {
                count += 1;
                if broken.len() < MOST_LISTED {
                    broken.push(error);
                }
            }
        }
    }
    if count > 0 {
        return Err(refuse(folder, FolderProblem::Broken { broken, count, files }));
    }
    let empty = texts.iter().filter(|text| text.trim().is_empty()).count();
    let labels = listing.files.iter().map(|file| file.class).collect();
    let name = file_name(whole);
    let source = format!("{files} texts of the folder {name}");
    let targets = Targets::Classes { labels, names: listing.classes };
    let texts = Texts::new(texts, targets, Provenance::new(name, split, source).of_own_data())?;
    Ok(TextFolder { texts, skipped: listing.skipped, empty })
}

/// Reads a file of text: UTF-8, 16 MiB at most; a byte order mark at the beginning is dropped.
///
/// # Errors
/// [`FolderProblem::LongText`] or [`FolderProblem::Encoding`] with the path, or that it cannot be read.
pub fn read_text(path: &Path) -> Result<String, DatasetsError> {
    let refuse = |problem| refuse(path, problem);
    match read_whole(path, MOST_TEXT_BYTES, "a text")? {
        Whole::TooLarge(bytes) => Err(refuse(FolderProblem::LongText { bytes, limit: MOST_TEXT_BYTES })),
        Whole::Bytes(bytes) => decode_text(bytes)
            .map_err(|Unreadable { found, at }| refuse(FolderProblem::Encoding { found, at })),
    }
}
