//! The product, tile by tile: as many sums as there are registers for, each read and written once.

use super::{Product, Start, Term};
use crate::simd::{Kernel, Simd, prefetch_to_l2};

/// The kernel that goes over the output in tiles; with `PAIRS` factors are pairs of bf16.
pub(super) struct Tiles<'a, const PAIRS: bool>(pub(super) Product<'a>);

/// What the tiles of one product share.
struct Ground<'a> {
    a: *const f32,
    terms: &'a [Term],
    b: *const f32,
    start: Start<'a>,
    relu: bool,
    output: *mut f32,
    output_stride: usize,
    /// What is asked for meanwhile, and how many bytes of it with each row.
    ahead: *const u8,
    ahead_of_row: usize,
}

/// Bytes of a cache line: more are not asked for at a time.
const LINE: usize = 64;

impl<'a> Ground<'a> {
    #[inline(always)]
    fn of(product: Product<'a>) -> Self {
        let Product { a, rows, terms, b, start, relu, output, output_stride, ahead, .. } = product;
        // Without anything ahead it is the beginning of what is read anyway.
        let (ahead, ahead_of_row) = match size_of_val(ahead) / rows.len().max(1) {
            0 => (b.as_ptr().cast(), 0),
            of_row => (ahead.as_ptr().cast(), of_row),
        };
        let (a, b, output) = (a.as_ptr(), b.as_ptr(), output.as_mut_ptr());
        Ground { a, terms, b, start, relu, output, output_stride, ahead, ahead_of_row }
    }
}

impl<const PAIRS: bool> Kernel for Tiles<'_, PAIRS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (rows, columns) = (self.0.rows, self.0.columns);
        let ground = Ground::of(self.0);
        // 4 vectors of columns on 24 accumulators leave 6 rows, which is where loads and sums are best balanced.
        let (full, tail) = (columns / S::LANES, columns % S::LANES);
        let mut vector = 0;
        while vector < full {
            let column = vector * S::LANES;
            // SAFETY: `Product::check` has seen that all offsets stay inside the factors and the output.
            unsafe {
                vector += match full - vector {
                    4.. if const { S::ACCUMULATORS >= 24 } => {
                        four_vectors::<S, PAIRS>(s, &ground, rows, column)
                    }
                    3 if const { S::ACCUMULATORS >= 24 } => {
                        three_vectors::<S, PAIRS>(s, &ground, rows, column)
                    }
                    2.. => two_vectors::<S, PAIRS>(s, &ground, rows, column),
                    _ => one_vector::<S, false, PAIRS>(s, &ground, rows, column, 0),
                };
            }
        }
        if tail > 0 {
            // SAFETY: as above.
            unsafe { one_vector::<S, true, PAIRS>(s, &ground, rows, full * S::LANES, tail) };
        }
    }
}

/// The kernel for a product of one row, whose sums are few: as many columns at a time as additions need not wait for each other.
pub(super) struct OneRow<'a, const PAIRS: bool>(pub(super) Product<'a>);

impl<const PAIRS: bool> Kernel for OneRow<'_, PAIRS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (rows, columns) = (self.0.rows, self.0.columns);
        let ground = Ground::of(self.0);
        let (full, tail) = (columns / S::LANES, columns % S::LANES);
        let mut vector = 0;
        while vector < full {
            let column = vector * S::LANES;
            // SAFETY: `Product::check` has seen that all offsets stay inside the factors and the output.
            unsafe {
                vector += match full - vector {
                    8.. => {
                        sums::<S, 1, 8, false, PAIRS>(s, &ground, rows, 0, column, 0);
                        8
                    }
                    4.. => {
                        sums::<S, 1, 4, false, PAIRS>(s, &ground, rows, 0, column, 0);
                        4
                    }
                    _ => {
                        sums::<S, 1, 1, false, PAIRS>(s, &ground, rows, 0, column, 0);
                        1
                    }
                };
            }
        }
        if tail > 0 {
            // SAFETY: as above.
            unsafe { sums::<S, 1, 1, true, PAIRS>(s, &ground, rows, 0, full * S::LANES, tail) };
        }
    }
}

