//! The batches of one step after another.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use fireclay_data::{Batch, DataError, Loader, Pass};

use super::Plan;
use crate::ranks::Ranks;

/// Gives the batches of one step of an epoch after another.
pub(super) struct StepBatches {
    batches: Loader,
    /// How many batches each step has.
    counts: Counts,
}

enum Counts {
    /// As many as that, and the last step what is left.
    Each(usize),
    /// Of each step that is to come; none where no sample was drawn.
    Listed(VecDeque<usize>),
}

impl StepBatches {
    /// All samples in the order of a pass, `accumulate` batches a step, without the first `done` steps.
    pub(super) fn of_passes(plan: &Plan, pass: Pass, accumulate: usize, done: usize) -> Self {
        let batches = Loader::for_training(plan.train.clone(), pass, plan.batch_size, done * accumulate);
        StepBatches { batches, counts: Counts::Each(accumulate) }
    }

    /// One rank's parts of all samples in the order of a pass. Of a batch of fewer samples than ranks a rank may have none.
    pub(super) fn of_rank(plan: &Plan, ranks: &Ranks, pass: Pass, accumulate: usize, done: usize) -> Self {
        let source = ranks.part_of_batches(plan.train.clone());
        let batch_size = plan.batch_size.get();
        let order = plan.train.order(pass, batch_size);
        let done = done.saturating_mul(accumulate).saturating_mul(batch_size).min(order.len());
        let batches: Vec<Vec<u32>> = order[done..].chunks(batch_size).map(<[u32]>::to_vec).collect();
        let has_part = |batch: &Vec<u32>| !source.of(batch.len()).is_empty();
        let counts =
            batches.chunks(accumulate).map(|step| step.iter().filter(|batch| has_part(batch)).count());
        let counts = Counts::Listed(counts.collect());
        let batches = batches.into_iter().filter(has_part).collect();
        StepBatches { batches: Loader::of_batches(Arc::new(source), pass, batches), counts }
    }

    /// The samples of each step of a pass, in batches of no more than `at_once`, without the first `done` steps.
    pub(super) fn of_samples(
        plan: &Plan,
        pass: Pass,
        steps: Vec<Vec<u32>>,
        at_once: usize,
        done: usize,
    ) -> Self {
        let at_once = NonZeroUsize::new(at_once).unwrap_or(NonZeroUsize::MIN);
        let steps = steps.into_iter().skip(done);
        let batches: Vec<Vec<Vec<u32>>> =
            steps.map(|samples| samples.chunks(at_once.get()).map(<[u32]>::to_vec).collect()).collect();
        let counts = batches.iter().map(Vec::len).collect();
        let batches = batches.into_iter().flatten().collect();
        StepBatches {
            batches: Loader::of_batches(plan.train.clone(), pass, batches),
            counts: Counts::Listed(counts),
        }
    }
}

impl Iterator for StepBatches {
    type Item = Result<Vec<Batch>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = match &mut self.counts {
            Counts::Each(count) => *count,
            Counts::Listed(counts) => counts.pop_front()?,
        };
        let batches: Result<Vec<Batch>, _> = self.batches.by_ref().take(count).collect();
        match (&self.counts, &batches) {
            (Counts::Each(_), Ok(batches)) if batches.is_empty() => None,
            _ => Some(batches),
        }
    }
}
