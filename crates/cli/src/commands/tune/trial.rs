//! What one trial does: train on a part of the training samples, and measure on the rest.

use std::time::Instant;

use fireclay::backend::in_precision;
use fireclay::prelude::{Dataset, Device, ModelSpec};
use fireclay::train::{AnyMetric, Stopped, TrainError};
use fireclay::tune::{Outcome, Settings};

use super::space::Tunable;
use crate::interrupt::InterruptOnCtrlC;
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::program::{DataSpec, ModelName};
use crate::recipe::{BestEpoch, Recipe};

/// The share of training samples that is held out, and the seed by which the first of them are chosen.
const HELD_OUT: f64 = 0.2;
const SPLIT_SEED: u64 = 1;

/// Below so many samples a fifth of them says little, so that several fifths are held out in turn.
const FEW_SAMPLES: usize = 2_000;
const FOLDS: u64 = 5;

/// Other splits on which the best trials are measured again, and the seed by which the first of them is chosen: a trial that was
/// the best of many was lucky as well.
const CONFIRMING_FOLDS: u64 = 3;
const CONFIRMING_SEED: u64 = 1_000;

/// What trials are run on.
pub struct Bench<M> {
    /// Training and held-out samples, anew for each fold.
    folds: Vec<(Dataset, Dataset)>,
    /// The same, for the best trials.
    confirming: Vec<(Dataset, Dataset)>,
    model: M,
    own: Option<ModelSpec>,
    data: DataSpec,
    /// The usual recipe.
    pub recipe: Recipe,
    seed: u64,
    device: Device,
    interrupt: InterruptOnCtrlC,
    objective: Objective,
    whole: Dataset,
}

impl<M: ModelName> Bench<M> {
    /// Trials of a model on training samples.
    ///
    /// # Errors
    /// If the samples cannot be split.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that a trial needs")]
    pub fn new(
        whole: Dataset,
        model: M,
        own: Option<ModelSpec>,
        data: DataSpec,
        recipe: Recipe,
        seed: u64,
        device: Device,
        interrupt: InterruptOnCtrlC,
    ) -> anyhow::Result<Self> {
        let is_few = whole.len() < FEW_SAMPLES;
        let spec = own.clone().unwrap_or_else(|| model.spec(&data));
        let split = |seed| -> anyhow::Result<(Dataset, Dataset)> {
            let (train, held_out) = whole.split(HELD_OUT, seed)?;
            Ok((bucketed(train, &spec)?, held_out))
        };
        let splits = |first, folds| (first..first + folds).map(split).collect::<Result<_, _>>();
        let folds = splits(SPLIT_SEED, if is_few { FOLDS } else { 1 })?;
        let confirming = splits(CONFIRMING_SEED, if is_few { FOLDS } else { CONFIRMING_FOLDS })?;
        let objective = Objective::of(&whole);
        Ok(Bench { folds, confirming, model, own, data, recipe, seed, device, interrupt, objective, whole })
    }

