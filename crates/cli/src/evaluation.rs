//! The measures of a model on a test set, printed alike by `train` and `evaluate`.

use fireclay::prelude::{Dataset, Evaluation};
use fireclay::train::{AnyMetric, Report};

use crate::format::{aligned, count};
use crate::objective::{Objective, measure};
use crate::output::Output;
use crate::program::Program;
use crate::records::EvaluationRecord;

/// Prints the measures of a model on a test set, those that were asked for last.
pub fn print_evaluation<P: Program>(
    evaluation: &Evaluation,
    asked: &[AnyMetric],
    test: &Dataset,
    output: &Output,
) {
    let provenance = test.provenance();
    output.line(format!(
        "\n{}, {} split, {} {}\n{evaluation}{}",
        provenance.name,
        provenance.split,
        count(evaluation.samples as u64),
        Objective::of(test).samples(test, P::samples(test)),
        lines(evaluation, asked)
    ));
    output.record(&EvaluationRecord::new(&provenance.name, &provenance.split, evaluation, asked));
}

/// A line for each metric that was asked for.
fn lines(evaluation: &Evaluation, asked: &[AnyMetric]) -> String {
    if asked.is_empty() {
        return String::new();
    }
    let row = |metric: &AnyMetric| {
        let name = metric.name();
        let value = evaluation.metric(&name).map_or("-".into(), |value| measure(&name, value));
        vec![name, value]
    };
    let rows: Vec<Vec<String>> = asked.iter().map(row).collect();
    // The report is of the threshold.
    let heading = match &evaluation.report {
        Report::Classification(report) if report.threshold.is_some() => "of the most probable class:\n",
        _ => "",
    };
    format!("\n\n{heading}{}", aligned(&rows))
}
