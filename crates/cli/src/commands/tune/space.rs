//! What a search may set, and within which bounds.

use std::path::Path;

use anyhow::Context;
use fireclay::prelude::ModelSpec;
use fireclay::train::Optimizer;
use fireclay::tune::{Domain, Setting, Settings, Space};

use crate::error::CommandError;
use crate::exit::UsageError;
use crate::program::{DataSpec, ModelName};
use crate::recipe::{Recipe, TrainingArgs};

/// Settings of the training itself, by the names of their flags with underscores.
const OF_TRAINING: [&str; 6] =
    ["learning_rate", "weight_decay", "batch_size", "label_smoothing", "warm_up", "clip_norm"];

/// How far from the usual rate the search goes, to both sides.
const RATES: f64 = 4.0;

/// What may be set: each with its bounds, and what the usual recipe has.
pub struct Tunable(Vec<(&'static str, Domain, Setting)>);

impl Tunable {
    /// What may be set of a model's training and of the network itself, unless that is the user's own; what flags say stays.
    pub fn of<M: ModelName>(
        model: M,
        own: Option<&ModelSpec>,
        data: &DataSpec,
        recipe: &Recipe,
        given: &TrainingArgs,
    ) -> Self {
        let rate = recipe.optimizer.learning_rate();
        let log = |low, high| Domain::Float { low, high, log: true };
        let mut all = Vec::new();
        if given.learning_rate.is_none() {
            all.push(("learning_rate", log(rate / RATES, rate * RATES), Setting::Float(rate)));
        }
        if given.weight_decay.is_none() {
            let decay = serde_json::to_value(&recipe.optimizer).unwrap_or_default()["weight_decay"]
                .as_f64()
                .unwrap_or(0.0);
            let (low, high) = (decay.max(1e-3) / 30.0, (decay.max(1e-3) * 30.0).min(1.0));
            all.push(("weight_decay", log(low, high), Setting::Float(decay.clamp(low, high))));
        }
        if given.batch_size.is_none() {
            let batch = recipe.batch_size as i64;
            let domain = Domain::Integer { low: (batch / 2).max(8), high: (batch * 2).max(32), log: true };
            all.push(("batch_size", domain, Setting::Integer(batch.max(8))));
        }
        if given.label_smoothing.is_none() && data.classes > 1 {
            let domain = Domain::Float { low: 0.0, high: 0.2, log: false };
            let smoothing = f64::from(recipe.label_smoothing).clamp(0.0, 0.2);
            all.push(("label_smoothing", domain, Setting::Float(smoothing)));
        }
        if own.is_none() {
            all.extend(model.tunable(data));
        }
        Tunable(all)
    }

    /// The space of a file, or else that of all that may be set.
    pub fn space(&self, file: Option<&Path>) -> anyhow::Result<Space> {
        let Some(path) = file else {
            return Ok(Space::new(self.0.iter().map(|(name, domain, _)| (*name, domain.clone()))));
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(UsageError::of)?;
        let space = Space::from_toml(&text).with_context(|| path.display().to_string());
        let space = space.map_err(UsageError::of)?;
        let of_network = self.0.iter().map(|(name, ..)| *name).filter(|name| !OF_TRAINING.contains(name));
        let known: Vec<&str> = OF_TRAINING.into_iter().chain(of_network).collect();
        let unknown = space.parameters().iter().find(|parameter| !known.contains(&parameter.name.as_str()));
        match unknown {
            None => Ok(space),
            Some(parameter) => Err(UsageError::of(CommandError::NoSetting {
                path: path.to_path_buf(),
                name: parameter.name.clone(),
                known: known.join(", "),
            })),
        }
    }

    /// What the usual recipe has, as near as the space allows.
    pub fn usual(&self, space: &Space) -> Settings {
        let of = |name: &str, domain: &Domain| {
            let known = self.0.iter().find(|(known, ..)| *known == name).map(|(.., usual)| usual.clone());
            match known.filter(|usual| domain.contains(usual)) {
                Some(usual) => usual,
                None => match domain {
                    Domain::Float { low, high, log: true } => Setting::Float((low * high).sqrt()),
                    Domain::Float { low, .. } => Setting::Float(*low),
                    Domain::Integer { low, .. } => Setting::Integer(*low),
                    Domain::Choice { values } => Setting::Choice(values.first().cloned().unwrap_or_default()),
                },
            }
        };
        let parameters = space.parameters().iter();
        parameters.map(|parameter| (parameter.name.clone(), of(&parameter.name, &parameter.domain))).collect()
    }

    /// A space as TOML, with what each setting usually is.
    pub fn to_toml(&self, space: &Space) -> String {
        let mut text = String::new();
        for parameter in space.parameters() {
            let usual = self.0.iter().find(|(name, ..)| *name == parameter.name);
            let usual = usual.map_or(String::new(), |(.., usual)| format!(" # usually {usual}"));
            text.push_str(&format!("[{}]{usual}\n", parameter.name));
            match &parameter.domain {
                Domain::Float { low, high, log } => {
                    text.push_str(&format!("low = {low:?}\nhigh = {high:?}\n"));
                    text.push_str(if *log { "log = true\n" } else { "" });
                }
                Domain::Integer { low, high, log } => {
                    text.push_str(&format!("low = {low}\nhigh = {high}\ninteger = true\n"));
                    text.push_str(if *log { "log = true\n" } else { "" });
                }
                Domain::Choice { values } => text.push_str(&format!("values = {values:?}\n")),
            }
            text.push('\n');
        }
        text
    }

    /// A recipe with settings.
    pub fn apply(settings: &Settings, mut recipe: Recipe) -> Recipe {
        let float =
            |name: &str| settings.float(name).or_else(|| settings.integer(name).map(|whole| whole as f64));
        if let Some(rate) = float("learning_rate") {
            let ratio = rate / recipe.optimizer.learning_rate();
            recipe.optimizer = recipe.optimizer.with_learning_rate(rate);
            for group in &mut recipe.groups {
                let of_group = group.optimizer.learning_rate();
                group.optimizer = group.optimizer.with_learning_rate(of_group * ratio);
            }
        }
        if let Some(decay) = float("weight_decay") {
            recipe.optimizer = recipe.optimizer.with_weight_decay(decay);
        }
        if let Some(batch) = settings.integer("batch_size") {
            recipe.batch_size = batch.max(1) as usize;
        }
        if let Some(smoothing) = float("label_smoothing") {
            recipe.label_smoothing = smoothing as f32;
        }
        if let Some(warm_up) = float("warm_up") {
            recipe.warm_up = warm_up;
        }
        recipe.clip_norm = float("clip_norm").or(recipe.clip_norm);
        recipe
    }

    /// The flags of `train` that say the same; what is of the network has none.
    pub fn flags(settings: &Settings) -> Vec<String> {
        let of_training = settings.iter().filter(|(name, _)| OF_TRAINING.contains(name));
        let flag =
            |(name, value): (&str, &Setting)| [format!("--{}", name.replace('_', "-")), value.to_string()];
        of_training.flat_map(flag).collect()
    }
}
