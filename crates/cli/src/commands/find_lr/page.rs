//! The page with the plot.

use fireclay::prelude::{Optimizer, threads};
use fireclay::report::{Environment, LearningRateReport, LearningRateStep, SettingGroup};
use fireclay::runs::environment;
use fireclay::train::SuggestionRule;

use super::{Swept, written};
use crate::format::count;
use crate::program::Program;
use crate::setup::SetupArgs;

/// What the page says.
pub fn report<P: Program>(swept: &Swept, setup: &SetupArgs<P>) -> LearningRateReport {
    let Swept { model, train, recipe, finder, curve, .. } = swept;
    let provenance = train.provenance();
    let version = env!("CARGO_PKG_VERSION");
    let chosen = swept.chosen.as_ref().ok();
    let mut others = Vec::new();
    others.extend(chosen.map(|chosen| ("steepest descent".to_owned(), chosen.steepest)));
    others.push(("the recipe's".to_owned(), swept.usual()));
    let batch = match recipe.accumulate {
        1 => recipe.batch_size.to_string(),
        batches => format!("{} in each of {batches} batches", recipe.batch_size),
    };
    let network = match setup.model.spec {
        Some(_) => "your own network".to_owned(),
        None => format!("the network {model}"),
    };
    let summary = format!(
        "A copy of {network}, with {} parameters, was trained on {} with a learning rate that grew from {} to {} in {} steps.",
        count(swept.parameters as u64),
        provenance.name,
        written(finder.min_learning_rate),
        written(finder.max_learning_rate),
        count(finder.steps as u64),
    );
    let step = |point: &fireclay::train::LearningRatePoint| LearningRateStep {
        learning_rate: point.learning_rate,
        loss: point.loss,
        smoothed_loss: point.smoothed_loss,
    };
    LearningRateReport {
        program: format!("{} {version}", P::NAME),
        title: match setup.model.spec {
            Some(_) => format!("Learning rates of {network} on {}", provenance.name),
            None => format!("Learning rates of {model} on {}", provenance.name),
        },
        summary,
        steps: curve.points.iter().map(step).collect(),
        ended: Some(swept.ended()),
        suggestion: chosen.map(|chosen| chosen.suggestion),
        reason: match &swept.chosen {
            Ok(_) => SuggestionRule::TenthOfMinimum.to_string(),
            Err(reason) => sentence(&reason.to_string()),
        },
        others,
        notes: swept.note().map(|note| sentence(&note)).into_iter().collect(),
        command: swept.command.clone(),
        settings: settings(swept, setup, &batch),
        environment: Some(Environment {
            device: Some(format!("{} in {}", setup.device.device(), recipe.precision)),
            threads: Some(threads()),
            seed: Some(setup.training.seed),
            ..environment(
                &std::env::current_dir().unwrap_or_default(),
                vec![(P::NAME.to_owned(), version.to_owned())],
            )
        }),
    }
}

/// A remark as a sentence.
fn sentence(remark: &str) -> String {
    let mut letters = remark.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

fn settings<P: Program>(swept: &Swept, setup: &SetupArgs<P>, batch: &str) -> Vec<SettingGroup> {
    let Swept { model, train, recipe, finder, .. } = swept;
    let mut facts = vec![
        ("model", model.clone()),
        ("data", train.provenance().name.clone()),
        ("training samples", count(train.len() as u64)),
        ("optimizer", recipe.optimizer.name()),
        ("batch size", batch.to_owned()),
    ];
    facts.extend(setup.limit.samples.map(|limit| ("limit", limit.to_string())));
    if recipe.validation_split > 0.0 {
        facts.push(("validation split", recipe.validation_split.to_string()));
    }
    if !swept.preprocessing.is_empty() {
        facts.push(("preprocessing", swept.preprocessing.join("; ")));
    }
    let sweep = [
        ("smallest learning rate", written(finder.min_learning_rate)),
        ("largest learning rate", written(finder.max_learning_rate)),
        ("steps", finder.steps.to_string()),
        ("smoothing", finder.smoothing.to_string()),
    ];
    vec![SettingGroup::new("model and data", facts), SettingGroup::new("sweep", sweep)]
}
