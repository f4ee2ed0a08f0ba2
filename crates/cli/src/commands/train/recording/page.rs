//! What the page of a run says: before the first step, and after the last.

use std::path::Path;

use fireclay::data::{Dataset, TableDataset};
use fireclay::nn::ModelSpec;
use fireclay::report::{
    Baseline, DatasetInfo, Direction, Generated, Interval, Language, Measure, Part, RunReport, SettingGroup,
    Task, Training, Unit, Verdict,
};
use fireclay::runs::{RunFolder, environment, epochs, layers, steps, task};
use fireclay::train::{AnyMetric, AnyOptimizer, Report, Stopped};
use toml::Value;

use super::super::flags::Train;
use super::super::job::Job;
use super::super::print_config::settings;
use super::Outcome;
use crate::baselines::title;
use crate::format::{called, count, quoted, significant};
use crate::objective::Objective;
use crate::program::{Preprocessing, Program};
use crate::recipe::Recipe;
use crate::records;

/// Settings that name files, of which only the last part of the path is said: the rest is of one machine.
const PATHS: [&str; 5] = ["data", "test", "validation", "spec", "out"];

/// What is known before the first step; `notes` is what the check of the data found.
pub fn beginning<P: Program>(
    job: &Job<P>,
    flags: &Train<P>,
    notes: Vec<String>,
) -> anyhow::Result<RunReport> {
    let Job { state, train, test, validation, recipe, seed, .. } = job;
    let objective = Objective::of(train);
    let version = env!("CARGO_PKG_VERSION");
    let provenance = train.provenance();
    let mut parts = vec![part("training", train)];
    parts.extend(validation.as_ref().map(|validation| part("validation", validation)));
    parts.push(part("test", test));
    let group = |name: &str, wanted: &dyn Fn(&str) -> bool| {
        let all = settings::<P>(job, flags).into_iter().filter(|(name, _)| wanted(name));
        SettingGroup::new(
            name,
            all.map(|(name, value)| (name, plain(&without_folders(name, value)))).collect::<Vec<_>>(),
        )
    };
    let of_recipe = |name: &str| {
        !PATHS.contains(&name)
            && !["model", "device", "threads", "precision", "seed", "kind", "target", "limit"].contains(&name)
    };
    let mut groups = vec![
        group("model and data", &|name| {
            !of_recipe(name) && !["device", "threads", "precision", "seed"].contains(&name)
        }),
        group("training", &of_recipe),
    ];
    let preprocessing = state.preprocessing.describe();
    if !preprocessing.is_empty() {
        groups.push(SettingGroup::new("preprocessing", [("samples", preprocessing.join("; "))]));
    }
    let versions = vec![(P::NAME.to_owned(), version.to_owned()), ("burn".into(), BURN.into())];
    let place = std::env::current_dir().unwrap_or_default();
    let environment = fireclay::report::Environment {
        device: Some(format!("{} in {}", flags.setup.device.device(), recipe.precision)),
        threads: Some(fireclay::prelude::threads()),
        seed: Some(*seed),
        ..environment(&place, versions)
    };
    Ok(RunReport {
        program: format!("{} {version}", P::NAME),
        title: format!("{} on {}", state.model, provenance.name),
        verdict: Verdict {
            network: Some(network(&state.spec)),
            purpose: Some(purpose(objective, train)),
            measure: None,
        },
        dataset: Some(DatasetInfo {
            name: provenance.name.clone(),
            source: Some(provenance.source.clone()),
            parts,
            split: Some(split(job)),
            sample: Some(sample(train)),
            notes,
        }),
        settings: groups,
        environment: Some(environment),
        command: Some(command::<P>()),
        training: Training { method: Some(method(recipe, objective)), ..Training::default() },
        layers: layers(&state.spec)?,
        ..RunReport::default()
    })
}

/// The release of Burn that everything stands on.
const BURN: &str = "0.22.1";

