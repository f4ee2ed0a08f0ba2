//! `evaluate`: as all programs measure, with `--by` each group of rows apart, and with `--importance` without each column.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fireclay::data::{Dataset, TablePreprocessing};
use fireclay::nn::Model;
use fireclay::prelude::{Trainer, load_card};
use fireclay::train::{AnyMetric, PermutationOptions, table_preprocessing};
use fireclay_cli::commands::measured;
use fireclay_cli::{
    Command, Exit, Output, UsageError, aligned, count, groups, measure, measure_of, shown_interval, title,
};
use serde::Serialize;

use crate::error::AppError;
use crate::program::FireclayProgram;
use crate::source::{Kind, check_is_model};

/// More groups than this are no groups.
const MOST_NAMED: usize = 200;

/// Measures a saved model, all together or by groups.
#[derive(Args, Debug)]
// What is for trainings.
#[command(mut_arg("validation", |flag| flag.hide(true)), mut_arg("config", |flag| flag.hide(true)))]
pub struct EvaluateGroups {
    /// As all programs.
    #[command(flatten)]
    pub evaluate: fireclay_cli::commands::Evaluate<FireclayProgram>,
    /// Column of the table whose values are groups, each measured apart; many different numbers make four groups
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub by: Option<String>,
    /// Say how much worse the model answers where the values of a column are shuffled among the rows, column by column: on 2,000
    /// rows at most, for a minute at most
    #[arg(long, help_heading = "Data", conflicts_with = "by")]
    pub importance: bool,
}

/// Shuffles are begun for so long.
const TIME_TO_SHUFFLE: Duration = Duration::from_secs(60);

/// What `--json` prints of how much columns matter.
#[derive(Serialize)]
#[serde(tag = "type", rename = "importance")]
struct ImportanceRecord<'a> {
    measure: String,
    value: f64,
    samples: usize,
    columns: Vec<ColumnImportance<'a>>,
}

#[derive(Serialize)]
struct ColumnImportance<'a> {
    column: &'a str,
    /// By how much the measure is worse, on average, and its standard deviation over the shuffles.
    loss: Option<f64>,
    std: Option<f64>,
    shuffles: usize,
}

/// What `--json` prints for each group.
#[derive(Serialize)]
#[serde(tag = "type", rename = "group")]
struct Group<'a> {
    column: &'a str,
    group: &'a str,
    samples: usize,
    measures: BTreeMap<String, Option<f64>>,
    interval: Option<[f64; 2]>,
}

impl Command for EvaluateGroups {
    const NAME: &'static str = "evaluate";
    const ABOUT: &'static str = "Evaluate a saved model on test data, all of it or by groups";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_is_model(&self.evaluate.from)?;
        let source = &self.evaluate.source;
        let for_training =
            [("--validation", source.validation.is_some()), ("--config", source.config.is_some())];
        if let Some((flag, _)) = for_training.into_iter().find(|(_, given)| *given) {
            return Err(UsageError::of(AppError::ForTraining { flag }));
        }
        if self.by.is_none() && !self.importance {
            return self.evaluate.run(output);
        }
        let device = self.evaluate.device.open()?;
        let _precision = self.evaluate.device.in_precision(&device, output);
        let from = &self.evaluate.from;
        let card = load_card(from)?;
        let Some(preprocessing) = table_preprocessing(from, &card)? else {
            let flag = self.flag();
            return Err(UsageError::of(AppError::OfTables { path: from.clone(), flag }));
        };
        let asked = self.evaluate.source.asked();
        if asked.path.as_os_str().is_empty() {
            let flag = self.flag();
            return Err(UsageError::of(AppError::NoTableToMeasure { path: from.clone(), flag }));
        }
        let (asked, _) = asked.located(Some(Kind::Table), output)?;
        let (frame, test) = asked.table().frame_to_measure(&preprocessing, &card, output)?;
        let Some(by) = self.by.clone() else {
            let trainer = Trainer::load(from, &device)?;
            let names = match card.threshold {
                // Accuracy is of what a threshold decides, and a ranking is not.
                Some(_) => &["roc_auc"],
                None => metrics(&card.classes, preprocessing.labels.is_some()),
            };
            let mut asked = self.evaluate.measured.find(&test)?;
            if asked.len() > 1 {
                return Err(UsageError::of(AppError::OneMeasure { found: asked.len() }));
            }
            let metric = match asked.pop() {
                Some(asked) => asked,
                None => names[0].parse()?,
            };
            let indices = measured(&test, &card, output)?;
            let rows = self.evaluate.limit.dataset(test.subset(&indices)?)?;
            return importance(&trainer, &rows, &preprocessing, &metric, output);
        };
        let column = frame.find(&by).map_err(|error| asked.table().refuse(error))?;
        let measured: HashSet<usize> = measured(&test, &card, output)?.into_iter().collect();
        let mut groups = groups(&frame.column(column).map(str::to_owned).collect::<Vec<_>>());
        groups.iter_mut().for_each(|(_, rows)| rows.retain(|row| measured.contains(row)));
        groups.retain(|(_, rows)| !rows.is_empty());
        if groups.len() > MOST_NAMED {
            let (column, groups) = (by, groups.len());
            return Err(UsageError::of(AppError::TooManyGroups { column, groups, limit: MOST_NAMED }));
        }
        let trainer = Trainer::load(from, &device)?;
        let names = metrics(&card.classes, preprocessing.labels.is_some());
        let metrics: Vec<AnyMetric> = match self.evaluate.measured.find(&test)? {
            asked if asked.is_empty() => names.iter().filter_map(|name| name.parse().ok()).collect(),
            asked => asked,
        };
        let mut rows: Vec<Vec<String>> = vec![vec!["group".into(), "rows".into()]];
        rows[0].extend(metrics.iter().map(|metric| title(&metric.name()).to_owned()));
        rows[0].insert(3, "95 % interval".into());
        let mut all: Vec<usize> = measured.into_iter().collect();
        all.sort_unstable();
        for (name, indices) in groups.iter().chain([&("all".to_owned(), all)]) {
            let part: Dataset = test.subset(indices)?;
            let predictions = trainer.predictions(&part)?;
            let found: Vec<_> =
                metrics.iter().map(|metric| measure_of(&predictions, card.threshold, metric)).collect();
            let values: Vec<Option<f64>> = found.iter().map(|measure| measure.model).collect();
            let (first, interval) = (&metrics[0], found[0].interval);
            let shown = |metric: &AnyMetric, value: Option<f64>| {
                value.map_or("-".to_owned(), |value| measure(&metric.name(), value))
            };
            let mut row = vec![name.clone(), count(indices.len() as u64)];
            row.extend(metrics.iter().zip(&values).map(|(metric, value)| shown(metric, *value)));
            row.insert(3, shown_interval(&first.name(), interval));
            rows.push(row);
            output.record(&Group {
                column: &by,
                group: name,
                samples: indices.len(),
                measures: metrics.iter().map(AnyMetric::name).zip(values).collect(),
                interval,
            });
        }
        output.line(format!("{} by {by}\n{}", test.provenance().name, aligned(&rows)));
        Ok(Exit::Done)
    }
}

