//! What a kernel runs on: a path of instructions and a number of threads, given to it as an argument.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Path;
use crate::simd::Kernel;
pub(crate) use crate::threads::in_parallel;

/// In what numbers products are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Factors are rounded to bf16, 16 bits with the exponents of `f32`; their products are added in `f32`. Where nothing is
    /// gained by it, a kernel goes on in `f32`. CPUs without instructions for it take many times as long; see
    /// [`Path::has_bf16`].
    Bf16,
}

/// The instructions and the threads that a kernel may use, and the precision of its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Which instructions. One that the CPU lacks is replaced by [`Path::Plain`].
    pub path: Path,
    /// How many threads at most, the caller's included; at least 1.
    pub threads: usize,
    /// In what numbers products are made.
    pub precision: Precision,
}

impl Cpu {
    /// The fastest instructions of this CPU, in `f32`, on `threads` threads.
    pub fn best(threads: usize) -> Self {
        Cpu { path: Path::best(), threads: threads.max(1), precision: Precision::F32 }
    }

    /// These instructions, in `f32`, on the caller's thread.
    pub fn single(path: Path) -> Self {
        Cpu { path, threads: 1, precision: Precision::F32 }
    }

    /// Whether factors are rounded to bf16.
    pub(crate) fn is_bf16(self) -> bool {
        self.precision == Precision::Bf16
    }

    /// Runs a kernel on the caller's thread, with the instructions for the precision.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        if self.is_bf16() { self.path.run_bf16(kernel) } else { self.path.run(kernel) }
    }

    /// The terms of a sum over so many values: half as many in bf16, where two are a pair.
    pub(crate) fn terms(self, values: usize) -> usize {
        if self.is_bf16() { values.div_ceil(2) } else { values }
    }

    /// The same instructions on the caller's thread alone, for work that is done in parallel already.
    pub fn alone(self) -> Self {
        Cpu { threads: 1, ..self }
    }
}

/// Splits `0..len` into at most `parts` ranges of nearly equal length, each but the last a multiple of `grain`.
pub(crate) fn ranges(len: usize, parts: usize, grain: usize) -> impl Iterator<Item = Range<usize>> {
    let grains = len.div_ceil(grain.max(1));
    let parts = parts.clamp(1, grains.max(1));
    (0..parts).map(move |part| {
        let start = grains * part / parts * grain;
        let end = (grains * (part + 1) / parts * grain).min(len);
        start.min(len)..end
    })
}

/// In how many pieces a thread's share is made where nothing else says.
const PIECES: usize = 4;

/// The size of pieces for [`in_pieces`]: some for each thread, or one where its share has less than `least` for each of them.
pub(crate) fn piece_of(len: usize, threads: usize, least: usize) -> usize {
    let threads = threads.max(1);
    let each = (len / threads / least.max(1)).clamp(1, PIECES);
    len.div_ceil(threads * each).max(1)
}

/// Calls `work` with ranges that cover `0..len`, none larger than `size` by more than a grain, on as many threads at most, each with
/// what `own` gave it.
///
/// A thread begins with its share, the same in regions of the same length, as it may be in its caches. Then it takes pieces of others'
/// shares: on a core that has other work as well, a share takes up to twice as long as on the next core, and which core that is changes
/// within milliseconds. So results must not depend on who makes which piece.
pub(crate) fn in_pieces<S>(
    (len, grain): (usize, usize),
    threads: usize,
    size: usize,
    own: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Range<usize>) + Sync,
) {
    /// Counters of two threads do not share a cache line.
    #[repr(align(128))]
    struct Next(AtomicUsize);

    if len == 0 {
        return;
    }
    let threads = threads.clamp(1, len.div_ceil(grain.max(1)));
    let each = len.div_ceil(size.max(1).saturating_mul(threads)).max(1);
    let pieces: Vec<_> = ranges(len, threads * each, grain).collect();
    let share = |thread: usize| pieces.len() * thread / threads..pieces.len() * (thread + 1) / threads;
    let next: Vec<_> = (0..threads).map(|thread| Next(AtomicUsize::new(share(thread).start))).collect();
    in_parallel(threads, |thread| {
        let mut state = None;
        for of in (thread..threads).chain(0..thread) {
            let end = share(of).end;
            loop {
                let piece = next[of].0.fetch_add(1, Ordering::Relaxed);
                if piece >= end {
                    break;
                }
                work(state.get_or_insert_with(&own), pieces[piece].clone());
            }
        }
    });
}

/// A pointer that may cross threads; whoever sends it keeps the parts' places apart.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(*mut T);

