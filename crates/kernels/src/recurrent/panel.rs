//! Weights in the order in which products read them, and the products' tile.

use super::Widths;
use crate::Path;
use crate::buffer::Buffer;
use crate::product::pairs::PairRows;
use crate::simd::{Kernel, Simd};

/// Packs `[hidden, gates · hidden]` as `[block][hidden][gates][LANES]`, the units filled up with zeros.
pub(super) fn pack_forward(weights: &[f32], hidden: usize, gates: usize, widths: Widths) -> Buffer {
    let Widths { lanes, blocks, .. } = widths;
    let mut packed = Buffer::zeros(blocks * hidden * gates * lanes);
    for (at, to) in packed.slice_mut().chunks_exact_mut(lanes).take(blocks * hidden * gates).enumerate() {
        let (gate, k, block) = (at % gates, at / gates % hidden, at / gates / hidden);
        let unit = block * lanes;
        let count = lanes.min(hidden - unit);
        let from = (k * gates + gate) * hidden + unit;
        to[..count].copy_from_slice(&weights[from..from + count]);
    }
    packed
}

/// Packs the transpose as `[group of 4 vectors of columns][widths.gates][4 · LANES]`, the first index in the order in
/// which the gradients of the gates lie: block, gate, lane.
pub(super) fn pack_backward(weights: &[f32], hidden: usize, gates: usize, widths: Widths) -> Buffer {
    let Widths { lanes, blocks, .. } = widths;
    let group = 4 * lanes;
    let mut packed = Buffer::zeros(widths.columns * widths.gates);
    let to = packed.slice_mut();
    for column in 0..hidden {
        let start = column / group * widths.gates * group + column % group;
        let row = &weights[column * gates * hidden..][..gates * hidden];
        for block in 0..blocks {
            for gate in 0..gates {
                for lane in 0..lanes.min(hidden - block * lanes) {
                    let term = (block * gates + gate) * lanes + lane;
                    to[start + term * group] = row[gate * hidden + block * lanes + lane];
                }
            }
        }
    }
    packed
}

/// Weights that were packed in groups of `rows` rows of `width`, each two rows as pairs of bf16.
pub(super) fn in_pairs(path: Path, packed: &Buffer, groups: usize, rows: usize, width: usize) -> Buffer {
    let len = rows.div_ceil(2) * width;
    let mut pairs = Buffer::unspecified(groups * len);
    if len > 0 {
        let both = packed.slice().chunks_exact(rows * width).zip(pairs.slice_mut().chunks_exact_mut(len));
        for (from, into) in both.take(groups) {
            path.run_bf16(PairRows { from, stride: width, rows, columns: 0..width, into, width });
        }
    }
    pairs
}

/// Where the left factor's and the right factor's numbers are.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    pub(super) a: *const f32,
    /// From row to row of the left factor.
    pub(super) a_row: usize,
    /// From term to term of the left factor.
    pub(super) a_term: usize,
    pub(super) b: *const f32,
    /// From term to term of the right factor.
    pub(super) b_term: usize,
    pub(super) terms: usize,
}

/// What each number of both factors is.
pub(super) trait Terms: Copy + Send + Sync {
    /// How many terms it holds.
    const HELD: usize;

    /// Whether sums are whole numbers of 32 bits.
    const ARE_WHOLE: bool = false;

    /// `a · b + c`
    fn add<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> S::F;

    /// Runs a kernel with the instructions for these products.
    fn run<K: Kernel>(path: Path, kernel: K) -> K::Output;
}

/// A term.
#[derive(Clone, Copy)]
pub(super) struct Numbers;

/// A pair of bf16, two terms.
#[derive(Clone, Copy)]
pub(super) struct Pairs;

/// Four bytes, four terms.
#[derive(Clone, Copy)]
pub(super) struct Quads;

impl Terms for Numbers {
    const HELD: usize = 1;

    #[inline(always)]
    fn add<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> S::F {
        s.mul_add(a, b, c)
    }

    #[inline]
    fn run<K: Kernel>(path: Path, kernel: K) -> K::Output {
        path.run(kernel)
    }
}

impl Terms for Pairs {
    const HELD: usize = 2;

    #[inline(always)]
    fn add<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> S::F {
        s.mul_add_pairs(a, b, c)
    }

    #[inline]
    fn run<K: Kernel>(path: Path, kernel: K) -> K::Output {
        path.run_bf16(kernel)
    }
}

impl Terms for Quads {
    const HELD: usize = 4;
    const ARE_WHOLE: bool = true;

    #[inline(always)]
    fn add<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> S::F {
        s.mul_add_quads(a, b, c)
    }

    #[inline]
    fn run<K: Kernel>(path: Path, kernel: K) -> K::Output {
        path.run_int8(kernel)
    }
}

