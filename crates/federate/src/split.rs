//! Which samples of a data set belong to which client, in simulations.

use serde::{Deserialize, Serialize};

use crate::FederateError;
use crate::random::Random;

/// The most clients and classes that a split may have.
const MAX: usize = 1_000_000;

/// The most numbers of a split by classes, clients times classes.
const MAX_CELLS: usize = 1 << 26;

/// How samples are cut into parts, one for each client. Each sample is in one part, and a part is a function of the classes of the
/// samples and the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Split {
    /// Shuffled, in parts of one size.
    #[default]
    Iid,
    /// Sorted by class and cut into so many shards for each client, which are dealt out at random; two shards give most clients two
    /// classes ([McMahan et al. 2017](https://arxiv.org/abs/1602.05629), section 3).
    Shards(usize),
    /// Parts of one size, in which the shares of the classes come from a Dirichlet distribution with concentration `alpha` times the
    /// shares that the classes have in the whole set ([Hsu et al. 2019](https://arxiv.org/abs/1909.06335)): with 100 all clients are
    /// alike, with 0.01 each has one class. Where other programs name a concentration for each of k classes, `alpha` is k times that.
    Dirichlet(f64),
}

impl Split {
    /// The samples of each client, by their numbers, in rising order. `classes` has the class of each sample.
    ///
    /// ```
    /// use fireclay_federate::Split;
    ///
    /// let classes = [0, 1, 0, 1, 0, 1, 0, 1];
    /// let parts = Split::Shards(1).split(&classes, 2, 7)?;
    /// assert!(parts.contains(&vec![0, 2, 4, 6]) && parts.contains(&vec![1, 3, 5, 7]));
    /// # Ok::<(), fireclay_federate::FederateError>(())
    /// ```
    ///
    /// # Errors
    /// [`FederateError::Option`] for no clients, less samples than clients or shards, no shards, and a concentration that is not
    /// above 0.
    pub fn split(
        self,
        classes: &[usize],
        clients: usize,
        seed: u64,
    ) -> Result<Vec<Vec<usize>>, FederateError> {
        let wrong =
            |option, expected: String, found: String| Err(FederateError::Option { option, expected, found });
        if clients == 0 || clients > MAX {
            return wrong("clients", format!("1 to {MAX}"), clients.to_string());
        }
        let shards = match self {
            Split::Shards(shards) => shards,
            _ => 1,
        };
        if shards == 0 {
            return wrong("split.shards", "1 or more for each client".into(), "0".into());
        }
        match clients.checked_mul(shards) {
            Some(least) if least <= classes.len() => {}
            least => {
                let least = least.map_or("more than there are".into(), |least| least.to_string());
                return wrong(
                    "split",
                    format!("{least} samples or more for {clients} clients"),
                    classes.len().to_string(),
                );
            }
        }
        let mut random = Random::seeded("split", &[seed]);
        let mut parts = match self {
            Split::Iid => iid(classes.len(), clients, &mut random),
            Split::Shards(shards) => by_shards(classes, clients, shards, &mut random),
            Split::Dirichlet(alpha) if alpha.is_finite() && alpha > 0.0 => {
                let count = classes.iter().max().map_or(0, |class| class.saturating_add(1));
                if count > MAX || count.saturating_mul(clients) > MAX_CELLS {
                    let most = MAX.min(MAX_CELLS / clients);
                    return wrong("classes", format!("{most} at most"), count.to_string());
                }
                by_classes(classes, count, clients, alpha, &mut random)
            }
            Split::Dirichlet(alpha) => {
                return wrong("split.dirichlet", "a finite number above 0".into(), alpha.to_string());
            }
        };
        parts.iter_mut().for_each(|part| part.sort_unstable());
        Ok(parts)
    }
}

/// Where part `part` of `parts` begins; sizes differ by one at most.
fn begin(count: usize, part: usize, parts: usize) -> usize {
    let (size, left) = (count / parts, count % parts);
    part * size + part.min(left)
}

fn iid(count: usize, clients: usize, random: &mut Random) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    random.shuffle(&mut order);
    let part = |client| order[begin(count, client, clients)..begin(count, client + 1, clients)].to_vec();
    (0..clients).map(part).collect()
}

fn by_shards(classes: &[usize], clients: usize, shards: usize, random: &mut Random) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    // Within a class at random, else samples that are alike for being neighbours in the file would stay together.
    random.shuffle(&mut order);
    order.sort_by_key(|sample| classes[*sample]);
    let count = clients * shards;
    let mut dealt: Vec<usize> = (0..count).collect();
    random.shuffle(&mut dealt);
    let shard =
        |number: &usize| &order[begin(order.len(), *number, count)..begin(order.len(), number + 1, count)];
    dealt.chunks(shards).map(|numbers| numbers.iter().flat_map(shard).copied().collect()).collect()
}

