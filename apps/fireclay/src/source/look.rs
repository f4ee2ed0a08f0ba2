//! Finding out what data is, with a line for each thing that was found and why.

use std::path::{Path, PathBuf};

use fireclay::data::{
    ColumnKind, DataKind, Detected, Frame, NumpyDataset, NumpyOptions, PictureSurvey, TablePreprocessing,
    TableRows, TableTask, TargetColumn, detect,
};
use fireclay_cli::{ImageSource, Output, PublishedImages, TextSource, UsageError, count, shown};

use super::AnySource;
use super::args::{Asked, Kind};
use super::table::{TableSource, Task};
use crate::error::AppError;

/// Rows of a table that are looked at to see whether it is one of texts.
const ROWS_LOOKED_AT: usize = 2_000;

/// The smallest and the largest sides of pictures that are taken as they are, and what others are brought to.
const SIDES_AS_THEY_ARE: std::ops::RangeInclusive<usize> = 18..=64;
const SIDES: [usize; 3] = [64, 32, 28];

impl Asked {
    /// Finds out what the data is and where in a folder it lies, and says so; `known` is what it must be for a model that is
    /// there already.
    pub fn located(self, known: Option<Kind>, output: &Output) -> anyhow::Result<(Self, Kind)> {
        let said = self.kind.or(known);
        let Detected { kind: found, path, test, reason } = match said {
            // What it is is said; where in a folder it is is still to be found.
            Some(_) => detect(&self.path).unwrap_or_else(|_| as_said(&self.path)),
            None => detect(&self.path)?,
        };
        let kind = said.unwrap_or(Kind::from(found));
        let reason = match (self.kind, known) {
            (Some(_), _) => "you say so".to_string(),
            (None, Some(_)) => "the model was trained on one".to_string(),
            (None, None) => reason,
        };
        output.note(format!("{}: {}, since {reason}", shown(&self.path), words(kind)));
        let (path, test) = match kind == Kind::from(found) {
            true => (path, test),
            false => (self.path.clone(), None),
        };
        let asked = Asked { path, test: self.test.clone().or(test), ..self };
        asked.check_flags(kind)?;
        Ok((asked, kind))
    }

    /// Looks at the data and says what it is.
    pub fn look(self, output: &Output) -> anyhow::Result<AnySource> {
        let is_said = self.kind.is_some();
        let (asked, kind) = self.located(None, output)?;
        let asked = asked.with_validation_part(kind, output);
        let images = |source, family: PublishedImages| AnySource::Images {
            source,
            family,
            shape: family.shape(),
            validation: None,
        };
        match kind {
            Kind::Table if asked.text_column.is_some() => asked.text_table(),
            Kind::Table if is_said => Ok(AnySource::Table(Box::new(asked.table()))),
            Kind::Table => asked.look_at_table(output),
            Kind::Pictures => asked.look_at_pictures(output),
            Kind::Texts if asked.path.is_file() => asked.text_table(),
            Kind::Texts => {
                let source = match asked.test {
                    Some(test) => TextSource::Parts { train: asked.path, test },
                    None => TextSource::Texts(asked.path),
                };
                Ok(AnySource::Texts { source, validation: asked.validation })
            }
            Kind::Npz => asked.look_at_arrays(output),
            Kind::Idx => Ok(images(ImageSource::Folder(asked.path), PublishedImages::Mnist)),
            Kind::Cifar => Ok(images(ImageSource::Folder(asked.path), PublishedImages::Cifar)),
            Kind::Imdb => Ok(AnySource::Texts { source: TextSource::Folder(asked.path), validation: None }),
        }
    }

    /// With the validation part that a folder of pictures or texts has beside its training and its test part, unless flags name
    /// another.
    fn with_validation_part(self, kind: Kind, output: &Output) -> Self {
        let Some(folder) = self.validation_part().filter(|_| matches!(kind, Kind::Pictures | Kind::Texts))
        else {
            return self;
        };
        output.note(format!("{}: validation samples, measured after each epoch", shown(&folder)));
        Asked { validation: Some(folder), ..self }
    }

    /// The folder of a validation part, where flags name none.
    pub fn validation_part(&self) -> Option<PathBuf> {
        match self.validation {
            None => validation_part(&self.path),
            Some(_) => None,
        }
    }

    /// The same as a table.
    pub fn table(&self) -> TableSource {
        TableSource {
            table: self.path.clone(),
            test: self.test.clone(),
            validation: self.validation.clone(),
            target: self.target.clone(),
            task: self.task,
            ignore: self.ignore.clone(),
            category: self.category.clone(),
            format: self.format.clone(),
        }
    }

