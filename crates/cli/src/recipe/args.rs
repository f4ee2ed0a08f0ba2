//! The flags that change parts of a recipe.

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use fireclay::train::{
    AdversarialOptions, BuiltInOptimizer, BuiltInSchedule, NoiseSource, Optimizer, PrivacyOptions,
    TrainError, WeightAveraging,
};

use super::settings::Recipe;
use crate::exit::UsageError;

/// How to train. What is not given comes from the model's own recipe, which `summary` prints;
/// `train` prints what came of both.
#[derive(Args, Clone, Debug, Default)]
pub struct TrainingArgs {
    /// Passes over the training data [default: the model's, see summary]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub epochs: Option<usize>,
    /// Samples in one step [default: the model's, see summary]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub batch_size: Option<usize>,
    /// Batches in one step, whose gradients are averaged, as if they were one batch that does not fit into memory [default: 1]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub accumulate: Option<usize>,
    /// Average of the weights that is measured and kept in the place of the last ones: ema=0.999, exponential over all steps, or
    /// swa=8, the mean of the epochs from the eighth on [default: none]
    #[arg(long, value_name = "AVERAGE", help_heading = "Training")]
    pub averaging: Option<WeightAveraging>,
    /// Optimizer of all parameters; momentum and nesterov are SGD with momentum 0.9 [default: the model's, see summary]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(BuiltInOptimizer::NAMES), help_heading = "Training")]
    pub optimizer: Option<String>,
    /// Learning rate, more than 0; where some parameters have a rate of their own, that is scaled in proportion
    /// [default: the model's, see summary]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Training")]
    pub learning_rate: Option<f64>,
    /// Weight decay, 0 or more; decoupled for adamw, muon, lamb and lion, an L2 penalty for the others
    /// [default: the model's, see summary]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, help_heading = "Training")]
    pub weight_decay: Option<f64>,
    /// Learning rate schedule: constant, linear, polynomial=2, cosine, cosine-restarts=10,2, one-cycle, step=10,0.1,
    /// multi-step=10:20:30,0.1, exponential=0.95, plateau=0.5,2
    /// [default: the model's, see summary]
    #[arg(long, value_name = "SCHEDULE", help_heading = "Training")]
    pub schedule: Option<BuiltInSchedule>,
    /// Epochs of linear warm-up before the schedule, such as 0.5 [default: the model's, see summary]
    #[arg(long, value_name = "EPOCHS", allow_negative_numbers = true, help_heading = "Training")]
    pub warm_up: Option<f64>,
    /// Maximum size of each number in a gradient, more than 0; larger ones are brought to it, before the norm is clipped
    /// [default: the model's, see summary]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, help_heading = "Training")]
    pub clip_value: Option<f64>,
    /// Maximum global gradient norm, more than 0; larger gradients are scaled down [default: the model's, see summary]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Training")]
    pub clip_norm: Option<f64>,
    /// Train with differential privacy (DP-SGD), so that the weights tell next to nothing of any single training sample: epsilon, such as 8
    /// or, stronger, 1, or epsilon and delta, such as 8,1e-6. --clip-norm is then the norm of each sample's gradient, 1 by default,
    /// and --batch-size the samples that a step has on the average [default: not private; delta 1e-5]
    #[arg(long, value_name = "EPSILON[,DELTA]", help_heading = "Privacy")]
    pub private: Option<PrivacyOptions>,
    /// With --private, where the noise comes from: the operating system, so that nobody can repeat it, or the seed, so that a run can be
    /// repeated by everybody who knows it [default: system]
    #[arg(long, value_name = "SOURCE", requires = "private", help_heading = "Privacy")]
    pub noise: Option<NoiseSource>,
    /// Train on pictures that are changed against the network at each step (PGD in the sup norm), so that small changes do not mislead
    /// it: how much a value of a pixel, from 0 to 1, may change, such as 0.3 for digits or 8/255 for colours, and in how many steps, such as
    /// 8/255,7. It grows from 0 over the first quarter of the epochs; what an epoch reports of training is of changed pictures
    /// [default: none; 10 steps, which take about ten times as long]
    #[arg(
        long,
        value_name = "STRENGTH[,STEPS]",
        allow_negative_numbers = true,
        conflicts_with = "private",
        help_heading = "Robustness"
    )]
    pub adversarial: Option<AdversarialOptions>,
    /// Where several ranks train (launch), let batch norm normalise by the statistics of the whole batch and not by those of each rank's
    /// part [default: no, which takes less time]
    #[arg(long, help_heading = "Training")]
    pub sync_batch_norm: bool,
    /// Label smoothing: fraction of each target that is spread over all classes, 0 or more and less than 1 [default: the model's, see summary]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true, help_heading = "Training")]
    pub label_smoothing: Option<f32>,
    /// How classes count in the loss: each sample alike, or balanced, so that a rare class counts as much as a frequent one. Of
    /// two classes the threshold between them is then chosen on validation samples, for the best mean F1 [default: none]
    #[arg(long, value_name = "WORD", value_enum, help_heading = "Training")]
    pub class_weights: Option<ClassWeights>,
    /// How much work is done: quick has a quarter of the epochs, best twice as many; with fireclay also which network
    /// [default: good]
    #[arg(long, value_name = "WORD", value_enum, help_heading = "Training")]
    pub preset: Option<Preset>,
    /// Minutes that the training may take, about: where the recipe would take longer it has fewer epochs, by how fast its first
    /// steps are
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Training")]
    pub minutes: Option<f64>,
    /// Seed of initial weights, sample order and dropout: same seed, threads and CPU device, same model file
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Training")]
    pub seed: u64,
    /// Fraction of the training data to hold out for validation after each epoch, 0 or more and less than 1
    /// [default: the model's, see summary]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true, help_heading = "Training")]
    pub validation_split: Option<f64>,
    /// Whether to restore the weights of the epoch that was best on the validation samples [default: the model's]
    #[arg(
        long,
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Training"
    )]
    pub keep_best: Option<bool>,
    /// Early stopping: end after so many epochs without improvement on the validation samples, and keep the best
    /// [default: the model's]
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    pub patience: Option<usize>,
}

