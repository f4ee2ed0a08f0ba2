//! The threads that kernels run on: a few workers that wait in a short spin between one region and the next.
//!
//! A training step is a chain of regions of some tens of microseconds each, so what a region costs to begin and to end
//! counts. Waking a sleeping thread takes longer than many of them last. Hence a worker looks for work for
//! [`SPIN`] before it sleeps, parts are handed out by one atomic word, and a caller does what no worker has begun
//! instead of waiting for a worker to wake up.
//!
//! The workers are made when they are first asked for and serve the whole process. They hold no
//! results and no settings, and which of them does a part changes nothing.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;

#[cfg(loom)]
use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence},
};
#[cfg(not(loom))]
use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence},
};

/// Calls `work(part)` for each part in `0..parts`, the parts spread over as many threads at most; `work` for part 0
/// runs on the caller's thread.
///
/// Which thread does which part changes nothing: parts share no result. There are no more threads than the CPU runs
/// at once; what is left over follows when a thread is free. Inside a part, and while another thread has the workers,
/// the caller does all parts itself, in order.
///
/// # Panics
/// If a part panics, with what it panicked with, after all parts that were begun have ended.
pub(crate) fn in_parallel(parts: usize, work: impl Fn(usize) + Sync) {
    #[cfg(not(loom))]
    if parts >= 2 && POOL.run(parts, &work) {
        return;
    }
    (0..parts).for_each(work);
}

#[cfg(not(loom))]
static POOL: Pool = Pool::new();

/// A region's work, with the lifetime of the caller's frame taken off.
type Work = &'static (dyn Fn(usize) + Sync);

/// Keeps what workers look at while they spin on a line of its own.
#[repr(align(128))]
struct Line<T>(T);

struct Pool {
    /// The next part that nobody has begun, and above it (32 bits each) the number of parts. Idle where they agree.
    /// Advancing it is what hands out a part.
    tickets: Line<AtomicU64>,
    /// Parts that have not ended. A region lasts until it is 0.
    unfinished: Line<AtomicUsize>,
    /// The region's work; whoever holds a part of it may look at it.
    work: AtomicPtr<Work>,
    /// Whether a region is under way.
    taken: AtomicBool,
    /// The panic of the lowest part that had one.
    panic: Mutex<Option<(usize, Box<dyn Any + Send>)>>,
    #[cfg_attr(loom, expect(dead_code, reason = "a model counts its workers itself"))]
    workers: AtomicUsize,
    idle: Bed,
    finish: Bed,
}

/// A function that is `const` but under loom, whose locks are made at run time.
macro_rules! const_but_under_loom {
    ($($rest:tt)*) => {
        #[cfg(not(loom))]
        const $($rest)*
        #[cfg(loom)]
        $($rest)*
    };
}

impl Pool {
    const_but_under_loom! {
        fn new() -> Self {
            Pool {
                tickets: Line(AtomicU64::new(0)),
                unfinished: Line(AtomicUsize::new(0)),
                work: AtomicPtr::new(std::ptr::null_mut()),
                taken: AtomicBool::new(false),
                panic: Mutex::new(None),
                workers: AtomicUsize::new(0),
                idle: Bed::new(),
                finish: Bed::new(),
            }
        }
    }

