//! `federate simulate`: all clients in one process, each with a part of the training data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{Augmentation, Dataset};
use fireclay::federate::{
    ClientId, Fate, FederationOptions, LocalTraining, Sampling, Simulation, Split, Step,
};
use fireclay::prelude::FitOptions;
use fireclay::train::Optimizer;
use serde::Serialize;

use super::args::FederationArgs;
use super::begin::{BeginArgs, Beginning};
use super::local::{OwnTraining, split, split_of};
use super::outcome::{Plan, check};
use super::problem::{explained, wrong_flag};
use super::show::clients;
use crate::commands::train::{data_in_words, own_digests};
use crate::exit::Exit;
use crate::format::{count, significant};
use crate::interrupt::InterruptOnCtrlC;
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::Program;

/// Tries a federation in one process.
#[derive(Args, Debug)]
pub struct Simulate<P: Program> {
    /// Clients, each of which has a part of the training data
    #[arg(long, value_name = "N", help_heading = "Clients")]
    clients: usize,
    /// How the training data is split: iid, shuffled; shards=2, sorted by class and dealt out in so many shards for each client; or
    /// dirichlet=0.5, parts of one size with classes in shares from a Dirichlet distribution, the smaller the more different
    #[arg(long, value_name = "SPLIT", default_value = "iid", value_parser = split, help_heading = "Clients")]
    split: Split,
    /// Clients that train at once; with more than one, give each of them fewer --threads
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Clients")]
    parallel: usize,
    /// A client that is lost, for good, when it is asked in a round or a later one, such as client-0007@3; may be repeated for others
    #[arg(long, value_name = "CLIENT@ROUND", value_parser = loss, help_heading = "Clients")]
    lose: Vec<(ClientId, u64)>,
    /// Where to save the model
    #[arg(long, value_name = "FILE", default_value = P::MODEL_FILE)]
    out: PathBuf,
    /// Go on with the federation that was interrupted, from the checkpoint beside --out; the other flags are as they were
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    federation: FederationArgs,
    #[command(flatten)]
    own: OwnTraining,
    #[command(flatten)]
    begin: BeginArgs<P>,
}

/// What a simulation begins with.
#[derive(Serialize)]
#[serde(tag = "type", rename = "federation")]
struct FederationRecord<'a> {
    model: &'a str,
    parameters: usize,
    dataset: &'a str,
    training_samples: usize,
    test_samples: usize,
    clients: usize,
    split: &'a Split,
    smallest_client: usize,
    largest_client: usize,
    optimizer: serde_json::Value,
    options: &'a FederationOptions,
}