/// Goes through all rows of one group of columns, in tiles of the first height that fits.
macro_rules! tiles {
    ($s:ident, $ground:ident, $rows:ident, $column:ident, $tail:expr, $n:literal, $has_tail:expr, $($m:literal)*) => {{
        let mut first = 0;
        while first < $rows.len() {
            match $rows.len() - first {
                $(left if left >= $m && const { $m * $n <= S::ACCUMULATORS } => {
                    // SAFETY: passed on from the caller; the rows exist.
                    unsafe {
                        sums::<S, $m, $n, $has_tail, PAIRS>(
                            $s, $ground, &$rows[first..first + $m], first, $column, $tail,
                        )
                    };
                    first += $m;
                })*
                _ => unreachable!("a tile of one row always fits"),
            }
        }
        $n
    }};
}

#[inline(always)]
unsafe fn four_vectors<S: Simd, const PAIRS: bool>(
    s: S,
    ground: &Ground<'_>,
    rows: &[u32],
    column: usize,
) -> usize {
    tiles!(s, ground, rows, column, 0, 4, false, 6 5 4 3 2 1)
}

#[inline(always)]
unsafe fn three_vectors<S: Simd, const PAIRS: bool>(
    s: S,
    ground: &Ground<'_>,
    rows: &[u32],
    column: usize,
) -> usize {
    tiles!(s, ground, rows, column, 0, 3, false, 8 4 2 1)
}

#[inline(always)]
unsafe fn two_vectors<S: Simd, const PAIRS: bool>(
    s: S,
    ground: &Ground<'_>,
    rows: &[u32],
    column: usize,
) -> usize {
    tiles!(s, ground, rows, column, 0, 2, false, 9 8 6 4 3 2 1)
}

#[inline(always)]
unsafe fn one_vector<S: Simd, const TAIL: bool, const PAIRS: bool>(
    s: S,
    ground: &Ground<'_>,
    rows: &[u32],
    column: usize,
    tail: usize,
) -> usize {
    tiles!(s, ground, rows, column, tail, 1, TAIL, 8 4 2 1)
}

/// `M` rows by `N` vectors, the sums in registers from first to last.
#[inline(always)]
unsafe fn sums<S: Simd, const M: usize, const N: usize, const TAIL: bool, const PAIRS: bool>(
    s: S,
    ground: &Ground<'_>,
    rows: &[u32],
    first: usize,
    column: usize,
    tail: usize,
) {
    // SAFETY: of everything below, the caller has checked rows, terms, columns and the output against the slices, and the
    // last vector of a group with a tail is read and written up to its tail only.
    unsafe {
        let a: [*const f32; M] = std::array::from_fn(|m| ground.a.add(rows[m] as usize));
        let b = ground.b.add(column);
        let output = ground.output.add(first * ground.output_stride + column);
        let load = |from: *const f32, n: usize| match TAIL && n == N - 1 {
            true => s.load_first(from.add(n * S::LANES), tail),
            false => s.load(from.add(n * S::LANES)),
        };

        let mut sums: [[S::F; N]; M] = match ground.start {
            Start::Zero => [[s.splat(0.0); N]; M],
            Start::Row(row) => {
                let row: [S::F; N] = std::array::from_fn(|n| load(row.as_ptr().add(column), n));
                [row; M]
            }
            Start::Output => std::array::from_fn(|m| {
                std::array::from_fn(|n| load(output.add(m * ground.output_stride), n))
            }),
        };
        let mut ahead = ground.ahead.wrapping_add(first * ground.ahead_of_row);
        let step = match ground.ahead_of_row {
            0 => 0,
            of_row => (M * of_row / ground.terms.len()).min(LINE),
        };
        for term in ground.terms {
            // Narrower tiles have no room for it beside their own reads.
            if N == 4 {
                prefetch_to_l2(ahead);
                ahead = ahead.wrapping_add(step);
            }
            let from = b.add(term.b as usize);
            let right: [S::F; N] = std::array::from_fn(|n| load(from, n));
            for m in 0..M {
                let left = s.splat(*a[m].add(term.a as usize));
                for n in 0..N {
                    sums[m][n] = match PAIRS {
                        true => s.mul_add_pairs(left, right[n], sums[m][n]),
                        false => s.mul_add(left, right[n], sums[m][n]),
                    };
                }
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                // In this order what is not a number stays so.
                let sum = if ground.relu { s.max(s.splat(0.0), sum) } else { sum };
                let to = output.add(m * ground.output_stride + n * S::LANES);
                match TAIL && n == N - 1 {
                    true => s.store_first(to, sum, tail),
                    false => s.store(to, sum),
                }
            }
        }
    }
}
