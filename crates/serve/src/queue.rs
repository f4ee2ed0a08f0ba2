//! Requests that wait for a model, and the thread that answers as many of them together as it finds.
//!
//! A batch is what waits when the thread is free: while it computes one, the next gathers by itself. `max_delay` lets it wait
//! for more, which costs the first request so long. What takes little time is computed by the task that asks: to wake the thread and
//! to be woken by it takes longer, and several tasks compute at once, each on its core. Where tasks wait long until they go on, as
//! when there are more connections than can be answered, none computes: they are to read, so that what is too much is refused soon.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::refusal::Refusal;

/// What is said to the samples of a request, `A` to each.
pub type Answers<A> = Result<Vec<A>, Refusal>;

/// How requests are gathered, and how many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueOptions {
    /// Samples that are answered together at most.
    pub max_batch: usize,
    /// How long the first request of a batch waits for others.
    pub max_delay: Duration,
    /// Samples that may wait; a request that would make it more is refused.
    pub capacity: usize,
    /// How long a request may wait before it is computed.
    pub deadline: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        QueueOptions {
            max_batch: 64,
            max_delay: Duration::ZERO,
            capacity: 1024,
            deadline: Duration::from_secs(10),
        }
    }
}

/// What is told how requests fare.
pub trait Observer: Send + Sync {
    /// A request waited so long for the model.
    fn waited(&self, time: Duration);

    /// So many samples were computed together.
    fn computed(&self, samples: usize, time: Duration);
}

/// The samples of a request, and where their answers go.
struct Job<Q, A> {
    questions: Vec<Q>,
    reply: oneshot::Sender<Answers<A>>,
    came: Instant,
}

struct Waiting<Q, A> {
    jobs: VecDeque<Job<Q, A>>,
    samples: usize,
    /// The thread computes, and looks for what waits afterwards.
    computing: bool,
    /// Nothing comes any more, and the thread ends when all is answered.
    closed: bool,
}

/// How long a batch may take at most to be computed by the task that asks: no other connection of its thread goes on meanwhile.
const SHORT: Duration = Duration::from_millis(1);

/// How long a task may wait until it goes on, if tasks are to compute: the others of its thread wait as long, and longer if it does.
/// A tenth of the deadline if that is less.
const CROWDED: Duration = Duration::from_millis(20);

/// Requests that wait: samples `Q`, to each of which there is an answer `A`. Its thread ends when it is dropped, after what waits
/// was answered.
pub struct Queue<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

/// Answers samples, in their order.
type Compute<Q, A> = Box<dyn Fn(&[&Q]) -> Answers<A> + Send + Sync>;

struct Shared<Q, A> {
    waiting: Mutex<Waiting<Q, A>>,
    more: Condvar,
    options: QueueOptions,
    observer: Arc<dyn Observer>,
    compute: Compute<Q, A>,
    /// Nanoseconds that a sample took of late; before the first so many that no batch is short.
    pace: AtomicU64,
    /// Where tasks wait longer until they go on, none computes.
    most_lag: Duration,
    /// Nanoseconds that one waited of late.
    lag: AtomicU64,
}

