//! The recipe that a model file keeps.

use fireclay::nn::Stored;
use fireclay::store::TrainingCard;
use serde::de::DeserializeOwned;

use super::settings::Recipe;
use crate::objective::{is_balanced, label_smoothing};

impl Recipe {
    /// How a model was trained, as its file says; nothing where it was trained by what a file cannot hold, such as an optimizer
    /// of the user's own. Which epoch was kept is not in a file.
    pub fn of(card: &TrainingCard) -> Option<Self> {
        if let Stored::Custom { .. } = card.loss {
            return None;
        }
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
            label_smoothing: label_smoothing(&card.loss),
            balanced: is_balanced(&card.loss),
            validation_split: card.validation_split,
            adversarial: match &card.adversarial {
                serde_json::Value::Null => None,
                adversarial => Some(read(adversarial)?),
            },
            ..recipe
        })
    }
}

fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

#[cfg(test)]
mod tests {
    use fireclay::nn::{CrossEntropyLoss, DistillationLoss};
    use fireclay::train::schedule::Cosine;
    use fireclay::train::{
        Adam, AdamW, AdversarialOptions, AnyOptimizer, Muon, ParameterGroup, WeightAveraging,
    };

    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            groups: vec![ParameterGroup::new(["*.bias"], AdamW::new(0.05))],
            schedule: Cosine { to: 0.1 }.into(),
            warm_up: 0.5,
            accumulate: 2,
            averaging: Some(WeightAveraging::Exponential { decay: 0.99 }),
            clip_value: Some(0.5),
            clip_norm: Some(1.0),
            label_smoothing: 0.25,
            balanced: true,
            validation_split: 0.1,
            adversarial: Some(AdversarialOptions::new(0.3)),
            ..Recipe::new(Muon::new(0.05).momentum(0.9), 250, 8)
        }
    }

    /// As a training writes it.
    fn card(recipe: &Recipe) -> TrainingCard {
        let labels = CrossEntropyLoss { label_smoothing: 0.25, class_weights: Some(vec![1.0, 3.0]) };
        TrainingCard {
            loss: Stored::BuiltIn(labels.into()),
            optimizer: serde_json::to_value(AnyOptimizer::from(recipe.optimizer.clone())).unwrap(),
            groups: recipe.groups.iter().map(|group| serde_json::to_value(group).unwrap()).collect(),
            schedule: serde_json::to_value(&recipe.schedule).unwrap(),
            warm_up: recipe.warm_up,
            accumulate: Some(recipe.accumulate),
            averaging: recipe.averaging.map(|averaging| averaging.to_string()),
            clip_value: recipe.clip_value,
            clip_norm: recipe.clip_norm,
            precision: None,
            privacy: None,
            adversarial: serde_json::to_value(recipe.adversarial).unwrap(),
            epochs: recipe.epochs,
            batch_size: recipe.batch_size,
            validation_split: recipe.validation_split,
            seed: 7,
        }
    }

    #[test]
    fn what_a_file_says_of_a_training_is_its_recipe_again() {
        let of_file = card(&recipe());
        assert_eq!(Recipe::of(&of_file), Some(recipe()));
        let labels = CrossEntropyLoss::new().label_smoothing(0.25);
        let taught = DistillationLoss::new(2.0, 0.5).labels(labels);
        let of_student = TrainingCard { loss: Stored::BuiltIn(taught.into()), ..of_file };
        assert_eq!(Recipe::of(&of_student), Some(Recipe { balanced: false, ..recipe() }));
        let plain = Recipe::new(Adam::new(1e-3), 64, 5);
        let of_file = TrainingCard {
            loss: Stored::BuiltIn(CrossEntropyLoss::new().into()),
            schedule: serde_json::Value::Null,
            accumulate: None,
            ..card(&plain)
        };
        assert_eq!(Recipe::of(&of_file), Some(plain));
    }

    #[test]
    fn what_a_file_cannot_hold_is_no_recipe() {
        let of_file = card(&recipe());
        let loss = Stored::Custom { name: "focal".into() };
        assert_eq!(Recipe::of(&TrainingCard { loss, ..of_file.clone() }), None);
        let optimizer = serde_json::json!({ "type": "custom", "name": "own" });
        assert_eq!(Recipe::of(&TrainingCard { optimizer, ..of_file.clone() }), None);
        let schedule = serde_json::json!({ "type": "custom", "name": "own" });
        assert_eq!(Recipe::of(&TrainingCard { schedule, ..of_file }), None);
    }
}
