//! The recipe that a model file keeps.

use fireclay::nn::{BuiltInLoss, CrossEntropyLoss, Stored};
use fireclay::store::TrainingCard;
use serde::de::DeserializeOwned;

use super::settings::Recipe;

impl Recipe {
    /// How a model was trained, as its file says; nothing where it was trained by what a file cannot hold, such as an optimizer
    /// of the user's own. Which epoch was kept is not in a file.
    pub fn of(card: &TrainingCard) -> Option<Self> {
        let labels = match &card.loss {
            Stored::BuiltIn(BuiltInLoss::CrossEntropy(loss)) => loss.clone(),
            Stored::BuiltIn(BuiltInLoss::Distillation(loss)) => loss.labels.clone(),
            Stored::BuiltIn(_) => CrossEntropyLoss::new(),
            Stored::Custom { .. } => return None,
        };
        let groups = card.groups.iter().map(read).collect::<Option<_>>()?;
        let recipe = Recipe::new(
            read::<fireclay::train::BuiltInOptimizer>(&card.optimizer)?,
            card.batch_size,
            card.epochs,
        );
        Some(Recipe {
            groups,
            schedule: match &card.schedule {
                serde_json::Value::Null => recipe.schedule,
                schedule => read(schedule)?,
            },
            warm_up: card.warm_up,
            accumulate: card.accumulate.unwrap_or(1),
            averaging: match &card.averaging {
                Some(words) => Some(words.parse().ok()?),
                None => None,
            },
            clip_value: card.clip_value,
            clip_norm: card.clip_norm,
            label_smoothing: labels.label_smoothing,
            balanced: labels.class_weights.is_some(),
            validation_split: card.validation_split,
            ..recipe
        })
    }
}

fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