// SAFETY: only an address travels; each use of it says why its place is no other thread's.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Shared(slice.as_mut_ptr())
    }

    pub(crate) fn ptr(self) -> *mut T {
        self.0
    }

    /// The part `range` of the slice.
    ///
    /// # Safety
    /// The range must lie inside the slice, no other thread may touch it meanwhile, and the slice must outlive `'a`.
    pub(crate) unsafe fn part<'a>(self, range: Range<usize>) -> &'a mut [T] {
        // SAFETY: passed on to the caller.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::check::{Random, paths};
    use crate::{
        Attention, Conv2dShape, DenseShape, DenseWeights, FeedForward, MaxPool, conv2d, dense_with,
        feed_forward_with, self_attention,
    };

    #[test]
    fn forward_passes_have_the_same_bits_on_any_number_of_threads() {
        let random = &mut Random::new(27);
        let tiles = Conv2dShape { padding: [1; 4], relu: true, ..Conv2dShape::new(20, 8, 8, [8, 8], [3, 3]) };
        let pool = MaxPool { kernel_size: [2; 2], stride: [2; 2] };
        let pooled = Conv2dShape { pool: Some(pool), ..tiles };
        let by_window = Conv2dShape { stride: [2; 2], pool: None, ..tiles };
        let dense = DenseShape { rows: 800, in_features: 32, out_features: 32, relu: false };
        let wide = FeedForward { rows: 200, features: 16, inner: 150, gelu: true, dropout: None };
        let attention = Attention {
            batch: 3,
            num_heads: 2,
            queries: 70,
            keys: 70,
            dim: 8,
            scale: 0.4,
            causal: true,
            key_lengths: None,
            dropout: None,
        };
        let (input, weight) = (random.numbers(3 * 70 * 3 * 2 * 8 * 4), random.numbers(32 * 32));
        let bits = |cpu: Cpu| {
            let mut outputs = Vec::new();
            for shape in [tiles, pooled, by_window] {
                let mut output = vec![f32::NAN; shape.batch * shape.output_len()];
                let (input, weight) =
                    (&input[..shape.batch * shape.input_len()], &weight[..shape.weight_len()]);
                conv2d(cpu, &shape, input, weight, None, &mut output);
                outputs.push(output);
            }
            let mut output = vec![f32::NAN; 800 * 32];
            let weights = DenseWeights::new(cpu, &weight, 32, 32);
            dense_with(cpu, &dense, &input[..800 * 32], &weights, None, &mut output);
            outputs.push(output);
            let mut output = vec![f32::NAN; 200 * 16];
            let [first, second] =
                [[16, 150], [150, 16]].map(|[from, to]| DenseWeights::new(cpu, &input[..2400], from, to));
            let biases = [&weight[..150], &weight[..16]];
            feed_forward_with(cpu, &wide, &input[..200 * 16], [&first, &second], biases, &mut output);
            outputs.push(output);
            let [mut output, mut log_sums] = [3 * 70 * 16, 3 * 2 * 70].map(|len| vec![f32::NAN; len]);
            self_attention(cpu, &attention, &input[..3 * 70 * 48], &mut output, &mut log_sums);
            outputs.extend([output, log_sums]);
            outputs
                .into_iter()
                .map(|output| output.into_iter().map(f32::to_bits).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        for path in paths() {
            let alone = bits(Cpu::single(path));
            for threads in [2, 3] {
                assert_eq!(bits(Cpu { threads, ..Cpu::single(path) }), alone, "{path} on {threads} threads");
            }
        }
    }

    #[test]
    fn pieces_cover_everything_once_and_keep_to_their_size() {
        for (len, grain, threads, size) in
            [(0, 1, 2, 4), (1, 6, 3, 1), (5, 1, 8, 2), (64, 1, 2, 7), (100, 6, 2, 48), (1000, 6, 3, 50)]
        {
            let times: Vec<_> = (0..len).map(|_| AtomicUsize::new(0)).collect();
            let own = || grain;
            in_pieces((len, grain), threads, size, own, |own, piece| {
                assert!(*own == grain && piece.start % grain == 0 && !piece.is_empty());
                assert!(
                    piece.len() <= size + if grain > 1 { grain } else { 0 } || len < threads,
                    "{piece:?}"
                );
                for times in &times[piece] {
                    times.fetch_add(1, Ordering::Relaxed);
                }
            });
            assert!(
                times.iter().all(|times| times.load(Ordering::Relaxed) == 1),
                "{len} {grain} {threads} {size}"
            );
        }
    }

    #[test]
    fn what_a_slow_thread_has_not_begun_is_done_by_another() {
        const PIECES: usize = 8;
        // Other tests use the workers too, and then the caller is alone: some attempts.
        let is_shared = (0..200).any(|_| {
            let (done, others) = (AtomicUsize::new(0), AtomicUsize::new(0));
            in_pieces(
                (PIECES, 1),
                2,
                1,
                || (),
                |(), piece| {
                    if piece.start == 0 {
                        let since = Instant::now();
                        while done.load(Ordering::Acquire) < PIECES - 1
                            && since.elapsed() < Duration::from_millis(50)
                        {
                            std::thread::yield_now();
                        }
                        others.store(done.load(Ordering::Acquire), Ordering::Relaxed);
                    } else {
                        done.fetch_add(1, Ordering::Release);
                    }
                },
            );
            others.load(Ordering::Relaxed) == PIECES - 1
        });
        assert!(is_shared, "a thread's share waited for it");
    }
}
