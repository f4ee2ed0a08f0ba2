//! Memory for results and scratch, used again from step to step.
//!
//! A training step makes the same large tensors each time. Asked of the system anew, each costs a page fault for every few
//! kilobytes, and the system writes zeros that a kernel overwrites. So blocks that are given back are kept here, and go to
//! whoever next asks for about as much. What lies here and in use together stays within an eighth, or 32 MiB, of the most that
//! was ever in use at once; [`release_unused_memory`] gives the rest back to the system.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Fewer values than this are allocated as any others: 64 KiB.
const LARGE: usize = 16 * 1024;

/// Of a kept block at most one in so many values may be more than was asked for.
const WASTE: usize = 4;

/// Kept blocks may hold so much more than was ever in use at once: one part in this many, or so many lines.
const SLACK: usize = 8;
const LEAST_SLACK: usize = 32 * 1024 * 1024 / size_of::<Line>();

/// A cache line of zeros or of whatever it held before.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; Line::LEN]);

impl Line {
    const LEN: usize = 16;
}

type Block = Box<[Line]>;

/// A block with room for `len` numbers, and perhaps some more.
fn block(len: usize) -> Block {
    let lines = len.div_ceil(Line::LEN);
    let kept = lock().take(lines);
    kept.unwrap_or_else(|| {
        let too_many = lock().make_room(lines);
        drop(too_many);
        // SAFETY: bytes of 0 are sixteen zeros.
        unsafe { Box::new_zeroed_slice(lines).assume_init() }
    })
}

/// Numbers that a kernel writes: owned memory, from a cache line on if there are many.
///
/// ```
/// use fireclay_kernels::Values;
/// assert_eq!(Values::zeros(3)[..], [0.0; 3]);
/// let mut many = Values::unspecified(100_000);
/// many.fill(2.0);
/// assert!(many.iter().all(|value| *value == 2.0));
/// ```
pub struct Values(Store);

enum Store {
    Vec(Vec<f32>),
    /// How many numbers of the block are asked for. It is empty only while it is dropped.
    Block(Block, usize),
}

impl Values {
    /// Of many numbers, in bytes: a cache line.
    pub const ALIGNMENT: usize = align_of::<Line>();

    /// Room for `len` numbers that are not specified: zeros, or what the memory held before. With debug assertions they
    /// are not numbers, so that whoever reads what was never written is found.
    pub fn unspecified(len: usize) -> Self {
        let mut values = match len < LARGE {
            true => Values(Store::Vec(vec![0.0; len])),
            false => Values(Store::Block(block(len), len)),
        };
        if cfg!(debug_assertions) {
            values.fill(f32::NAN);
        }
        values
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        if len < LARGE {
            return Values(Store::Vec(vec![0.0; len]));
        }
        let mut values = Values(Store::Block(block(len), len));
        values.fill(0.0);
        values
    }

    /// The same numbers as a `Vec`, if that needs no copy.
    ///
    /// # Errors
    /// Gives itself back if it would.
    pub fn try_into_vec(mut self) -> Result<Vec<f32>, Self> {
        match &mut self.0 {
            Store::Vec(values) => Ok(std::mem::take(values)),
            Store::Block(..) => Err(self),
        }
    }
}

impl Deref for Values {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        match &self.0 {
            Store::Vec(values) => values,
            // SAFETY: lines are numbers one after another, and the block has as many and more.
            Store::Block(block, len) => unsafe { std::slice::from_raw_parts(block.as_ptr().cast(), *len) },
        }
    }
}

impl DerefMut for Values {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        match &mut self.0 {
            Store::Vec(values) => values,
            // SAFETY: as above.
            Store::Block(block, len) => unsafe {
                std::slice::from_raw_parts_mut(block.as_mut_ptr().cast(), *len)
            },
        }
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        if let Store::Block(block, _) = &mut self.0 {
            lock().give_back(std::mem::take(block));
        }
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Values(Store::Vec(values))
    }
}

impl Default for Values {
    fn default() -> Self {
        Values::zeros(0)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Values").field(&&**self).finish()
    }
}

/// Gives memory that is kept for later back to the system: after a training, say, when its sizes will not come again.
pub fn release_unused_memory() {
    let unused = lock().release();
    drop(unused);
}

static POOL: Mutex<Pool> = Mutex::new(Pool::new(LEAST_SLACK));

fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks that are kept, the one that was given back last at the end, and how much is in use; counted in lines.
struct Pool {
    free: Vec<Block>,
    kept: usize,
    used: usize,
    most_used: usize,
    least_slack: usize,
}

impl Pool {
    const fn new(least_slack: usize) -> Self {
        Pool { free: Vec::new(), kept: 0, used: 0, most_used: 0, least_slack }
    }

    /// A kept block of so many lines or some more.
    fn take(&mut self, lines: usize) -> Option<Block> {
        let fits = |block: &Block| (lines..=lines + lines / WASTE).contains(&block.len());
        // The newest of the smallest: its first lines may still be in a cache.
        let fitting = (0..self.free.len()).rev().filter(|&at| fits(&self.free[at]));
        let at = fitting.min_by_key(|&at| self.free[at].len())?;
        let block = self.free.remove(at);
        self.kept -= block.len();
        self.used += block.len();
        self.most_used = self.most_used.max(self.used);
        Some(block)
    }

    /// Counts a new block of so many lines, and gives up the oldest of the kept ones that are too many beside it.
    fn make_room(&mut self, lines: usize) -> Vec<Block> {
        self.used += lines;
        self.most_used = self.most_used.max(self.used);
        let most = self.most_used + (self.most_used / SLACK).max(self.least_slack);
        let mut too_many = 0;
        while too_many < self.free.len() && self.used + self.kept > most {
            self.kept -= self.free[too_many].len();
            too_many += 1;
        }
        self.free.drain(..too_many).collect()
    }

    fn give_back(&mut self, block: Block) {
        self.used -= block.len();
        self.kept += block.len();
        self.free.push(block);
    }

    fn release(&mut self) -> Vec<Block> {
        self.most_used = self.used;
        self.kept = 0;
        std::mem::take(&mut self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(sizes: &[usize]) -> Pool {
        let mut pool = Pool::new(0);
        for &lines in sizes {
            assert!(pool.make_room(lines).is_empty());
        }
        for &lines in sizes {
            pool.give_back(vec![Line([0.0; Line::LEN]); lines].into());
        }
        pool
    }

    fn kept(pool: &Pool) -> Vec<usize> {
        pool.free.iter().map(|block| block.len()).collect()
    }

    #[test]
    fn the_smallest_block_that_fits_is_used_again() {
        let mut pool = blocks(&[100, 90, 120, 90, 200]);
        assert_eq!(pool.take(90).map(|block| block.len()), Some(90));
        assert_eq!(kept(&pool), [100, 90, 120, 200]);
        assert_eq!(pool.take(96).map(|block| block.len()), Some(100));
        assert!(pool.take(130).is_none(), "200 would waste too much");
        assert_eq!((pool.used, pool.kept), (190, 410));
    }

    #[test]
    fn no_more_is_kept_than_was_in_use_at_once_and_an_eighth() {
        let mut pool = blocks(&[100, 100, 100]);
        assert_eq!(pool.make_room(30).len(), 0);
        assert_eq!(pool.make_room(30).len(), 1, "360 of at most 337");
        assert_eq!(pool.make_room(30).len(), 0, "290");
        assert_eq!(pool.make_room(400).len(), 2, "690 of at most 551, then 590");
        assert_eq!((pool.used, pool.kept, pool.most_used), (490, 0, 490));
        assert!(pool.release().is_empty());
    }

    #[test]
    fn what_is_released_is_forgotten() {
        let mut pool = blocks(&[100, 100]);
        let block = pool.take(100).unwrap();
        assert_eq!(pool.release().len(), 1);
        assert_eq!((pool.used, pool.kept, pool.most_used), (100, 0, 100));
        pool.give_back(block);
        assert_eq!(pool.make_room(50).len(), 1);
    }

    #[test]
    fn many_numbers_begin_at_a_line_and_few_become_a_vec() {
        for len in [0, 1, LARGE - 1] {
            let mut values = Values::unspecified(len);
            values.fill(1.0);
            assert_eq!(values.try_into_vec().unwrap(), vec![1.0; len]);
        }
        for len in [LARGE, LARGE + 1, 3 * LARGE + 15] {
            let mut values = Values::unspecified(len);
            assert_eq!((values.len(), values.as_ptr() as usize % 64), (len, 0));
            values.fill(1.0);
            let values = values.try_into_vec().unwrap_err();
            drop(values);
            assert!(Values::zeros(len).iter().all(|value| *value == 0.0));
        }
    }
}
