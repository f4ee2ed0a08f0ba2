//! Which samples are shown: as many of each group, picked by a seed.

use fireclay_data::Random;

/// Marks the random streams that pick what is shown.
const CHOOSE: u64 = 0x6c6f_6f6b_0000_0001;

/// Picks at most `per_group` samples of every group, each sample as likely; the indices of a group are in ascending
/// order.
///
/// - `groups`: the group of each sample, below `counts.len()`
/// - `counts`: how many samples each group has
pub(super) fn choose(
    groups: impl Iterator<Item = usize>,
    counts: &[usize],
    per_group: usize,
    seed: u64,
) -> Vec<Vec<usize>> {
    let ranks: Vec<Vec<usize>> = (counts.iter().enumerate())
        .map(|(group, count)| ranks(*count, per_group, &mut Random::new(CHOOSE, seed, group as u64)))
        .collect();
    let mut seen = vec![0; counts.len()];
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new(); counts.len()];
    for (index, group) in groups.enumerate() {
        if ranks[group].get(chosen[group].len()) == Some(&seen[group]) {
            chosen[group].push(index);
        }
        seen[group] += 1;
    }
    chosen
}

/// `wanted` different numbers below `count`, ascending: Floyd's method, which needs no list of all of them.
fn ranks(count: usize, wanted: usize, random: &mut Random) -> Vec<usize> {
    let mut ranks = Vec::new();
    for last in count.saturating_sub(wanted)..count {
        let drawn = random.below(u32::try_from(last + 1).unwrap_or(u32::MAX)) as usize;
        let rank = if ranks.contains(&drawn) { last } else { drawn };
        ranks.push(rank);
    }
    ranks.sort_unstable();
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_gives_as_many_as_it_has() {
        let groups = [0, 2, 2, 0, 2, 2, 0, 2];
        let chosen = choose(groups.into_iter(), &[3, 0, 5], 3, 7);
        assert_eq!(chosen[0], [0, 3, 6]);
        assert!(chosen[1].is_empty());
        assert_eq!(chosen[2].len(), 3);
        assert!(chosen[2].iter().all(|index| groups[*index] == 2) && chosen[2].is_sorted());
        assert_eq!(chosen, choose(groups.into_iter(), &[3, 0, 5], 3, 7));
    }

    #[test]
    fn every_sample_is_as_likely() {
        let mut counts = [0; 6];
        for seed in 0..6000 {
            for index in &choose([0; 6].into_iter(), &[6], 2, seed)[0] {
                counts[*index] += 1;
            }
        }
        assert!(counts.iter().all(|count| (1_850..2_150).contains(count)), "{counts:?}");
    }
}