    /// Runs a region of two parts or more, or says that another one is under way or that it has too many parts.
    fn run(&'static self, parts: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
        let Ok(count) = u32::try_from(parts) else { return false };
        if self.taken.swap(true, Ordering::Acquire) {
            return false;
        }
        self.grow(parts - 1);
        // SAFETY: only the lifetime changes. `work` is called by holders of a part alone; none is left when
        // `unfinished` is 0, and this function does not return, nor unwind, before that.
        let mut work = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Work>(work) };
        self.work.store(&raw mut work, Ordering::Relaxed);
        self.unfinished.0.store(parts, Ordering::Relaxed);
        self.tickets.0.store(u64::from(count) << 32 | 1, Ordering::Release);
        self.idle.wake(parts - 1);
        self.perform(work, 0);
        while let Some(part) = self.claim() {
            self.perform(work, part);
        }
        let done = || self.unfinished.0.load(Ordering::Acquire) == 0;
        self.finish.wait_until(done);
        let panic = lock(&self.panic).take();
        self.taken.store(false, Ordering::Release);
        if let Some((_, panic)) = panic {
            resume_unwind(panic);
        }
        true
    }

    /// Takes the next part that nobody has begun.
    fn claim(&self) -> Option<usize> {
        let mut seen = self.tickets.0.load(Ordering::Relaxed);
        loop {
            let (next, parts) = (seen & 0xffff_ffff, seen >> 32);
            if next == parts {
                return None;
            }
            match self.tickets.0.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(next as usize),
                Err(now) => seen = now,
            }
        }
    }

    /// Does a part that was taken. A panic is kept for the caller.
    fn perform(&self, work: Work, part: usize) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(part))) {
            let mut kept = lock(&self.panic);
            let is_first = kept.as_ref().is_none_or(|(first, _)| part < *first);
            let other = if is_first { kept.replace((part, panic)) } else { Some((part, panic)) };
            // Not dropped: a destructor that panics would end the region too early.
            std::mem::forget(other);
        }
        // From here on the region may be over, and `work` gone.
        if self.unfinished.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish.wake(1);
        }
    }

    /// What a worker does until `is_over`.
    fn serve(&self, is_over: impl Fn() -> bool) {
        while !is_over() {
            while let Some(part) = self.claim() {
                // SAFETY: this thread holds a part, so its region lasts, and with it the caller's frame, where
                // `work` lies. `claim` acquired what the caller wrote before it gave out the tickets.
                let work = unsafe { *self.work.load(Ordering::Relaxed) };
                self.perform(work, part);
            }
            self.idle.wait_until(|| {
                let seen = self.tickets.0.load(Ordering::Acquire);
                seen & 0xffff_ffff != seen >> 32 || is_over()
            });
        }
    }

    /// Sees to it that there are `workers`, or as many as the CPU has room for beside the caller, but one at least.
    /// Where the system refuses a thread, there are fewer: callers do what nobody else does.
    #[cfg(not(loom))]
    fn grow(&'static self, workers: usize) {
        static MOST: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        let now = self.workers.load(Ordering::Relaxed);
        if now >= workers {
            return;
        }
        let most =
            *MOST.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get() - 1).max(1));
        for number in now..workers.min(most) {
            let thread = std::thread::Builder::new().name(format!("fireclay-{}", number + 1));
            if thread.spawn(|| self.serve(|| false)).is_err() {
                return;
            }
            self.workers.store(number + 1, Ordering::Relaxed);
        }
    }

    /// A model has the workers that it makes itself.
    #[cfg(loom)]
    fn grow(&'static self, _: usize) {}
}

/// Where threads wait for a condition: first in a spin, then asleep.
struct Bed {
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Bed {
    const_but_under_loom! {
        fn new() -> Self {
            Bed { sleepers: AtomicUsize::new(0), lock: Mutex::new(()), bell: Condvar::new() }
        }
    }

    /// Waits until `ready`, which must acquire what it looks at.
    fn wait_until(&self, ready: impl Fn() -> bool) {
        // Who was woken too late spins again before it sleeps: the next region is likely near.
        while !spin_until(&ready) {
            let guard = lock(&self.lock);
            self.sleepers.fetch_add(1, Ordering::Relaxed);
            // Of this fence and the waker's, one comes first: `ready` sees the waker's write, or the waker this sleeper.
            fence(Ordering::SeqCst);
            if !ready() {
                drop(self.bell.wait(guard));
            }
            self.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Wakes up to `count` sleepers, after a write of what they wait for.
    fn wake(&self, count: usize) {
        fence(Ordering::SeqCst);
        let sleepers = self.sleepers.load(Ordering::Relaxed);
        if sleepers > 0 {
            drop(lock(&self.lock));
            for _ in 0..count.min(sleepers) {
                self.bell.notify_one();
            }
        }
    }
}

/// Looks again and again for a while, and says whether `ready` came true.
#[cfg(not(loom))]
fn spin_until(ready: impl Fn() -> bool) -> bool {
    use std::time::{Duration, Instant};

    /// How long an idle worker, or a caller whose last parts run elsewhere, looks before it sleeps.
    const SPIN: Duration = Duration::from_micros(50);

    /// Looks between two glances at the clock, after which other threads are let through.
    const LOOKS: usize = 64;

    let mut since = None;
    loop {
        for _ in 0..LOOKS {
            if ready() {
                return true;
            }
            std::hint::spin_loop();
        }
        if since.get_or_insert_with(Instant::now).elapsed() >= SPIN {
            return false;
        }
        // A loader's thread that waits for this core gets it.
        std::thread::yield_now();
    }
}

/// One look stands for many: how long a thread spins changes nothing but the time.
#[cfg(loom)]
fn spin_until(ready: impl Fn() -> bool) -> bool {
    ready()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every order in which the threads of a small pool may go on, as far as their atomics and locks allow it.
#[cfg(test)]
#[cfg(loom)]
mod model {
    use std::sync::Arc;

    use super::*;

    /// Runs `caller` beside one worker, in every order of theirs with a few switches in between.
    fn with_a_worker(caller: impl Fn(&'static Pool) + Send + Sync + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            // A pool serves its process for ever; here it is taken back when its worker has ended.
            let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
            let is_over = loom::sync::Arc::new(AtomicBool::new(false));
            let worker = loom::thread::spawn({
                let is_over = is_over.clone();
                move || pool.serve(|| is_over.load(Ordering::Acquire))
            });
            caller(pool);
            is_over.store(true, Ordering::Release);
            pool.idle.wake(1);
            worker.join().expect("a worker keeps panics for the caller");
            // SAFETY: it came from a box, and nobody else is left.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(pool).cast_mut()) });
        });
    }

    #[test]
    fn what_parts_write_is_there_when_a_region_ends() {
        with_a_worker(|pool| {
            for round in 1..=2 {
                // Loom finds out if two threads are at one of them at once.
                let values = [0, 1].map(|_| loom::cell::UnsafeCell::new(0));
                struct Values([loom::cell::UnsafeCell<usize>; 2]);
                // SAFETY: each part has a value of its own, which loom watches.
                unsafe impl Sync for Values {}
                let values = Values(values);
                let values_of_parts = &values;
                assert!(pool.run(2, &|part| {
                    // SAFETY: as above.
                    values_of_parts.0[part].with_mut(|value| unsafe { *value = round + part });
                }));
                // SAFETY: the region is over.
                let found = values.0.each_ref().map(|value| value.with(|value| unsafe { *value }));
                assert_eq!(found, [round, round + 1]);
            }
        });
    }

    #[test]
    fn a_panic_of_either_part_reaches_the_caller() {
        for bad in 0..2 {
            with_a_worker(move |pool| {
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    pool.run(2, &|part| {
                        if part == bad {
                            // Without the message that a panic prints.
                            resume_unwind(Box::new(part));
                        }
                    });
                }));
                assert_eq!(caught.expect_err("a part panicked").downcast_ref::<usize>(), Some(&bad));
            });
        }
    }

