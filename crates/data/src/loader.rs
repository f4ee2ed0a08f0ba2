//! Batches assembled ahead of the step that needs them.
//!
//! One worker thread gathers and normalises while the training thread computes. The channel between them is bounded,
//! so a slow consumer costs a few batches of memory and no more, and spent batches go back to be filled again.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::source::{Batch, Source};

/// How many batches wait, at most, for the consumer.
const PREFETCH: usize = 4;

/// An iterator over the batches of one epoch, assembled ahead on one worker thread.
///
/// The batches come in the order given, whatever the timing; the last one holds what is left over. Dropping a loader
/// early ends its thread.
///
/// # Panics
/// A panic in the worker, such as an index beyond the source, is raised again by [`Iterator::next`].
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use fireclay_data::{DrawnDigits, Loader};
///
/// let (train, _) = DrawnDigits::new(0).train_and_test(5, 0);
/// let loader = Loader::new(Arc::new(train), vec![4, 3, 2, 1, 0], NonZeroUsize::new(2).unwrap(), 1);
/// let indices: Vec<Vec<u32>> = loader.map(|batch| batch.indices).collect();
/// assert_eq!(indices, [vec![2, 1], vec![0]]); // the first step was skipped
/// ```
#[derive(Debug)]
pub struct Loader {
    /// `None` once the epoch is over, or while this is dropped.
    ready: Option<Receiver<Batch>>,
    spent: Sender<Batch>,
    worker: Option<JoinHandle<()>>,
    steps_left: usize,
}

impl Loader {
    /// Batches of `batch_size` samples of `source`, in `order`, without the first `first_step` batches.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn new(
        source: Arc<dyn Source>,
        order: Vec<u32>,
        batch_size: NonZeroUsize,
        first_step: usize,
    ) -> Self {
        let steps_left = (order.len().div_ceil(batch_size.get())).saturating_sub(first_step);
        let (ready_sender, ready) = sync_channel(PREFETCH);
        let (spent, spent_receiver) = channel();
        let worker = std::thread::spawn(move || {
            let batches = order.chunks(batch_size.get()).skip(first_step);
            assemble(&*source, batches, &ready_sender, &spent_receiver);
        });
        Self { ready: Some(ready), spent, worker: Some(worker), steps_left }
    }

    /// Gives a batch back, so that its memory is used again.
    pub fn recycle(&self, batch: Batch) {
        // The worker may have finished already; then the batch is simply dropped.
        let _ = self.spent.send(batch);
    }
}

impl Iterator for Loader {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if let Ok(batch) = self.ready.as_ref()?.recv() {
            self.steps_left = self.steps_left.saturating_sub(1);
            return Some(batch);
        }
        self.ready = None;
        self.steps_left = 0;
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.steps_left, Some(self.steps_left))
    }
}

impl ExactSizeIterator for Loader {}

impl Drop for Loader {
    fn drop(&mut self) {
        // Without a receiver the worker's next send fails, and it returns.
        self.ready = None;
        if let Some(worker) = self.worker.take() {
            // A panic nobody asked about stays unreported: raising it here could abort the process.
            let _ = worker.join();
        }
    }
}

fn assemble<'a>(
    source: &dyn Source,
    batches: impl Iterator<Item = &'a [u32]>,
    ready: &SyncSender<Batch>,
    spent: &Receiver<Batch>,
) {
    for indices in batches {
        let mut batch = spent.try_recv().unwrap_or_default();
        source.gather(indices, &mut batch);
        if ready.send(batch).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::source::{BatchTargets, TargetKind};

    /// Gathers indices, counts the batches and how many of them came with memory to reuse.
    #[derive(Default)]
    struct Probe {
        gathered: AtomicUsize,
        reused: AtomicUsize,
        panic_at: Option<u32>,
    }

    impl Source for Probe {
        fn len(&self) -> usize {
            1000
        }

        fn sample_shape(&self) -> &[usize] {
            &[1]
        }

        fn target_kind(&self) -> TargetKind {
            TargetKind::Classes { count: 1 }
        }

        fn gather(&self, indices: &[u32], batch: &mut Batch) {
            self.gathered.fetch_add(1, Ordering::SeqCst);
            if batch.indices.capacity() > 0 {
                self.reused.fetch_add(1, Ordering::SeqCst);
            }
            assert!(self.panic_at.is_none_or(|at| !indices.contains(&at)), "planted");
            batch.indices.clear();
            batch.indices.extend_from_slice(indices);
            batch.targets = BatchTargets::Classes(indices.to_vec());
        }
    }

    fn loader(probe: &Arc<Probe>, len: u32, batch_size: usize, first_step: usize) -> Loader {
        let batch_size = NonZeroUsize::new(batch_size).unwrap();
        Loader::new(Arc::clone(probe) as Arc<dyn Source>, (0..len).collect(), batch_size, first_step)
    }

    fn wait_until(what: impl Fn() -> bool) {
        let start = Instant::now();
        while !what() {
            assert!(start.elapsed() < Duration::from_secs(10), "waited too long");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn order_and_sizes() {
        let mut loader = loader(&Arc::default(), 10, 4, 0);
        assert_eq!(loader.len(), 3);
        assert_eq!(loader.next().unwrap().indices, [0, 1, 2, 3]);
        assert_eq!(loader.len(), 2);
        assert_eq!(loader.next().unwrap().indices, [4, 5, 6, 7]);
        assert_eq!(loader.next().unwrap().indices, [8, 9]);
        assert!(loader.next().is_none() && loader.next().is_none());
    }

    #[test]
    fn resuming_skips_whole_batches() {
        let first: Vec<_> = (loader(&Arc::default(), 10, 4, 2)).map(|b| b.indices).collect();
        assert_eq!(first, [[8, 9]]);
        assert_eq!(loader(&Arc::default(), 10, 4, 3).count(), 0);
        assert_eq!(loader(&Arc::default(), 10, 4, usize::MAX).len(), 0);
        assert_eq!(loader(&Arc::default(), 0, 4, 0).count(), 0);
    }

    #[test]
    fn prefetch_is_bounded() {
        let probe = Arc::new(Probe::default());
        let loader = loader(&probe, 1000, 1, 0);
        // Four wait in the channel, one is in the worker's hands.
        wait_until(|| probe.gathered.load(Ordering::SeqCst) == PREFETCH + 1);
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(probe.gathered.load(Ordering::SeqCst), PREFETCH + 1);
        drop(loader);
        assert_eq!(probe.gathered.load(Ordering::SeqCst), PREFETCH + 1);
        assert_eq!(Arc::strong_count(&probe), 1, "the thread is gone");
    }

    #[test]
    fn spent_batches_are_filled_again() {
        let probe = Arc::new(Probe::default());
        let mut loader = loader(&probe, 100, 1, 0);
        while let Some(batch) = loader.next() {
            loader.recycle(batch);
        }
        let fresh = 100 - probe.reused.load(Ordering::SeqCst);
        assert!(fresh <= PREFETCH + 3, "{fresh} fresh batches");
    }

    #[test]
    fn a_panic_in_the_worker_reaches_the_consumer() {
        let probe = Arc::new(Probe { panic_at: Some(2), ..Probe::default() });
        let mut loader = loader(&probe, 5, 1, 0);
        assert_eq!(loader.next().unwrap().indices, [0]);
        assert_eq!(loader.next().unwrap().indices, [1]);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loader.next()));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"planted"));
        assert!(loader.next().is_none());
    }
}
