//! A tensor whose rank is known only at run time: what flows between the layers of a [`Model`](crate::Model).

use burn::tensor::{Device, Tensor, TensorData};

/// A batch of rows or of images.
///
/// Burn's [`Tensor`] carries its rank in its type; a network read from a file learns its ranks at run time, so its
/// values travel in this enum. A network of one's own takes out the rank that it expects with [`rows`](Self::rows)
/// or [`images`](Self::images).
#[derive(Clone, Debug)]
pub enum AnyTensor {
    /// Rows of features, `[batch, features]`.
    Rows(Tensor<2>),
    /// Images, `[batch, channels, height, width]`.
    Images(Tensor<4>),
}

impl AnyTensor {
    /// Puts values onto a device.
    ///
    /// # Panics
    /// If `shape` is neither `[batch, features]` nor `[batch, channels, height, width]`, or if its product is not the
    /// number of values.
    pub fn from_values(values: Vec<f32>, shape: &[usize], device: &Device) -> Self {
        let data = TensorData::new(values, shape.to_vec());
        match shape.len() {
            2 => AnyTensor::Rows(Tensor::from_data(data, device)),
            4 => AnyTensor::Images(Tensor::from_data(data, device)),
            rank => panic!("a batch has rank 2 or 4, not {rank} (shape {shape:?})"),
        }
    }

    /// The size of each dimension, the batch first.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            AnyTensor::Rows(tensor) => tensor.dims().to_vec(),
            AnyTensor::Images(tensor) => tensor.dims().to_vec(),
        }
    }

    /// Takes out `[batch, features]`.
    ///
    /// # Panics
    /// If this is a batch of images.
    pub fn rows(self) -> Tensor<2> {
        match self {
            AnyTensor::Rows(tensor) => tensor,
            other => panic!("expected [batch, features], found {:?}", other.dims()),
        }
    }

    /// Takes out `[batch, channels, height, width]`.
    ///
    /// # Panics
    /// If this is a batch of rows.
    pub fn images(self) -> Tensor<4> {
        match self {
            AnyTensor::Images(tensor) => tensor,
            other => panic!("expected [batch, channels, height, width], found {:?}", other.dims()),
        }
    }

    /// The device that holds the values.
    pub fn device(&self) -> Device {
        match self {
            AnyTensor::Rows(tensor) => tensor.device(),
            AnyTensor::Images(tensor) => tensor.device(),
        }
    }

    /// The same values on the device of the training, where gradients are recorded.
    pub fn autodiff(self) -> Self {
        match self {
            AnyTensor::Rows(tensor) => AnyTensor::Rows(tensor.autodiff()),
            AnyTensor::Images(tensor) => AnyTensor::Images(tensor.autodiff()),
        }
    }

    /// Whether every value is finite; reads them back from the device.
    pub fn is_finite(&self) -> bool {
        fn all<const D: usize>(tensor: &Tensor<D>) -> bool {
            tensor.to_data().iter::<f32>().all(f32::is_finite)
        }
        match self {
            AnyTensor::Rows(tensor) => all(tensor),
            AnyTensor::Images(tensor) => all(tensor),
        }
    }
}

impl From<Tensor<2>> for AnyTensor {
    fn from(tensor: Tensor<2>) -> Self {
        AnyTensor::Rows(tensor)
    }
}

impl From<Tensor<4>> for AnyTensor {
    fn from(tensor: Tensor<4>) -> Self {
        AnyTensor::Images(tensor)
    }
}
