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
const OF_TRAINING: [&str; 7] =
    ["learning_rate", "weight_decay", "batch_size", "label_smoothing", "warm_up", "clip_value", "clip_norm"];

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
            let decay = recipe.weight_decay().unwrap_or(0.0);
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
    pub fn space(&self, file: Option<&Path>, recipe: &Recipe) -> anyhow::Result<Space> {
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
        self.check(&space, path, recipe)?;
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

    /// Refuses domains of the wrong kind and bounds that no training can have.
    fn check(&self, space: &Space, path: &Path, recipe: &Recipe) -> anyhow::Result<()> {
        for parameter in space.parameters() {
            let name = parameter.name.as_str();
            let is_whole = ["batch_size", "width", "depth"].contains(&name);
            let (is_right, expected) = match (is_whole, &parameter.domain) {
                (true, Domain::Integer { .. }) => (true, ""),
                (true, _) => (false, "low and high with integer = true"),
                (false, Domain::Choice { .. }) => (false, "low and high"),
                (false, _) => (true, ""),
            };
            let wrong = |expected: &str| {
                let (path, name, expected) = (path.to_path_buf(), name.to_owned(), expected.to_owned());
                Err(UsageError::of(CommandError::Bounds { path, name, expected }))
            };
            if !is_right {
                return wrong(expected);
            }
            let ends = match &parameter.domain {
                Domain::Float { low, high, .. } => [Setting::Float(*low), Setting::Float(*high)],
                Domain::Integer { low, high, .. } => [Setting::Integer(*low), Setting::Integer(*high)],
                Domain::Choice { .. } => continue,
            };
            for end in ends {
                let settings: Settings = [(name.to_owned(), end)].into_iter().collect();
                if let Err(error) = Tunable::apply(&settings, recipe.clone()).check() {
                    return wrong(&format!("bounds that a training can have: {error}"));
                }
                let dropout = settings.float("dropout").unwrap_or(0.0);
                let size = settings.integer("width").or(settings.integer("depth")).unwrap_or(1);
                if !(0.0..1.0).contains(&dropout) || !(1..=65_536).contains(&size) {
                    return wrong("dropout from 0 to below 1, width and depth from 1");
                }
            }
        }
        Ok(())
    }

    /// What the usual recipe has, as near as the space allows.
    pub fn usual(&self, space: &Space) -> Settings {
        let of = |name: &str, domain: &Domain| {
            let known = self.0.iter().find(|(known, ..)| *known == name).map(|(.., usual)| usual.clone());
            let number = match &known {
                Some(Setting::Float(number)) => Some(*number),
                Some(Setting::Integer(number)) => Some(*number as f64),
                _ => None,
            };
            match domain {
                Domain::Float { low, high, .. } => Setting::Float(number.unwrap_or(*low).clamp(*low, *high)),
                Domain::Integer { low, high, .. } => {
                    Setting::Integer((number.unwrap_or(*low as f64) as i64).clamp(*low, *high))
                }
                Domain::Choice { values } => Setting::Choice(values.first().cloned().unwrap_or_default()),
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
            recipe = recipe.with_learning_rate(rate);
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
        recipe.clip_value = float("clip_value").or(recipe.clip_value);
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