    /// Refuses flags that say nothing of such data.
    fn check_flags(&self, kind: Kind) -> anyhow::Result<()> {
        let is_file = self.path.is_file();
        let of_tables = [
            ("--target", !self.target.is_empty()),
            ("--text-column", self.text_column.is_some()),
            ("--task", self.task.is_some()),
            ("--ignore", !self.ignore.is_empty()),
            ("--category", !self.category.is_empty()),
            ("--delimiter", self.format.delimiter.is_some()),
            ("--quotes", self.format.quotes.is_some()),
            ("--encoding", self.format.encoding.is_some()),
            ("--header", self.format.header.is_some()),
        ];
        let is_table = kind == Kind::Table || (kind == Kind::Texts && is_file);
        let has_parts = matches!(kind, Kind::Npz | Kind::Idx | Kind::Cifar | Kind::Imdb);
        let of_kind = [
            ("--size", self.size.is_some() && kind != Kind::Pictures, "pictures of a folder"),
            ("--test", self.test.is_some() && has_parts, "data without a test part of its own"),
            ("--validation", self.validation.is_some() && has_parts, "tables and folders"),
        ];
        let of_tables = of_tables.map(|(flag, given)| (flag, given && !is_table, "tables"));
        match of_tables.into_iter().chain(of_kind).find(|(_, wrong, _)| *wrong) {
            None => Ok(()),
            Some((flag, _, for_what)) => Err(UsageError::of(AppError::OtherFlag {
                flag: flag.into(),
                for_what,
                path: self.path.clone(),
                kind: words(kind),
            })),
        }
    }

    /// Whether a table is one of numbers and categories, or one of texts with a class each.
    fn look_at_table(self, output: &Output) -> anyhow::Result<AnySource> {
        let as_table = |asked: Asked| Ok(AnySource::Table(Box::new(asked.table())));
        if matches!(self.task, Some(Task::Regression | Task::MultiLabel)) || self.target.len() > 1 {
            return as_table(self);
        }
        let mut rows = TableRows::open(&self.path, &self.format.options())?;
        // Two columns of one name are said by whoever reads the whole table.
        let Ok(mut frame) = Frame::new(rows.names().iter().cloned()) else { return as_table(self) };
        while frame.len() < ROWS_LOOKED_AT && rows.read(|row| drop(frame.push(row.iter().copied())))? {}
        match text_column(&frame, self.target.first().map(String::as_str), &self.ignore, &self.category) {
            Some((text, target)) => {
                output.note(format!(
                    "texts: column {text:?}, since it is the only one to learn {target:?} from and holds sentences"
                ));
                Asked { target: vec![target], text_column: Some(text), ignore: Vec::new(), ..self }
                    .text_table()
            }
            None => as_table(self),
        }
    }

    /// A table of texts.
    fn text_table(self) -> anyhow::Result<AnySource> {
        let of_columns = [
            ("--task", self.task.is_some_and(|task| task != Task::Classification)),
            ("--ignore", !self.ignore.is_empty()),
            ("--category", !self.category.is_empty()),
            ("a second --target", self.target.len() > 1),
        ];
        if let Some((flag, _)) = of_columns.into_iter().find(|(_, given)| *given) {
            return Err(UsageError::of(AppError::OtherFlag {
                flag: flag.into(),
                for_what: "tables of several columns",
                path: self.path,
                kind: "read as texts with a class each",
            }));
        }
        let source = TextSource::Table {
            train: self.path,
            test: self.test,
            text: self.text_column,
            label: self.target.into_iter().next(),
            format: self.format,
        };
        Ok(AnySource::Texts { source, validation: self.validation })
    }

