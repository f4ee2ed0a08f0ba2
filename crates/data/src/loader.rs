//! Batches assembled ahead of the step that needs them.
//!
//! Worker threads gather, augment and normalise while the training computes. Worker `w` of `n` assembles the batches
//! `w`, `w + n` and so on, and the consumer asks the workers in turn; so the batches come in order whatever the
//! timing. The channels between them are bounded, so a slow consumer costs a few batches of memory and no more, and
//! spent batches go back to be filled again.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::DataError;
use crate::source::{Batch, Pass, Source};

/// How many batches wait, at most, for the consumer, besides the one in each worker's hands.
const PREFETCH: usize = 4;

/// More workers than this have nothing to do.
const MOST_WORKERS: usize = 8;

/// An iterator over the batches of one epoch, assembled ahead on worker threads.
///
/// The batches come in the order given, whatever the timing; the last one holds what is left over. Dropping a loader
/// early ends its threads.
///
/// # Panics
/// A panic in the worker, such as an index beyond the source, is raised again by [`Iterator::next`].
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use fireclay_data::{Dataset, Loader, Provenance, Targets};
///
/// let targets = Targets::Values { width: 1, values: vec![0.0; 5] };
/// let train = Dataset::from_f32(&[1], vec![0.5; 5], targets, Provenance::default())?;
/// let loader = Loader::new(Arc::new(train), vec![4, 3, 2, 1, 0], NonZeroUsize::new(2).unwrap(), 1);
/// let batches: Vec<_> = loader.collect::<Result<_, _>>()?;
/// assert_eq!(batches[0].indices, [2, 1]); // the first step was skipped
/// assert_eq!(batches[1].indices, [0]);
/// # Ok::<(), fireclay_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Loader {
    workers: Vec<Worker>,
    /// The next batch, counted from the first that this loader gives; it names the worker that has it.
    next: usize,
    steps_left: usize,
}

#[derive(Debug)]
struct Worker {
    /// `None` once the worker has no more batches, or while it is stopped.
    ready: Option<Receiver<Result<Batch, DataError>>>,
    spent: Sender<Batch>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Batches of `batch_size` samples of `source`, in `order`, without the first `first_step` batches, as they are
    /// stored: not augmented.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn new(
        source: Arc<dyn Source>,
        order: Vec<u32>,
        batch_size: NonZeroUsize,
        first_step: usize,
    ) -> Self {
        Self::start(source, order, batch_size, first_step, None, default_workers())
    }

    /// The batches of one pass of a training, in the source's order and augmented by it, without the first
    /// `first_step` batches.
    ///
    /// They are a function of source, `pass` and `batch_size` alone: a training that goes on in the middle of an epoch
    /// sees the batches that it would have seen.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn for_training(
        source: Arc<dyn Source>,
        pass: Pass,
        batch_size: NonZeroUsize,
        first_step: usize,
    ) -> Self {
        let order = source.order(pass, batch_size.get());
        Self::start(source, order, batch_size, first_step, Some(pass), default_workers())
    }

    /// Batches of the samples that are named, each of its own size, augmented as in this pass of a training.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use fireclay_data::{Dataset, Loader, Pass, Provenance, Targets};
    ///
    /// let targets = Targets::Values { width: 1, values: vec![0.0; 5] };
    /// let train = Dataset::from_f32(&[1], vec![0.5; 5], targets, Provenance::default())?;
    /// let pass = Pass { seed: 0, epoch: 1 };
    /// let loader = Loader::of_batches(Arc::new(train), pass, vec![vec![4], vec![1, 3]]);
    /// let batches: Vec<_> = loader.map(|batch| batch.unwrap().indices).collect();
    /// assert_eq!(batches, [vec![4], vec![1, 3]]);
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    pub fn of_batches(source: Arc<dyn Source>, pass: Pass, batches: Vec<Vec<u32>>) -> Self {
        let ends = batches.iter().scan(0, |end, batch| {
            *end += batch.len();
            Some(*end)
        });
        let ends = ends.collect();
        Self::start_at(source, batches.concat(), ends, Some(pass), default_workers())
    }

    fn start(
        source: Arc<dyn Source>,
        mut order: Vec<u32>,
        batch_size: NonZeroUsize,
        first_step: usize,
        pass: Option<Pass>,
        workers: usize,
    ) -> Self {
        let first = first_step.saturating_mul(batch_size.get()).min(order.len());
        order.drain(..first);
        let ends =
            (0..order.len()).step_by(batch_size.get()).map(|at| (at + batch_size.get()).min(order.len()));
        let ends = ends.collect();
        Self::start_at(source, order, ends, pass, workers)
    }

    /// Batches that end where `ends` says, each of which begins where the one before ends.
    fn start_at(
        source: Arc<dyn Source>,
        order: Vec<u32>,
        ends: Vec<usize>,
        pass: Option<Pass>,
        workers: usize,
    ) -> Self {
        let steps_left = ends.len();
        let workers = workers.clamp(1, steps_left.max(1));
        let (order, ends): (Arc<[u32]>, Arc<[usize]>) = (order.into(), ends.into());
        let workers = (0..workers).map(|worker| {
            let (ready_sender, ready) = sync_channel(PREFETCH.div_ceil(workers));
            let (spent, spent_receiver) = channel();
            let (source, order, ends) = (source.clone(), order.clone(), ends.clone());
            let thread = std::thread::spawn(move || {
                let starts = std::iter::once(&0).chain(ends.iter());
                let batches = starts.zip(&*ends).map(|(start, end)| &order[*start..*end]);
                let batches = batches.skip(worker).step_by(workers);
                assemble(&*source, batches, pass, &ready_sender, &spent_receiver);
            });
            Worker { ready: Some(ready), spent, thread: Some(thread) }
        });
        Self { workers: workers.collect(), next: 0, steps_left }
    }

    /// Gives a batch back, so that its memory is used again.
    pub fn recycle(&self, batch: Batch) {
        // To the worker whose turn is next but for those that wait. It may have finished already; then the batch is
        // simply dropped.
        let worker = &self.workers[self.next % self.workers.len()];
        let _ = worker.spent.send(batch);
    }
}

