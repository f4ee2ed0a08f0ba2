//! `data` in programs that read images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::{ContactSheet, Dataset, describe};

use crate::command::Command;
use crate::exit::Exit;
use crate::fallback::load_or_fall_back;
use crate::format::shown;
use crate::limit::Limit;
use crate::output::Output;
use crate::output_file::check_output;
use crate::program::{DataSourceArgs, ImageProgram};
use crate::records::DataRecord;

/// The flags of `data` in programs that read images.
#[derive(Args, Debug)]
pub struct ImageData<P: ImageProgram> {
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// Contact sheet of pictures to write, as PNG [default: the program's name and `-data.png`]
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Pictures of each class on the sheet, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub per_class: u32,
    /// Seed that chooses the pictures that are shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl<P: ImageProgram> Command for ImageData<P> {
    const NAME: &'static str = "data";
    const ABOUT: &'static str =
        "Inspect the data: counts, classes, means, duplicates, and a sheet of pictures";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let path = self.sheet.unwrap_or_else(|| PathBuf::from(format!("{}-data.png", P::NAME)));
        check_output(&path, "--sheet")?;
        let source = P::look(self.source.source(), output)?;
        let ((train, test), _) = load_or_fall_back::<P, _>(source, output, |source| {
            P::load(source, self.limit, &P::Preprocessing::default(), output)
        })?;
        show_images(&train, &test, &path, self.per_class as usize, self.seed, output)?;
        Ok(Exit::Done)
    }
}

/// Says what images consist of, and writes a sheet of some of them.
///
/// # Errors
/// If the sheet cannot be written.
pub fn show_images(
    train: &Dataset,
    test: &Dataset,
    sheet: &Path,
    per_class: usize,
    seed: u64,
    output: &Output,
) -> anyhow::Result<()> {
    let report = describe(train, test);
    output.line(report.to_string().trim_end());
    ContactSheet::of(train).columns(per_class).seed(seed).write_png(sheet)?;
    let sheet = shown(sheet);
    output.line(format!("\nsheet of pictures: {sheet}"));
    output.record(&DataRecord { sheet: Some(sheet), vocabulary: None, samples: None, report: &report });
    Ok(())
}