    /// The shape that pictures are brought to.
    fn look_at_pictures(self, output: &Output) -> anyhow::Result<AnySource> {
        let survey = PictureSurvey::of(&self.path)?;
        let (family, colours) = match survey.colour {
            0 => (PublishedImages::Mnist, "none of them is in colour"),
            _ => (PublishedImages::Cifar, "they are in colour"),
        };
        let fits = |size: &[usize; 2]| size.iter().all(|side| SIDES_AS_THEY_ARE.contains(side));
        let (size, why) = match (self.size, survey.same_size.filter(fits)) {
            (Some(side), _) => ([usize::from(side); 2], "you say so".to_string()),
            (None, Some(size)) => (size, "all of them are of that size".into()),
            (None, None) => {
                let side = survey.median_side;
                let nearest =
                    SIDES.into_iter().find(|known| *known <= side).unwrap_or(SIDES[SIDES.len() - 1]);
                (
                    [nearest; 2],
                    format!("half of them have a side of {side} pixels or more; --size changes it"),
                )
            }
        };
        let [height, width] = size;
        let shape = [family.shape()[0], height, width];
        output.note(format!(
            "read as {} x {height} x {width} (channels, height, width), since {colours} and {why} ({} looked at)",
            shape[0],
            count(survey.looked_at as u64)
        ));
        let source = match self.test {
            Some(test) => ImageSource::Parts { train: self.path, test },
            None => ImageSource::Images(self.path),
        };
        Ok(AnySource::Images { source, family, shape, validation: self.validation })
    }

    /// Whether arrays are images or rows.
    fn look_at_arrays(self, output: &Output) -> anyhow::Result<AnySource> {
        let shape = NumpyDataset::training_shape(&self.path, &NumpyOptions::default())?;
        let source = ImageSource::Npz(self.path);
        let dimensions: Vec<String> = shape.iter().map(usize::to_string).collect();
        let dimensions = dimensions.join(" x ");
        match *shape.as_slice() {
            [_, height, width] => {
                output.note(format!("grey images, since x_train has the shape {dimensions}"));
                Ok(AnySource::Images {
                    source,
                    family: PublishedImages::Mnist,
                    shape: [1, height, width],
                    validation: None,
                })
            }
            [_, a, b, c] => {
                let shape = if matches!(c, 1 | 3 | 4) { [c, a, b] } else { [a, b, c] };
                let family = if shape[0] == 1 { PublishedImages::Mnist } else { PublishedImages::Cifar };
                output.note(format!(
                    "images of {} channels, since x_train has the shape {dimensions}",
                    shape[0]
                ));
                Ok(AnySource::Images { source, family, shape, validation: None })
            }
            _ => {
                output.note(format!("rows of numbers, since x_train has the shape {dimensions}"));
                Ok(AnySource::Rows(source))
            }
        }
    }
}

/// Refuses data where a model file is expected, by what it is.
pub fn check_is_model(path: &Path) -> anyhow::Result<()> {
    match detect(path) {
        Ok(found) if path.is_file() => {
            let (path, kind) = (path.to_path_buf(), words(Kind::from(found.kind)));
            Err(UsageError::of(AppError::NotAModel { path, kind }))
        }
        _ => Ok(()),
    }
}

/// The folder of validation samples of data that has a training and a test part as well.
fn validation_part(folder: &Path) -> Option<PathBuf> {
    let called = |names: &[&str]| {
        let entries = std::fs::read_dir(folder).ok()?;
        let mut folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        folders.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            names.contains(&name.as_str())
        })
    };
    called(&["train", "training"])?;
    called(&["test", "testing"])?;
    called(&["val", "valid", "validation", "dev"])
}

/// Data that is not recognised, taken for what somebody says it is.
fn as_said(path: &Path) -> Detected {
    let (kind, path, test, reason) = (DataKind::Table, path.to_path_buf(), None::<PathBuf>, String::new());
    Detected { kind, path, test, reason }
}

/// The column of texts and the target, if the table has nothing else to learn from.
fn text_column(
    frame: &Frame,
    target: Option<&str>,
    ignore: &[String],
    category: &[String],
) -> Option<(String, String)> {
    let target = match target {
        Some(target) => target.to_owned(),
        None => TargetColumn::guess(frame).ok()?.0,
    };
    let (task, _) = TargetColumn::task(frame, &target).ok()?;
    let inferred = TablePreprocessing::inferred(frame, &target, &Default::default()).ok()?;
    let mut features = inferred
        .iter()
        .filter(|(name, found)| *name != target && !ignore.contains(name) && found.kind.is_feature());
    match (features.next(), features.next(), task) {
        (Some((name, found)), None, TableTask::Classification)
            if found.kind == ColumnKind::Text && !category.contains(name) =>
        {
            Some((name.clone(), target))
        }
        _ => None,
    }
}

/// A kind in words.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "a table",
        Kind::Pictures => "a folder of pictures",
        Kind::Texts => "texts",
        Kind::Npz => "NumPy's arrays",
        Kind::Idx => "images in IDX files",
        Kind::Cifar => "CIFAR's images",
        Kind::Imdb => "IMDB's reviews",
    }
}
