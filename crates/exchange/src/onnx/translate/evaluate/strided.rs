//! Places of values in the order of another shape.

/// Places in a list of values, one for each value of `shape`, row by row: a step along axis `i` moves by `strides[i]`.
pub(super) struct Places<'a> {
    shape: &'a [usize],
    strides: Vec<isize>,
    position: Vec<usize>,
    place: isize,
    left: usize,
}

impl<'a> Places<'a> {
    pub(super) fn new(shape: &'a [usize], strides: Vec<isize>, start: isize) -> Self {
        let left = shape.iter().product();
        Places { shape, strides, position: vec![0; shape.len()], place: start, left }
    }

    /// Of an input of shape `own` whose values are repeated to fill `shape`.
    pub(super) fn repeated(shape: &'a [usize], own: &[usize]) -> Self {
        let rank = shape.len();
        let own_strides = strides(own);
        let strides = (0..rank)
            .map(|axis| match (axis + own.len()).checked_sub(rank) {
                Some(own_axis) if own[own_axis] != 1 => own_strides[own_axis],
                _ => 0,
            })
            .collect();
        Places::new(shape, strides, 0)
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.place;
        for axis in (0..self.shape.len()).rev() {
            self.position[axis] += 1;
            self.place += self.strides[axis];
            if self.position[axis] < self.shape[axis] {
                break;
            }
            self.place -= self.strides[axis] * self.shape[axis] as isize;
            self.position[axis] = 0;
        }
        Some(place as usize)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// How far apart neighbours along each axis are.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}
