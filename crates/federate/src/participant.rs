//! What a client does with a message of the server, whatever is between them.

use crate::FederateError;
use crate::check::UpdateLimits;
use crate::fixed_point::SecureRound;
use crate::history::Step;
use crate::id::ClientId;
use crate::parameters::Parameters;
use crate::privacy::{clip, difference};
use crate::secure::SecureClient;
use crate::training::{LocalTraining, LocalUpdate, Task};
use crate::wire::{ClientMessage, RoundMode, ServerMessage, Turn};

/// A client.
pub(crate) struct Participant<'a> {
    client: ClientId,
    training: Box<dyn LocalTraining + 'a>,
    secure: Option<SecureClient>,
    /// Whether it gives no update without masks.
    secure_only: bool,
    /// The last round whose masks it helped to take off. It gives no other update of that round, as two sums would tell of single clients.
    unmasked: Option<u64>,
}

impl<'a> Participant<'a> {
    pub(crate) fn new(client: ClientId, training: Box<dyn LocalTraining + 'a>) -> Self {
        Participant { client, training, secure: None, secure_only: false, unmasked: None }
    }

    pub(crate) fn secure_only(mut self, secure_only: bool) -> Self {
        self.secure_only = secure_only;
        self
    }

    /// The answer to a message, if it asks for one. What goes wrong with one round is an answer too; the client goes on.
    ///
    /// # Errors
    /// [`FederateError::OtherClient`] for the task of another client.
    pub(crate) fn answer(&mut self, message: ServerMessage) -> Result<Option<ClientMessage>, FederateError> {
        let (turn, answer) = match message {
            ServerMessage::Train { task, mode, parameters } => {
                let turn = Turn { round: task.round, attempt: task.attempt };
                if task.client != self.client {
                    return Err(FederateError::OtherClient {
                        client: self.client.clone(),
                        found: task.client,
                    });
                }
                self.secure = None;
                (turn, self.train(&task, mode, &parameters))
            }
            ServerMessage::Keys { turn, threshold, clients } => {
                let shares = self.secure(turn).and_then(|secure| {
                    secure.share(clients, threshold as usize).map_err(|error| in_words(&error))
                });
                (turn, shares.map(|shares| ClientMessage::EncryptedShares { turn, shares }))
            }
            ServerMessage::Shares { turn, shares } => {
                let masked = self
                    .secure(turn)
                    .and_then(|secure| secure.mask(&shares).map_err(|error| in_words(&error)));
                (turn, masked.map(|values| ClientMessage::Masked { turn, values }))
            }
            ServerMessage::Unmask { turn, survivors } => {
                let shares = self
                    .secure(turn)
                    .and_then(|secure| secure.unmask(&survivors).map_err(|error| in_words(&error)));
                if shares.is_ok() {
                    self.unmasked = Some(turn.round);
                }
                (turn, shares.map(|shares| ClientMessage::Unmasking { turn, shares }))
            }
            ServerMessage::Welcome { .. }
            | ServerMessage::Refused { .. }
            | ServerMessage::UpdateRefused { .. }
            | ServerMessage::Done { .. }
            | ServerMessage::Alive => return Ok(None),
        };
        Ok(Some(answer.unwrap_or_else(|reason| {
            self.secure = None;
            ClientMessage::Failed { turn, reason }
        })))
    }

    fn secure(&mut self, turn: Turn) -> Result<&mut SecureClient, String> {
        self.secure
            .as_mut()
            .filter(|secure| secure.turn() == turn)
            .ok_or_else(|| format!("the client has no masks in {turn}"))
    }

    fn train(&mut self, task: &Task, mode: RoundMode, global: &Parameters) -> Result<ClientMessage, String> {
        let turn = Turn { round: task.round, attempt: task.attempt };
        if self.secure_only && mode == RoundMode::Plain {
            return Err("this client gives updates with secure aggregation only".into());
        }
        if let Some(unmasked) = self.unmasked.filter(|unmasked| task.round <= *unmasked) {
            let round = task.round;
            return Err(format!(
                "masks of round {unmasked} were taken off already, so none of round {round} is begun"
            ));
        }
        let update = self.training.train(task, global).map_err(|error| in_words(&*error))?;
        match mode {
            RoundMode::Plain => {
                let LocalUpdate { parameters, samples, metrics } = update;
                Ok(ClientMessage::Update { turn, samples, metrics, parameters })
            }
            RoundMode::Secure(round) => {
                let secure = self.masked(turn, round, global, update)?;
                let keys = secure.public_keys();
                self.secure = Some(secure);
                Ok(ClientMessage::PublicKeys { turn, keys })
            }
        }
    }

    /// What the server would check, the client does, as nobody else sees its update.
    fn masked(
        &self,
        turn: Turn,
        round: SecureRound,
        global: &Parameters,
        update: LocalUpdate,
    ) -> Result<SecureClient, String> {
        let limits =
            UpdateLimits { max_norm: round.max_norm, max_samples: round.max_samples, max_bytes: None };
        limits
            .check_update(global, &update.parameters, update.samples, &update.metrics)
            .map_err(|refusal| refusal.to_string())?;
        let mut difference = difference(global, &update.parameters);
        if let Some(norm) = round.clip_norm {
            clip(&mut difference, norm);
        }
        SecureClient::new(turn, self.client.clone(), round, &difference, update.samples, &update.metrics)
            .map_err(|error| in_words(&error))
    }
}

/// Which step of a round an answer is of.
pub(crate) fn step_of(answer: &ClientMessage) -> Option<Step> {
    match answer {
        ClientMessage::Update { .. } | ClientMessage::PublicKeys { .. } => Some(Step::Training),
        ClientMessage::EncryptedShares { .. } => Some(Step::Sharing),
        ClientMessage::Masked { .. } => Some(Step::Masking),
        ClientMessage::Unmasking { .. } => Some(Step::Unmasking),
        ClientMessage::Hello { .. } | ClientMessage::Failed { .. } | ClientMessage::Alive => None,
    }
}

/// An error with its reasons.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        words = format!("{words}: {reason}");
        source = reason.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::FederationOptions;

    #[test]
    fn no_round_is_begun_again_whose_masks_were_taken_off() {
        let client = ClientId::numbered(0);
        let training = |_: &Task, global: &Parameters| {
            Ok(LocalUpdate { parameters: global.clone(), samples: 1, metrics: Default::default() })
        };
        let mut participant = Participant::new(client.clone(), Box::new(training));
        participant.unmasked = Some(3);
        let mut begins = |round| {
            let tensor = crate::Tensor { name: "w".into(), shape: vec![1], values: vec![0.0] };
            let parameters = Parameters::new([tensor]).unwrap();
            let task = FederationOptions::default().task(Turn { round, attempt: 1 }, &client);
            let message = ServerMessage::Train { task, mode: RoundMode::Plain, parameters };
            !matches!(participant.answer(message).unwrap(), Some(ClientMessage::Failed { .. }))
        };
        assert_eq!([2, 3, 4].map(&mut begins), [false, false, true]);
    }
}
