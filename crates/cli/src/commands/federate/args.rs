//! Flags of a federation, as its server reads them.

use clap::Args;
use fireclay::federate::{
    Aggregation, ClientPrivacy, FederationOptions, LocalOptions, MinUpdates, NoiseSource, Sampling,
    SecureAggregation, ServerOptimizer, UpdateLimits,
};

use super::goal::Goal;
use super::local::LocalArgs;
use super::problem::wrong_flag;

/// How rounds go, and what becomes of the clients' updates.
#[derive(Args, Clone, Debug)]
pub struct FederationArgs {
    /// Rounds, in each of which clients train and their updates are averaged
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Federation")]
    rounds: u64,
    /// Share of the clients that a round asks, more than 0 and up to 1, such as 0.1 [default: all]
    #[arg(
        long,
        value_name = "SHARE",
        conflicts_with_all = ["clients_per_round", "probability"],
        allow_negative_numbers = true,
        help_heading = "Federation"
    )]
    share: Option<f64>,
    /// Clients that a round asks [default: all]
    #[arg(long, value_name = "N", conflicts_with = "probability", help_heading = "Federation")]
    clients_per_round: Option<usize>,
    /// Probability by which a round asks each client, more than 0 and up to 1, as differential privacy counts best [default: all]
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Federation")]
    probability: Option<f64>,
    /// Seed of initial weights, of the clients that a round asks, of splits and of the clients' own seeds
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Federation")]
    pub seed: u64,
    /// End after the round whose test reaches this, such as accuracy=0.99 or loss=0.1
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Federation")]
    pub until: Option<Goal>,
    #[command(flatten)]
    local: LocalArgs,
    /// What the learning rate is multiplied by after each round
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1.0,
        allow_negative_numbers = true,
        help_heading = "Local training"
    )]
    learning_rate_decay: f64,
    #[command(flatten)]
    aggregate: AggregateArgs,
    #[command(flatten)]
    waiting: WaitingArgs,
}

/// What becomes of the clients' updates.
#[derive(Args, Clone, Debug)]
struct AggregateArgs {
    /// What the updates of a round come to: their mean, weighted by samples; median; or trimmed-mean=0.1, without a tenth at each end. The
    /// last two are robust against clients that lie
    #[arg(long, value_name = "RULE", default_value = "mean", value_parser = aggregation, help_heading = "Aggregation")]
    aggregation: Aggregation,
    /// How the server steps towards that: fedavg, fedavgm (momentum 0.9) or fedadam, each with its learning rate if another is wanted:
    /// fedadam=0.03
    #[arg(long, value_name = "NAME[=RATE]", default_value = "fedavg", value_parser = optimizer, help_heading = "Aggregation")]
    server_optimizer: ServerOptimizer,
    /// Largest norm of an update; longer ones are refused [default: any]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Aggregation")]
    max_norm: Option<f64>,
    /// Most samples that a client may say it has
    #[arg(long, value_name = "N", default_value_t = UpdateLimits::default().max_samples, help_heading = "Aggregation")]
    max_samples: u64,
    /// Add updates under pairwise masks, so that the server sees their sum and no single one (secure aggregation)
    #[arg(long, help_heading = "Privacy")]
    secure: bool,
    /// Norm that each client's update is clipped to, for differential privacy of whole clients
    #[arg(
        long,
        value_name = "NORM",
        requires = "client_noise",
        allow_negative_numbers = true,
        help_heading = "Privacy"
    )]
    client_clip: Option<f64>,
    /// Noise on the sum of the clipped updates, as a multiple of that norm
    #[arg(
        long,
        value_name = "FACTOR",
        requires = "client_clip",
        allow_negative_numbers = true,
        help_heading = "Privacy"
    )]
    client_noise: Option<f64>,
    /// Delta for which the epsilon that is spent is counted
    #[arg(
        long,
        value_name = "DELTA",
        default_value_t = 1e-5,
        requires = "client_noise",
        allow_negative_numbers = true,
        help_heading = "Privacy"
    )]
    delta: f64,
}

/// Whom a round waits for.
#[derive(Args, Clone, Debug)]
struct WaitingArgs {
    /// Clients that must be there before the first round [default: as for the others]
    #[arg(long, value_name = "N", help_heading = "Waiting")]
    start_clients: Option<usize>,
    /// Clients that must be there before each round [default: 1, with --secure 3]
    #[arg(long, value_name = "N", help_heading = "Waiting")]
    min_clients: Option<usize>,
    /// Updates that a round needs: a number, or a share of those asked, such as 0.5
    #[arg(long, value_name = "N", default_value = "1", value_parser = min_updates, help_heading = "Waiting")]
    min_updates: MinUpdates,
    /// How often a round is tried that ends with too few updates
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Waiting")]
    attempts: u32,
    /// Seconds that clients may train in a round; later answers do not count
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600.0,
        allow_negative_numbers = true,
        help_heading = "Waiting"
    )]
    round_seconds: f64,
    /// Seconds that are waited for clients before a round
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600.0,
        allow_negative_numbers = true,
        help_heading = "Waiting"
    )]
    wait_seconds: f64,
}

impl FederationArgs {
    /// Refuses what is no delta.
    pub fn check_delta(&self) -> anyhow::Result<()> {
        let delta = self.aggregate.delta;
        match delta > 0.0 && delta < 1.0 {
            true => Ok(()),
            false => Err(wrong_flag("--delta", "more than 0 and less than 1, such as 1e-5", delta)),
        }
    }