/// `sums[m][n] += Σ a[m][k] · b[k][n]` for `M` numbers and `N` vectors.
///
/// # Safety
/// The factors must be readable as described.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "rows and columns of a tile read better by their numbers")]
pub(super) unsafe fn multiply<S: Simd, T: Terms, const M: usize, const N: usize>(
    s: S,
    f: Factors,
    mut sums: [[S::F; N]; M],
) -> [[S::F; N]; M] {
    let mut k = 0;
    if M == 1 && !T::ARE_WHOLE {
        // One row has too few sums to keep the multipliers busy, so that it takes two terms at once.
        let mut second = [s.splat(0.0); N];
        while k + 2 <= f.terms {
            // SAFETY: passed on to the caller; `k + 1 < terms`.
            unsafe {
                let b = f.b.add(k * f.b_term);
                let x = s.splat(*f.a.add(k * f.a_term));
                let y = s.splat(*f.a.add((k + 1) * f.a_term));
                for n in 0..N {
                    sums[0][n] = T::add(s, x, s.load(b.add(n * S::LANES)), sums[0][n]);
                    second[n] = T::add(s, y, s.load(b.add(f.b_term + n * S::LANES)), second[n]);
                }
            }
            k += 2;
        }
        for n in 0..N {
            sums[0][n] = s.add(sums[0][n], second[n]);
        }
    }
    while k < f.terms {
        // SAFETY: passed on to the caller; `k < terms`.
        unsafe {
            // What there is less of stays in registers, and the other passes by.
            let b = f.b.add(k * f.b_term);
            if M > N {
                let mut vectors = [s.splat(0.0); N];
                for n in 0..N {
                    vectors[n] = s.load(b.add(n * S::LANES));
                }
                for m in 0..M {
                    let number = s.splat(*f.a.add(m * f.a_row + k * f.a_term));
                    for n in 0..N {
                        sums[m][n] = T::add(s, number, vectors[n], sums[m][n]);
                    }
                }
            } else {
                let mut numbers = [s.splat(0.0); M];
                for m in 0..M {
                    numbers[m] = s.splat(*f.a.add(m * f.a_row + k * f.a_term));
                }
                for n in 0..N {
                    let vector = s.load(b.add(n * S::LANES));
                    for m in 0..M {
                        sums[m][n] = T::add(s, numbers[m], vector, sums[m][n]);
                    }
                }
            }
        }
        k += 1;
    }
    sums
}

/// What a tile starts from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Zero,
    Output,
    /// A row of vectors, the same for all rows.
    Row(*const f32),
}

/// A tile of `M` rows whose sums go to memory.
///
/// # Safety
/// As for [`multiply`], and `to` must be writable for `N` vectors at each of the rows, `to_row` apart, as a row to start from must be
/// readable for them.
#[inline(always)]
unsafe fn tile<S: Simd, T: Terms, const M: usize, const N: usize>(
    s: S,
    f: Factors,
    to: *mut f32,
    to_row: usize,
    start: Start,
) {
    let mut sums = [[s.splat(0.0); N]; M];
    // SAFETY: passed on to the caller.
    unsafe {
        for (m, row) in sums.iter_mut().enumerate() {
            for (n, sum) in row.iter_mut().enumerate() {
                match start {
                    Start::Zero => {}
                    Start::Output => *sum = s.load(to.add(m * to_row + n * S::LANES)),
                    Start::Row(row) => *sum = s.load(row.add(n * S::LANES)),
                }
            }
        }
        sums = multiply::<S, T, M, N>(s, f, sums);
        for (m, row) in sums.iter().enumerate() {
            for (n, sum) in row.iter().enumerate() {
                s.store(to.add(m * to_row + n * S::LANES), *sum);
            }
        }
    }
}

/// The most rows of a tile.
pub(super) const MOST_ROWS: usize = 8;

/// A tile of `rows` rows, at most as many as `ACCUMULATORS / N` and [`MOST_ROWS`].
///
/// # Safety
/// As for [`tile`].
#[inline(always)]
pub(super) unsafe fn tile_of<S: Simd, T: Terms, const N: usize>(
    s: S,
    rows: usize,
    f: Factors,
    to: *mut f32,
    to_row: usize,
    start: Start,
) {
    // What the registers have no room for is not even compiled.
    let most = const { S::ACCUMULATORS / N };
    // SAFETY: passed on to the caller.
    unsafe {
        match rows {
            1 => tile::<S, T, 1, N>(s, f, to, to_row, start),
            2 => tile::<S, T, 2, N>(s, f, to, to_row, start),
            3 => tile::<S, T, 3, N>(s, f, to, to_row, start),
            4 if most >= 4 => tile::<S, T, 4, N>(s, f, to, to_row, start),
            5 if most >= 5 => tile::<S, T, 5, N>(s, f, to, to_row, start),
            6 if most >= 6 => tile::<S, T, 6, N>(s, f, to, to_row, start),
            7 if most >= 7 => tile::<S, T, 7, N>(s, f, to, to_row, start),
            8 if most >= 8 => tile::<S, T, 8, N>(s, f, to, to_row, start),
            _ => unreachable!("a tile has from one row to as many as there are registers for"),
        }
    }
}

/// Splits `rows` into tiles of nearly equal height, at most `most`.
#[inline(always)]
pub(super) fn tiles(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(most);
    (0..count).map(move |tile| {
        let start = rows * tile / count;
        (start, rows * (tile + 1) / count - start)
    })
}
