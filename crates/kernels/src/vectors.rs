//! What the kernels over rows share: walking a row vector by vector, and spreading rows over threads.

use std::ops::Range;

use crate::Cpu;
use crate::cpu::{in_pieces, piece_of};
use crate::simd::Simd;

/// Fewer values than this are done on the caller's thread: handing work to another costs some microseconds.
/// Tests, whose sizes are small, want threads all the same.
const WORTH_A_THREAD: usize = if cfg!(test) { 64 } else { 16_384 };

/// Runs the body for each vector of a row of `len` values: `at` is where it begins, `count` how many of its lanes
/// are values. The body is written out twice, so that `count` is a constant in all vectors but the last.
macro_rules! each_vector {
    ($lanes:expr, $len:expr, |$at:ident, $count:ident| $body:block) => {{
        let len: usize = $len;
        let mut $at = 0usize;
        while $at + $lanes <= len {
            let $count = $lanes;
            $body
            $at += $lanes;
        }
        if $at < len {
            let $count = len - $at;
            $body
        }
    }};
}
pub(crate) use each_vector;

/// The `count` numbers at `at`, at most `LANES` of them; the other lanes are 0.
#[inline(always)]
pub(crate) fn get<S: Simd>(s: S, from: &[f32], at: usize, count: usize) -> S::F {
    let values = &from[at..at + count];
    if count >= S::LANES {
        // SAFETY: `values` is `LANES` long.
        unsafe { s.load(values.as_ptr()) }
    } else {
        // SAFETY: `values` is `count` long.
        unsafe { s.load_first(values.as_ptr(), count) }
    }
}

/// As [`get`], with `fill` in the other lanes.
#[inline(always)]
pub(crate) fn get_or<S: Simd>(s: S, from: &[f32], at: usize, count: usize, fill: f32) -> S::F {
    let x = get(s, from, at, count);
    keep_first(s, x, count, fill)
}

/// `x` with `fill` in the lanes from `count` on.
#[inline(always)]
pub(crate) fn keep_first<S: Simd>(s: S, x: S::F, count: usize, fill: f32) -> S::F {
    static LANE: [f32; 16] = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];
    if count >= S::LANES {
        return x;
    }
    const { assert!(S::LANES <= 16) };
    // SAFETY: no vector has more lanes than the table has numbers.
    let lane = unsafe { s.load(LANE.as_ptr()) };
    s.select_gt(s.splat(count as f32), lane, x, s.splat(fill))
}

/// Writes the first `count` lanes, at most `LANES`, at `at`.
#[inline(always)]
pub(crate) fn put<S: Simd>(s: S, to: &mut [f32], at: usize, count: usize, x: S::F) {
    let values = &mut to[at..at + count];
    if count >= S::LANES {
        // SAFETY: `values` is `LANES` long.
        unsafe { s.store(values.as_mut_ptr(), x) }
    } else {
        // SAFETY: `values` is `count` long.
        unsafe { s.store_first(values.as_mut_ptr(), x, count) }
    }
}

/// As [`get`], from bytes.
#[inline(always)]
pub(crate) fn get_u8<S: Simd>(s: S, from: &[u8], at: usize, count: usize) -> S::F {
    let values = &from[at..at + count];
    if count >= S::LANES {
        // SAFETY: `values` is `LANES` long.
        return unsafe { s.load_u8(values.as_ptr()) };
    }
    let mut lanes = [0u8; 16];
    const { assert!(S::LANES <= 16) };
    for (lane, &value) in lanes.iter_mut().zip(values) {
        *lane = value;
    }
    // SAFETY: no vector has more than 16 lanes.
    unsafe { s.load_u8(lanes.as_ptr()) }
}

/// As [`put`], whole numbers from 0 to 255 to bytes.
#[inline(always)]
pub(crate) fn put_u8<S: Simd>(s: S, to: &mut [u8], at: usize, count: usize, x: S::F) {
    let values = &mut to[at..at + count];
    if count >= S::LANES {
        // SAFETY: `values` is `LANES` long.
        return unsafe { s.store_u8(values.as_mut_ptr(), x) };
    }
    let mut lanes = [0u8; 16];
    // SAFETY: no vector has more than 16 lanes.
    unsafe { s.store_u8(lanes.as_mut_ptr(), x) };
    for (value, &lane) in values.iter_mut().zip(&lanes) {
        *value = lane;
    }
}

/// How many threads work on `values` values deserves.
pub(crate) fn threads_for(cpu: Cpu, values: usize) -> usize {
    cpu.threads.min(values / WORTH_A_THREAD).max(1)
}

/// Calls `work` with ranges that cover `0..rows`, on as many threads as work on `values` values in all deserves.
pub(crate) fn over_rows(cpu: Cpu, rows: usize, values: usize, work: impl Fn(Range<usize>) + Sync) {
    let threads = threads_for(cpu, values);
    if threads == 1 {
        return work(0..rows);
    }
    let least = (rows * WORTH_A_THREAD).div_ceil(values.max(1));
    in_pieces((rows, 1), threads, piece_of(rows, threads, least), || (), |(), rows| work(rows));
}

/// The sum of each column of `[rows, columns]`.
#[inline(always)]
pub(crate) fn column_sums<S: Simd>(s: S, columns: usize, x: &[f32], sums: &mut [f32]) {
    each_vector!(S::LANES, columns, |at, count| {
        // Four sums in turn, as one would wait for each addition.
        let mut four = [s.splat(0.0); 4];
        let mut rows = x.chunks_exact(4 * columns);
        for rows in rows.by_ref() {
            for (row, sum) in four.iter_mut().enumerate() {
                *sum = s.add(*sum, get(s, rows, row * columns + at, count));
            }
        }
        for row in rows.remainder().chunks_exact(columns) {
            four[0] = s.add(four[0], get(s, row, at, count));
        }
        put(s, sums, at, count, s.add(s.add(four[0], four[2]), s.add(four[1], four[3])));
    });
}
