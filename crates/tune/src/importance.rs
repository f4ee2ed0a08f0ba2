//! Which parameters matter: how much of what the scores differ by each of them explains by itself.
//!
//! Only the first rung is looked at, where all trials were given the same. The ranks of the scores stand for the scores, so
//! that one diverged training does not decide everything. A parameter's values are put into a few bins, and the share of the
//! ranks' variance that lies between the bins is measured by omega squared, which, unlike the plain share, is near 0 where
//! there is nothing but chance (Hays 1963). What parameters do only together is not seen.

use std::collections::BTreeMap;

use crate::{Domain, Parameter, Search, Setting, Settings};

/// With fewer trials nothing can be said.
const FEWEST_TRIALS: usize = 8;

/// The most bins of a number's values.
const MOST_BINS: usize = 4;

/// The fewest trials of a bin.
const FEWEST_IN_BIN: usize = 3;

/// The share of the variance of the scores that each parameter explains by itself, 0 to 1, the largest first; of equal ones in
/// the order of the space. Trials that failed are left out.
///
/// Empty if fewer than 8 trials have a score at the first rung.
pub fn importance(search: &Search) -> Vec<(String, f64)> {
    let results = search.results();
    let first_rung = results.iter().filter(|result| result.trial.rung == 0);
    let (settings, scores): (Vec<&Settings>, Vec<f64>) =
        first_rung.filter_map(|result| Some((&result.trial.settings, result.outcome.score?))).unzip();
    if scores.len() < FEWEST_TRIALS {
        return Vec::new();
    }
    let ranks = ranks(&scores);
    let share = |parameter: &Parameter| {
        let values: Vec<Option<&Setting>> =
            settings.iter().map(|settings| settings.get(&parameter.name)).collect();
        (parameter.name.clone(), omega_squared(&ranks, &groups(&parameter.domain, &values)))
    };
    let mut shares: Vec<(String, f64)> = search.space().parameters().iter().map(share).collect();
    shares.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    shares
}

/// The rank of each number, counted from 0; equal ones get the mean of their ranks.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    for equal in order.chunk_by(|a, b| numbers[*a] == numbers[*b]) {
        for index in equal {
            ranks[*index] = start as f64 + (equal.len() - 1) as f64 / 2.0;
        }
        start += equal.len();
    }
    ranks
}

/// The group that each value belongs to: a choice's own, or a bin of about as many trials as the others. Equal values are never
/// put into different bins.
fn groups(domain: &Domain, values: &[Option<&Setting>]) -> Vec<usize> {
    let units: Vec<f64> = values
        .iter()
        .map(|value| value.and_then(|value| domain.to_unit(value)).unwrap_or_default())
        .collect();
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for unit in &units {
        // Units are 0 or above, and such floats are in the order of their bits.
        *counts.entry(unit.to_bits()).or_default() += 1;
    }
    let bins = (values.len() / FEWEST_IN_BIN).min(MOST_BINS);
    let few = counts.len() <= bins || matches!(domain, Domain::Choice { .. });
    let mut group_of: BTreeMap<u64, usize> = BTreeMap::new();
    let mut before = 0;
    for (index, (unit, count)) in counts.into_iter().enumerate() {
        let middle = before as f64 + count as f64 / 2.0;
        let bin = (middle / values.len() as f64 * bins as f64) as usize;
        group_of.insert(unit, if few { index } else { bin });
        before += count;
    }
    units.iter().map(|unit| group_of[&unit.to_bits()]).collect()
}

/// The share of the variance that lies between groups, without what chance alone would give.
fn omega_squared(numbers: &[f64], groups: &[usize]) -> f64 {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let total: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (number, group) in numbers.iter().zip(groups) {
        let (members, sum) = sums.entry(*group).or_default();
        *members += 1.0;
        *sum += number;
    }
    let between: f64 = sums.values().map(|(members, sum)| members * (sum / members - mean).powi(2)).sum();
    let (degrees, left) = (sums.len() as f64 - 1.0, count - sums.len() as f64);
    if degrees < 1.0 || left < 1.0 || total <= 0.0 {
        return 0.0;
    }
    let error = (total - between).max(0.0) / left;
    ((between - degrees * error) / (total + error)).clamp(0.0, 1.0)
}
