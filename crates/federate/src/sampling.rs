//! Which clients a round asks.

use serde::{Deserialize, Serialize};

use crate::FederateError;
use crate::id::ClientId;
use crate::random::Random;

/// How the clients of a round are chosen among those that are registered.
///
/// Who is chosen is a function of the seed of the federation, the number of the round and the names of the registered clients: not
/// of a clock, not of who came first. With differential privacy a secret of the operating system takes the place of the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampling {
    /// All of them.
    #[default]
    All,
    /// This share of them, above 0 and up to 1, rounded to the nearest number of clients.
    Share(f64),
    /// This many of them, or all if there are less.
    Count(usize),
    /// Each of them with this probability, above 0 and up to 1, whatever becomes of the others. Accountants of differential privacy
    /// take samples to be made like this. With differential privacy a round may so ask few clients, or no one; without it, clients are
    /// added up to the least number.
    Poisson(f64),
}

impl Sampling {
    /// # Errors
    /// [`FederateError::Option`] for a share or a probability outside of its range, and a number of 0.
    pub(crate) fn check(self) -> Result<(), FederateError> {
        let wrong = |option, expected: &str, found: String| {
            Err(FederateError::Option { option, expected: expected.into(), found })
        };
        match self {
            Sampling::All => Ok(()),
            Sampling::Count(0) => wrong("sampling.count", "1 or more", "0".into()),
            Sampling::Count(_) => Ok(()),
            Sampling::Share(share) if share > 0.0 && share <= 1.0 => Ok(()),
            Sampling::Share(share) => {
                wrong("sampling.share", "a number above 0 and up to 1", share.to_string())
            }
            Sampling::Poisson(rate) if rate > 0.0 && rate <= 1.0 => Ok(()),
            Sampling::Poisson(rate) => {
                wrong("sampling.poisson", "a number above 0 and up to 1", rate.to_string())
            }
        }
    }

    /// The clients of a round, in the order of their names; `least` at least, as far as there are so many.
    pub(crate) fn sample(self, mut random: Random, registered: &[ClientId], least: usize) -> Vec<ClientId> {
        let mut clients = registered.to_vec();
        clients.sort();
        clients.dedup();
        let count = match self {
            Sampling::All => return clients,
            Sampling::Poisson(rate) => {
                let is_chosen: Vec<bool> =
                    clients.iter().map(|_| rate >= 1.0 || random.unit() < rate).collect();
                let (mut chosen, mut others) = (Vec::new(), Vec::new());
                for (client, is_chosen) in clients.into_iter().zip(is_chosen) {
                    if is_chosen { chosen.push(client) } else { others.push(client) }
                }
                let missing = least.saturating_sub(chosen.len());
                random.choose(&mut others, missing);
                chosen.extend(others.into_iter().take(missing));
                chosen.sort();
                return chosen;
            }
            Sampling::Share(share) => (share * clients.len() as f64).round() as usize,
            Sampling::Count(count) => count,
        };
        let count = count.max(least).min(clients.len());
        random.choose(&mut clients, count);
        clients.truncate(count);
        clients.sort();
        clients
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clients(count: usize) -> Vec<ClientId> {
        (0..count).map(ClientId::numbered).collect()
    }

    #[test]
    fn a_share_of_ten_thousand_rounds_asks_each_client_as_often() {
        let clients = clients(10);
        for sampling in [Sampling::Share(0.3), Sampling::Count(3), Sampling::Poisson(0.3)] {
            let mut asked = [0; 10];
            for round in 0..10_000 {
                for client in sampling.sample(Random::seeded("clients", &[1, round]), &clients, 0) {
                    asked[clients.iter().position(|other| *other == client).unwrap()] += 1;
                }
            }
            assert!(asked.iter().all(|count| (2_800..3_200).contains(count)), "{asked:?}");
        }
    }

    #[test]
    fn ranges_are_checked() {
        for wrong in [
            Sampling::Count(0),
            Sampling::Share(0.0),
            Sampling::Share(1.1),
            Sampling::Share(f64::NAN),
            Sampling::Poisson(-0.1),
        ] {
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.starts_with("option sampling."), "{error}");
        }
    }

    proptest! {
        #[test]
        fn samples_depend_on_names_alone_and_have_their_size(
            count in 1usize..40, share in 0.01f64..1.0, least in 1usize..6, seed: u64, round: u64, turn: u64
        ) {
            let ordered = clients(count);
            let mut turned = ordered.clone();
            Random::seeded("turned", &[turn]).shuffle(&mut turned);
            for sampling in [Sampling::All, Sampling::Share(share), Sampling::Count(5), Sampling::Poisson(share)] {
                let random = || Random::seeded("clients", &[seed, round]);
                let sample = sampling.sample(random(), &ordered, least);
                prop_assert_eq!(&sample, &sampling.sample(random(), &turned, least));
                prop_assert!(sample.is_sorted_by(|a, b| a < b));
                prop_assert!(sample.iter().all(|client| ordered.contains(client)));
                let expected = match sampling {
                    Sampling::All => count,
                    Sampling::Share(share) => ((share * count as f64).round() as usize).max(least).min(count),
                    Sampling::Count(number) => number.max(least).min(count),
                    Sampling::Poisson(_) => sample.len().max(least.min(count)),
                };
                prop_assert_eq!(sample.len(), expected);
            }
        }
    }
}