/// How classes count in the loss.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassWeights {
    /// Each sample counts the same
    None,
    /// Each class counts the same
    Balanced,
}

/// How much work is done.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// A first impression
    Quick,
    /// As the recipe says
    #[default]
    Good,
    /// Longer
    Best,
}

impl Preset {
    /// Epochs instead of a recipe's.
    fn epochs(self, epochs: usize) -> usize {
        match self {
            Preset::Quick => epochs.div_ceil(4),
            Preset::Good => epochs,
            Preset::Best => 2 * epochs,
        }
    }
}

/// Samples that are held out to choose a threshold where a recipe holds out none.
const FOR_THRESHOLD: f64 = 0.1;

impl TrainingArgs {
    /// How much work is done.
    pub fn preset(&self) -> Preset {
        self.preset.unwrap_or_default()
    }

    /// Refuses `--private` for a command that has nothing to do with it, or would break what it promises.
    ///
    /// # Errors
    /// A usage error that says `expected`.
    pub fn refuse_private(&self, expected: &'static str) -> anyhow::Result<()> {
        match &self.private {
            None => Ok(()),
            Some(privacy) => Err(UsageError::of(TrainError::Setting {
                setting: "private",
                found: privacy.to_string(),
                expected,
            })),
        }
    }

    /// A recipe with what the flags change.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if a value is out of range or two do not go together.
    pub fn apply(&self, mut recipe: Recipe) -> Result<Recipe, TrainError> {
        if let Some(name) = &self.optimizer {
            // Rates are not comparable between optimizers, nor are groups.
            let rate = match *name == recipe.optimizer.name() {
                true => recipe.optimizer.learning_rate(),
                false => BuiltInOptimizer::usual_learning_rate(name)?,
            };
            recipe.optimizer = BuiltInOptimizer::by_name(name, rate)?;
            recipe.groups.clear();
        }
        if let Some(rate) = self.learning_rate {
            recipe = recipe.with_learning_rate(rate);
        }
        if let Some(decay) = self.weight_decay {
            recipe.optimizer = recipe.optimizer.with_weight_decay(decay);
        }
        if let Some(minutes) = self.minutes.filter(|minutes| !(*minutes > 0.0 && minutes.is_finite())) {
            return Err(TrainError::Setting {
                setting: "minutes",
                found: minutes.to_string(),
                expected: "more than 0, such as 5",
            });
        }
        recipe.balanced = self.class_weights == Some(ClassWeights::Balanced);
        if recipe.has_validation {
            if let Some(split) = self.validation_split.filter(|split| *split > 0.0) {
                return Err(TrainError::Setting {
                    setting: "validation_split",
                    found: split.to_string(),
                    expected: "nothing, as validation samples are named",
                });
            }
            recipe.validation_split = 0.0;
        } else if recipe.balanced && recipe.validation_split == 0.0 {
            recipe.validation_split = FOR_THRESHOLD;
        }
        recipe.epochs = self.epochs.unwrap_or(self.preset().epochs(recipe.epochs));
        recipe.batch_size = self.batch_size.unwrap_or(recipe.batch_size);
        recipe.schedule = self.schedule.clone().unwrap_or(recipe.schedule);
        // A shorter run cannot have a longer warm-up than it has epochs.
        recipe.warm_up = self.warm_up.unwrap_or(recipe.warm_up.min(recipe.epochs as f64));
        recipe.privacy =
            self.private.map(|privacy| PrivacyOptions { noise: self.noise.unwrap_or_default(), ..privacy });
        if recipe.privacy.is_some() && recipe.balanced {
            return Err(TrainError::Setting {
                setting: "class_weights",
                found: "balanced".into(),
                expected: "none with --private, as the classes are counted",
            });
        }
        recipe.adversarial = self.adversarial.or(recipe.adversarial);
        recipe.sync_batch_norm |= self.sync_batch_norm;
        recipe.accumulate = self.accumulate.unwrap_or(recipe.accumulate);
        recipe.averaging = self.averaging.or(recipe.averaging);
        recipe.clip_value = self.clip_value.or(recipe.clip_value);
        recipe.clip_norm = self.clip_norm.or(recipe.clip_norm);
        recipe.label_smoothing = self.label_smoothing.unwrap_or(recipe.label_smoothing);
        recipe.validation_split = self.validation_split.unwrap_or(recipe.validation_split);
        if recipe.balanced && recipe.validation_split == 0.0 && !recipe.has_validation {
            return Err(TrainError::Setting {
                setting: "validation_split",
                found: "0".into(),
                expected: "more than 0 with --class-weights balanced, as the threshold is chosen on validation samples",
            });
        }
        recipe.best.keep = match (self.keep_best, self.patience) {
            (Some(keep), _) => keep,
            (None, Some(_)) => true,
            // Without validation samples there is no best epoch, and the flag that took them away says so.
            (None, None) => recipe.best.keep && (recipe.validation_split > 0.0 || recipe.has_validation),
        };
        recipe.best.patience = self.patience.or(recipe.best.patience).filter(|_| recipe.best.keep);
        recipe.check()?;
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fireclay::prelude::*;
    use fireclay::train::{Muon, ParameterGroup};

    use super::super::settings::BestEpoch;
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        training: TrainingArgs,
    }

