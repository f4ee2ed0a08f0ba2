//! What is printed of a sweep: its settings, its curve, and what to train with.

use std::path::Path;

use fireclay::prelude::{Dataset, Optimizer, threads};
use fireclay::train::{LearningRateFinder, LearningRatePoint, SuggestionRule};

use super::{Swept, written};
use crate::format::{aligned, count, shown};
use crate::objective::Objective;
use crate::output::Output;
use crate::program::Program;
use crate::recipe::Recipe;
use crate::records::LearningRateRecord;
use crate::setup::SetupArgs;
use crate::terminal_plot::terminal_plot;

/// Rows of the table where there is no terminal.
const ROWS: usize = 12;

/// Prints the data, the model and the sweep.
pub fn announce<P: Program>(
    model: &str,
    parameters: usize,
    train: &Dataset,
    recipe: &Recipe,
    finder: &LearningRateFinder,
    setup: &SetupArgs<P>,
    output: &Output,
) {
    let provenance = train.provenance();
    output.progress_line(format!(
        "{}: {} training {} ({})",
        provenance.name,
        count(train.len() as u64),
        Objective::of(train).samples(train, P::samples(train)),
        provenance.source
    ));
    output.progress_line(format!(
        "{model}: {} parameters, seed {}, {}",
        count(parameters as u64),
        setup.training.seed,
        setup.device.describe()
    ));
    output.progress_line(format!(
        "sweep: {}, learning rate {} to {} in {} steps of batch {}",
        recipe.optimizer.name(),
        written(finder.min_learning_rate),
        written(finder.max_learning_rate),
        count(finder.steps as u64),
        match recipe.accumulate {
            1 => recipe.batch_size.to_string(),
            batches => format!("{} x {batches}", recipe.batch_size),
        }
    ));
}

/// Prints the curve: as a plot on a terminal, else as a short table.
pub fn show(swept: &Swept, output: &Output) {
    let points = &swept.curve.points;
    if output.is_terminal() {
        let places: Vec<(f64, f64)> =
            points.iter().map(|point| (point.learning_rate, point.smoothed_loss)).collect();
        let mark = swept.chosen.as_ref().ok().map(|chosen| chosen.suggestion);
        let word = mark.map(|rate| format!("suggested {rate}"));
        let plot = terminal_plot(&places, mark.zip(word.as_deref()));
        if !plot.is_empty() {
            output.line(format!("\nsmoothed loss over the learning rate\n{plot}"));
        }
        return;
    }
    let mut rows = vec![["learning rate", "loss", "smoothed loss"].map(String::from).to_vec()];
    rows.extend(spread(points, ROWS).map(|point| {
        let LearningRatePoint { learning_rate, loss, smoothed_loss, .. } = point;
        vec![format!("{learning_rate:.2e}"), format!("{loss:.4}"), format!("{smoothed_loss:.4}")]
    }));
    if rows.len() > 1 {
        output.line(format!("\n{}", aligned(&rows)));
    }
}

/// Prints how it ended, what it suggests and how to train with it.
pub fn conclude<P: Program>(swept: &Swept, setup: &SetupArgs<P>, plot: Option<&Path>, output: &Output) {
    let ended = swept.ended();
    output.progress_line(format!("\nended after {} steps: {ended}", count(swept.curve.points.len() as u64)));
    match &swept.chosen {
        Ok(chosen) => {
            output.line(format!(
                "suggested learning rate {}, {} (it falls most steeply at {}; the recipe has {})",
                chosen.suggestion,
                SuggestionRule::TenthOfMinimum,
                chosen.steepest,
                swept.usual()
            ));
        }
        Err(reason) => output.line(format!("no suggestion: {reason}")),
    }
    if let Some(note) = swept.note() {
        output.note(format!("note: {note}"));
    }
    if let Some(path) = plot {
        output.line(format!("plot: {}", shown(path)));
    }
    if let Some(command) = &swept.command {
        output.line(format!("train with it: {command}"));
    }
    let finder = &swept.finder;
    let chosen = swept.chosen.as_ref().ok();
    output.record(&LearningRateRecord {
        model: &swept.model,
        parameters: swept.parameters,
        dataset: &swept.train.provenance().name,
        limit: setup.limit.samples,
        training_samples: swept.train.len(),
        optimizer: swept.recipe.optimizer.name(),
        learning_rate: swept.usual(),
        batch_size: swept.recipe.batch_size,
        accumulate: swept.recipe.accumulate,
        seed: setup.training.seed,
        device: setup.device.device().to_string(),
        threads: threads(),
        min_learning_rate: finder.min_learning_rate,
        max_learning_rate: finder.max_learning_rate,
        steps: finder.steps,
        points: &swept.curve.points,
        ended: swept.curve.ended,
        suggestion: chosen.map(|chosen| chosen.suggestion),
        rule: chosen.map(|_| SuggestionRule::TenthOfMinimum),
        steepest_descent: chosen.map(|chosen| chosen.steepest),
        reason: swept.chosen.as_ref().err().map(ToString::to_string),
        command: swept.command.as_deref(),
        file: plot.map(shown),
    });
}

/// Some points, evenly spaced, with the first and the last.
fn spread(points: &[LearningRatePoint], most: usize) -> impl Iterator<Item = &LearningRatePoint> {
    let shown = points.len().min(most);
    (0..shown).filter_map(move |row| points.get(row * points.len().saturating_sub(1) / (shown - 1).max(1)))
}