    #[test]
    fn a_second_caller_is_sent_away_or_served() {
        with_a_worker(|pool| {
            let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let call = move |pool: &'static Pool, runs: &std::sync::atomic::AtomicUsize| {
                let count = |_| {
                    runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                };
                if !pool.run(2, &count) {
                    (0..2).for_each(count);
                }
            };
            let other = loom::thread::spawn({
                let runs = runs.clone();
                move || call(pool, &runs)
            });
            call(pool, &runs);
            other.join().expect("no part panics");
            assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 4);
        });
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_part_runs_once() {
        for parts in [0, 1, 2, 3, 7, 64, 1000] {
            let runs: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
            in_parallel(parts, |part| {
                runs[part].fetch_add(1, Ordering::Relaxed);
            });
            assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1), "{parts} parts");
        }
    }

    #[test]
    fn part_0_runs_on_the_callers_thread() {
        let caller = std::thread::current().id();
        for _ in 0..100 {
            in_parallel(3, |part| assert!(part > 0 || std::thread::current().id() == caller));
        }
    }

    #[test]
    fn what_parts_write_is_there_afterwards() {
        // Long enough for workers to fall asleep in some rounds.
        let mut values = vec![0u64; 4];
        for round in 0..3000u64 {
            if round % 1000 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
            let shared = crate::cpu::Shared::new(&mut values);
            in_parallel(4, |part| {
                // SAFETY: each part has a value of its own.
                let value = unsafe { shared.part(part..part + 1) };
                value[0] += round + part as u64;
            });
        }
        let sum: u64 = (0..3000).sum();
        assert_eq!(values, [sum, sum + 3000, sum + 6000, sum + 9000]);
    }

    #[test]
    fn inside_a_part_there_is_no_waiting() {
        let runs = AtomicUsize::new(0);
        in_parallel(4, |_| {
            in_parallel(5, |_| {
                in_parallel(2, |_| {
                    runs.fetch_add(1, Ordering::Relaxed);
                });
            });
        });
        assert_eq!(runs.into_inner(), 40);
    }

    #[test]
    fn callers_do_not_mix() {
        std::thread::scope(|scope| {
            for caller in 0..4usize {
                scope.spawn(move || {
                    for round in 0..500usize {
                        let sum = AtomicUsize::new(0);
                        in_parallel(3, |part| {
                            sum.fetch_add(caller * round + part, Ordering::Relaxed);
                        });
                        assert_eq!(sum.into_inner(), 3 * caller * round + 3);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_comes_out_after_all_parts_have_ended() {
        for bad in 0..3 {
            let begun = AtomicUsize::new(0);
            let ended = AtomicUsize::new(0);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                in_parallel(3, |part| {
                    begun.fetch_add(1, Ordering::Relaxed);
                    if part == bad {
                        ended.fetch_add(1, Ordering::Relaxed);
                        panic!("part {part}");
                    }
                    std::thread::sleep(Duration::from_millis(2));
                    ended.fetch_add(1, Ordering::Relaxed);
                });
            }));
            let panic = caught.expect_err("a part panicked");
            assert_eq!(panic.downcast_ref::<String>(), Some(&format!("part {bad}")));
            assert_eq!(begun.into_inner(), ended.into_inner());
        }
        // The workers are still there.
        every_part_runs_once();
    }
}