fn by_classes(
    classes: &[usize],
    class_count: usize,
    clients: usize,
    alpha: f64,
    random: &mut Random,
) -> Vec<Vec<usize>> {
    let mut left: Vec<Vec<usize>> = vec![Vec::new(); class_count];
    classes.iter().enumerate().for_each(|(sample, class)| left[*class].push(sample));
    left.iter_mut().for_each(|samples| random.shuffle(samples));
    let concentrations: Vec<f64> =
        left.iter().map(|samples| alpha * samples.len() as f64 / classes.len() as f64).collect();
    let wanted: Vec<Vec<f64>> = (0..clients).map(|_| random.dirichlet(&concentrations)).collect();
    let mut parts: Vec<Vec<usize>> = Vec::with_capacity(clients);
    for (client, mut shares) in wanted.into_iter().enumerate() {
        let size = begin(classes.len(), client + 1, clients) - begin(classes.len(), client, clients);
        let mut part = Vec::with_capacity(size);
        while part.len() < size {
            // Of a class that is used up no more comes; the others keep their shares among each other.
            for (share, samples) in shares.iter_mut().zip(&left) {
                *share = if samples.is_empty() { 0.0 } else { *share };
            }
            if shares.iter().sum::<f64>() <= 0.0 {
                shares = left.iter().map(|samples| samples.len() as f64).collect();
            }
            let class = drawn(&shares, random);
            part.extend(left[class].pop());
        }
        parts.push(part);
    }
    parts
}

/// A place, as likely as its share.
fn drawn(shares: &[f64], random: &mut Random) -> usize {
    let mut left = random.unit() * shares.iter().sum::<f64>();
    let found = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    // Rounding may leave a little behind the last.
    found.or_else(|| shares.iter().rposition(|share| *share > 0.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ten_classes(count: usize) -> Vec<usize> {
        (0..count).map(|sample| sample * 7 % 10).collect()
    }

    /// How many classes a client has on average.
    fn classes_per_client(split: Split, classes: &[usize], clients: usize) -> f64 {
        let parts = split.split(classes, clients, 3).unwrap();
        let distinct = |part: &Vec<usize>| {
            part.iter().map(|sample| classes[*sample]).collect::<std::collections::BTreeSet<_>>().len()
        };
        parts.iter().map(distinct).sum::<usize>() as f64 / clients as f64
    }

    #[test]
    fn splits_differ_in_how_many_classes_a_client_has() {
        let classes = ten_classes(10_000);
        let count = |split| classes_per_client(split, &classes, 50);
        assert_eq!(count(Split::Iid), 10.0);
        let shards = count(Split::Shards(2));
        assert!((1.5..=2.0).contains(&shards), "{shards}");
        let alike = count(Split::Dirichlet(100.0));
        assert!(alike > 9.5, "{alike}");
        let middle = count(Split::Dirichlet(1.0));
        assert!((2.0..6.0).contains(&middle), "{middle}");
        // Towards the end classes are used up.
        let one = count(Split::Dirichlet(0.001));
        assert!((1.0..2.5).contains(&one), "{one}");
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let message = |split: Split, samples, clients| {
            split.split(&ten_classes(samples), clients, 1).unwrap_err().to_string()
        };
        assert!(message(Split::Iid, 10, 0).contains("option clients: expected 1 to 1000000, found 0"));
        assert!(message(Split::Iid, 10, 11).contains("expected 11 samples or more for 11 clients, found 10"));
        assert!(message(Split::Shards(2), 10, 6).contains("expected 12 samples or more"));
        assert!(message(Split::Shards(usize::MAX), 10, 6).contains("more than there are samples"));
        assert!(message(Split::Shards(0), 10, 2).contains("found 0"));
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(message(Split::Dirichlet(alpha), 10, 2).contains("a finite number above 0"));
        }
        let error = Split::Dirichlet(1.0).split(&[0, usize::MAX], 2, 1).unwrap_err().to_string();
        assert!(error.contains("option classes: expected 1000000 at most"), "{error}");
    }

    proptest! {
        #[test]
        fn each_sample_is_in_one_part(
            classes in prop::collection::vec(0usize..12, 20..200), clients in 1usize..10, seed: u64, alpha in 0.001f64..50.0
        ) {
            for split in [Split::Iid, Split::Shards(2), Split::Dirichlet(alpha)] {
                let parts = split.split(&classes, clients, seed).unwrap();
                prop_assert_eq!(&parts, &split.split(&classes, clients, seed).unwrap());
                prop_assert_eq!(parts.len(), clients);
                prop_assert!(parts.iter().all(|part| part.is_sorted_by(|a, b| a < b) && !part.is_empty()));
                let mut all: Vec<usize> = parts.concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..classes.len()).collect::<Vec<_>>());
            }
        }
    }
}
