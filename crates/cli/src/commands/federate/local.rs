//! A client: its samples and its trainer.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;
use fireclay::data::Dataset;
use fireclay::federate::{LocalOptions, LocalTraining, Parameters, Split};
use fireclay::nn::{Model, Network, is_running_statistic};
use fireclay::prelude::{Device, FitOptions};
use fireclay::store::{ModelCard, load_model};
use fireclay::train::{BuiltInOptimizer, LocalTrainer, Optimizer, TrainError};

use super::problem::{explained, wrong_flag};
use crate::commands::evaluate::source_for;
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::limit::Limit;
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{Part, Program};

/// How a client trains, as a server says it to all of them.
#[derive(Args, Clone, Debug)]
pub struct LocalArgs {
    /// Passes of a client over its samples in a round
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Local training")]
    epochs: u32,
    /// Samples in one step of a client; 0 for all that it has
    #[arg(long, value_name = "N", default_value_t = 32, help_heading = "Local training")]
    batch_size: u32,
    /// Learning rate of a client
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 0.1,
        allow_negative_numbers = true,
        help_heading = "Local training"
    )]
    learning_rate: f64,
    /// Coefficient of the proximal term, which keeps clients close to the weights that they were sent (FedProx); 0 for none
    #[arg(
        long,
        value_name = "MU",
        default_value_t = 0.0,
        allow_negative_numbers = true,
        help_heading = "Local training"
    )]
    proximal_mu: f64,
}

impl LocalArgs {
    pub fn options(&self) -> LocalOptions {
        let LocalArgs { epochs, batch_size, learning_rate, proximal_mu } = *self;
        LocalOptions { epochs, batch_size, learning_rate, proximal_mu, ..LocalOptions::default() }
    }
}

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

/// What a client of its own process is: its samples, and how it trains on them.
#[derive(Args, Debug)]
pub struct ClientArgs<P: Program> {
    #[command(flatten)]
    own: OwnTraining,
    #[command(flatten)]
    source: P::SourceArgs,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

impl<P: Program> ClientArgs<P> {
    /// Refuses what no training can have.
    pub fn check(&self) -> anyhow::Result<()> {
        self.own.check(&self.device)
    }

    /// The model file to begin with.
    pub fn start(&self, model: &Path) -> anyhow::Result<Start> {
        Start::load(model, &self.device.open()?)
    }

    /// Its samples, prepared as the model file says, and its training on them.
    pub fn training(
        &self,
        model: &Path,
        start: &Start,
        output: &Arc<Output>,
    ) -> anyhow::Result<(Dataset, Box<dyn LocalTraining>)> {
        let source = source_for::<P>(&self.source, model, &start.card)?;
        let samples = P::load_part(&source, Part::Own, self.limit, &start.card, output)?;
        let classes = &start.card.classes;
        if !classes.is_empty() && classes != samples.class_names() {
            let (expected, found) = (classes.clone(), samples.class_names().to_vec());
            return Err(CommandError::ClientClasses { expected, found }.into());
        }
        let samples = self.part.of(bucketed(samples, &start.card.spec)?)?;
        let training = self.own.client(&start.network, &samples, &self.device)?;
        Ok((samples, training))
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
            let expected = format!("no more parts than the {} samples", samples.len());
            return Err(wrong_flag("--part", expected, format!("{number}/{parts}")));
        }
        let parts = split_of(&samples, self.split, parts, self.split_seed)?;
        Ok(samples.subset(&parts[number - 1])?)
    }
}

/// The samples of each part, by the classes of all.
pub fn split_of(samples: &Dataset, split: Split, parts: usize, seed: u64) -> anyhow::Result<Vec<Vec<usize>>> {
    if split != Split::Iid && samples.num_classes().is_none() {
        return Err(wrong_flag("--split", "iid, as these samples have no classes", "a split by classes"));
    }
    if parts > samples.len() {
        let expected = format!("no more than the {} training samples", samples.len());
        return Err(wrong_flag("--clients", expected, parts));
    }
    let class = |sample| samples.label(sample).map_or(0, |label| label as usize);
    let classes: Vec<usize> = (0..samples.len()).map(class).collect();
    split.split(&classes, parts, seed).map_err(explained)
}

/// The tensors of a network that are no weights: the running statistics of batch norm.
pub fn statistics(parameters: &Parameters) -> Vec<String> {
    let names = parameters.tensors().iter().map(|tensor| tensor.name.clone());
    names.filter(|name| is_running_statistic(name)).collect()
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

    /// What server and clients have to have alike besides weights: the network, and how samples are prepared.
    pub fn preparation(&self) -> anyhow::Result<String> {
        let ModelCard { spec, classes, preprocessing, text, table, pictures, target_scale, .. } = &self.card;
        let alike = (spec.to_json()?, classes, preprocessing, text, table, pictures, target_scale);
        Ok(serde_json::to_string(&alike)?)
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
