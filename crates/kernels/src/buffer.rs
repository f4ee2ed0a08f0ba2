//! Memory that begins at a cache line, so that no vector lies in two.

use crate::cpu::Shared;

/// Numbers from a cache line on. Made larger when needed, never smaller.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    numbers: Vec<f32>,
    start: usize,
}

const LINE: usize = 16;

impl Buffer {
    pub(crate) fn zeros(len: usize) -> Self {
        let mut buffer = Buffer::default();
        buffer.reserve(len);
        buffer
    }

    /// Has room for `len` numbers. What they are is unspecified unless the buffer was new; then they are 0.
    pub(crate) fn reserve(&mut self, len: usize) {
        if self.numbers.len() < len + LINE {
            // Zeros come as untouched pages from the system. The old ones are given back first.
            self.numbers = Vec::new();
            self.numbers = vec![0.0; len + LINE];
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
