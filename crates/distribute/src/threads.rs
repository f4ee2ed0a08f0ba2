//! Ranks that are threads of one process: for tests, and for a simulation.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::{Group, GroupError, Traffic};

/// A rank that is a thread among others of one process.
pub struct Threads {
    rank: usize,
    shared: Arc<Shared>,
    traffic: Traffic,
}

struct Shared {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Calls that are complete.
    round: u64,
    /// What each rank gave to the call that runs.
    given: Vec<Option<(Call, Vec<u8>)>>,
    /// What all gave to the last one.
    result: Arc<Vec<Vec<u8>>>,
    /// Ranks that ended, and why.
    ended: Option<(usize, String)>,
    /// What a rank called that was not what rank 0 called.
    other: Option<(usize, Call, Call)>,
}

impl Threads {
    /// The ranks of a group, one for each thread.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn new(size: usize) -> Vec<Self> {
        assert!(size > 0, "a group has one rank or more");
        let state = State { given: (0..size).map(|_| None).collect(), ..State::default() };
        let shared = Arc::new(Shared { size, state: Mutex::new(state), changed: Condvar::new() });
        let rank = |rank| Threads { rank, shared: shared.clone(), traffic: Traffic::default() };
        (0..size).map(rank).collect()
    }

    /// Gives bytes to a call, and waits for those of all ranks.
    fn exchange(&mut self, call: Call, bytes: Vec<u8>) -> Result<Arc<Vec<Vec<u8>>>, GroupError> {
        let clock = Instant::now();
        let sent = bytes.len();
        let result = self.wait_for_all(call, bytes);
        self.traffic.calls += 1;
        self.traffic.time += clock.elapsed();
        if let Ok(all) = &result {
            self.traffic.sent_bytes += (sent * (self.shared.size - 1)) as u64;
            self.traffic.received_bytes += (all.iter().map(Vec::len).sum::<usize>() - sent) as u64;
        }
        result
    }

    fn wait_for_all(&self, call: Call, bytes: Vec<u8>) -> Result<Arc<Vec<Vec<u8>>>, GroupError> {
        let shared = &*self.shared;
        let mut state = shared.lock();
        let round = state.round;
        state.given[self.rank] = Some((call, bytes));
        if state.given.iter().all(Option::is_some) {
            let given: Vec<(Call, Vec<u8>)> = state.given.iter_mut().filter_map(Option::take).collect();
            let first = given[0].0;
            let other = given.iter().position(|(call, _)| *call != first);
            state.other = other.map(|rank| (rank, given[rank].0, first));
            state.result = Arc::new(given.into_iter().map(|(_, bytes)| bytes).collect());
            state.round += 1;
            shared.changed.notify_all();
        }
        while state.round == round && state.ended.is_none() {
            // A rank that panicked says so when it is dropped.
            state = match shared.changed.wait_timeout(state, Duration::from_secs(1)) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        if state.round == round
            && let Some((rank, why)) = &state.ended
        {
            return Err(GroupError::Ended { rank: *rank, size: shared.size, why: why.clone() });
        }
        match &state.other {
            None => Ok(state.result.clone()),
            Some((rank, found, first)) => {
                let (rank, found, expected) = match *rank == self.rank {
                    true => (0, first, found),
                    false => (*rank, found, first),
                };
                Err(GroupError::OtherCall {
                    rank,
                    size: shared.size,
                    found: found.in_words(),
                    own: self.rank,
                    expected: expected.in_words(),
                })
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Group for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.size
    }

    fn sum(&mut self, values: &mut [f32]) -> Result<(), GroupError> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = self.exchange(Call::Sum(values.len() as u64), bytes)?;
        for (rank, bytes) in all.iter().enumerate() {
            for (sum, value) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
                let value = f32::from_le_bytes(*value);
                *sum = if rank == 0 { value } else { *sum + value };
            }
        }
        Ok(())
    }

    fn sum_f64(&mut self, values: &mut [f64]) -> Result<(), GroupError> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = self.exchange(Call::SumF64(values.len() as u64), bytes)?;
        for (rank, bytes) in all.iter().enumerate() {
            for (sum, value) in values.iter_mut().zip(bytes.as_chunks::<8>().0) {
                let value = f64::from_le_bytes(*value);
                *sum = if rank == 0 { value } else { *sum + value };
            }
        }
        Ok(())
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GroupError> {
        let all = self.exchange(Call::Gather, bytes.to_vec())?;
        Ok(all.to_vec())
    }

    fn broadcast(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<(), GroupError> {
        assert!(from < self.size(), "there is no rank {from}");
        let own = if from == self.rank { bytes.clone() } else { Vec::new() };
        let all = self.exchange(Call::Broadcast(from as u64), own)?;
        bytes.clone_from(&all[from]);
        Ok(())
    }

    fn barrier(&mut self) -> Result<(), GroupError> {
        self.exchange(Call::Barrier, Vec::new()).map(|_| ())
    }

    fn leave(&mut self, why: &str) {
        let mut state = self.shared.lock();
        if state.ended.is_none() {
            state.ended = Some((self.rank, why.to_string()));
        }
        self.shared.changed.notify_all();
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn shares_process(&self) -> bool {
        true
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.leave("it is no longer part of the group");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs something on each rank of a group.
    fn on_ranks<T: Send + 'static>(
        size: usize,
        run: impl Fn(Threads) -> T + Clone + Send + 'static,
    ) -> Vec<T> {
        let ranks: Vec<_> = (Threads::new(size).into_iter())
            .map(|group| {
                let run = run.clone();
                std::thread::spawn(move || run(group))
            })
            .collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    }

    #[test]
    fn sums_are_added_in_the_order_of_the_ranks() {
        let given = [1e8f32, 1.0, -1e8, 1.0];
        let sums = on_ranks(4, move |mut group| {
            let mut values = [given[group.rank()]];
            group.sum(&mut values).unwrap();
            values[0].to_bits()
        });
        assert_eq!(sums, [(((1e8f32 + 1.0) + -1e8) + 1.0).to_bits(); 4]);
    }

    #[test]
    fn a_rank_that_ends_or_calls_something_else_is_named() {
        let found = on_ranks(3, |mut group| match group.rank() {
            1 => {
                group.leave("the loss became NaN");
                String::new()
            }
            _ => group.barrier().unwrap_err().to_string(),
        });
        assert_eq!(found[0], "rank 1 of 3 ended: the loss became NaN");
        assert_eq!(found[2], found[0]);

        let found = on_ranks(2, |mut group| {
            let mut values = vec![0.0; 1 + group.rank()];
            group.sum(&mut values).unwrap_err().to_string()
        });
        assert!(
            found[0].starts_with("rank 1 of 2 sums 2 numbers, and this one, rank 0, sums 1 numbers"),
            "{}",
            found[0]
        );
        assert!(
            found[1].starts_with("rank 0 of 2 sums 1 numbers, and this one, rank 1, sums 2 numbers"),
            "{}",
            found[1]
        );
    }

    #[test]
    fn all_have_what_each_had() {
        let found = on_ranks(3, |mut group| {
            let own = vec![group.rank() as u8; group.rank()];
            let all = group.gather(&own).unwrap();
            let mut of_last = own;
            group.broadcast(2, &mut of_last).unwrap();
            (all, of_last)
        });
        assert_eq!(found, vec![(vec![vec![], vec![1], vec![2, 2]], vec![2, 2]); 3]);
    }
}