/// A quarter of the machine's cores: the others train.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(4).min(MOST_WORKERS)
}

impl Iterator for Loader {
    type Item = Result<Batch, DataError>;

    /// The next batch, or what the source reported; after an error there are no more.
    fn next(&mut self) -> Option<Self::Item> {
        let count = self.workers.len();
        let worker = &mut self.workers[self.next % count];
        if let Ok(batch) = worker.ready.as_ref()?.recv() {
            self.next += 1;
            self.steps_left = match &batch {
                Ok(_) => self.steps_left.saturating_sub(1),
                Err(_) => 0,
            };
            if batch.is_err() {
                self.workers.iter_mut().for_each(|worker| worker.ready = None);
            }
            return Some(batch);
        }
        worker.ready = None;
        self.steps_left = 0;
        if let Some(Err(panic)) = worker.thread.take().map(JoinHandle::join) {
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
        // Without a receiver a worker's next send fails, and it returns.
        self.workers.iter_mut().for_each(|worker| worker.ready = None);
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A panic nobody asked about stays unreported: raising it here could abort the process.
                let _ = thread.join();
            }
        }
    }
}

fn assemble<'a>(
    source: &dyn Source,
    batches: impl Iterator<Item = &'a [u32]>,
    pass: Option<Pass>,
    ready: &SyncSender<Result<Batch, DataError>>,
    spent: &Receiver<Batch>,
) {
    for indices in batches {
        let mut batch = spent.try_recv().unwrap_or_default();
        let gathered = match pass {
            Some(pass) => source.gather_augmented(indices, pass, &mut batch),
            None => source.gather(indices, &mut batch),
        };
        let failed = gathered.is_err();
        if ready.send(gathered.map(|()| batch)).is_err() || failed {
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
        error_at: Option<u32>,
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

        fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
            self.gathered.fetch_add(1, Ordering::SeqCst);
            if batch.indices.capacity() > 0 {
                self.reused.fetch_add(1, Ordering::SeqCst);
            }
            assert!(self.panic_at.is_none_or(|at| !indices.contains(&at)), "planted");
            batch.indices.clear();
            batch.indices.extend_from_slice(indices);
            batch.targets = BatchTargets::Classes(indices.to_vec());
            match self.error_at.is_some_and(|at| indices.contains(&at)) {
                true => Err(DataError::Source("the disk is gone".into())),
                false => Ok(()),
            }
        }
    }

    fn loader(probe: &Arc<Probe>, len: u32, batch_size: usize, first_step: usize) -> Loader {
        loader_with(probe, len, batch_size, first_step, 1)
    }

    fn loader_with(
        probe: &Arc<Probe>,
        len: u32,
        batch_size: usize,
        first_step: usize,
        workers: usize,
    ) -> Loader {
        let batch_size = NonZeroUsize::new(batch_size).unwrap();
        let source = Arc::clone(probe) as Arc<dyn Source>;
        Loader::start(source, (0..len).collect(), batch_size, first_step, None, workers)
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
        assert_eq!(loader.next().unwrap().unwrap().indices, [0, 1, 2, 3]);
        assert_eq!(loader.len(), 2);
        assert_eq!(loader.next().unwrap().unwrap().indices, [4, 5, 6, 7]);
        assert_eq!(loader.next().unwrap().unwrap().indices, [8, 9]);
        assert!(loader.next().is_none() && loader.next().is_none());
    }

    #[test]
    fn resuming_skips_whole_batches() {
        let first: Vec<_> = (loader(&Arc::default(), 10, 4, 2)).map(|b| b.unwrap().indices).collect();
        assert_eq!(first, [[8, 9]]);
        assert_eq!(loader(&Arc::default(), 10, 4, 3).count(), 0);
        assert_eq!(loader(&Arc::default(), 10, 4, usize::MAX).len(), 0);
        assert_eq!(loader(&Arc::default(), 0, 4, 0).count(), 0);
    }

    #[test]
    fn any_number_of_workers_gives_the_same_batches() {
        let expected: Vec<_> =
            loader_with(&Arc::default(), 103, 4, 3, 1).map(|b| b.unwrap().indices).collect();
        for workers in 2..9 {
            let found: Vec<_> =
                loader_with(&Arc::default(), 103, 4, 3, workers).map(|b| b.unwrap().indices).collect();
            assert_eq!(found, expected, "{workers} workers");
        }
        assert_eq!(loader_with(&Arc::default(), 0, 4, 0, 8).count(), 0);
    }

    #[test]
    fn many_workers_hold_few_batches() {
        let probe = Arc::new(Probe::default());
        let loader = loader_with(&probe, 1000, 1, 0, 4);
        wait_until(|| probe.gathered.load(Ordering::SeqCst) == PREFETCH + 4);
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(probe.gathered.load(Ordering::SeqCst), PREFETCH + 4);
        drop(loader);
        assert_eq!(Arc::strong_count(&probe), 1, "the threads are gone");
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
        while let Some(Ok(batch)) = loader.next() {
            loader.recycle(batch);
        }
        let fresh = 100 - probe.reused.load(Ordering::SeqCst);
        assert!(fresh <= PREFETCH + 3, "{fresh} fresh batches");
    }

    #[test]
    fn a_panic_in_the_worker_reaches_the_consumer() {
        let probe = Arc::new(Probe { panic_at: Some(2), ..Probe::default() });
        let mut loader = loader(&probe, 5, 1, 0);
        assert_eq!(loader.next().unwrap().unwrap().indices, [0]);
        assert_eq!(loader.next().unwrap().unwrap().indices, [1]);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loader.next()));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"planted"));
        assert!(loader.next().is_none());
    }

    #[test]
    fn an_error_of_the_source_reaches_the_consumer_and_ends_the_batches() {
        for workers in 1..4 {
            let probe = Arc::new(Probe { error_at: Some(4), ..Probe::default() });
            let mut loader = loader_with(&probe, 100, 2, 0, workers);
            assert_eq!(loader.next().unwrap().unwrap().indices, [0, 1]);
            assert_eq!(loader.next().unwrap().unwrap().indices, [2, 3]);
            let message = loader.next().unwrap().unwrap_err().to_string();
            assert!(message.contains("the disk is gone"), "{message}");
            assert!(loader.next().is_none());
            drop(loader);
            assert_eq!(Arc::strong_count(&probe), 1, "the threads are gone");
        }
    }
}
