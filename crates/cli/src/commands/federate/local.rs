//! A client: its samples and its trainer.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;
use fireclay::data::Dataset;
use fireclay::federate::{LocalTraining, Parameters, Split};
use fireclay::nn::{Model, Network};
use fireclay::prelude::{Device, FitOptions};
use fireclay::store::{ModelCard, load_model};
use fireclay::train::{BuiltInOptimizer, LocalTrainer, Optimizer, TrainError};

use super::problem::explained;
use crate::commands::evaluate::source_for;
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::limit::Limit;
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{Part, Program};

/// How a client trains, as it says itself.
#[derive(Args, Clone, Debug)]
pub struct OwnTraining {
    /// Optimizer of a client, which begins anew in each round
    #[arg(
        long,
        value_name = "NAME",
        default_value = "sgd",
        value_parser = PossibleValuesParser::new(BuiltInOptimizer::NAMES),
        help_heading = "Local training"
    )]
    optimizer: String,
    /// Weight decay of a client, 0 or more [default: the optimizer's]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, help_heading = "Local training")]
    weight_decay: Option<f64>,
    /// Maximum global gradient norm of a client, more than 0 [default: none]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Local training")]
    clip_norm: Option<f64>,
}

impl OwnTraining {
    /// Its optimizer with a learning rate.
    pub fn optimizer(&self, rate: f64) -> Result<BuiltInOptimizer, TrainError> {
        let optimizer = BuiltInOptimizer::by_name(&self.optimizer, rate)?;
        Ok(match self.weight_decay {
            Some(decay) => optimizer.with_weight_decay(decay),
            None => optimizer,
        })
    }

    /// What `fit` is given, besides what the server says.
    pub fn options(&self, device: &DeviceArgs) -> FitOptions {
        FitOptions { clip_norm: self.clip_norm, precision: device.precision, ..FitOptions::default() }
    }

    /// It in words, to be compared when a federation goes on.
    pub fn describe(&self) -> String {
        let number = |number: Option<f64>| number.map_or("none".into(), |number| number.to_string());
        let (decay, norm) = (number(self.weight_decay), number(self.clip_norm));
        format!("{}, weight decay {decay}, clip norm {norm}", self.optimizer)
    }

    /// Refuses what no training can have, before there is a server.
    ///
    /// # Errors
    /// A [`UsageError`] with the flag.
    pub fn check(&self, device: &DeviceArgs) -> anyhow::Result<()> {
        let check = || {
            self.optimizer(0.1)?.check()?;
            self.options(device).check()
        };
        check().map_err(UsageError::of)
    }

    /// A client with some samples, which begins with a network like this one.
    pub fn client(
        &self,
        network: &Model,
        samples: &Dataset,
        device: &DeviceArgs,
    ) -> Result<Box<dyn LocalTraining>, TrainError> {
        let (objective, usual) = (Objective::of(samples), self.optimizer(0.1)?);
        let trainer = move |network, rate| {
            objective.trainer(network, 0.0, None).optimizer(usual.clone().with_learning_rate(rate))
        };
        Ok(Box::new(LocalTrainer::new(network.clone(), trainer, samples, self.options(device))))
    }
}

/// Which of the samples a client has.
#[derive(Args, Clone, Debug)]
pub struct PartArgs {
    /// Use one part of the samples alone, as a simulation gives it to a client: 3/8 is the third of eight [default: all]
    #[arg(long, value_name = "K/N", value_parser = part, help_heading = "Data")]
    part: Option<(usize, usize)>,
    /// With --part, how samples are split: iid, shards=2 or dirichlet=0.5
    #[arg(long, value_name = "SPLIT", default_value = "iid", value_parser = split, requires = "part", help_heading = "Data")]
    split: Split,
    /// With --part, the seed of the split
    #[arg(long, value_name = "N", default_value_t = 0, requires = "part", help_heading = "Data")]
    split_seed: u64,
}

impl PartArgs {
    fn of(&self, samples: Dataset) -> anyhow::Result<Dataset> {
        let Some((number, parts)) = self.part else { return Ok(samples) };
        if parts > samples.len() {
            let (flag, found) = ("--part".into(), format!("{number}/{parts}"));
            let expected = format!("no more parts than the {} samples", samples.len());
            return Err(UsageError::of(CommandError::Federation { flag, expected, found }));
        }
        let parts = split_of(&samples, self.split, parts, self.split_seed)?;
        Ok(samples.subset(&parts[number - 1])?)
    }
}

