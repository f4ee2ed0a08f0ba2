//! How much the columns of a table matter to a model, for the page of its run.

use std::time::Duration;

use fireclay::data::TableDataset;
use fireclay::report::{Direction, Importance, ImportanceMethod, RunReport};
use fireclay::train::{AnyMetric, PermutationOptions};

use super::Outcome;
use super::page::unit;
use crate::baselines::title;
use crate::program::Program;

/// A page is not to be waited for.
const TIME_LIMIT: Duration = Duration::from_millis(1500);

/// Adds the importance of columns, where the model reads rows of a table: on test rows, which it was not trained on.
///
/// # Errors
/// As a measurement.
pub fn add<P: Program>(report: &mut RunReport, outcome: &Outcome<P>) -> anyhow::Result<()> {
    let Some(table) = outcome.test.table_preprocessing() else { return Ok(()) };
    // Where a threshold was chosen, accuracy is of what it decides, and a ranking is not.
    let name = match outcome.trainer.card().threshold {
        Some(_) => "roc_auc",
        None => outcome.measures.first().map_or("accuracy", |measure| measure.name.as_str()),
    };
    let Ok(metric) = name.parse::<AnyMetric>() else { return Ok(()) };
    let options = PermutationOptions { time_limit: TIME_LIMIT, ..PermutationOptions::default() };
    let groups = table.column_ranges();
    let found = outcome.trainer.permutation_importance(outcome.test, &groups, &metric, &options)?;
    let Some(found) = found else { return Ok(()) };
    let column = |feature: &fireclay::train::FeatureImportance| {
        let (column, value, spread) = (feature.name.clone(), feature.mean()?, feature.std());
        Some(Importance { column, value, spread, interval: None })
    };
    let mut columns: Vec<Importance> = found.features.iter().filter_map(column).collect();
    columns.sort_by(|a, b| b.value.total_cmp(&a.value));
    report.importance_method = Some(ImportanceMethod {
        measure: title(name).into(),
        direction: match metric.direction() {
            fireclay::train::Direction::Maximize => Direction::HigherIsBetter,
            fireclay::train::Direction::Minimize => Direction::LowerIsBetter,
        },
        unit: unit(name),
        value: found.value,
        part: "test".into(),
        samples: found.samples,
        of_samples: outcome.test.len(),
        repeats: found.features.iter().map(|feature| feature.losses.len()).max().unwrap_or(0),
        left_out: found.features.len() - columns.len(),
    });
    report.importance = columns;
    Ok(())
}