impl<P: Program> Simulate<P> {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let out = std::path::absolute(&self.out)?;
        let options = check(&self.federation, self.resume, &out)?;
        self.own.check(&self.begin.device)?;
        let seed = self.federation.seed;
        let interrupt = InterruptOnCtrlC::install()?;
        let Beginning { name, spec, network, train, test, device } = self.begin.begin(seed, output)?;
        let count_of_parameters = spec.summary()?.parameters();
        let parts = split_of(&train, self.split, self.clients, seed)?;
        let sizes = || parts.iter().map(Vec::len);
        let (smallest, largest) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        let optimizer = self.own.optimizer(options.local.learning_rate)?;
        output.progress_line(data_in_words::<P>(&train, &test));
        output.progress_line(format!(
            "{name}: {} parameters, seed {seed}, {}",
            count(count_of_parameters as u64),
            device.describe()
        ));
        output.progress_line(in_words(&options, &parts, (smallest, largest), &train, &optimizer.name()));
        output.record(&FederationRecord {
            model: &name,
            parameters: count_of_parameters,
            dataset: &train.provenance().name,
            training_samples: train.len(),
            test_samples: test.len(),
            clients: parts.len(),
            split: &self.split,
            smallest_client: smallest,
            largest_client: largest,
            optimizer: serde_json::to_value(&optimizer)?,
            options: &options,
        });
        let train = match train.augmentation() {
            // Other clients do not know of it.
            Some(_) => {
                output.note("note: clients train on their samples as they are, without augmentation");
                train.with_augmentation(&Augmentation::none())?
            }
            None => train,
        };
        let train = bucketed(train, &spec)?;
        let mut trainer = Objective::of(&train).trainer(network, 0.0, None).optimizer(optimizer);
        let fit = FitOptions {
            epochs: 0,
            batch_size: options.local.batch_size as usize,
            seed,
            ..self.own.options(&device)
        };
        let hides = options.privacy.is_some() || options.secure.is_some();
        // What a model has seen is not kept where it is hidden.
        let seen = if hides { train.clone() } else { own_digests(train.clone()) };
        trainer.prepare(&seen, &fit)?;
        let network = trainer.network().clone();
        let mut card = trainer.card();
        if let Some(dataset) = card.dataset.as_mut().filter(|dataset| hides && dataset.own) {
            dataset.sha256 = None;
        }
        let setup_of_run = BTreeMap::from(
            [
                ("model", spec.to_json()?),
                ("--clients", self.clients.to_string()),
                ("--split", format!("{:?}", self.split)),
                ("training samples", format!("{} of {}", train.len(), provenance_of(&train))),
                ("clients' optimizer", self.own.describe()),
                ("--threads", fireclay::backend::threads().to_string()),
                ("--precision", device.precision.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let mut all: Vec<(ClientId, Box<dyn LocalTraining>)> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let client = self.own.client(&network, &train.subset(part)?, &device)?;
            all.push((ClientId::numbered(number), client));
        }
        let mut lost: BTreeMap<ClientId, u64> = BTreeMap::new();
        for (client, round) in self.lose {
            if all.iter().all(|(known, _)| *known != client) {
                let expected = format!("one of {} and on", ClientId::numbered(0));
                return Err(wrong_flag("--lose", expected, client));
            }
            if lost.insert(client.clone(), round).is_some() {
                return Err(wrong_flag("--lose", "each client once", client));
            }
        }
        let fate = move |client: &ClientId, round: u64, _: u32, step: Step| match lost.get(client) {
            Some(lost) if *lost <= round + 1 && step == Step::Training => Fate::Lost,
            _ => Fate::Answers,
        };
        let simulation = Simulation::new(all).map_err(explained)?.threads(self.parallel).faults(fate);
        let plan = Plan {
            args: &self.federation,
            options,
            network,
            card,
            setup: setup_of_run,
            preparation: String::new(),
            precision: device.precision,
            test: bucketed(test, &spec)?,
            out,
            resume: self.resume,
        };
        plan.run::<P>(&interrupt, output, |federation| federation.simulate(simulation))
    }
}

fn provenance_of(data: &Dataset) -> String {
    let provenance = data.provenance();
    format!("{} {}", provenance.name, provenance.sha256.as_deref().unwrap_or("from memory"))
}

/// The federation in a line.
fn in_words(
    options: &FederationOptions,
    parts: &[Vec<usize>],
    (smallest, largest): (usize, usize),
    train: &Dataset,
    optimizer: &str,
) -> String {
    let classes = |part: &Vec<usize>| {
        let of_part: std::collections::BTreeSet<_> = part.iter().map(|sample| train.label(*sample)).collect();
        of_part.len() as f64
    };
    let samples = match smallest == largest {
        true => count(smallest as u64),
        false => format!("{} to {}", count(smallest as u64), count(largest as u64)),
    };
    let classes = match train.num_classes() {
        Some(_) => {
            format!(
                " and {:.1} classes on average",
                parts.iter().map(classes).sum::<f64>() / parts.len() as f64
            )
        }
        None => String::new(),
    };
    let asked = match options.sampling {
        Sampling::All => "all of them in a round".into(),
        Sampling::Share(share) => format!("{} % of them in a round", significant(share * 100.0)),
        Sampling::Count(count) => format!("{count} in a round"),
        Sampling::Poisson(rate) => format!("each in a round with probability {rate}"),
    };
    let local = &options.local;
    let batches = match local.batch_size {
        0 => "all samples at once".into(),
        size => format!("batches of {size}"),
    };
    let epochs = if local.epochs == 1 { "1 epoch".into() } else { format!("{} epochs", local.epochs) };
    let rate = local.learning_rate;
    let private = match (&options.secure, &options.privacy) {
        (Some(_), Some(_)) => "; sums under masks, with noise",
        (Some(_), None) => "; sums under masks",
        (None, Some(_)) => "; with noise",
        (None, None) => "",
    };
    format!(
        "{} of {samples} samples{classes}, {asked}; {epochs} of {batches}, {optimizer} with rate {rate}{private}",
        clients(parts.len())
    )
}

/// `client-0007@3`
fn loss(text: &str) -> Result<(ClientId, u64), String> {
    let found = text.rsplit_once('@').and_then(|(client, round)| {
        let round = round.parse().ok().filter(|round| *round > 0)?;
        Some((client.parse().ok()?, round))
    });
    found.ok_or_else(|| "expected CLIENT@ROUND, rounds counted from 1, such as client-0007@3".into())
}
