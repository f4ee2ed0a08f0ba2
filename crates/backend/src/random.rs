//! Random numbers that repeat. A backend has one generator for the whole process; whoever seeds it and draws from it in
//! parallel threads would draw from another's numbers.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;

static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread has its turn.
    static HAS_TURN: Cell<bool> = const { Cell::new(false) };
    /// Of which part of a batch the tensors of this thread are.
    static PART: Cell<Option<BatchPart>> = const { Cell::new(None) };
}

/// A part of a batch, whose rest is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPart {
    /// Samples before the part.
    pub before: usize,
    /// Samples of the part.
    pub samples: usize,
    /// Samples of the whole batch.
    pub whole: usize,
}

impl BatchPart {
    /// How many of a tensor's values, or rows, stand before the part in the whole tensor, and how many that has. A tensor that has not as many
    /// for each sample is no part of anything.
    pub(crate) fn of(self, count: usize) -> Option<(usize, usize)> {
        let of_sample = count.checked_div(self.samples)?;
        (of_sample * self.samples == count).then_some((self.before * of_sample, self.whole * of_sample))
    }
}

/// What is drawn at random for a part of a batch; it ends when this is dropped.
#[must_use = "it ends when this is dropped"]
#[derive(Debug)]
pub struct PartScope {
    before: Option<BatchPart>,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Lets dropout in this thread drop, of a part of a batch, what it would drop of it in the whole batch, from the same seed.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::{BatchPart, in_part, ops::dropout, seeded};
///
/// let device = Device::default();
/// let drop = |samples, part| {
///     let _turn = seeded(&device, 1);
///     let _scope = in_part(part);
///     dropout(Tensor::<2>::ones([samples, 100], &device), 0.5)
/// };
/// let whole = drop(4, None);
/// let part = drop(1, Some(BatchPart { before: 2, samples: 1, whole: 4 }));
/// assert_eq!(part.into_data(), whole.slice([2..3]).into_data());
/// ```
pub fn in_part(part: Option<BatchPart>) -> PartScope {
    PartScope { before: PART.replace(part), thread: PhantomData }
}

/// Of which part of a batch the tensors of this thread are, where it is not the whole.
pub fn batch_part() -> Option<BatchPart> {
    PART.get()
}

impl Drop for PartScope {
    fn drop(&mut self) {
        PART.set(self.before);
    }
}

/// A thread's turn at the random numbers; it ends when this is dropped.
#[must_use = "the turn ends when this is dropped"]
#[derive(Debug)]
pub struct RandomTurn {
    /// `None` inside another turn of the same thread.
    turn: Option<MutexGuard<'static, ()>>,
    /// A turn belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Waits until no other thread draws, and seeds the device's random numbers: until the turn is dropped, what is drawn in this
/// thread is a function of the seed, as long as all who draw do it in a turn of theirs. Inside a turn of the same thread it
/// seeds again and does not wait.
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
///
/// let device = Device::default();
/// let draw = || {
///     let _turn = fireclay_backend::seeded(&device, 7);
///     Tensor::<1>::random([4], Distribution::Default, &device).into_data()
/// };
/// assert_eq!(draw(), draw());
/// ```
pub fn seeded(device: &Device, seed: u64) -> RandomTurn {
    let turn = random_turn();
    device.seed(seed);
    turn
}

/// As [`seeded`], without a seed: what is drawn until the turn is dropped disturbs no other thread's turn.
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// let device = Device::default();
/// let turn = fireclay_backend::random_turn();
/// let drawn = Tensor::<1>::random([3], Distribution::Default, &device);
/// drop(turn);
/// assert_eq!(drawn.dims(), [3]);
/// ```
pub fn random_turn() -> RandomTurn {
    let turn = match HAS_TURN.replace(true) {
        true => None,
        false => Some(TURN.lock().unwrap_or_else(PoisonError::into_inner)),
    };
    RandomTurn { turn, thread: PhantomData }
}

impl Drop for RandomTurn {
    fn drop(&mut self) {
        if self.turn.is_some() {
            HAS_TURN.set(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tensor};

    use super::*;

    #[test]
    fn threads_that_draw_in_turns_of_theirs_draw_what_they_draw_alone() {
        let device = Device::default();
        let draw = |seed: u64| {
            let _turn = seeded(&device, seed);
            (0..50)
                .map(|_| Tensor::<1>::random([3], Distribution::Default, &device).into_data())
                .collect::<Vec<_>>()
        };
        let alone: Vec<_> = (0..4).map(draw).collect();
        for _ in 0..5 {
            let together: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || draw(seed))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(together, alone);
        }
    }

    #[test]
    fn a_turn_within_a_turn_does_not_wait_and_does_not_end_it() {
        let device = Device::default();
        let outer = seeded(&device, 1);
        drop(random_turn());
        assert!(HAS_TURN.get());
        drop(outer);
        assert!(!HAS_TURN.get());
    }
}