/// Adds what the training came to.
pub fn ending<P: Program>(
    report: &mut RunReport,
    outcome: &Outcome<P>,
    folder: &RunFolder,
    generated: Vec<Generated>,
) -> anyhow::Result<()> {
    let Outcome { trainer, history, train, test, evaluation, predictions, .. } = outcome;
    report.epochs = epochs(history);
    report.steps = steps(folder);
    report.training = Training {
        best_epoch: outcome.monitor.and_then(|monitor| best_epoch(outcome, monitor)),
        stopped: Some(match &history.stopped {
            Stopped::Early(reason) => reason.clone(),
            _ if history.epochs.len() == 1 => "its only epoch was done".to_owned(),
            _ => format!("all {} epochs were done", history.epochs.len()),
        }),
        ..std::mem::take(&mut report.training)
    };
    let measured = outcome.measures.iter().map(|row| measure(row, outcome.constant, test.len()));
    report.measures = measured.collect();
    let card = trainer.card();
    report.task = match &evaluation.report {
        Report::Language(language) => Some(Task::Language(Language {
            token: "token".into(),
            vocabulary: train.vocabulary_size(),
            loss: Some(language.perplexity.ln()),
            tokens: Some(language.tokens as u64),
            generated,
        })),
        _ => {
            let names = match train.class_names() {
                [] => target_names(train),
                names => names.to_vec(),
            };
            task(predictions, &names, card.threshold, card.intervals.as_ref())
        }
    };
    Ok(())
}

/// The name of the number that is predicted.
fn target_names(train: &Dataset) -> Vec<String> {
    train.table_preprocessing().map(|table| vec![table.target.clone()]).unwrap_or_default()
}

fn best_epoch<P: Program>(outcome: &Outcome<P>, monitor: &str) -> Option<usize> {
    let course =
        outcome.history.epochs.iter().filter_map(|record| Some((record.epoch, record.get(monitor)?)));
    let name = monitor.strip_prefix("val_").unwrap_or(monitor);
    let maximize = name
        .parse::<AnyMetric>()
        .is_ok_and(|metric| metric.direction() == fireclay::train::Direction::Maximize);
    let better = |a: f64, b: f64| if maximize { a > b } else { a < b };
    course
        .fold(None, |best: Option<(usize, f64)>, (epoch, value)| match best {
            Some((_, of_best)) if !better(value, of_best) => best,
            _ => Some((epoch, value)),
        })
        .map(|(epoch, _)| epoch)
}

fn measure(row: &records::Measure, constant: Option<&str>, samples: usize) -> Measure {
    let direction = row.name.parse::<AnyMetric>().map(|metric| metric.direction());
    let mut baselines = Vec::new();
    if let Some(linear) = row.linear {
        baselines.push(Baseline { name: "a linear model".into(), value: Some(linear) });
    }
    if let Some(constant) = constant {
        baselines.push(Baseline { name: constant.into(), value: row.constant });
    }
    Measure {
        name: title(&row.name).into(),
        direction: match direction {
            Ok(fireclay::train::Direction::Maximize) => Direction::HigherIsBetter,
            _ => Direction::LowerIsBetter,
        },
        unit: unit(&row.name),
        value: row.model,
        undefined: row.model.is_none().then(|| "it does not exist for these test samples".into()),
        interval: row.interval.map(|[lower, upper]| Interval { lower, upper }),
        part: "test".into(),
        samples: Some(samples),
        baselines,
    }
}

/// How values of a measure are written.
pub fn unit(name: &str) -> Unit {
    if name.ends_with("accuracy") { Unit::Fraction } else { Unit::Number }
}

/// What a network is, in words.
fn network(spec: &ModelSpec) -> String {
    let kinds: Vec<&str> = spec.layers.iter().map(|layer| layer.kind.type_name()).collect();
    let has = |part: &str| kinds.iter().any(|kind| kind.contains(part));
    let dense = kinds.iter().filter(|kind| **kind == "dense").count();
    match () {
        _ if has("transformer") || has("attention") => "a transformer".into(),
        _ if has("lstm") => "an LSTM".into(),
        _ if has("gru") => "a GRU".into(),
        _ if has("rnn") => "a recurrent network".into(),
        _ if has("residual") => "a residual convolutional network".into(),
        _ if has("conv") => "a convolutional network".into(),
        _ if has("bag") => "a linear model of word groups".into(),
        _ if dense == 1 => "a linear model".into(),
        _ => format!("a network of {dense} dense layers"),
    }
}

/// What it is for, in words.
fn purpose(objective: Objective, train: &Dataset) -> String {
    let classes = train.class_names();
    match objective {
        Objective::Classification if classes.len() <= 4 => {
            let [first @ .., last] = classes else { return "to tell classes apart".into() };
            match first {
                [] => format!("to find {last}"),
                first => format!("to tell {} and {last} apart", first.join(", ")),
            }
        }
        Objective::Classification => format!("to tell {} classes apart", classes.len()),
        Objective::StepClassification => format!("to find one of {} classes for each step", classes.len()),
        Objective::MultiLabel => format!("to find which of {} labels hold", classes.len()),
        Objective::Regression => match target_names(train).first() {
            Some(target) => format!("to predict {target}"),
            None => "to predict a number".into(),
        },
        Objective::LanguageModel => "to predict the next token of a text".into(),
    }
}

