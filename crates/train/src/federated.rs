//! A client of a federation whose local training is a [`Trainer`]'s.

use std::error::Error;
use std::sync::Arc;

use fireclay_data::Source;
use fireclay_federate::{FederateError, LocalTraining, LocalUpdate, Parameters, Task, Tensor};
use fireclay_nn::{NamedTensor, Network, NnError, load_state, state};

use crate::error::TrainError;
use crate::options::FitOptions;
use crate::trainer::Trainer;

/// All tensors of a network, weights, biases and running statistics, as a federation shares them.
///
/// # Errors
/// [`FederateError::Parameters`] for a network without any, or with more than a federation carries.
pub fn parameters<N: Network>(network: &N) -> Result<Parameters, FederateError> {
    let tensor = |NamedTensor { name, shape, values }| Tensor { name, shape, values };
    Parameters::new(state(network).into_iter().map(tensor))
}

/// The network with other parameters.
///
/// # Errors
/// [`NnError::Weights`] with every tensor that is missing, unexpected or of another shape.
pub fn with_parameters<N: Network>(network: &N, parameters: &Parameters) -> Result<N, NnError> {
    let tensor = |tensor: &Tensor| NamedTensor {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        values: tensor.values.clone(),
    };
    // `valid` and not `clone`: clones share their running statistics.
    load_state(network.valid(), parameters.tensors().iter().map(tensor).collect())
}

/// Trains a network on the samples of one client, round by round.
///
/// A round is a [`fit`](Trainer::fit) from the global parameters, with a trainer made anew: an optimiser remembers nothing from round to
/// round. With one client, plain gradient descent and the mean of all updates, rounds of an epoch so give what one `fit` of as many epochs
/// gives, bit for bit. Clients of one process share the network that they begin with, and hold no other between two rounds.
///
/// ```
/// use fireclay_datasets::DrawnDigits;
/// use fireclay_federate::{ClientId, Federation, FederationOptions, LocalTraining, Simulation, Split};
/// use fireclay_nn::{Device, ModelSpec};
/// use fireclay_train::{FitOptions, LocalTrainer, Sgd, Trainer, parameters, with_parameters};
///
/// let (train, test) = DrawnDigits::new(0).train_and_test(400, 100);
/// let labels: Vec<usize> = (0..train.len()).filter_map(|sample| Some(train.label(sample)? as usize)).collect();
/// let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build_seeded(0, &Device::default())?;
/// let options = FederationOptions { rounds: 3, ..FederationOptions::default() };
/// let mut federation = Federation::new(options, parameters(&model)?)?;
/// let mut clients = Vec::new();
/// for (number, samples) in Split::Shards(2).split(&labels, 4, 0)?.into_iter().enumerate() {
///     let trainer = |network, rate| Trainer::classification(network).optimizer(Sgd::new(rate));
///     let client = LocalTrainer::new(model.clone(), trainer, &train.subset(&samples)?, FitOptions::default());
///     clients.push((ClientId::numbered(number), Box::new(client) as Box<dyn LocalTraining>));
/// }
/// federation.simulate(Simulation::new(clients)?)?;
/// let trained = with_parameters(&model, federation.parameters())?;
/// assert!(Trainer::classification(trained).evaluate(&test)?.loss < Trainer::classification(model).evaluate(&test)?.loss);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LocalTrainer<N: Network, F> {
    network: N,
    trainer: F,
    samples: Arc<dyn Source>,
    options: FitOptions,
}

impl<N: Network, F: Fn(N, f64) -> Trainer<N>> LocalTrainer<N, F> {
    /// A client with some samples. `trainer` makes a trainer of a network, for a learning rate; of `options` the epochs, the batch size, the seed,
    /// the first epoch and the proximal term are the server's, the rest is the client's own.
    pub fn new<S: Source + Clone + 'static>(
        network: N,
        trainer: F,
        samples: &S,
        options: FitOptions,
    ) -> Self {
        LocalTrainer { network, trainer, samples: Arc::new(samples.clone()), options }
    }

    /// What `fit` is given for a task.
    fn options(&self, task: &Task) -> Result<FitOptions, TrainError> {
        let samples = self.samples.len();
        let setting = |setting, found: String, expected| TrainError::Setting { setting, found, expected };
        let first_epoch = usize::try_from(task.first_epoch)
            .map_err(|_| setting("first_epoch", task.first_epoch.to_string(), "fewer epochs"))?;
        Ok(FitOptions {
            epochs: task.epochs as usize,
            batch_size: match task.batch_size {
                0 => samples,
                batch_size => batch_size as usize,
            },
            seed: task.seed,
            first_epoch,
            proximal_mu: task.proximal_mu,
            ..self.options.clone()
        })
    }
}

impl<N: Network, F: Fn(N, f64) -> Trainer<N> + Send> LocalTraining for LocalTrainer<N, F> {
    fn train(
        &mut self,
        task: &Task,
        global: &Parameters,
    ) -> Result<LocalUpdate, Box<dyn Error + Send + Sync>> {
        let network = with_parameters(&self.network, global)?;
        let mut trainer = (self.trainer)(network, task.learning_rate);
        let history = trainer.fit(&self.samples, &self.options(task)?)?;
        let last = history.epochs.last().map(|epoch| epoch.values.iter().cloned());
        Ok(LocalUpdate {
            parameters: parameters(trainer.network())?,
            samples: self.samples.len() as u64,
            metrics: last.into_iter().flatten().filter(|(_, value)| value.is_finite()).collect(),
        })
    }
}