impl<Q, A> std::fmt::Debug for Queue<Q, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl<Q: Send + Sync + 'static, A: Send + 'static> Queue<Q, A> {
    /// Starts the thread. `compute` answers samples, in their order; the thread calls it, and tasks that ask do.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        options: QueueOptions,
        observer: Arc<dyn Observer>,
        compute: impl Fn(&[&Q]) -> Answers<A> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::start_with(options, CROWDED.min(options.deadline / 10), observer, compute)
    }

    /// As [`Queue::start`], where tasks compute as long as they go on after so much time.
    fn start_with(
        options: QueueOptions,
        most_lag: Duration,
        observer: Arc<dyn Observer>,
        compute: impl Fn(&[&Q]) -> Answers<A> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let waiting = Waiting { jobs: VecDeque::new(), samples: 0, computing: false, closed: false };
        let shared = Arc::new(Shared {
            waiting: Mutex::new(waiting),
            more: Condvar::new(),
            options,
            observer,
            compute: Box::new(compute),
            pace: AtomicU64::new(u64::MAX),
            most_lag,
            lag: AtomicU64::new(0),
        });
        let own = shared.clone();
        std::thread::Builder::new().name("inference".into()).spawn(move || {
            while let Some(jobs) = own.next() {
                own.answer(jobs);
            }
        })?;
        Ok(Queue { shared })
    }

    /// Answers samples of a request that came at some time, once it is their turn; dropping it calls them off.
    ///
    /// # Errors
    /// [`Refusal::Busy`] if too many wait, [`Refusal::Large`] if there are more samples than may ever wait, [`Refusal::Late`] if they
    /// waited too long, and what the model says of them.
    pub async fn ask(&self, questions: Vec<Q>, came: Instant) -> Answers<A> {
        let (answer, turn) = self.submit(questions, came)?;
        let shared = &self.shared;
        // What is the thread's does not wait until other tasks were heard.
        let turn = (shared.short() > 0).then_some(turn);
        // What comes at the same time is answered together.
        shared.hear_others().await;
        if let Some(turn) = turn {
            turn.compute();
        }
        answer.await.unwrap_or(Err(Refusal::Failed))
    }

    /// Lets samples wait; dropping the first of what is returned calls them off, and dropping the second wakes the thread for them.
    fn submit(&self, questions: Vec<Q>, came: Instant) -> Result<(Waiter<A>, Turn<'_, Q, A>), Refusal> {
        let (reply, answer) = oneshot::channel();
        let [found, most] = [questions.len(), self.shared.options.capacity];
        self.check_size(found)?;
        let mut waiting = self.shared.lock();
        if waiting.closed {
            return Err(Refusal::Unavailable("the model is being put away"));
        }
        if waiting.samples + found > most {
            return Err(Refusal::Busy { waiting: waiting.samples, most });
        }
        waiting.samples += found;
        waiting.jobs.push_back(Job { questions, reply, came });
        Ok((answer, Turn(&self.shared)))
    }

    /// Whether so many samples may ever wait.
    ///
    /// # Errors
    /// [`Refusal::Large`] if not.
    pub fn check_size(&self, samples: usize) -> Result<(), Refusal> {
        let most = self.shared.options.capacity;
        if samples <= most {
            return Ok(());
        }
        let [found, most] = [samples, most].map(|samples| format!("{samples} samples"));
        Err(Refusal::Large { what: "the request", found, most, flag: "--queue" })
    }

    /// Whether any sample may wait besides those that do, before it is known how many a request has.
    ///
    /// # Errors
    /// [`Refusal::Busy`] if not.
    pub fn check_room(&self) -> Result<(), Refusal> {
        let (waiting, most) = (self.waiting(), self.shared.options.capacity);
        if waiting < most { Ok(()) } else { Err(Refusal::Busy { waiting, most }) }
    }

    /// Samples that wait.
    pub fn waiting(&self) -> usize {
        self.shared.lock().samples
    }
}

impl<Q, A> Drop for Queue<Q, A> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.more.notify_one();
    }
}

/// Where an answer comes.
type Waiter<A> = oneshot::Receiver<Answers<A>>;

/// Samples that were added, of which the thread does not know yet.
struct Turn<'a, Q, A>(&'a Shared<Q, A>);

impl<Q, A> Turn<'_, Q, A> {
    /// Computes as much of what waits as is short; the rest is the thread's.
    fn compute(self) {
        let shared = self.0;
        let mut waiting = shared.lock();
        let most = shared.short();
        if waiting.jobs.front().is_some_and(|first| first.questions.len() <= most) {
            let jobs = waiting.take(most);
            drop(waiting);
            shared.answer(jobs);
        }
    }
}

impl<Q, A> Drop for Turn<'_, Q, A> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

