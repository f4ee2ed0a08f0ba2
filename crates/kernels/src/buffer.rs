//! Memory that begins at a cache line, so that no vector lies in two.

use crate::cpu::Shared;
use crate::memory::Values;

/// Numbers from a cache line on. Made larger when needed, never smaller.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    numbers: Values,
    start: usize,
}

const LINE: usize = 16;

impl Buffer {
    /// At least `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut buffer = Buffer::unspecified(len);
        buffer.numbers.fill(0.0);
        buffer
    }

    /// At least `len` numbers that are not specified.
    pub(crate) fn unspecified(len: usize) -> Self {
        let mut buffer = Buffer::default();
        buffer.reserve(len);
        buffer
    }

    /// Has room for `len` numbers. They are not specified.
    pub(crate) fn reserve(&mut self, len: usize) {
        if self.numbers.len() < len + LINE {
            // The old ones are given back first.
            self.numbers = Values::default();
            self.numbers = Values::unspecified(len + LINE);
            self.start = self.numbers.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        }
    }

    /// For threads that each write a part of their own.
    pub(crate) fn shared(&mut self) -> Shared<f32> {
        Shared::new(self.slice_mut())
    }

    pub(crate) fn slice(&self) -> &[f32] {
        &self.numbers[self.start..]
    }

    pub(crate) fn slice_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_line_and_has_room() {
        for len in 0..100 {
            let buffer = Buffer::zeros(len);
            assert!(buffer.slice().len() >= len);
            assert_eq!(buffer.slice().as_ptr() as usize % 64, 0);
        }
    }
}
