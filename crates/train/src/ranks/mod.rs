//! A training on several ranks: processes, each of which has a part of every batch.
//!
//! All ranks do the same steps. In each of them a rank computes the gradients of its part; they are averaged as if the batch had
//! been one (`mean.rs`), with what the parts measured (`report.rs`), and each rank takes the same step. So all have the same
//! weights, bit for bit, and what rank 0 decides at the end of an epoch holds for all. What the ranks were given is compared
//! before the first step (`compare.rs`).

mod batch_part;
mod compare;
mod mean;
mod measured;
mod rank_sums;
mod report;
mod requests;
mod tensors;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fireclay_data::Source;
use fireclay_distribute::{Group, Traffic};

use crate::error::TrainError;

pub(crate) use batch_part::BatchPart;
pub(crate) use compare::Description;
use mean::Exchanged;
pub(crate) use measured::MeasuredBatch;
pub(crate) use rank_sums::RankSums;
pub(crate) use report::{PartReport, StepReport};

/// The ranks of a training, of which there are two or more.
pub(crate) struct Ranks {
    group: Mutex<Box<dyn Group>>,
    rank: usize,
    size: usize,
    /// Whether other ranks are threads of this process.
    shares_process: bool,
    steps: Mutex<StepTraffic>,
    exchanged: Mutex<Exchanged>,
}

/// What the steps of a training exchanged with other ranks so far, as one of them saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepTraffic {
    /// How many ranks there are.
    pub ranks: usize,
    /// Steps that were done.
    pub steps: u64,
    /// Their time, exchange and all.
    pub time: Duration,
    /// What they exchanged; most of its time may be waiting for ranks that came later.
    pub traffic: Traffic,
}

impl Ranks {
    /// The ranks of a group; none if it has one rank, which trains as it would without.
    pub(crate) fn new(group: Box<dyn Group>) -> Option<Self> {
        let (rank, size, shares_process) = (group.rank(), group.size(), group.shares_process());
        let steps = Mutex::new(StepTraffic { ranks: size, ..StepTraffic::default() });
        let exchanged = Mutex::default();
        (size > 1).then(|| Ranks { group: Mutex::new(group), rank, size, shares_process, steps, exchanged })
    }

    fn shares_process(&self) -> bool {
        self.shares_process
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Which part of so many things, in their order, is this rank's.
    pub(crate) fn part(&self, of: usize) -> Range<usize> {
        part(of, self.rank, self.size)
    }

    /// Where this rank's part of a batch of so many samples lies in it.
    pub(crate) fn place_in_batch(&self, whole: usize) -> fireclay_backend::BatchPart {
        let part = self.part(whole);
        fireclay_backend::BatchPart { before: part.start, samples: part.len(), whole }
    }

    /// This rank's part of every batch of a source.
    pub(crate) fn part_of_batches(&self, source: Arc<dyn Source>) -> BatchPart {
        BatchPart::new(source, self.rank, self.size)
    }

    /// A number of all ranks together.
    pub(crate) fn total(&self, own: f64) -> Result<f64, TrainError> {
        let mut total = [own];
        self.group().sum_f64(&mut total)?;
        Ok(total[0])
    }

    /// Refuses batches of which a rank would have no part, where all are needed for each.
    pub(crate) fn check_parts(&self, samples: usize, batch_size: usize) -> Result<(), TrainError> {
        let smallest = match samples % batch_size {
            0 => batch_size.min(samples),
            left => left,
        };
        match smallest >= self.size {
            true => Ok(()),
            false => Err(TrainError::NotOnRanks {
                reason: "a batch, maybe the last of an epoch, has fewer samples than there are ranks, and synchronised batch norm needs one on \
                         each; choose another batch size",
            }),
        }
    }

    /// Lets the others know that this rank ends, and why.
    pub(crate) fn leave(&self, error: &TrainError) {
        // Of what another rank did, or did not do, that one has told.
        if !matches!(error, TrainError::Group(_) | TrainError::UnlikeRanks { .. }) {
            self.group().leave(&error.to_string());
        }
    }

    /// What steps exchanged so far.
    pub(crate) fn step_traffic(&self) -> StepTraffic {
        *self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count what a step exchanges.
    pub(crate) fn step_begins(&self) -> (Instant, Traffic) {
        (Instant::now(), self.group().traffic())
    }

    /// Adds a step to what was exchanged.
    pub(crate) fn step_ended(&self, (began, before): (Instant, Traffic)) {
        let of_step = self.group().traffic() - before;
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.steps += 1;
        steps.time += began.elapsed();
        steps.traffic += of_step;
    }

    fn group(&self) -> MutexGuard<'_, Box<dyn Group>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of one rank: as many as the others have, or one more.
fn part(of: usize, rank: usize, size: usize) -> Range<usize> {
    of * rank / size..of * (rank + 1) / size
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_are_everything_once_and_alike() {
        for size in 1..7 {
            for of in 0..40 {
                let parts: Vec<_> = (0..size).map(|rank| part(of, rank, size)).collect();
                assert_eq!(parts.iter().cloned().flatten().collect::<Vec<_>>(), (0..of).collect::<Vec<_>>());
                assert!(parts.iter().all(|part| part.len() == of / size || part.len() == of.div_ceil(size)));
            }
        }
    }
}
