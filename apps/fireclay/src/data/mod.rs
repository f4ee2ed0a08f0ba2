//! `data`: what data consists of, and what is wrong with it, before anything is trained.

mod columns;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{ColumnCheck, DataCheck, Dataset, describe, describe_texts, sample_texts};
use fireclay_cli::commands::show_images;
use fireclay_cli::records::DataRecord;
use fireclay_cli::{
    Command, DataSourceArgs, Exit, Limit, Output, Program, TokenPreprocessing, UsageError, called,
    check_output,
};

use self::columns::show_columns;
use crate::error::AppError;
use crate::program::{AnyPreprocessing, FireclayProgram};
use crate::source::{AnySource, DataArgs, TableSource};

/// Texts of each class that are shown, and characters of each.
const TEXTS: usize = 2;
const CHARACTERS: usize = 300;

/// Looks at data.
#[derive(Args, Debug)]
pub struct Data {
    /// Which data.
    #[command(flatten)]
    pub source: DataArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// Contact sheet of pictures to write, as PNG
    #[arg(long, value_name = "FILE", default_value = "fireclay-data.png")]
    pub sheet: PathBuf,
    /// Pictures of each class on the sheet, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub per_class: u32,
    /// Seed that chooses the pictures or texts that are shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl Command for Data {
    const NAME: &'static str = "data";
    const ABOUT: &'static str =
        "Inspect data: counts, columns or classes, duplicates, and what would weaken a result";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if self.source.path.is_none() {
            return Err(UsageError::of(AppError::NoData { program: called("fireclay") }));
        }
        let source = FireclayProgram::look(self.source.source(), output)?;
        let (train, test) = match &source {
            AnySource::Asked(asked) => self.show_table(&asked.table(), output)?,
            AnySource::Table(table) => self.show_table(table, output)?,
            AnySource::Texts { source, .. } => {
                let (train, test) = source.load(self.limit, output)?;
                let report = describe_texts(&train, &test);
                output.line(report.to_string().trim_end());
                let samples = sample_texts(&train, TEXTS, CHARACTERS, self.seed);
                output.line(format!("\n{}", samples.to_string().trim_end()));
                let samples = Some(&samples);
                output.record(&DataRecord { sheet: None, vocabulary: None, samples, report: &report });
                TokenPreprocessing::default().prepare((train, test))?
            }
            AnySource::Images { .. } => {
                check_output(&self.sheet, "--sheet")?;
                let (train, test) = source.load(self.limit, &AnyPreprocessing::default(), output)?;
                show_images(&train, &test, &self.sheet, self.per_class as usize, self.seed, output)?;
                (train, test)
            }
            AnySource::Rows(_) => {
                let (train, test) = source.load(self.limit, &AnyPreprocessing::default(), output)?;
                let report = describe(&train, &test);
                output.line(report.to_string().trim_end());
                output.record(&DataRecord { sheet: None, vocabulary: None, samples: None, report: &report });
                (train, test)
            }
        };
        let check = DataCheck::of(&train, &test);
        let found = [check.problems(), check.warnings()].concat();
        output.line(match found.is_empty() {
            true => "\nthe samples themselves: nothing that would weaken a result".to_owned(),
            false => format!("\nwhat weakens a result:\n- {}", found.join("\n- ")),
        });
        output.record(&CheckRecord { r#type: "check", check: &check });
        Ok(Exit::Done)
    }
}

/// What `--json` prints of the check of both parts.
#[derive(serde::Serialize)]
struct CheckRecord<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    check: &'a DataCheck,
}

/// What `--json` prints of the check of columns.
#[derive(serde::Serialize)]
struct ColumnCheckRecord<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    check: &'a ColumnCheck,
}

impl Data {
    /// Says what each column holds and what is wrong with columns; the samples of both parts.
    fn show_table(&self, table: &TableSource, output: &Arc<Output>) -> anyhow::Result<(Dataset, Dataset)> {
        let parts = table.parts(output)?;
        let wrong = |error| table.refuse(error);
        show_columns(&parts, output).map_err(wrong)?;
        let check = ColumnCheck::of(&parts.train, &parts.target, &parts.options).map_err(wrong)?;
        let warnings = check.warnings();
        if !warnings.is_empty() {
            output.line(format!("\nwhat stands out in the columns:\n- {}", warnings.join("\n- ")));
        }
        output.record(&ColumnCheckRecord { r#type: "column_check", check: &check });
        let (train, test) = table.datasets(&parts)?;
        Ok((self.limit.dataset(train)?, self.limit.dataset(test)?))
    }
}