    fn changed(recipe: Recipe, flags: &[&str]) -> Result<Recipe, TrainError> {
        Flags::parse_from(["test"].iter().chain(flags)).training.apply(recipe)
    }

    fn recipe() -> Recipe {
        Recipe {
            groups: vec![ParameterGroup::new(["*.bias"], Adam::new(0.05))],
            schedule: fireclay::train::schedule::Linear { to: 0.0 }.into(),
            warm_up: 2.0,
            label_smoothing: 0.2,
            validation_split: 0.1,
            best: BestEpoch { keep: true, patience: None },
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
            "--accumulate=2",
            "--averaging=ema=0.99",
            "--clip-value=0.5",
            "--clip-norm=1",
            "--label-smoothing=0.1",
            "--validation-split=0.2",
            "--keep-best=false",
            "--adversarial=8/255,7",
            "--sync-batch-norm",
        ];
        let changed = changed(recipe(), &flags).unwrap();
        let expected = Recipe {
            groups: vec![ParameterGroup::new(["*.bias"], Adam::new(0.025))],
            schedule: fireclay::train::schedule::Cosine { to: 0.1 }.into(),
            warm_up: 0.5,
            accumulate: 2,
            averaging: Some(WeightAveraging::Exponential { decay: 0.99 }),
            clip_value: Some(0.5),
            clip_norm: Some(1.0),
            label_smoothing: 0.1,
            validation_split: 0.2,
            best: BestEpoch::default(),
            adversarial: Some("8/255,7".parse().unwrap()),
            sync_batch_norm: true,
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
}
