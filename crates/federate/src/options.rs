//! What a federation is asked to do.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::FederateError;
use crate::aggregate::Aggregation;
use crate::check::UpdateLimits;
use crate::fixed_point::SecureRound;
use crate::id::ClientId;
use crate::optimizer::ServerOptimizer;
use crate::parameters::Parameters;
use crate::privacy::ClientPrivacy;
use crate::sampling::Sampling;
use crate::secure::SecureAggregation;
use crate::training::Task;
use crate::wire::{RoundMode, Turn};

/// The options of a federation. [`Federation`](crate::Federation) checks them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FederationOptions {
    /// How many rounds there are.
    pub rounds: u64,
    /// The seed of what is random but for noise and secrets: which clients a round asks, and the seeds of local trainings. With
    /// differential privacy a secret of the operating system says which clients a round asks; the checkpoint holds it, and is to be
    /// kept secret too.
    pub seed: u64,
    /// Which clients a round asks.
    pub sampling: Sampling,
    /// How many clients have to be registered before the first round, and before a federation goes on from a checkpoint; at least as
    /// many as for the other rounds.
    pub start_clients: usize,
    /// How many clients have to be registered before each round, and are asked at least. `None` for 1, with secure aggregation 3:
    /// less is refused there, as each of two clients takes its own update off their sum.
    pub min_clients: Option<usize>,
    /// How long clients are waited for before a round, in seconds.
    pub wait_seconds: f64,
    /// How many updates a round needs; with secure aggregation 3 at least. With [`Sampling::Poisson`] and differential privacy it does
    /// not count, as whether there were as many would tell who was in the round.
    pub min_updates: MinUpdates,
    /// How often a round is tried that ends with too few updates; 1 for once.
    pub attempts: u32,
    /// How long clients may train in a round, in seconds; those that have not answered by then are left out.
    pub round_seconds: f64,
    /// How long each further step of a round with secure aggregation may take, in seconds.
    pub step_seconds: f64,
    /// How clients train.
    pub local: LocalOptions,
    /// How large updates may be.
    pub limits: UpdateLimits,
    /// What the updates of a round come to.
    pub aggregation: Aggregation,
    /// What the server makes of that.
    pub optimizer: ServerOptimizer,
    /// Whether the server sees sums only.
    pub secure: Option<SecureAggregation>,
    /// Whether clients are hidden in noise.
    pub privacy: Option<ClientPrivacy>,
}

impl Default for FederationOptions {
    fn default() -> Self {
        FederationOptions {
            rounds: 10,
            seed: 0,
            sampling: Sampling::All,
            start_clients: 1,
            min_clients: None,
            wait_seconds: 600.0,
            min_updates: MinUpdates::Count(1),
            attempts: 3,
            round_seconds: 600.0,
            step_seconds: 60.0,
            local: LocalOptions::default(),
            limits: UpdateLimits::default(),
            aggregation: Aggregation::Mean,
            optimizer: ServerOptimizer::FEDAVG,
            secure: None,
            privacy: None,
        }
    }
}

/// How clients train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalOptions {
    /// Epochs over the client's samples in a round.
    pub epochs: u32,
    /// Samples in a batch; 0 for all at once.
    pub batch_size: u32,
    /// The clients' learning rate in the first round.
    pub learning_rate: f64,
    /// What it is multiplied by after each round.
    pub learning_rate_decay: f64,
    /// The coefficient mu of the proximal term (mu / 2) * ‖w - w_global‖² in the clients' loss, which makes FedProx of FedAvg
    /// ([Li et al. 2020](https://arxiv.org/abs/1812.06127)); 0 for none.
    pub proximal_mu: f64,
}

impl Default for LocalOptions {
    fn default() -> Self {
        LocalOptions {
            epochs: 1,
            batch_size: 32,
            learning_rate: 0.1,
            learning_rate_decay: 1.0,
            proximal_mu: 0.0,
        }
    }
}

/// How many updates a round needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MinUpdates {
    /// So many.
    Count(usize),
    /// This share of the clients that were asked, above 0 and up to 1, rounded up.
    Share(f64),
}

impl MinUpdates {
    /// How many of so many clients that were asked; always 1 or more.
    pub(crate) fn of(self, asked: usize) -> usize {
        match self {
            MinUpdates::Count(count) => count.max(1),
            MinUpdates::Share(share) => ((share * asked as f64 - 1e-9).ceil() as usize).max(1),
        }
    }
}

/// The least clients of a masked sum.
const SMALLEST_COHORT: usize = 3;

/// No wait is longer than a year.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;

