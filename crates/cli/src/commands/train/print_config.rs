//! `--print-config`: what all flags come to.

use std::path::Path;

use fireclay::train::Optimizer;
use toml::Value;

use super::flags::Train;
use super::job::Job;
use crate::output::Output;
use crate::program::Program;

/// Prints the settings of a training as TOML, by the names of their flags.
pub fn print_config<P: Program>(job: &Job<P>, flags: &Train<P>, output: &Output) {
    for (name, value) in settings(job, flags) {
        output.line(format!("{name} = {value}"));
    }
}

/// The settings of a training, by the names of their flags.
pub fn settings<P: Program>(job: &Job<P>, flags: &Train<P>) -> Vec<(&'static str, Value)> {
    let Job { state, train, recipe, seed, .. } = job;
    let mut settings = P::settings(&state.data, &state.preprocessing, train);
    let text = |text: &str| Value::String(text.to_owned());
    // From wherever it is read.
    let path = |path: &Path| text(&std::path::absolute(path).unwrap_or(path.to_path_buf()).to_string_lossy());
    let whole = |number: usize| Value::Integer(number as i64);
    match &flags.setup.model.spec {
        Some(spec) => settings.push(("spec", path(spec))),
        None => settings.push(("model", text(&state.model))),
    }
    settings.extend(state.limit.samples.map(|samples| ("limit", whole(samples as usize))));
    settings.push(("epochs", whole(recipe.epochs)));
    settings.push(("batch-size", whole(recipe.batch_size)));
    // Named, an optimizer has no groups and its usual settings; those of a recipe go without saying.
    let given = &flags.setup.training;
    settings.extend(given.optimizer.as_ref().map(|name| ("optimizer", text(name))));
    settings.push(("learning-rate", Value::Float(recipe.optimizer.learning_rate())));
    settings.extend(given.weight_decay.map(|decay| ("weight-decay", Value::Float(decay))));
    settings.push(("schedule", text(&recipe.schedule.to_string())));
    settings.push(("warm-up", Value::Float(recipe.warm_up)));
    settings.push(("accumulate", Value::Integer(recipe.accumulate as i64)));
    settings.extend(recipe.averaging.map(|averaging| ("averaging", text(&averaging.to_string()))));
    settings.extend(recipe.clip_value.map(|value| ("clip-value", Value::Float(value))));
    settings.extend(recipe.clip_norm.map(|norm| ("clip-norm", Value::Float(norm))));
    if let Some(privacy) = &recipe.privacy {
        settings.push(("private", text(&privacy.to_string())));
        settings.push(("noise", text(privacy.noise.word())));
    }
    settings.extend(recipe.adversarial.map(|options| ("adversarial", text(&options.to_string()))));
    if recipe.sync_batch_norm {
        settings.push(("sync-batch-norm", Value::Boolean(true)));
    }
    settings.push(("label-smoothing", Value::Float(f64::from(recipe.label_smoothing))));
    if recipe.balanced {
        settings.push(("class-weights", text("balanced")));
    }
    if !recipe.has_validation {
        settings.push(("validation-split", Value::Float(recipe.validation_split)));
    }
    if !state.metrics.is_empty() {
        let names = state.metrics.iter().map(|metric| text(&metric.name())).collect();
        settings.push(("metrics", Value::Array(names)));
    }
    settings.extend(state.monitor.as_deref().map(|monitor| ("monitor", text(monitor))));
    settings.push(("keep-best", Value::Boolean(recipe.best.keep)));
    settings.extend(recipe.best.patience.map(|epochs| ("patience", whole(epochs))));
    settings.extend(i64::try_from(*seed).ok().map(|seed| ("seed", Value::Integer(seed))));
    settings.push(("device", text(&flags.setup.device.device().to_string())));
    settings.extend(flags.setup.device.threads().map(|threads| ("threads", whole(threads))));
    settings.push(("precision", text(&recipe.precision.to_string())));
    settings.push(("out", path(&state.out)));
    settings
}
