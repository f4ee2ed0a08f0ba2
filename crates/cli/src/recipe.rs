//! How a model is trained, as data: what stands beside each network, and what flags change of it.

use clap::Args;
use clap::builder::PossibleValuesParser;
use fireclay::prelude::FitOptions;
use fireclay::train::{
    AnyOptimizer, BuiltInOptimizer, BuiltInSchedule, Optimizer, ParameterGroup, TrainError,
};
use serde::{Deserialize, Serialize};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What steps the parameters.
    pub optimizer: BuiltInOptimizer,
    /// Parameters with an optimizer of their own.
    pub groups: Vec<ParameterGroup>,
    /// How learning rates change.
    pub schedule: BuiltInSchedule,
    /// Epochs in which learning rates rise before that.
    pub warm_up: f64,
    /// The greatest norm of all gradients together.
    pub clip_norm: Option<f64>,
    /// Share of each target that is spread over all classes.
    pub label_smoothing: f32,
    /// Samples in one step.
    pub batch_size: usize,
    /// Passes over the training data.
    pub epochs: usize,
    /// Share of the training data that is set aside and measured after each epoch.
    pub validation_split: f64,
    /// Which epoch's weights are kept.
    pub best: Best,
}

/// Whether a run ends with the weights of the epoch that was best on the validation samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Whether it does; else it ends with those of the last epoch.
    pub keep: bool,
    /// Epochs without improvement after which it stops; never if `None`.
    pub patience: Option<usize>,
}

impl Recipe {
    /// A recipe with a constant learning rate and nothing else.
    pub fn new(optimizer: impl Into<BuiltInOptimizer>, batch_size: usize, epochs: usize) -> Self {
        Recipe {
            optimizer: optimizer.into(),
            groups: Vec::new(),
            schedule: BuiltInSchedule::default(),
            warm_up: 0.0,
            clip_norm: None,
            label_smoothing: 0.0,
            batch_size,
            epochs,
            validation_split: 0.0,
            best: Best::default(),
        }
    }

    /// What [`fit`](fireclay::prelude::Trainer::fit) is given.
    pub fn options(&self, seed: u64) -> FitOptions {
        FitOptions {
            epochs: self.epochs,
            batch_size: self.batch_size,
            seed,
            validation_split: self.validation_split,
            schedule: self.schedule,
            warm_up: self.warm_up,
            clip_norm: self.clip_norm,
        }
    }

    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        self.optimizer.check()?;
        self.groups.iter().try_for_each(|group| group.optimizer.check())?;
        if self.best.keep && self.validation_split == 0.0 {
            return Err(TrainError::Setting {
                setting: "validation_split",
                found: "0".into(),
                expected: "more than 0 where the best epoch is kept, such as 0.1",
            });
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(TrainError::Setting {
                setting: "label_smoothing",
                found: self.label_smoothing.to_string(),
                expected: "0 or more and less than 1",
            });
        }
        self.options(0).check()
    }

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
        words.extend(self.clip_norm.map(|norm| format!("gradients clipped to {norm}")));
        if self.label_smoothing > 0.0 {
            words.push(format!("label smoothing {}", self.label_smoothing));
        }
        words.push(format!("batch {}", self.batch_size));
        words.push(epochs(self.epochs as f64));
        if self.validation_split > 0.0 {
            words.push(format!("{} % set aside for validation", significant(100.0 * self.validation_split)));
        }
        match self.best {
            Best { keep: false, .. } => {}
            Best { patience: None, .. } => words.push("the best epoch is kept".into()),
            Best { patience: Some(patience), .. } => {
                words.push(format!("the best epoch is kept, patience {patience}"));
            }
        }
        words
    }
}

fn epochs(count: f64) -> String {
    match count == 1.0 {
        true => "1 epoch".into(),
        false => format!("{count} epochs"),
    }
}