impl FederationOptions {
    /// Checks what can be known before the first client is there.
    ///
    /// # Errors
    /// [`FederateError::Option`] for values out of their ranges, [`FederateError::Together`] for those that exclude each other, and
    /// [`FederateError::SecureOverflow`] if sums of so many clients have no room.
    pub fn check(&self) -> Result<(), FederateError> {
        let wrong = |option, expected: &str, found: String| {
            Err(FederateError::Option { option, expected: expected.into(), found })
        };
        let counts = [
            ("start_clients", self.start_clients),
            ("min_clients", self.least_clients()),
            ("attempts", self.attempts as usize),
            ("local.epochs", self.local.epochs as usize),
        ];
        if let Some((option, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return wrong(option, "1 or more", "0".into());
        }
        let waits = [
            ("wait_seconds", self.wait_seconds),
            ("round_seconds", self.round_seconds),
            ("step_seconds", self.step_seconds),
        ];
        for (option, seconds) in waits {
            if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
                return wrong(option, "a number above 0 and up to that of a year", seconds.to_string());
            }
        }
        let rates = [
            ("local.learning_rate", self.local.learning_rate),
            ("local.learning_rate_decay", self.local.learning_rate_decay),
        ];
        for (option, rate) in rates {
            if !(rate.is_finite() && rate > 0.0) {
                return wrong(option, "a finite number above 0", rate.to_string());
            }
        }
        if !(self.local.proximal_mu.is_finite() && self.local.proximal_mu >= 0.0) {
            let found = self.local.proximal_mu.to_string();
            return wrong("local.proximal_mu", "a finite number that is not below 0", found);
        }
        match self.min_updates {
            MinUpdates::Count(0) => return wrong("min_updates.count", "1 or more", "0".into()),
            MinUpdates::Share(share) if !(share > 0.0 && share <= 1.0) => {
                return wrong("min_updates.share", "a number above 0 and up to 1", share.to_string());
            }
            _ => {}
        }
        self.sampling.check()?;
        self.limits.check()?;
        self.aggregation.check()?;
        self.optimizer.check()?;
        self.check_privacy()
    }

    fn check_privacy(&self) -> Result<(), FederateError> {
        let together = |first, second, reason| Err(FederateError::Together { first, second, reason });
        if let Some(secure) = &self.secure {
            secure.check()?;
            if self.aggregation != Aggregation::Mean {
                return together(
                    "secure",
                    "aggregation",
                    "medians and trimmed means compare the updates of single clients, which secure aggregation hides",
                );
            }
            let least = SMALLEST_COHORT;
            let too_few = |option, found: usize| {
                let expected = format!("{least} or more with secure aggregation");
                Err(FederateError::Option { option, expected, found: found.to_string() })
            };
            if let Some(found) = self.min_clients.filter(|found| *found < least) {
                return too_few("min_clients", found);
            }
            if let Sampling::Count(found) = self.sampling
                && found < least
            {
                return too_few("sampling.count", found);
            }
            // As many as are known now; each round checks those that it asks.
            let clients = match self.sampling {
                Sampling::Count(count) => count.max(self.least_clients()),
                _ => self.least_clients().max(self.start_clients),
            };
            self.secure_round(secure).check(clients.max(2))?;
        }
        if let Some(privacy) = &self.privacy {
            privacy.check()?;
            if self.aggregation != Aggregation::Mean {
                return together(
                    "privacy",
                    "aggregation",
                    "the noise hides a client's part of a mean, and not what it may change in a median or trimmed mean",
                );
            }
        }
        Ok(())
    }

    /// How many clients have to be registered, and are asked at least.
    pub(crate) fn least_clients(&self) -> usize {
        self.min_clients.unwrap_or(if self.secure.is_some() { SMALLEST_COHORT } else { 1 })
    }

    /// How many updates a round of so many clients needs.
    pub(crate) fn least_updates(&self, asked: usize) -> usize {
        let least = if self.has_secret_samples() { 0 } else { self.min_updates.of(asked) };
        if self.secure.is_some() { least.max(SMALLEST_COHORT) } else { least }
    }

    /// Whether nobody may learn who is in a round, nor how many are.
    pub(crate) fn has_secret_samples(&self) -> bool {
        matches!(self.sampling, Sampling::Poisson(_)) && self.privacy.is_some()
    }

    fn secure_round(&self, secure: &SecureAggregation) -> SecureRound {
        SecureRound {
            modulus: secure.modulus,
            clip_range: secure.clip_range,
            fraction_bits: secure.fraction_bits,
            max_samples: self.limits.max_samples,
            weighted: self.privacy.is_none(),
            clip_norm: self.privacy.map(|privacy| privacy.clip_norm),
            max_norm: self.limits.max_norm,
            metrics: secure.metrics.clone(),
        }
    }

    /// How clients give their updates.
    pub(crate) fn mode(&self) -> RoundMode {
        self.secure.as_ref().map_or(RoundMode::Plain, |secure| RoundMode::Secure(self.secure_round(secure)))
    }

