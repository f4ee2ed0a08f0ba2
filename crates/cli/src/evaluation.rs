//! The measures of a model on a test set, printed alike by `train` and `evaluate`.

use fireclay::prelude::{Dataset, Evaluation};

use crate::format::count;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::Program;
use crate::records::EvaluationRecord;

/// Prints the measures of a model on a test set.
pub fn print_evaluation<P: Program>(evaluation: &Evaluation, test: &Dataset, output: &Output) {
    let provenance = test.provenance();
    output.line(format!(
        "\n{}, {} split, {} {}\n{evaluation}",
        provenance.name,
        provenance.split,
        count(evaluation.samples as u64),
        Objective::of(test).samples(test, P::samples(test))
    ));
    output.record(&EvaluationRecord::new(&provenance.name, &provenance.split, evaluation));
}