/// A number rounded to four digits.
fn significant(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

/// How to train. What is not given comes from the model's own recipe, which `summary` prints;
/// `train` prints what came of both.
#[derive(Args, Clone, Debug)]
pub struct FitFlags {
    /// Passes over the training data [default: the model's, see summary]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub epochs: Option<usize>,
    /// Samples in one step [default: the model's, see summary]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub batch_size: Option<usize>,
    /// Optimizer of all parameters; momentum and nesterov are SGD with momentum 0.9 [default: the model's, see summary]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(BuiltInOptimizer::NAMES), help_heading = "Training")]
    pub optimizer: Option<String>,
    /// Size of an optimizer step, more than 0; where some parameters have a rate of their own, that keeps its proportion
    /// [default: the model's, see summary]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Training")]
    pub learning_rate: Option<f64>,
    /// Weight decay, 0 or more; for adamw and muon the share of each weight that a step takes away, divided by the
    /// learning rate [default: the model's, see summary]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, help_heading = "Training")]
    pub weight_decay: Option<f64>,
    /// How the learning rate changes: constant, linear, cosine, one-cycle, step=10,0.1, exponential=0.95, plateau=0.5,2
    /// [default: the model's, see summary]
    #[arg(long, value_name = "SCHEDULE", help_heading = "Training")]
    pub schedule: Option<BuiltInSchedule>,
    /// Epochs in which the learning rate rises before that, such as 0.5 [default: the model's, see summary]
    #[arg(long, value_name = "EPOCHS", allow_negative_numbers = true, help_heading = "Training")]
    pub warm_up: Option<f64>,
    /// Greatest norm of all gradients together, more than 0 [default: the model's, see summary]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Training")]
    pub clip_norm: Option<f64>,
    /// Share of each target that is spread over all classes, 0 or more and less than 1 [default: the model's, see summary]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = "Training")]
    pub label_smoothing: Option<f32>,
    /// Seed of weights, order and dropout: same seed, threads and CPU device, same model file
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Training")]
    pub seed: u64,
    /// Share of the training data to set aside and measure after each epoch, 0 or more and less than 1 [default: the
    /// model's, see summary]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = "Training")]
    pub validation_split: Option<f64>,
    /// Whether to end with the weights of the epoch that was best on the validation samples [default: the model's]
    #[arg(
        long,
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Training"
    )]
    pub keep_best: Option<bool>,
    /// Stop after so many epochs without improvement on the validation samples, and keep the best [default: the model's]
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    pub patience: Option<usize>,
}

impl FitFlags {
    /// The recipe with what the flags change.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if nothing can be trained so.
    pub fn change(&self, mut recipe: Recipe) -> Result<Recipe, TrainError> {
        if let Some(name) = &self.optimizer {
            // Rates are not comparable between optimizers, nor are groups.
            let rate = match *name == recipe.optimizer.name() {
                true => recipe.optimizer.learning_rate(),
                false => usual_rate(name),
            };
            recipe.optimizer = BuiltInOptimizer::by_name(name, rate)?;
            recipe.groups.clear();
        }
        if let Some(rate) = self.learning_rate {
            let ratio = rate / recipe.optimizer.learning_rate();
            recipe.optimizer = recipe.optimizer.with_learning_rate(rate);
            for group in &mut recipe.groups {
                let of_group = group.optimizer.learning_rate();
                group.optimizer = group.optimizer.with_learning_rate(of_group * ratio);
            }
        }
        if let Some(decay) = self.weight_decay {
            recipe.optimizer = recipe.optimizer.with_weight_decay(decay);
        }
        recipe.epochs = self.epochs.unwrap_or(recipe.epochs);
        recipe.batch_size = self.batch_size.unwrap_or(recipe.batch_size);
        recipe.schedule = self.schedule.unwrap_or(recipe.schedule);
        // A shorter run cannot have a longer warm-up than it has epochs.
        recipe.warm_up = self.warm_up.unwrap_or(recipe.warm_up.min(recipe.epochs as f64));
        recipe.clip_norm = self.clip_norm.or(recipe.clip_norm);
        recipe.label_smoothing = self.label_smoothing.unwrap_or(recipe.label_smoothing);
        recipe.validation_split = self.validation_split.unwrap_or(recipe.validation_split);
        recipe.best.keep = match (self.keep_best, self.patience) {
            (Some(keep), _) => keep,
            (None, Some(_)) => true,
            // Without validation samples the recipe's wish cannot be had, and the flag that took them away says so.
            (None, None) => recipe.best.keep && recipe.validation_split > 0.0,
        };
        recipe.best.patience = self.patience.or(recipe.best.patience).filter(|_| recipe.best.keep);
        recipe.check()?;
        Ok(recipe)
    }
}

