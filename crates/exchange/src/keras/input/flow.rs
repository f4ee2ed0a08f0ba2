//! What flows between Keras's layers: a shape in Keras's order, and what has to be remembered of the way to it.

/// One sample between two layers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flow {
    /// Sizes without the batch: `[height, width, channels]`, `[steps, features]`, `[features]`; of tokens `[tokens]`.
    pub(super) shape: Vec<usize>,
    pub(super) tokens: bool,
    /// Of an image that was laid out flat, its height, width and channels: Keras puts channels last and we put them first,
    /// so that the weights of the next layer have to be turned.
    pub(super) flat_image: Option<[usize; 3]>,
    /// Whether an embedding says which steps fill up a sequence.
    pub(super) mask: bool,
    /// Whether no value is negative, as behind a ReLU.
    pub(super) positive: bool,
    /// Rows above, below, columns left and right of zeros that the next layer has to add.
    pub(super) zeros: Option<[usize; 4]>,
}

impl Flow {
    pub(super) fn of(shape: Vec<usize>) -> Self {
        Flow { shape, tokens: false, flat_image: None, mask: false, positive: false, zeros: None }
    }

    /// What leaves a layer that changes the shape, and knows nothing of masks.
    pub(super) fn shaped(&self, shape: Vec<usize>) -> Self {
        Flow { mask: self.mask, ..Flow::of(shape) }
    }

    pub(super) fn image(&self) -> Result<[usize; 3], String> {
        match self.shape[..] {
            [height, width, channels] => Ok([height, width, channels]),
            _ => Err(format!("it is given {:?}; expected an image", self.shape)),
        }
    }

    pub(super) fn sequence(&self) -> Result<[usize; 2], String> {
        match self.shape[..] {
            [steps, features] => Ok([steps, features]),
            _ => Err(format!("it is given {:?}; expected a sequence", self.shape)),
        }
    }

    pub(super) fn features(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// For values of each feature, where each of them comes from in Keras's order.
    pub(super) fn feature_order(&self) -> Vec<usize> {
        match self.flat_image {
            None => (0..self.features()).collect(),
            Some([height, width, channels]) => (0..channels)
                .flat_map(|channel| (0..height * width).map(move |place| place * channels + channel))
                .collect(),
        }
    }
}

/// Multiplies sizes from outside.
pub(super) fn product(shape: &[usize]) -> Result<usize, String> {
    let product = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    product
        .filter(|product| *product <= 1 << 32)
        .ok_or_else(|| "it has more values than any machine holds".into())
}

/// Lays values of shape `shape` out with its axes in another order: `axes[i]` is the axis that becomes the `i`-th.
pub(in crate::keras) fn permuted(values: &[f32], shape: &[usize], axes: &[usize]) -> Vec<f32> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let mut out = Vec::with_capacity(values.len());
    let mut place = vec![0; axes.len()];
    for _ in 0..values.len() {
        out.push(values[place.iter().zip(axes).map(|(place, axis)| place * strides[*axis]).sum::<usize>()]);
        for (place, axis) in place.iter_mut().zip(axes).rev() {
            *place += 1;
            if *place < shape[*axis] {
                break;
            }
            *place = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_change_places() {
        let values: Vec<f32> = (0..6).map(|value| value as f32).collect();
        assert_eq!(permuted(&values, &[2, 3], &[1, 0]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(permuted(&values, &[1, 2, 3], &[2, 0, 1]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(permuted(&values, &[2, 3], &[0, 1]), values);
    }

    #[test]
    fn a_flat_image_is_read_channel_by_channel() {
        let flow = Flow { flat_image: Some([1, 2, 3]), ..Flow::of(vec![6]) };
        assert_eq!(flow.feature_order(), [0, 3, 1, 4, 2, 5]);
    }
}