impl EvaluateGroups {
    /// The flag that asks for a table.
    fn flag(&self) -> &'static str {
        if self.importance { "--importance" } else { "--by" }
    }
}

/// Says how much each column matters to a model.
fn importance(
    trainer: &Trainer<Model>,
    rows: &Dataset,
    preprocessing: &TablePreprocessing,
    metric: &AnyMetric,
    output: &Output,
) -> anyhow::Result<Exit> {
    let options = PermutationOptions { time_limit: TIME_TO_SHUFFLE, ..PermutationOptions::default() };
    let groups = preprocessing.column_ranges();
    let name = metric.name();
    let Some(found) = trainer.permutation_importance(rows, &groups, metric, &options)? else {
        return Err(AppError::NoMeasure { measure: name }.into());
    };
    let mut columns: Vec<ColumnImportance> = (found.features.iter())
        .map(|feature| ColumnImportance {
            column: &feature.name,
            loss: feature.mean(),
            std: feature.std(),
            shuffles: feature.losses.len(),
        })
        .collect();
    let order = |column: &ColumnImportance| column.loss.unwrap_or(f64::NEG_INFINITY);
    columns.sort_by(|one, other| order(other).total_cmp(&order(one)));
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let mut lines = vec![vec!["column".into(), format!("{} worse by", title(&name)), "±".into()]];
    lines.extend(
        columns.iter().map(|column| vec![column.column.to_owned(), shown(column.loss), shown(column.std)]),
    );
    output.line(format!(
        "{}, {} of {} rows: {} {}, and how much worse it is where the values of a column are shuffled among the rows\n{}",
        rows.provenance().name,
        count(found.samples as u64),
        count(rows.len() as u64),
        title(&name),
        measure(&name, found.value),
        aligned(&lines)
    ));
    output.note(
        "±: the standard deviation over the shuffles. Columns that say the same share their importance.",
    );
    let columns_without = columns.iter().filter(|column| column.shuffles == 0).count();
    if columns_without > 0 {
        output.warn(format!("there was no time to shuffle {columns_without} columns"));
    }
    output.record(&ImportanceRecord { measure: name, value: found.value, samples: found.samples, columns });
    Ok(Exit::Done)
}

/// What groups are measured by, the measure that has the interval first.
fn metrics(classes: &[String], has_labels: bool) -> &'static [&'static str] {
    match classes.len() {
        _ if has_labels => &["f1", "micro_f1", "subset_accuracy"],
        0 => &["mae", "rmse", "r2"],
        2 => &["accuracy", "roc_auc", "f1"],
        _ => &["accuracy", "f1"],
    }
}
