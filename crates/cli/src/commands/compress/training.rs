//! How a model is trained that was made smaller.

use std::path::Path;
use std::sync::Arc;

use fireclay::compress::{CompressError, Taught};
use fireclay::data::{Dataset, Source};
use fireclay::nn::{CrossEntropyLoss, DistillationLoss};
use fireclay::prelude::{Device, Model, Trainer};
use fireclay::store::{ModelFile, TrainingCard};
use fireclay::train::{EarlyStopping, FitOptions, Stopped};

use super::Compress;
use crate::commands::train::{INTERVAL, own_digests, within};
use crate::exit::UsageError;
use crate::interrupt::InterruptOnCtrlC;
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{DataSpec, ModelName, Program};
use crate::progress::Progress;
use crate::recipe::Recipe;

/// Samples and a recipe.
pub struct Training {
    train: Dataset,
    validation: Option<Dataset>,
    recipe: Recipe,
    seed: u64,
    minutes: Option<f64>,
    keep_zeros: bool,
}

/// How a training ended.
pub enum Fitted {
    Interrupted,
    Done { trainer: Box<Trainer<Model>>, epochs: usize },
}

impl Training {
    /// By the recipe of a model file, or where it has none that of the program's first network; then what flags change.
    pub fn new<P: Program>(
        flags: &Compress<P>,
        card: Option<&TrainingCard>,
        train: Dataset,
    ) -> anyhow::Result<Self> {
        let usual = card.and_then(Recipe::of);
        let recipe = usual.unwrap_or_else(|| P::Model::default().recipe(&DataSpec::of(&train)));
        let recipe = flags.training.apply(recipe).map_err(UsageError::of)?;
        let recipe = Recipe { precision: flags.device.precision, ..recipe };
        let seed = flags.training.seed;
        let (train, validation) = match recipe.validation_split > 0.0 {
            true => {
                let (train, validation) = train.split(recipe.validation_split, seed)?;
                (train, Some(validation))
            }
            false => (train, None),
        };
        let train = own_digests(train);
        let train = match &flags.augment {
            Some(augment) => augment.apply(train).map_err(UsageError::of)?,
            None => train,
        };
        Ok(Training { train, validation, recipe, seed, minutes: flags.training.minutes, keep_zeros: false })
    }

    /// As [`new`](Self::new); nothing with `--epochs 0`.
    pub fn unless_no_epochs<P: Program>(
        flags: &Compress<P>,
        card: Option<&TrainingCard>,
        train: &Dataset,
    ) -> anyhow::Result<Option<Self>> {
        match flags.training.epochs {
            Some(0) => Ok(None),
            _ => Training::new(flags, card, train.clone()).map(Some),
        }
    }

    /// The same, but weights that are 0 stay 0.
    pub fn keeping_zeros(self) -> Self {
        Training { keep_zeros: true, ..self }
    }

    /// Trains a model that was made smaller, and saves it with what its card says of answers: how many epochs, or nothing if
    /// it was interrupted. Without a training it is saved as it is.
    pub fn train_and_save(
        training: Option<Training>,
        small: ModelFile,
        out: &Path,
        test: &Dataset,
        device: &Device,
        output: &Arc<Output>,
    ) -> anyhow::Result<Option<usize>> {
        let Some(training) = training else {
            small.save(out)?;
            return Ok(Some(0));
        };
        let (network, card) = small.build(device)?;
        match training.fit(network, test, device, output)? {
            Fitted::Interrupted => Ok(None),
            Fitted::Done { mut trainer, epochs } => {
                if let Some(threshold) = card.threshold {
                    trainer.keep_threshold(threshold)?;
                }
                trainer.save(out)?;
                Ok(Some(epochs))
            }
        }
    }

    /// Trains by the targets.
    pub fn fit(
        self,
        network: Model,
        test: &Dataset,
        device: &Device,
        output: &Arc<Output>,
    ) -> anyhow::Result<Fitted> {
        let counts = self.train.class_counts();
        let balanced = self.recipe.balanced.then_some(counts.as_slice());
        let trainer = Objective::of(&self.train).trainer(network, self.recipe.label_smoothing, balanced);
        let train = bucketed(self.train.clone(), trainer.network().spec())?;
        self.run(trainer, &train, test, device, output)
    }

    /// Trains by the targets and by what a teacher says.
    pub fn fit_taught(
        self,
        network: Model,
        loss: &DistillationLoss,
        taught: impl FnOnce(Arc<dyn Source>) -> Result<Taught, CompressError>,
        test: &Dataset,
        device: &Device,
        output: &Arc<Output>,
    ) -> anyhow::Result<Fitted> {
        let mut labels = CrossEntropyLoss::new().label_smoothing(self.recipe.label_smoothing);
        if self.recipe.balanced {
            labels = labels.balanced(&self.train.class_counts());
        }
        let train = bucketed(self.train.clone(), network.spec())?;
        let taught = taught(Arc::new(train))?;
        let loss = loss.clone().labels(labels);
        let trainer = Objective::of(&self.train).trainer(network, 0.0, None).loss(loss);
        self.run(trainer, &taught, test, device, output)
    }

    fn run<S: Source + Clone + 'static>(
        self,
        trainer: Trainer<Model>,
        source: &S,
        test: &Dataset,
        device: &Device,
        output: &Arc<Output>,
    ) -> anyhow::Result<Fitted> {
        let Training { train, validation, recipe, seed, minutes, keep_zeros } = self;
        let spec = trainer.network().spec().clone();
        let recipe = match minutes {
            Some(minutes) => within(minutes, (&spec, &train), recipe, seed, device, output)?,
            None => recipe,
        };
        output.line(format!("training: {}", recipe.describe().join(", ")));
        let mut trainer = trainer
            .optimizer(recipe.optimizer.clone())
            .groups(recipe.groups.clone())
            .callback(Progress::new(output.clone()))
            .callback(InterruptOnCtrlC::install()?);
        if let Some(validation) = &validation {
            trainer = trainer.validation(validation);
        }
        if recipe.best.keep {
            let patience = recipe.best.patience.unwrap_or(usize::MAX);
            trainer = trainer.callback(EarlyStopping::on(Objective::of(&train).monitor()).patience(patience));
        }
        let options = FitOptions { validation_split: 0.0, keep_zeros, ..recipe.options(seed) };
        let history = trainer.fit(source, &options)?;
        match &history.stopped {
            Stopped::Interrupted => return Ok(Fitted::Interrupted),
            Stopped::Early(reason) => output.progress_line(format!("stopped: {reason}")),
            _ => {}
        }
        // As `train` keeps it for those who ask the model.
        let predictions = trainer.predictions(test)?;
        trainer.keep_intervals(&predictions, INTERVAL);
        trainer.keep_reference(&train, &predictions)?;
        Ok(Fitted::Done { trainer: Box::new(trainer), epochs: history.epochs.len() })
    }
}