    /// What a client is to do in a round.
    pub(crate) fn task(&self, turn: Turn, client: &ClientId) -> Task {
        let mut hash = Sha256::new_with_prefix(b"fireclay-federate client seed 1\0");
        hash.update(self.seed.to_le_bytes());
        hash.update(client.as_str());
        let hash: [u8; 32] = hash.finalize().into();
        let decay = self.local.learning_rate_decay.powi(i32::try_from(turn.round).unwrap_or(i32::MAX));
        Task {
            round: turn.round,
            attempt: turn.attempt,
            client: client.clone(),
            epochs: self.local.epochs,
            first_epoch: turn.round.saturating_mul(u64::from(self.local.epochs)),
            batch_size: self.local.batch_size,
            learning_rate: self.local.learning_rate * decay,
            proximal_mu: self.local.proximal_mu,
            seed: hash.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)),
        }
    }

    /// The most bytes of an answer in a round of so many clients.
    pub(crate) fn answer_bytes(&self, parameters: &Parameters, clients: usize) -> u64 {
        let names: usize = parameters.tensors().iter().map(|tensor| tensor.name.len() + 256).sum();
        self.limits.bytes(parameters.count().saturating_mul(4).saturating_add(names), clients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoiseSource;

    fn message(options: FederationOptions) -> String {
        options.check().unwrap_err().to_string()
    }

    #[test]
    fn options_out_of_their_ranges_are_refused() {
        let fine = FederationOptions::default;
        fine().check().unwrap();
        assert!(message(FederationOptions { min_clients: Some(0), ..fine() }).contains("option min_clients"));
        assert!(message(FederationOptions { attempts: 0, ..fine() }).contains("option attempts"));
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(
                message(FederationOptions { round_seconds: seconds, ..fine() }).contains("round_seconds")
            );
        }
        for mu in [-1.0, f64::NAN, f64::INFINITY] {
            let local = LocalOptions { proximal_mu: mu, ..LocalOptions::default() };
            assert!(message(FederationOptions { local, ..fine() }).contains("local.proximal_mu"));
        }
        for min_updates in [MinUpdates::Count(0), MinUpdates::Share(0.0), MinUpdates::Share(f64::NAN)] {
            assert!(message(FederationOptions { min_updates, ..fine() }).contains("min_updates"));
        }
        let aggregation = Aggregation::TrimmedMean(0.5);
        assert!(message(FederationOptions { aggregation, ..fine() }).contains("without 0.5"));
    }

    #[test]
    fn what_excludes_each_other_is_refused_with_a_reason() {
        let secure = Some(SecureAggregation::default());
        let privacy =
            Some(ClientPrivacy { clip_norm: 1.0, noise_multiplier: 1.0, noise: NoiseSource::System });
        for aggregation in [Aggregation::Median, Aggregation::TrimmedMean(0.1)] {
            let options =
                FederationOptions { aggregation, secure: secure.clone(), ..FederationOptions::default() };
            assert!(message(options).contains("which secure aggregation hides"));
            let options = FederationOptions { aggregation, privacy, ..FederationOptions::default() };
            assert!(message(options).contains("the noise hides a client's part of a mean"));
        }
        FederationOptions { secure, privacy, ..FederationOptions::default() }.check().unwrap();
    }

    #[test]
    fn masked_sums_of_two_are_refused() {
        let secure = || FederationOptions {
            secure: Some(SecureAggregation::default()),
            ..FederationOptions::default()
        };
        assert_eq!((secure().least_clients(), secure().least_updates(9)), (3, 3));
        for found in [1, 2] {
            assert!(
                message(FederationOptions { min_clients: Some(found), ..secure() }).contains("min_clients")
            );
            let sampling = Sampling::Count(found);
            assert!(message(FederationOptions { sampling, ..secure() }).contains("sampling.count"));
        }
    }

    #[test]
    fn sums_without_room_are_refused_at_the_start() {
        let secure = SecureAggregation { fraction_bits: 40, ..SecureAggregation::default() };
        let options = FederationOptions { secure: Some(secure), ..FederationOptions::default() };
        assert!(matches!(options.check(), Err(FederateError::SecureOverflow { .. })));
    }

    #[test]
    fn tasks_go_on_from_round_to_round() {
        let options = FederationOptions {
            local: LocalOptions {
                epochs: 3,
                learning_rate: 2.0,
                learning_rate_decay: 0.5,
                ..LocalOptions::default()
            },
            ..FederationOptions::default()
        };
        let client = ClientId::numbered(1);
        let task = |round, client: &ClientId| options.task(Turn { round, attempt: 0 }, client);
        assert_eq!((task(0, &client).first_epoch, task(4, &client).first_epoch), (0, 12));
        assert_eq!(task(2, &client).learning_rate, 0.5);
        assert_eq!(task(0, &client).seed, task(4, &client).seed);
        assert_ne!(task(0, &client).seed, task(0, &ClientId::numbered(2)).seed);
    }

    #[test]
    fn shares_of_updates_are_rounded_up() {
        assert_eq!(MinUpdates::Share(0.5).of(5), 3);
        assert_eq!(MinUpdates::Share(0.6).of(5), 3);
        assert_eq!(MinUpdates::Share(0.01).of(5), 1);
        assert_eq!(MinUpdates::Count(4).of(2), 4);
    }

    #[test]
    fn options_are_read_as_they_are_written_and_unknown_ones_refused() {
        let options = FederationOptions {
            sampling: Sampling::Share(0.1),
            secure: Some(SecureAggregation::default()),
            ..FederationOptions::default()
        };
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<FederationOptions>(&text).unwrap(), options);
        assert!(serde_json::from_str::<FederationOptions>(r#"{"rouds": 3}"#).is_err());
    }
}
