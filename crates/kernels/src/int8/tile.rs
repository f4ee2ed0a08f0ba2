//! The product of bytes, tile by tile, from sums of 32 bits to bytes or numbers.

use crate::simd::{Kernel, Simd, store_up_to};

/// Vectors of columns in a panel.
pub(super) const fn vectors_of<S: Simd>() -> usize {
    if S::ACCUMULATORS >= 24 { 4 } else { 2 }
}

/// Four terms of a sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quad {
    /// Offset of its bytes on the left, from a row's beginning.
    pub(super) a: u32,
    /// Its row of a panel.
    pub(super) row: u32,
}

/// The factors of a product for one panel of columns, and where its results go.
pub(super) struct Tiles<'a> {
    /// Bytes, among them all that a quad of a row may read.
    pub(super) a: &'a [u8],
    /// Offset in `a` of each row, in bytes.
    pub(super) rows: &'a [u32],
    /// What is added up, in the order of the panel's rows.
    pub(super) quads: &'a [Quad],
    /// `[rows][vectors · LANES]`, four bytes in each number.
    pub(super) panel: &'a [f32],
    /// What the sums of a column start from, a whole number of 32 bits; like the next two for whole vectors.
    pub(super) start: &'a [f32],
    /// What a sum is multiplied by.
    pub(super) factor: &'a [f32],
    /// What is added then.
    pub(super) addend: &'a [f32],
    /// Below it nothing goes, nor any byte above [`most`](Self::most).
    pub(super) least: f32,
    pub(super) most: f32,
    /// What is added to the nearest whole number, the byte of 0.
    pub(super) zero: f32,
    /// Columns of the panel that there are.
    pub(super) columns: usize,
    pub(super) to: Into<'a>,
}

/// Where results go: the first column of a row, by the row's place.
pub(super) enum Into<'a> {
    Bytes {
        to: *mut u8,
        places: &'a [u32],
    },
    Numbers {
        to: *mut f32,
        stride: usize,
        /// What each row is multiplied by besides, if rows differ in it.
        scales: Option<&'a [f32]>,
    },
}

impl Kernel for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let vectors = self.columns.div_ceil(S::LANES);
        let rows = self.quads.last().map_or(0, |quad| quad.row as usize + 1);
        assert!(
            vectors <= const { vectors_of::<S>() } && self.panel.len() >= rows * vectors * S::LANES,
            "a panel of {rows} rows and {vectors} vectors"
        );
        if let Into::Numbers { scales: Some(scales), .. } = self.to {
            assert_eq!(scales.len(), self.rows.len(), "a scale for each row");
        }
        assert!([self.start, self.factor, self.addend].iter().all(|of| of.len() >= vectors * S::LANES));
        // Written out, so that each has the tiles that its registers have room for.
        macro_rules! tiles {
            ($n:literal: $($m:literal)*) => {{
                let mut first = 0;
                while first < self.rows.len() {
                    // As many rows in each, since a tile of one or two waits for its own sums.
                    let left = self.rows.len() - first;
                    match left.div_ceil(left.div_ceil(const { most_rows(&[$($m),*], S::ACCUMULATORS / $n) })) {
                        $($m if const { $m * $n <= S::ACCUMULATORS } => {
                            // SAFETY: the panel and the columns' numbers were checked; offsets into `a` and places are the
                            // builder's, who has made room for them.
                            unsafe { tile::<S, $m, $n>(s, &self, first) };
                            first += $m;
                        })*
                        rows => unreachable!("a tile of {rows} rows"),
                    }
                }
            }};
        }
        match vectors {
            0 => {}
            1 => tiles!(1: 8 7 6 5 4 3 2 1),
            2 => tiles!(2: 9 8 7 6 5 4 3 2 1),
            3 if const { vectors_of::<S>() > 2 } => tiles!(3: 8 7 6 5 4 3 2 1),
            4 if const { vectors_of::<S>() > 2 } => tiles!(4: 6 5 4 3 2 1),
            _ => unreachable!("a panel has no more vectors"),
        }
    }
}

/// The most rows of a tile, of sizes from there down to 1, which have accumulators.
const fn most_rows(sizes: &[usize], accumulators: usize) -> usize {
    let mut at = 0;
    while sizes[at] > accumulators {
        at += 1;
    }
    sizes[at]
}

/// `M` rows by `N` vectors.
///
/// # Safety
/// The rows' windows must lie inside `a`, and where results go there must be room for them.
#[inline(always)]
unsafe fn tile<S: Simd, const M: usize, const N: usize>(s: S, tiles: &Tiles<'_>, first: usize) {
    // SAFETY: passed on to the caller; the slices of the columns were checked to hold `N` vectors.
    unsafe {
        let a: [*const u8; M] =
            std::array::from_fn(|m| tiles.a.as_ptr().add(*tiles.rows.get_unchecked(first + m) as usize));
        let of_columns = |from: &[f32], n: usize| s.load(from.as_ptr().add(n * S::LANES));
        let start: [S::F; N] = std::array::from_fn(|n| of_columns(tiles.start, n));
        let mut sums = [start; M];
        for quad in tiles.quads {
            let panel = tiles.panel.as_ptr().add(quad.row as usize * N * S::LANES);
            let right: [S::F; N] = std::array::from_fn(|n| s.load(panel.add(n * S::LANES)));
            for m in 0..M {
                let left = s.splat(a[m].add(quad.a as usize).cast::<f32>().read_unaligned());
                for n in 0..N {
                    sums[m][n] = s.mul_add_quads(left, right[n], sums[m][n]);
                }
            }
        }
        let is_full = tiles.columns == N * S::LANES;
        for (m, sums) in sums.into_iter().enumerate() {
            let mut values = [s.splat(0.0); N];
            for n in 0..N {
                // Not fused, as not every path could.
                let mut scaled = s.mul(s.whole_to_numbers(sums[n]), of_columns(tiles.factor, n));
                if let Into::Numbers { scales: Some(scales), .. } = tiles.to {
                    scaled = s.mul(scaled, s.splat(*scales.get_unchecked(first + m)));
                }
                let (sum, least) = (s.add(scaled, of_columns(tiles.addend, n)), s.splat(tiles.least));
                values[n] = match tiles.to {
                    // What is not a number stays.
                    Into::Numbers { scales: Some(_), .. } => s.select_gt_or_nan(sum, least, sum, least),
                    _ => s.max(sum, least),
                };
            }
            match tiles.to {
                Into::Bytes { to, places } => {
                    let to = to.add(*places.get_unchecked(first + m) as usize);
                    for (n, value) in values.into_iter().enumerate() {
                        let (to, mut value) = (to.add(n * S::LANES), s.min(value, s.splat(tiles.most)));
                        if tiles.zero != 0.0 {
                            // After the rounding, which for a half depends on which numbers are even.
                            value = s.add(s.round(value), s.splat(tiles.zero));
                        }
                        if is_full || n + 1 < N {
                            s.store_rounded_u8(to, value);
                        } else {
                            let mut lanes = [0u8; 16];
                            s.store_rounded_u8(lanes.as_mut_ptr(), value);
                            let count = tiles.columns - n * S::LANES;
                            std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
                        }
                    }
                }
                Into::Numbers { to, stride, .. } => {
                    let to = to.add((first + m) * stride);
                    for (n, value) in values.into_iter().enumerate() {
                        store_up_to(s, to.add(n * S::LANES), value, tiles.columns - n * S::LANES);
                    }
                }
            }
        }
    }
}