impl<Q, A> Waiting<Q, A> {
    /// The first requests, as many as fit into a batch, and one at least.
    fn take(&mut self, most: usize) -> Vec<Job<Q, A>> {
        let (mut jobs, mut samples) = (Vec::new(), 0);
        while let Some(job) = self.jobs.front() {
            if samples > 0 && samples + job.questions.len() > most {
                break;
            }
            samples += job.questions.len();
            jobs.extend(self.jobs.pop_front());
        }
        self.samples -= samples;
        jobs
    }
}

impl<Q, A> Shared<Q, A> {
    fn lock(&self) -> MutexGuard<'_, Waiting<Q, A>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread, unless nothing waits or it computes.
    fn wake(&self) {
        let waiting = self.lock();
        if !waiting.computing && !waiting.jobs.is_empty() {
            drop(waiting);
            self.more.notify_one();
        }
    }

    /// Lets the other tasks of a thread go on, and notes how long that takes.
    async fn hear_others(&self) {
        let begun = Instant::now();
        tokio::task::yield_now().await;
        self.lag.store(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// Whether tasks wait too long until they go on.
    fn crowded(&self) -> bool {
        u128::from(self.lag.load(Ordering::Relaxed)) > self.most_lag.as_nanos()
    }

    /// How many samples a task may compute that asks.
    fn short(&self) -> usize {
        match self.options.max_delay.is_zero() && !self.crowded() {
            true => (SHORT.as_nanos() as u64 / self.pace.load(Ordering::Relaxed).max(1)) as usize,
            false => 0,
        }
        .min(self.options.max_batch)
    }

    fn answer(&self, jobs: Vec<Job<Q, A>>) {
        answer(jobs, &self.options, &*self.observer, &|questions: &[&Q]| self.compute(questions));
    }

    fn compute(&self, questions: &[&Q]) -> Answers<A> {
        let begun = Instant::now();
        let answers = (self.compute)(questions);
        let time = begun.elapsed();
        self.observer.computed(questions.len(), time);
        let found = time.as_nanos() as u64 / questions.len().max(1) as u64;
        let pace = match self.pace.load(Ordering::Relaxed) {
            u64::MAX => found,
            // A batch that was interrupted says little.
            known => known - known / 8 + found.min(2 * known + 1000) / 8,
        };
        self.pace.store(pace, Ordering::Relaxed);
        answers
    }

    /// The next batch of the thread; `None` when nothing comes any more.
    fn next(&self) -> Option<Vec<Job<Q, A>>> {
        let mut waiting = self.lock();
        waiting.computing = false;
        loop {
            let Some(first) = waiting.jobs.front() else {
                if waiting.closed {
                    return None;
                }
                waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = self.options.max_delay.saturating_sub(first.came.elapsed());
            if waiting.samples >= self.options.max_batch || left.is_zero() || waiting.closed {
                waiting.computing = true;
                return Some(waiting.take(self.options.max_batch));
            }
            (waiting, _) = self.more.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Answers a batch: what nobody waits for, or is late, is not computed, and where the batch fails each request is tried alone.
fn answer<Q, A>(
    jobs: Vec<Job<Q, A>>,
    options: &QueueOptions,
    observer: &dyn Observer,
    compute: &impl Fn(&[&Q]) -> Answers<A>,
) {
    let mut wanted = Vec::with_capacity(jobs.len());
    for job in jobs {
        if job.reply.is_closed() {
            continue;
        }
        let waited = job.came.elapsed();
        observer.waited(waited);
        match waited > options.deadline {
            // That nobody waits any more is no error.
            true => drop(job.reply.send(Err(Refusal::Late(options.deadline)))),
            false => wanted.push(job),
        }
    }
    let questions: Vec<&Q> = wanted.iter().flat_map(|job| &job.questions).collect();
    match in_parts(&questions, options.max_batch, compute) {
        Ok(mut answers) => {
            for job in wanted {
                let rest = answers.split_off(job.questions.len().min(answers.len()));
                drop(job.reply.send(Ok(std::mem::replace(&mut answers, rest))));
            }
        }
        Err(refusal) if wanted.len() == 1 => {
            wanted.into_iter().for_each(|job| drop(job.reply.send(Err(refusal.clone()))));
        }
        Err(_) => {
            for job in wanted {
                let questions: Vec<&Q> = job.questions.iter().collect();
                drop(job.reply.send(in_parts(&questions, options.max_batch, compute)));
            }
        }
    }
}

/// Answers samples, at most so many at once. A panic in the model is a refusal.
fn in_parts<Q, A>(questions: &[&Q], most: usize, compute: &impl Fn(&[&Q]) -> Answers<A>) -> Answers<A> {
    let mut answers = Vec::with_capacity(questions.len());
    for part in questions.chunks(most.max(1)) {
        let computed = catch_unwind(AssertUnwindSafe(|| compute(part))).unwrap_or(Err(Refusal::Failed))?;
        match computed.len() == part.len() {
            true => answers.extend(computed),
            false => return Err(Refusal::Failed),
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::metrics::Metrics;

    type Numbers = Queue<i32, i32>;

    /// Doubles numbers; 13 is a number that it panics on, 7 one that it refuses. Says how many it was given at once, and waits until
    /// it is let go.
    fn doubling(options: QueueOptions) -> (Numbers, mpsc::Receiver<usize>, mpsc::Sender<()>) {
        let (say, said) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let metrics = Arc::new(Metrics::default());
        let queue = Queue::start_with(options, Duration::MAX, metrics, move |numbers: &[&i32]| {
            say.send(numbers.len()).unwrap();
            gone.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
            assert!(!numbers.contains(&&13), "a bug in the model");
            match numbers.contains(&&7) {
                true => Err(Refusal::bad("7 is not taken")),
                false => Ok(numbers.iter().map(|number| **number * 2).collect()),
            }
        });
        (queue.unwrap(), said, go)
    }

    /// Lets samples wait for the thread.
    fn wait_for(queue: &Numbers, numbers: Vec<i32>) -> Result<Waiter<i32>, Refusal> {
        queue.submit(numbers, Instant::now()).map(|(answer, _)| answer)
    }

    fn options(max_batch: usize, capacity: usize) -> QueueOptions {
        QueueOptions { max_batch, capacity, ..QueueOptions::default() }
    }

    #[test]
    fn what_waits_is_answered_together_and_in_order() {
        let (queue, said, go) = doubling(options(4, 100));
        let first = wait_for(&queue, vec![1]).unwrap();
        assert_eq!(said.recv().unwrap(), 1);
        // While the first is computed.
        let rest: Vec<_> =
            [vec![2], vec![3, 4], vec![5, 6]].map(|numbers| wait_for(&queue, numbers).unwrap()).into();
        assert_eq!(queue.waiting(), 5);
        (0..3).for_each(|_| go.send(()).unwrap());
        assert_eq!(first.blocking_recv().unwrap(), Ok(vec![2]));
        let answers: Vec<_> =
            rest.into_iter().map(|answer| answer.blocking_recv().unwrap().unwrap()).collect();
        assert_eq!(answers, [vec![4], vec![6, 8], vec![10, 12]]);
        // A request is not cut where it need not be.
        assert_eq!([said.recv().unwrap(), said.recv().unwrap()], [3, 2]);
    }

    #[test]
    fn a_request_that_is_larger_than_a_batch_is_cut() {
        let (queue, said, go) = doubling(options(4, 100));
        let answer = wait_for(&queue, (20..30).collect()).unwrap();
        (0..3).for_each(|_| go.send(()).unwrap());
        assert_eq!(
            answer.blocking_recv().unwrap().unwrap(),
            (20..30).map(|number| number * 2).collect::<Vec<_>>()
        );
        assert_eq!(said.iter().take(3).collect::<Vec<_>>(), [4, 4, 2]);
    }

    #[test]
    fn one_that_fails_fails_alone() {
        for (bad, refusal) in [(13, Refusal::Failed), (7, Refusal::bad("7 is not taken"))] {
            let (queue, said, go) = doubling(options(8, 100));
            let busy = wait_for(&queue, vec![0]).unwrap();
            said.recv().unwrap();
            let answers = [vec![1], vec![bad, 2], vec![3]].map(|numbers| wait_for(&queue, numbers).unwrap());
            (0..5).for_each(|_| go.send(()).unwrap());
            busy.blocking_recv().unwrap().unwrap();
            let [one, two, three] = answers.map(|answer| answer.blocking_recv().unwrap());
            assert_eq!((one, two, three), (Ok(vec![2]), Err(refusal), Ok(vec![6])));
        }
    }

    #[test]
    fn more_than_may_wait_is_refused_at_once() {
        let (queue, said, go) = doubling(options(2, 3));
        let busy = wait_for(&queue, vec![0]).unwrap();
        said.recv().unwrap();
        let waits = wait_for(&queue, vec![1, 2]).unwrap();
        assert_eq!(wait_for(&queue, vec![3, 4]).unwrap_err(), Refusal::Busy { waiting: 2, most: 3 });
        let fits = wait_for(&queue, vec![3]).unwrap();
        assert!(matches!(wait_for(&queue, vec![1; 4]).unwrap_err(), Refusal::Large { flag: "--queue", .. }));
        (0..3).for_each(|_| go.send(()).unwrap());
        for (answer, expected) in [(busy, vec![0]), (waits, vec![2, 4]), (fits, vec![6])] {
            assert_eq!(answer.blocking_recv().unwrap().unwrap(), expected);
        }
    }

    #[test]
    fn what_nobody_waits_for_or_is_late_is_not_computed() {
        let (queue, said, go) = doubling(options(8, 100));
        let busy = wait_for(&queue, vec![0]).unwrap();
        said.recv().unwrap();
        drop(wait_for(&queue, vec![1, 2, 3]).unwrap());
        let stays = wait_for(&queue, vec![4]).unwrap();
        (0..2).for_each(|_| go.send(()).unwrap());
        busy.blocking_recv().unwrap().unwrap();
        assert_eq!(stays.blocking_recv().unwrap().unwrap(), [8]);
        assert_eq!(said.recv().unwrap(), 1);

        // Long enough that the first is not late on a busy machine.
        let deadline = Duration::from_secs(1);
        let (queue, said, go) = doubling(QueueOptions { deadline, ..options(8, 100) });
        let busy = wait_for(&queue, vec![0]).unwrap();
        said.recv().unwrap();
        let late = wait_for(&queue, vec![1]).unwrap();
        std::thread::sleep(deadline + Duration::from_millis(50));
        go.send(()).unwrap();
        busy.blocking_recv().unwrap().unwrap();
        assert_eq!(late.blocking_recv().unwrap(), Err(Refusal::Late(deadline)));
    }

    #[test]
    fn a_delay_lets_a_batch_grow_until_it_is_full() {
        let max_delay = Duration::from_secs(3600);
        let (queue, said, go) = doubling(QueueOptions { max_delay, ..options(3, 100) });
        let answers = [vec![1], vec![2], vec![3]].map(|numbers| wait_for(&queue, numbers).unwrap());
        assert_eq!(said.recv().unwrap(), 3);
        go.send(()).unwrap();
        assert_eq!(answers.map(|answer| answer.blocking_recv().unwrap().unwrap()), [[2], [4], [6]]);
    }

    /// Says the name of the thread that computes a batch, and how many samples it has.
    fn naming(pace: Duration) -> (Queue<i32, (Option<String>, usize)>, tokio::runtime::Runtime) {
        naming_within(Duration::MAX, pace)
    }

    fn naming_within(
        most_lag: Duration,
        pace: Duration,
    ) -> (Queue<i32, (Option<String>, usize)>, tokio::runtime::Runtime) {
        let metrics = Arc::new(Metrics::default());
        let queue = Queue::start_with(options(8, 100), most_lag, metrics, |numbers: &[&i32]| {
            let name = std::thread::current().name().map(str::to_owned);
            Ok(numbers.iter().map(|_| (name.clone(), numbers.len())).collect())
        });
        let queue = queue.unwrap();
        queue.shared.pace.store(pace.as_nanos() as u64, Ordering::Relaxed);
        (queue, tokio::runtime::Builder::new_current_thread().build().unwrap())
    }

    #[test]
    fn what_is_short_is_computed_by_the_task_that_asks_together_with_what_came_then() {
        let (queue, runtime) = naming(SHORT / 3);
        let own = std::thread::current().name().map(str::to_owned);
        let (one, other) = runtime.block_on(async {
            tokio::join!(queue.ask(vec![1], Instant::now()), queue.ask(vec![2, 3], Instant::now()))
        });
        assert_eq!((one.unwrap(), other.unwrap()), (vec![(own.clone(), 3)], vec![(own, 3); 2]));
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn what_is_long_is_computed_by_the_thread() {
        // A sample alone would be short, four are not.
        for (pace, samples) in [(SHORT * 2, 1), (SHORT / 3, 4), (Duration::from_nanos(u64::MAX), 1)] {
            let (queue, runtime) = naming(pace);
            let answers = runtime.block_on(queue.ask(vec![1; samples], Instant::now())).unwrap();
            assert_eq!(answers, vec![(Some("inference".into()), samples); samples]);
        }
    }

    #[test]
    fn where_tasks_wait_long_the_thread_computes_until_they_do_not() {
        let ask = |queue: &Queue<i32, (Option<String>, usize)>, runtime: &tokio::runtime::Runtime| {
            runtime.block_on(queue.ask(vec![1], Instant::now())).unwrap()[0].0.clone()
        };
        let (own, thread) = (std::thread::current().name().map(str::to_owned), Some("inference".into()));
        // It turns out while the task waits.
        let (queue, runtime) = naming_within(Duration::ZERO, SHORT / 3);
        assert_eq!(ask(&queue, &runtime), thread);
        // It is known before.
        let (queue, runtime) = naming_within(Duration::from_secs(3600), SHORT / 3);
        queue.shared.lag.store(Duration::from_secs(7200).as_nanos() as u64, Ordering::Relaxed);
        assert_eq!([ask(&queue, &runtime), ask(&queue, &runtime)], [thread, own]);
    }

    #[test]
    fn what_is_short_does_not_wait_for_the_thread() {
        let (queue, said, go) = doubling(options(4, 100));
        let busy = wait_for(&queue, vec![0]).unwrap();
        assert_eq!(said.recv().unwrap(), 1);
        queue.shared.pace.store(1000, Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| runtime.block_on(queue.ask(vec![1], Instant::now())));
            // While the thread has not been let go.
            assert_eq!(said.recv_timeout(Duration::from_secs(60)), Ok(1));
            (0..2).for_each(|_| go.send(()).unwrap());
            assert_eq!(asking.join().unwrap(), Ok(vec![2]));
        });
        assert_eq!(busy.blocking_recv().unwrap(), Ok(vec![0]));
    }

    #[test]
    fn one_that_leaves_before_its_turn_leaves_nobody_waiting() {
        let (queue, runtime) = naming(SHORT / 3);
        runtime.block_on(async {
            let mut leaving = Box::pin(queue.ask(vec![1], Instant::now()));
            // One that the thread has not been told of.
            let (answer, turn) = queue.submit(vec![2], Instant::now()).unwrap();
            std::mem::forget(turn);
            // It is asked once, and dropped before it is so again.
            std::future::poll_fn(|context| {
                std::task::Poll::Ready(leaving.as_mut().poll(context).is_pending())
            })
            .await;
            drop(leaving);
            assert_eq!(answer.await.unwrap().unwrap(), [(Some("inference".into()), 1)]);
        });
    }

    #[test]
    fn what_waits_when_the_queue_ends_is_answered() {
        let (queue, said, go) = doubling(options(1, 100));
        let busy = wait_for(&queue, vec![0]).unwrap();
        said.recv().unwrap();
        let last = wait_for(&queue, vec![1]).unwrap();
        drop(queue);
        (0..2).for_each(|_| go.send(()).unwrap());
        assert_eq!([busy, last].map(|answer| answer.blocking_recv().unwrap().unwrap()), [[0], [2]]);
    }
}
