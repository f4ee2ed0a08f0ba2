//! The local training of a client, which is its user's.

use std::error::Error;

use crate::id::ClientId;
use crate::parameters::{Metrics, Parameters};

/// What a client is asked to do in a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The round, counted from 0.
    pub round: u64,
    /// Which attempt at this round it is, counted from 0.
    pub attempt: u32,
    /// The client.
    pub client: ClientId,
    /// Epochs over the client's samples.
    pub epochs: u32,
    /// The number of the first of these epochs, counted from 0 over all rounds, so that orders of samples go on rather than begin
    /// again.
    pub first_epoch: u64,
    /// Samples in a batch; 0 for all at once.
    pub batch_size: u32,
    /// The client's learning rate in this round.
    pub learning_rate: f64,
    /// The coefficient mu of the proximal term (mu / 2) * ‖w - w_global‖², which is added to the loss
    /// ([Li et al. 2020](https://arxiv.org/abs/1812.06127)); 0 for none.
    pub proximal_mu: f64,
    /// A seed of the client's own, the same in each round.
    pub seed: u64,
}

/// What a local training gave.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalUpdate {
    /// The parameters after it, with the names and shapes of those before.
    pub parameters: Parameters,
    /// How many samples the client has: the weight of its update.
    pub samples: u64,
    /// What was measured, such as `loss`; finite numbers, 64 at most.
    pub metrics: Metrics,
}

/// Trains the network of one client on its own samples.
///
/// It takes the global parameters, trains as the task says and gives back what came of it. Nothing else of the client leaves it.
/// A client may be asked for a round that it has trained for already, when too few others answered.
pub trait LocalTraining: Send {
    /// Trains from the global parameters.
    ///
    /// # Errors
    /// Whatever keeps it from a result; the server is told, and goes on with the other clients.
    fn train(
        &mut self,
        task: &Task,
        global: &Parameters,
    ) -> Result<LocalUpdate, Box<dyn Error + Send + Sync>>;
}

impl<F> LocalTraining for F
where
    F: FnMut(&Task, &Parameters) -> Result<LocalUpdate, Box<dyn Error + Send + Sync>> + Send,
{
    fn train(
        &mut self,
        task: &Task,
        global: &Parameters,
    ) -> Result<LocalUpdate, Box<dyn Error + Send + Sync>> {
        self(task, global)
    }
}