    /// What the federation is asked to do.
    pub fn options(&self) -> FederationOptions {
        let (aggregate, waiting) = (&self.aggregate, &self.waiting);
        FederationOptions {
            rounds: self.rounds,
            seed: self.seed,
            sampling: match (self.share, self.clients_per_round, self.probability) {
                (Some(share), _, _) => Sampling::Share(share),
                (_, Some(count), _) => Sampling::Count(count),
                (_, _, Some(probability)) => Sampling::Poisson(probability),
                _ => Sampling::All,
            },
            start_clients: waiting.start_clients.unwrap_or(1),
            min_clients: waiting.min_clients,
            wait_seconds: waiting.wait_seconds,
            min_updates: waiting.min_updates,
            attempts: waiting.attempts,
            round_seconds: waiting.round_seconds,
            local: LocalOptions { learning_rate_decay: self.learning_rate_decay, ..self.local.options() },
            limits: UpdateLimits {
                max_norm: aggregate.max_norm,
                max_samples: aggregate.max_samples,
                ..UpdateLimits::default()
            },
            aggregation: aggregate.aggregation,
            optimizer: aggregate.server_optimizer,
            secure: aggregate.secure.then(SecureAggregation::default),
            privacy: aggregate.client_clip.zip(aggregate.client_noise).map(
                |(clip_norm, noise_multiplier)| ClientPrivacy {
                    clip_norm,
                    noise_multiplier,
                    noise: NoiseSource::System,
                },
            ),
            ..FederationOptions::default()
        }
    }

    /// The delta of differential privacy.
    pub fn delta(&self) -> f64 {
        self.aggregate.delta
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}

fn aggregation(text: &str) -> Result<Aggregation, String> {
    match text.split_once('=') {
        None if text == "mean" => Ok(Aggregation::Mean),
        None if text == "median" => Ok(Aggregation::Median),
        Some(("trimmed-mean", share)) => Ok(Aggregation::TrimmedMean(number(share)?)),
        _ => Err("expected mean, median or trimmed-mean=SHARE, such as trimmed-mean=0.1".into()),
    }
}

fn optimizer(text: &str) -> Result<ServerOptimizer, String> {
    let (name, rate) = match text.split_once('=') {
        Some((name, rate)) => (name, Some(number(rate)?)),
        None => (text, None),
    };
    let optimizer = match name {
        "fedavg" => ServerOptimizer::FEDAVG,
        "fedavgm" => ServerOptimizer::FEDAVGM,
        "fedadam" => ServerOptimizer::FEDADAM,
        _ => return Err("expected fedavg, fedavgm or fedadam".into()),
    };
    Ok(match rate {
        Some(rate) => optimizer.with_learning_rate(rate),
        None => optimizer,
    })
}

fn min_updates(text: &str) -> Result<MinUpdates, String> {
    match text.parse() {
        Ok(count) => Ok(MinUpdates::Count(count)),
        Err(_) => number(text).map(MinUpdates::Share),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        federation: FederationArgs,
    }

    fn options(flags: &str) -> FederationOptions {
        Flags::parse_from(std::iter::once("test").chain(flags.split_whitespace())).federation.options()
    }

    fn problem(flags: &str) -> String {
        let parsed = Flags::try_parse_from(std::iter::once("test").chain(flags.split_whitespace()));
        parsed.map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn without_flags_it_is_the_mean_of_all_clients() {
        let expected = FederationOptions::default();
        assert_eq!(options(""), expected);
    }

    #[test]
    fn flags_say_what_the_options_are() {
        let options = options(
            "--share 0.1 --epochs 5 --batch-size 10 --learning-rate-decay 0.99 --proximal-mu 0.01 --secure --min-clients 4 \
             --server-optimizer fedadam=0.03 --min-updates 0.5 --client-clip 1 --client-noise 1.1 --max-norm 9",
        );
        assert_eq!(options.sampling, Sampling::Share(0.1));
        assert_eq!((options.local.epochs, options.local.batch_size), (5, 10));
        assert_eq!((options.local.learning_rate_decay, options.local.proximal_mu), (0.99, 0.01));
        assert_eq!(options.secure, Some(SecureAggregation::default()));
        assert_eq!((options.start_clients, options.min_clients), (1, Some(4)));
        assert_eq!(options.optimizer, ServerOptimizer::FEDADAM.with_learning_rate(0.03));
        assert_eq!(options.min_updates, MinUpdates::Share(0.5));
        let privacy = options.privacy.unwrap();
        assert_eq!((privacy.clip_norm, privacy.noise_multiplier), (1.0, 1.1));
        assert_eq!(options.limits.max_norm, Some(9.0));
        assert_eq!(
            self::options("--aggregation trimmed-mean=0.2").aggregation,
            Aggregation::TrimmedMean(0.2)
        );
        assert_eq!(self::options("--min-updates 7").min_updates, MinUpdates::Count(7));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        assert!(problem("--aggregation krum").contains("trimmed-mean=SHARE"));
        assert!(problem("--server-optimizer fedyogi").contains("fedavg, fedavgm or fedadam"));
        assert!(problem("--until best").contains("accuracy=0.99"));
        assert!(problem("--share 0.1 --clients-per-round 3").contains("cannot be used with"));
        assert!(problem("--client-clip 1").contains("--client-noise"));
    }
}