/// The samples of each part, by the classes of all.
pub fn split_of(samples: &Dataset, split: Split, parts: usize, seed: u64) -> anyhow::Result<Vec<Vec<usize>>> {
    if split != Split::Iid && samples.num_classes().is_none() {
        let (flag, found) = ("--split".into(), "a split by classes".into());
        let expected = "iid, as these samples have no classes".into();
        return Err(UsageError::of(CommandError::Federation { flag, expected, found }));
    }
    if parts > samples.len() {
        let (flag, found) = ("--clients".into(), parts.to_string());
        let expected = format!("no more than the {} training samples", samples.len());
        return Err(UsageError::of(CommandError::Federation { flag, expected, found }));
    }
    let class = |sample| samples.label(sample).map_or(0, |label| label as usize);
    let classes: Vec<usize> = (0..samples.len()).map(class).collect();
    split.split(&classes, parts, seed).map_err(explained)
}

/// The tensors of a network that are no weights: the running statistics of batch norm.
pub fn statistics(parameters: &Parameters) -> Vec<String> {
    let is_statistic = |name: &str| name.ends_with(".running_mean") || name.ends_with(".running_var");
    let names = parameters.tensors().iter().map(|tensor| tensor.name.clone());
    names.filter(|name| is_statistic(name)).collect()
}

/// A model file that a federation begins with.
pub struct Start {
    pub network: Model,
    pub card: ModelCard,
}

impl Start {
    pub fn load(path: &Path, device: &Device) -> anyhow::Result<Self> {
        let (network, card) = load_model(path, device)?;
        if let Some(reason) = network.only_answers() {
            let error = anyhow::Error::new(TrainError::OnlyAnswers { reason });
            return Err(UsageError::of(error.context(path.display().to_string())));
        }
        Ok(Start { network, card })
    }

    /// The samples of a client, prepared as the model file says.
    pub fn samples<P: Program>(
        &self,
        model: &Path,
        source: &P::SourceArgs,
        limit: Limit,
        part: &PartArgs,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        let source = source_for::<P>(source, model, &self.card)?;
        let samples = P::load_part(&source, Part::Own, limit, &self.card, output)?;
        if !self.card.classes.is_empty() && self.card.classes != samples.class_names() {
            let (expected, found) = (self.card.classes.clone(), samples.class_names().to_vec());
            return Err(CommandError::ClientClasses { expected, found }.into());
        }
        part.of(bucketed(samples, &self.card.spec)?)
    }
}

/// `3/8`
fn part(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(number, parts)| {
        let (number, parts) = (number.parse().ok()?, parts.parse().ok()?);
        (1..=parts).contains(&number).then_some((number, parts))
    });
    numbers.ok_or_else(|| "expected a part of some, such as 3/8".into())
}

/// `shards=2`
pub fn split(text: &str) -> Result<Split, String> {
    let problem =
        || "expected iid, shards=N or dirichlet=ALPHA, such as shards=2 or dirichlet=0.5".to_owned();
    match text.split_once('=') {
        None if text == "iid" => Ok(Split::Iid),
        Some(("shards", shards)) => shards.parse().map(Split::Shards).map_err(|_| problem()),
        Some(("dirichlet", alpha)) => alpha.parse().map(Split::Dirichlet).map_err(|_| problem()),
        _ => Err(problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_parts_are_read_as_they_are_written() {
        assert_eq!(split("iid"), Ok(Split::Iid));
        assert_eq!(split("shards=2"), Ok(Split::Shards(2)));
        assert_eq!(split("dirichlet=0.5"), Ok(Split::Dirichlet(0.5)));
        for wrong in ["shards", "shards=x", "iid=2", "even"] {
            assert!(split(wrong).unwrap_err().contains("shards=2"), "{wrong}");
        }
        assert_eq!(part("3/8"), Ok((3, 8)));
        for wrong in ["0/8", "9/8", "3", "a/b", "1/0"] {
            assert!(part(wrong).unwrap_err().contains("3/8"), "{wrong}");
        }
    }
}
