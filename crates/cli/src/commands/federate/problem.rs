//! Errors of federations, with the flags by which options are said.

use fireclay::federate::FederateError;

use crate::error::CommandError;
use crate::exit::UsageError;

/// An error of a federation, which is one of the flags where an option is out of its range.
pub fn explained(error: FederateError) -> anyhow::Error {
    match error {
        FederateError::Option { option, expected, found } => wrong_flag(&flag(option), expected, found),
        FederateError::Together { first, second, reason } => {
            UsageError::of(CommandError::Together { first: flag(first), second: flag(second), reason })
        }
        error @ (FederateError::ClientId { .. }
        | FederateError::SecureOverflow { .. }
        | FederateError::OtherFederation { .. }
        | FederateError::Address { .. }) => UsageError::of(error),
        error => error.into(),
    }
}

/// A flag that is out of its range.
pub fn wrong_flag(flag: &str, expected: impl Into<String>, found: impl ToString) -> anyhow::Error {
    let (flag, expected, found) = (flag.to_owned(), expected.into(), found.to_string());
    UsageError::of(CommandError::Federation { flag, expected, found })
}

/// The flag by which an option is said.
fn flag(option: &str) -> String {
    let known = match option {
        "sampling.count" => "clients-per-round",
        "sampling.poisson" => "probability",
        "min_updates.count" | "min_updates.share" => "min-updates",
        "aggregation.trimmed_mean" => "aggregation",
        "privacy" | "privacy.clip_norm" => "client-clip",
        "privacy.noise_multiplier" => "client-noise",
        _ if option.starts_with("optimizer.") => "server-optimizer",
        _ if option.starts_with("split") || option == "classes" => "split",
        _ if option.starts_with("secure") => "secure",
        _ => return format!("--{}", option.rsplit('.').next().unwrap_or(option).replace('_', "-")),
    };
    format!("--{known}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::FederationArgs;
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        federation: FederationArgs,
    }

    #[test]
    fn what_is_out_of_its_range_is_called_by_its_flag() {
        for (flags, expected) in [
            ("--share=0", "--share is 0; expected a number above 0 and up to 1"),
            ("--clients-per-round=0", "--clients-per-round is 0; expected 1 or more"),
            ("--probability=2", "--probability is 2;"),
            ("--epochs=0", "--epochs is 0;"),
            ("--learning-rate=-1", "--learning-rate is -1;"),
            ("--learning-rate-decay=0", "--learning-rate-decay is 0;"),
            ("--proximal-mu=-1", "--proximal-mu is -1;"),
            ("--server-optimizer=fedadam=0", "--server-optimizer is 0;"),
            ("--aggregation=trimmed-mean=0.5", "--aggregation is 0.5;"),
            ("--min-updates=0", "--min-updates is 0;"),
            ("--max-norm=0", "--max-norm is 0;"),
            ("--max-samples=0", "--max-samples is 0;"),
            ("--attempts=0", "--attempts is 0;"),
            ("--round-seconds=0", "--round-seconds is 0;"),
            ("--wait-seconds=-1", "--wait-seconds is -1;"),
            ("--min-clients=0", "--min-clients is 0;"),
            ("--start-clients=0", "--start-clients is 0;"),
            ("--client-clip=0 --client-noise=1", "--client-clip is 0;"),
            ("--client-clip=1 --client-noise=-1", "--client-noise is -1;"),
            ("--secure --min-clients=2", "--min-clients is 2; expected 3 or more with secure"),
            ("--secure --clients-per-round=2", "--clients-per-round is 2;"),
            ("--secure --aggregation=median", "--secure and --aggregation do not go together"),
            (
                "--client-clip=1 --client-noise=1 --aggregation=median",
                "--client-clip and --aggregation do not",
            ),
        ] {
            let arguments = std::iter::once("test").chain(flags.split(' '));
            let error = Flags::parse_from(arguments).federation.options().check().unwrap_err();
            let error = explained(error);
            assert!(error.is::<UsageError>(), "{flags}: {error}");
            assert!(error.to_string().starts_with(expected), "{flags}: {error}");
        }
    }
}