    /// What a trial is measured by: the lower the better.
    pub fn measure(&self) -> &'static str {
        match self.objective {
            Objective::Classification => "log loss",
            Objective::Regression => "RMSE",
            _ => "loss",
        }
    }

    /// How often another fifth is held out.
    pub fn folds(&self) -> usize {
        self.folds.len()
    }

    /// The data's name.
    pub fn name(&self) -> &str {
        &self.whole.provenance().name
    }

    /// All training samples.
    pub fn samples(&self) -> usize {
        self.whole.len()
    }

    /// Those that are held out at a time.
    pub fn held_out(&self) -> usize {
        self.folds.first().map_or(0, |(_, held_out)| held_out.len())
    }

    /// What tells this data from other data.
    pub fn data_facts(&self) -> serde_json::Value {
        let provenance = self.whole.provenance();
        serde_json::json!({
            "name": provenance.name, "samples": self.whole.len(), "sha256": provenance.sha256,
        })
    }

    /// The network with settings.
    pub fn network(&self, settings: &Settings) -> ModelSpec {
        match &self.own {
            Some(own) => own.clone(),
            None if self.changes_network(settings) => self.model.tuned(&self.data, settings),
            None => self.model.spec(&self.data),
        }
    }

    /// Whether settings are about the network itself.
    pub fn changes_network(&self, settings: &Settings) -> bool {
        let of_network = self.model.tunable(&self.data);
        self.own.is_none() && of_network.iter().any(|(name, ..)| settings.get(name).is_some())
    }

    /// As [`run`](Self::run), on other splits than those that trials were chosen by.
    pub fn confirm(&self, settings: &Settings, epochs: usize) -> anyhow::Result<Option<Outcome>> {
        self.run_on(&self.confirming, settings, epochs)
    }

    /// Splits of the samples by which the best trials are measured again.
    pub fn confirming_folds(&self) -> usize {
        self.confirming.len()
    }

    /// Trains with settings and measures; `None` if it was interrupted. A loss that is no number any more is a trial that
    /// failed.
    pub fn run(&self, settings: &Settings, epochs: usize) -> anyhow::Result<Option<Outcome>> {
        self.run_on(&self.folds, settings, epochs)
    }

    fn run_on(
        &self,
        folds: &[(Dataset, Dataset)],
        settings: &Settings,
        epochs: usize,
    ) -> anyhow::Result<Option<Outcome>> {
        let start = Instant::now();
        let recipe = Tunable::apply(settings, self.recipe.clone());
        // All of the held-out samples are for the measure, and each trial has as many epochs as its rung says.
        let recipe = Recipe {
            epochs,
            warm_up: recipe.warm_up.min(epochs as f64),
            validation_split: 0.0,
            best: BestEpoch::default(),
            ..recipe
        };
        let spec = self.network(settings);
        let mut scores = Vec::new();
        for (train, held_out) in folds {
            match self.score(&spec, &recipe, train, held_out)? {
                Ended::Score(score) => scores.push(score),
                Ended::Failed => {
                    let seconds = start.elapsed().as_secs_f64();
                    return Ok(Some(Outcome { score: None, seconds }));
                }
                Ended::Interrupted => return Ok(None),
            }
        }
        let score = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        Ok(Some(Outcome { score: Some(score), seconds: start.elapsed().as_secs_f64() }))
    }

    fn score(
        &self,
        spec: &ModelSpec,
        recipe: &Recipe,
        train: &Dataset,
        held_out: &Dataset,
    ) -> anyhow::Result<Ended> {
        let network = spec.build_seeded(self.seed, &self.device)?;
        let counts = train.class_counts();
        let mut trainer = (self.objective)
            .trainer(network, recipe.label_smoothing, recipe.balanced.then_some(counts.as_slice()))
            .optimizer(recipe.optimizer.clone())
            .groups(recipe.groups.clone())
            .callback(self.interrupt.clone());
        match trainer.fit(train, &recipe.options(self.seed)) {
            Err(TrainError::NotFinite { .. }) => {
                self.interrupt.run_failed();
                return Ok(Ended::Failed);
            }
            Err(error) => return Err(error.into()),
            Ok(history) if history.stopped == Stopped::Interrupted => return Ok(Ended::Interrupted),
            Ok(_) => {}
        }
        let _precision = in_precision(recipe.precision);
        // Not the loss that was trained with, which label smoothing changes.
        let metric: Option<AnyMetric> = match self.objective {
            Objective::Classification => "log_loss".parse().ok(),
            Objective::Regression => "rmse".parse().ok(),
            _ => None,
        };
        let score = match metric {
            Some(metric) => metric.measure(&trainer.predictions(held_out)?),
            None => Some(trainer.evaluate(held_out)?.loss),
        };
        Ok(score.filter(|score| score.is_finite()).map_or(Ended::Failed, Ended::Score))
    }
}

/// How a training ended.
enum Ended {
    Score(f64),
    /// The loss was no number any more.
    Failed,
    Interrupted,
}
