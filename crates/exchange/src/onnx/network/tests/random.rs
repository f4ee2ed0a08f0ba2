//! Numbers that look random and are the same in each run.

/// [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to before `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// A whole number that may be a size, a place, or neither.
    pub(super) fn number(&mut self, near: i64) -> i64 {
        match self.below(12) {
            0..=3 => near.wrapping_add(self.below(5) as i64 - 2),
            4 => near.wrapping_neg(),
            5 => 0,
            6 => -1,
            7 => 1 << self.below(40),
            8 => i64::MAX - self.below(2) as i64,
            9 => i64::MIN + self.below(2) as i64,
            _ => self.below(10) as i64,
        }
    }
}