/// Where the samples of each part are from, and which of them are used, in words.
fn split<P: Program>(job: &Job<P>) -> String {
    let Job { state, train, validation, recipe, .. } = job;
    let alike =
        if train.class_names().is_empty() || train.label(0).is_none() { "" } else { " of each class" };
    let mut sentences = vec![match P::holds_out_test(&state.data) {
        true => format!(
            "a fifth of the samples{alike} was held out for the test, always the same ones, chosen at random"
        ),
        false => "the test samples are a part of their own".to_owned(),
    }];
    match (validation, recipe.validation_split) {
        (Some(_), _) => sentences.push("so are the validation samples".into()),
        (None, share) if share > 0.0 => sentences.push(format!(
            "{} % of the training samples{alike} were held out for validation, chosen at random by the seed",
            significant(100.0 * share)
        )),
        _ => sentences.push("none were held out for validation".into()),
    }
    if let Some(limit) = state.limit.samples {
        sentences.push(format!(
            "of each part at most {} samples were used, spread evenly over it",
            count(u64::from(limit))
        ));
    }
    sentences.join("; ")
}

/// How weights were changed to make what small, in words.
fn method(recipe: &Recipe, objective: Objective) -> String {
    let optimizer: AnyOptimizer = recipe.optimizer.clone().into();
    let name = optimizer.name();
    let name = match name.as_str() {
        "sgd" => "stochastic gradient descent",
        "rmsprop" => "RMSprop",
        "adam" => "Adam",
        "adamw" => "AdamW",
        "nadam" => "NAdam",
        "radam" => "RAdam",
        "adagrad" => "Adagrad",
        "adadelta" => "Adadelta",
        "muon" => "Muon",
        "lamb" => "LAMB",
        "lion" => "Lion",
        other => other,
    };
    let samples = match recipe.batch_size {
        1 => "sample by sample".to_owned(),
        batch => format!("in batches of {} samples", count(batch as u64)),
    };
    let private = recipe.privacy.map_or(String::new(), |privacy| {
        format!(
            " and with differential privacy (epsilon {}, delta {}), so that the weights tell next to nothing of any single training \
             sample",
            significant(privacy.epsilon),
            significant(privacy.delta)
        )
    });
    let adversarial = recipe.adversarial.map_or(String::new(), |options| {
        format!(
            " and on pictures that are changed against it by up to {}, so that such changes do not mislead it",
            significant(options.attack.strength)
        )
    });
    format!(
        "by {name} with a learning rate of {}, {samples}{private}{adversarial}, to lessen its loss: {}",
        significant(optimizer.learning_rate()),
        objective.loss(),
    )
}

/// What one sample is, in words.
fn sample(train: &Dataset) -> String {
    let shape = train.shape();
    match (train.vocabulary_size(), shape) {
        (Some(vocabulary), [tokens]) => {
            let how = if train.predicts_next_tokens() { "tokens in a row" } else { "tokens at most" };
            format!("{} {how}, of {} different ones", count(*tokens as u64), count(vocabulary as u64))
        }
        (None, [1, height, width]) => format!("{height} by {width} pixels, grey"),
        (None, [3, height, width]) => format!("{height} by {width} pixels, red, green and blue"),
        (_, [numbers]) => format!("{numbers} numbers"),
        (_, shape) => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
    }
}

fn part(name: &str, data: &Dataset) -> Part {
    let counts = data.class_counts();
    let classes = data.class_names().iter().cloned().zip(counts).collect();
    Part { name: name.into(), samples: data.len(), classes }
}

/// A setting of which paths have lost their folders.
pub fn without_folders(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) if PATHS.contains(&name) => Value::String(last(&text)),
        value => value,
    }
}

fn last(path: &str) -> String {
    match Path::new(path).file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.into(),
    }
}

/// A value without the quotes of TOML.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The command that was typed, with paths that begin at the root cut to their last part.
fn command<P: Program>() -> String {
    let argument = |argument: String| match argument.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") && Path::new(value).is_absolute() => {
            quoted(&format!("{flag}={}", last(value)))
        }
        _ if Path::new(&argument).is_absolute() => quoted(&last(&argument)),
        _ => quoted(&argument),
    };
    let words = std::env::args_os().skip(1).map(|word| argument(word.to_string_lossy().into_owned()));
    let mut all = vec![called(P::NAME)];
    all.extend(words);
    all.join(" ")
}
