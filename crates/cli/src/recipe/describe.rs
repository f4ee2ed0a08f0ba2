//! A recipe in words, for `summary`, `train` and the JSON.

use fireclay::backend::Precision;
use fireclay::store::{PrivacyCard, TrainingCard};
use fireclay::train::{
    AdversarialOptions, AnyOptimizer, Attack, AttackNorm, BuiltInSchedule, NoiseSource, WeightAveraging,
};

use super::settings::{BestEpoch, Recipe};
use crate::format::{count, significant};

impl Recipe {
    /// In words, each as a flag gives it: `adam 0.001`, `batch 64`, `10 epochs`.
    pub fn describe(&self) -> Vec<String> {
        let optimizer = |optimizer: &AnyOptimizer| {
            let settings = serde_json::to_value(optimizer).unwrap_or_default();
            let decay = settings["weight_decay"].as_f64().filter(|decay| *decay > 0.0);
            let decay =
                decay.map_or(String::new(), |decay| format!(" (weight decay {})", significant(decay)));
            format!("{} {}{decay}", optimizer.name(), significant(optimizer.learning_rate()))
        };
        let mut words = vec![optimizer(&self.optimizer.clone().into())];
        for group in &self.groups {
            words.push(format!("{} by {}", group.parameters.join(" and "), optimizer(&group.optimizer)));
        }
        let mut rates = self.schedule.to_string();
        if self.warm_up > 0.0 {
            rates = format!("warm-up {} then {rates}", epochs(self.warm_up));
        }
        if rates != BuiltInSchedule::default().to_string() {
            words.push(format!("learning rate {rates}"));
        }
        words.extend(self.clip_value.map(|value| format!("gradient values clipped to {value}")));
        match &self.privacy {
            None => words.extend(self.clip_norm.map(|norm| format!("gradients clipped to {norm}"))),
            Some(privacy) => words.push(format!(
                "private: epsilon {}, delta {}, each sample's gradient clipped to {}, noise from the {}",
                significant(privacy.epsilon),
                significant(privacy.delta),
                significant(self.clip_norm.unwrap_or(1.0)),
                from(privacy.noise)
            )),
        }
        words.extend(self.adversarial.as_ref().map(|options| format!("trained on {}", adversarial(options))));
        if self.precision != Precision::F32 {
            words.push(format!("products in {}", self.precision));
        }
        if self.label_smoothing > 0.0 {
            words.push(format!("label smoothing {}", self.label_smoothing));
        }
        if self.balanced {
            words.push("balanced class weights".into());
        }
        words.extend(self.averaging.map(|averaging| match averaging {
            WeightAveraging::Exponential { decay } => format!("weights averaged with decay {decay}"),
            WeightAveraging::Stochastic { from_epoch } => {
                format!("weights averaged from epoch {from_epoch} on")
            }
        }));
        words.push(match self.accumulate {
            1 => format!("batch {}", self.batch_size),
            batches => format!("batch {} x {batches}", self.batch_size),
        });
        words.push(epochs(self.epochs as f64));
        if self.has_validation {
            words.push("measured on validation samples of their own".into());
        } else if self.validation_split > 0.0 {
            words.push(format!("{} % held out for validation", significant(100.0 * self.validation_split)));
        }
        match self.best {
            BestEpoch { keep: false, .. } => {}
            BestEpoch { patience: None, .. } => words.push("the best epoch is kept".into()),
            BestEpoch { patience: Some(patience), .. } => {
                words.push(format!("the best epoch is kept, patience {patience}"));
            }
        }
        words
    }
}

/// On what pictures a network is trained.
fn adversarial(options: &AdversarialOptions) -> String {
    let Attack { norm, strength, steps, .. } = options.attack;
    let by = match norm {
        AttackNorm::Linf => "each value of a pixel changed",
        AttackNorm::L2 => "a change of length",
    };
    format!("pictures with {by} by up to {} against it, in {steps} steps (PGD)", significant(strength))
}

/// What pictures a model was trained on, as its file says: a line for `summary`.
pub fn adversarial_training(card: &TrainingCard) -> Option<String> {
    let options = serde_json::from_value(card.adversarial.clone()).ok().flatten()?;
    Some(format!("adversarial training: {}", adversarial(&options)))
}

/// What a training spent, as its file says: a line for `train` and `summary`.
pub fn privacy_spent(card: &PrivacyCard) -> String {
    let source = card.noise.parse::<NoiseSource>().map_or(card.noise.as_str(), |source| from(source));
    format!(
        "private: epsilon {} at delta {}, spent in {} steps; noise of {} x {}, each sample in a step with probability {}, \
         noise from the {source}",
        significant(card.epsilon),
        significant(card.delta),
        count(card.steps),
        significant(card.noise_multiplier),
        significant(card.clip_norm),
        significant(card.sampling_rate),
    )
}

/// Where noise comes from, in words.
fn from(noise: NoiseSource) -> &'static str {
    match noise {
        NoiseSource::System => "operating system",
        NoiseSource::Seed => "seed",
    }
}

fn epochs(count: f64) -> String {
    match count == 1.0 {
        true => "1 epoch".into(),
        false => format!("{count} epochs"),
    }
}

#[cfg(test)]
mod tests {
    use fireclay::prelude::*;
    use fireclay::train::schedule::Linear;
    use fireclay::train::{Muon, ParameterGroup};

    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            groups: vec![ParameterGroup::new(["*.bias"], Adam::new(0.05))],
            schedule: Linear { to: 0.0 }.into(),
            warm_up: 2.0,
            accumulate: 2,
            averaging: Some(WeightAveraging::Stochastic { from_epoch: 7 }),
            clip_value: Some(0.5),
            clip_norm: Some(1.0),
            label_smoothing: 0.2,
            validation_split: 0.1,
            best: BestEpoch { keep: true, patience: None },
            ..Recipe::new(Muon::new(0.2), 500, 8)
        }
    }

    #[test]
    fn a_recipe_is_described_in_words() {
        let words = recipe().describe().join(", ");
        let expected = "muon 0.2, *.bias by adam 0.05, learning rate warm-up 2 epochs then linear, \
                        gradient values clipped to 0.5, gradients clipped to 1, label smoothing 0.2, weights averaged from epoch 7 on, batch 500 x 2, 8 epochs, 10 % held out for validation, the best epoch is kept";
        assert_eq!(words, expected);
    }
}
