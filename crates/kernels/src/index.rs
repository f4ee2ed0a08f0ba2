//! Classes and tokens, in whichever type the caller has them.

/// A whole number that counts from 0.
pub trait Index: Copy + Send + Sync {
    /// As a position in a slice; a number below 0 gives one that no slice has.
    fn position(self) -> usize;
}

macro_rules! index {
    ($($number:ty)*) => {$(
        impl Index for $number {
            #[inline(always)]
            fn position(self) -> usize {
                usize::try_from(self).unwrap_or(usize::MAX)
            }
        }
    )*};
}

index! { u8 u32 i32 i64 usize }
