//! `data`: looks at the data before anything is trained on it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{ContactSheet, describe, describe_texts, sample_texts};

use crate::program::{PlaceFlags, Program, TextProgram};
use crate::words::shown;
use crate::{Exit, Output, load_or_stand_in, records};

/// The flags of `data` in programs that read images.
#[derive(Args, Debug)]
pub struct ImageDataFlags<P: Program> {
    /// Which data.
    #[command(flatten)]
    pub place: P::Place,
    /// Sheet of pictures to write, as PNG [default: the program's name and `-data.png`]
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Pictures of each class on the sheet, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub per_class: u32,
    /// Which pictures are shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Prints counts, classes, means and duplicates, and writes a sheet of pictures.
///
/// # Errors
/// If the data cannot be loaded or the sheet not written.
pub fn images<P: Program>(flags: ImageDataFlags<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let ((train, test), _) = load_or_stand_in::<P, _>(flags.place.place(), output, |place| {
        P::load(place, &P::Preparation::default(), output)
    })?;
    let report = describe(&train, &test);
    output.line(report.to_string().trim_end());
    let path = flags.sheet.unwrap_or_else(|| PathBuf::from(format!("{}-data.png", P::NAME)));
    ContactSheet::of(&train).columns(flags.per_class as usize).seed(flags.seed).write_png(&path)?;
    let sheet = shown(&path);
    output.line(format!("\nsheet of pictures: {sheet}"));
    output.record(&records::Data { sheet: Some(sheet), vocabulary: None, samples: None, report: &report });
    Ok(Exit::Done)
}

/// The flags of `data` in programs that read texts.
#[derive(Args, Debug)]
pub struct TextDataFlags<P: Program> {
    /// Which data.
    #[command(flatten)]
    pub place: P::Place,
    /// How it is prepared.
    #[command(flatten)]
    pub preparation: P::Preparation,
    /// Texts of each class to show
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub per_class: usize,
    /// Characters of each text to show
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub characters: usize,
    /// Write the words that a model would know, with their counts in the training texts, as a table to look at
    #[arg(long, value_name = "FILE")]
    pub vocabulary: Option<PathBuf>,
    /// Which texts are shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Prints counts, classes, lengths and duplicates, and some texts of each class.
///
/// # Errors
/// If the data cannot be loaded or the vocabulary not written.
pub fn texts<P: TextProgram>(flags: TextDataFlags<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let ((train, test), _) =
        load_or_stand_in::<P, _>(flags.place.place(), output, |place| P::load_texts(place, output))?;
    let report = describe_texts(&train, &test);
    output.line(report.to_string().trim_end());
    let samples = sample_texts(&train, flags.per_class, flags.characters, flags.seed);
    output.line(format!("\n{}", samples.to_string().trim_end()));
    let vocabulary = match &flags.vocabulary {
        None => None,
        Some(path) => {
            let preprocessing = P::preprocessing(&P::settled(flags.preparation.clone(), false), &train)?;
            if preprocessing.encoder.ngrams().is_some() {
                anyhow::bail!("n-grams are known by their hashes, so no table of words can be written");
            }
            preprocessing.encoder.vocabulary().save(path)?;
            let file = shown(path);
            output.line(format!("\nvocabulary: {file}"));
            Some(file)
        }
    };
    output.record(&records::Data { sheet: None, vocabulary, samples: Some(&samples), report: &report });
    Ok(Exit::Done)
}
