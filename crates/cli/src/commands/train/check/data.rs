//! What is said of the data.

use fireclay::data::Dataset;

use super::super::job::Job;
use super::super::run::{check_classes, check_of, check_validation};
use super::lines::Lines;
use crate::format::count;
use crate::objective::Objective;
use crate::program::Program;
use crate::records::CheckedData;

/// Says how much data there is and what is wrong with it, as a training finds it.
pub fn say<P: Program>(job: &Job<P>, lines: &mut Lines) -> CheckedData {
    let Job { train, test, validation, recipe, .. } = job;
    let number = |data: &Dataset| count(data.len() as u64);
    let held_out = validation.as_ref().map_or_else(|| recipe.held_out(train.len()), Dataset::len);
    let of_validation = match (held_out, validation) {
        (0, _) => String::new(),
        (samples, None) => format!("; {} of training held out for validation", count(samples as u64)),
        (samples, Some(_)) => format!("; {} for validation", count(samples as u64)),
    };
    let mut text = format!(
        "{}: {} training and {} test {}{}{of_validation}",
        train.provenance().name,
        number(train),
        number(test),
        Objective::of(train).samples(train, P::samples(train)),
        targets(train),
    );
    let check = check_of(train, test);
    let (mut problems, mut warnings) = (Vec::new(), check.warnings());
    match (check_classes(train), train.provenance().own) {
        (Err(error), _) => problems.push(error.to_string()),
        // A training refuses one's own data only.
        (Ok(()), true) => problems = check.problems(),
        (Ok(()), false) => warnings.extend(check.problems()),
    }
    if let Some(validation) = validation {
        warnings.extend(check_validation(train, test, validation));
    }
    if problems.is_empty() && warnings.is_empty() {
        text.push_str("; nothing wrong was found");
    }
    let classes = train.num_classes().unwrap_or(0);
    let found = CheckedData {
        dataset: train.provenance().name.clone(),
        training_samples: train.len(),
        validation_samples: held_out,
        test_samples: test.len(),
        classes,
        problems: problems.clone(),
        warnings: warnings.clone(),
    };
    lines.found("data", Some(text), problems, warnings);
    found
}

/// ` of 10 classes`
fn targets(train: &Dataset) -> String {
    let names = train.class_names().len();
    match Objective::of(train) {
        Objective::Classification | Objective::StepClassification => format!(" of {names} classes"),
        Objective::MultiLabel => format!(" with {names} labels"),
        Objective::Regression | Objective::LanguageModel => String::new(),
    }
}