/// A rate that an optimizer is often begun with.
fn usual_rate(name: &str) -> f64 {
    match name {
        "sgd" | "momentum" | "nesterov" | "muon" => 1e-2,
        _ => 1e-3,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fireclay::prelude::*;
    use fireclay::train::Muon;
    use fireclay::train::schedule::{Cosine, Linear};

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        fit: FitFlags,
    }

    fn changed(recipe: Recipe, flags: &[&str]) -> Result<Recipe, TrainError> {
        Flags::parse_from(["test"].iter().chain(flags)).fit.change(recipe)
    }

    fn recipe() -> Recipe {
        Recipe {
            groups: vec![ParameterGroup::new(["*.bias"], Adam::new(0.05))],
            schedule: Linear::to(0.0).into(),
            warm_up: 2.0,
            label_smoothing: 0.2,
            validation_split: 0.1,
            best: Best { keep: true, patience: None },
            ..Recipe::new(Muon::new(0.2), 500, 8)
        }
    }

    #[test]
    fn without_flags_the_recipe_is_as_it_was() {
        assert_eq!(changed(recipe(), &[]).unwrap(), recipe());
    }

    #[test]
    fn every_part_can_be_changed_by_a_flag() {
        let flags = [
            "--epochs=3",
            "--batch-size=32",
            "--learning-rate=0.1",
            "--weight-decay=0.01",
            "--schedule=cosine=0.1",
            "--warm-up=0.5",
            "--clip-norm=1",
            "--label-smoothing=0.1",
            "--validation-split=0.2",
            "--keep-best=false",
        ];
        let changed = changed(recipe(), &flags).unwrap();
        let expected = Recipe {
            groups: vec![ParameterGroup::new(["*.bias"], Adam::new(0.025))],
            schedule: Cosine::to(0.1).into(),
            warm_up: 0.5,
            clip_norm: Some(1.0),
            label_smoothing: 0.1,
            validation_split: 0.2,
            best: Best::default(),
            ..Recipe::new(Muon::new(0.1).weight_decay(0.01).vector_learning_rate(5e-4), 32, 3)
        };
        assert_eq!(changed, expected);
    }

    #[test]
    fn another_optimizer_has_its_own_rate_and_all_parameters() {
        let changed = changed(recipe(), &["--optimizer=adamw"]).unwrap();
        assert_eq!((changed.optimizer, changed.groups), (AdamW::new(1e-3).into(), Vec::new()));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let message = changed(recipe(), &["--keep-best", "--validation-split=0"]).unwrap_err().to_string();
        assert!(message.contains("validation_split is 0"), "{message}");
        let message = changed(recipe(), &["--warm-up=9"]).unwrap_err().to_string();
        assert!(message.contains("warm_up is 9"), "{message}");
        assert!(!changed(recipe(), &["--validation-split=0"]).unwrap().best.keep);
        assert_eq!(changed(recipe(), &["--epochs=1"]).unwrap().warm_up, 1.0);
    }

    #[test]
    fn a_recipe_is_said_in_words() {
        let words = recipe().describe().join(", ");
        let expected = "muon 0.2, *.bias by adam 0.05, learning rate warm-up 2 epochs then linear, label smoothing 0.2, \
                        batch 500, 8 epochs, 10 % set aside for validation, the best epoch is kept";
        assert_eq!(words, expected);
    }
}
