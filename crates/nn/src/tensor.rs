//! A tensor whose rank is known only at run time: what flows between the layers of a [`Model`](crate::Model).

use burn::tensor::{Device, Int, Tensor, TensorData};

/// A batch of rows, of sequences, of images or of tokens, or several of these by name.
///
/// Burn's [`Tensor`] carries its rank in its type; a network read from a file learns its ranks at run time, so its
/// values travel in this enum. A network of one's own takes out the kind that it expects with [`rows`](Self::rows),
/// [`sequences`](Self::sequences), [`images`](Self::images) or [`tokens`](Self::tokens).
#[derive(Clone, Debug)]
pub enum AnyTensor {
    /// Rows of features, `[batch, features]`.
    Rows(Tensor<2>),
    /// Sequences, `[batch, steps, features]`.
    Sequences(Tensor<3>),
    /// Images, `[batch, channels, height, width]`.
    Images(Tensor<4>),
    /// Whole numbers that stand for words or letters, `[batch, tokens]`.
    Tokens(Tensor<2, Int>),
    /// Several inputs, each with its name; [`named`](Self::named) takes one out.
    Named(Vec<(String, AnyTensor)>),
}

impl AnyTensor {
    /// Puts values onto a device.
    ///
    /// # Panics
    /// If `shape` is none of `[batch, features]`, `[batch, steps, features]` and `[batch, channels, height, width]`, or
    /// if its product is not the number of values.
    pub fn from_values(values: Vec<f32>, shape: &[usize], device: &Device) -> Self {
        let data = TensorData::new(values, shape.to_vec());
        match shape.len() {
            2 => AnyTensor::Rows(Tensor::from_data(data, device)),
            3 => AnyTensor::Sequences(Tensor::from_data(data, device)),
            4 => AnyTensor::Images(Tensor::from_data(data, device)),
            rank => panic!("a batch has rank 2, 3 or 4, not {rank} (shape {shape:?})"),
        }
    }

    /// Puts tokens onto a device.
    ///
    /// # Panics
    /// If `shape` is not `[batch, tokens]`, or if its product is not the number of tokens.
    pub fn from_tokens(tokens: Vec<i32>, shape: &[usize], device: &Device) -> Self {
        assert_eq!(shape.len(), 2, "a batch of tokens has rank 2 (shape {shape:?})");
        AnyTensor::Tokens(Tensor::from_data(TensorData::new(tokens, shape.to_vec()), device))
    }

    /// The size of each dimension, the batch first; of several inputs that of the first.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            AnyTensor::Rows(tensor) => tensor.dims().to_vec(),
            AnyTensor::Sequences(tensor) => tensor.dims().to_vec(),
            AnyTensor::Images(tensor) => tensor.dims().to_vec(),
            AnyTensor::Tokens(tensor) => tensor.dims().to_vec(),
            AnyTensor::Named(inputs) => inputs.first().map_or(Vec::new(), |(_, first)| first.dims()),
        }
    }

    /// Takes out `[batch, features]`.
    ///
    /// # Panics
    /// If this is a batch of something else.
    pub fn rows(self) -> Tensor<2> {
        match self {
            AnyTensor::Rows(tensor) => tensor,
            other => panic!("expected [batch, features], found {}", other.describe()),
        }
    }

    /// Takes out `[batch, steps, features]`.
    ///
    /// # Panics
    /// If this is a batch of something else.
    pub fn sequences(self) -> Tensor<3> {
        match self {
            AnyTensor::Sequences(tensor) => tensor,
            other => panic!("expected [batch, steps, features], found {}", other.describe()),
        }
    }

    /// Takes out `[batch, channels, height, width]`.
    ///
    /// # Panics
    /// If this is a batch of something else.
    pub fn images(self) -> Tensor<4> {
        match self {
            AnyTensor::Images(tensor) => tensor,
            other => panic!("expected [batch, channels, height, width], found {}", other.describe()),
        }
    }

    /// Takes out `[batch, tokens]`.
    ///
    /// # Panics
    /// If this is a batch of something else.
    pub fn tokens(self) -> Tensor<2, Int> {
        match self {
            AnyTensor::Tokens(tensor) => tensor,
            other => panic!("expected tokens, [batch, tokens], found {}", other.describe()),
        }
    }

    /// One of several inputs, by the name that the source gives it.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use fireclay_nn::AnyTensor;
    /// let device = Device::flex();
    /// let picture = Tensor::<4>::zeros([2, 1, 8, 8], &device);
    /// let row = Tensor::<2>::zeros([2, 3], &device);
    /// let input = AnyTensor::Named(vec![("picture".into(), picture.into()), ("row".into(), row.into())]);
    /// assert_eq!(input.named("row").rows().dims(), [2, 3]);
    /// ```
    ///
    /// # Panics
    /// If there is no input of this name.
    pub fn named(&self, name: &str) -> AnyTensor {
        let AnyTensor::Named(inputs) = self else {
            panic!("expected an input called '{name}', found one input without a name, {}", self.describe());
        };
        match inputs.iter().find(|(known, _)| known == name) {
            Some((_, tensor)) => tensor.clone(),
            None => {
                let known: Vec<&str> = inputs.iter().map(|(known, _)| known.as_str()).collect();
                panic!("expected an input called '{name}', found {}", known.join(", "))
            }
        }
    }

    /// The device that holds the values.
    pub fn device(&self) -> Device {
        match self {
            AnyTensor::Rows(tensor) => tensor.device(),
            AnyTensor::Sequences(tensor) => tensor.device(),
            AnyTensor::Images(tensor) => tensor.device(),
            AnyTensor::Tokens(tensor) => tensor.device(),
            AnyTensor::Named(inputs) => {
                inputs.first().map_or_else(Device::default, |(_, first)| first.device())
            }
        }
    }

    /// The same values on the device of the training, where gradients are recorded.
    pub fn autodiff(self) -> Self {
        match self {
            AnyTensor::Rows(tensor) => AnyTensor::Rows(tensor.autodiff()),
            AnyTensor::Sequences(tensor) => AnyTensor::Sequences(tensor.autodiff()),
            AnyTensor::Images(tensor) => AnyTensor::Images(tensor.autodiff()),
            AnyTensor::Tokens(tensor) => AnyTensor::Tokens(tensor.autodiff()),
            AnyTensor::Named(inputs) => {
                AnyTensor::Named(inputs.into_iter().map(|(name, tensor)| (name, tensor.autodiff())).collect())
            }
        }
    }

    /// Whether every value is finite, as tokens always are; reads them back from the device.
    pub fn is_finite(&self) -> bool {
        fn all<const D: usize>(tensor: &Tensor<D>) -> bool {
            tensor.to_data().iter::<f32>().all(f32::is_finite)
        }
        match self {
            AnyTensor::Rows(tensor) => all(tensor),
            AnyTensor::Sequences(tensor) => all(tensor),
            AnyTensor::Images(tensor) => all(tensor),
            AnyTensor::Tokens(_) => true,
            AnyTensor::Named(inputs) => inputs.iter().all(|(_, tensor)| tensor.is_finite()),
        }
    }

    fn describe(&self) -> String {
        match self {
            AnyTensor::Tokens(tensor) => format!("tokens, {:?}", tensor.dims()),
            AnyTensor::Named(inputs) => {
                let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
                format!("the inputs {}", names.join(", "))
            }
            other => format!("{:?}", other.dims()),
        }
    }
}

impl From<Tensor<2>> for AnyTensor {
    fn from(tensor: Tensor<2>) -> Self {
        AnyTensor::Rows(tensor)
    }
}

impl From<Tensor<3>> for AnyTensor {
    fn from(tensor: Tensor<3>) -> Self {
        AnyTensor::Sequences(tensor)
    }
}

impl From<Tensor<4>> for AnyTensor {
    fn from(tensor: Tensor<4>) -> Self {
        AnyTensor::Images(tensor)
    }
}

impl From<Tensor<2, Int>> for AnyTensor {
    fn from(tensor: Tensor<2, Int>) -> Self {
        AnyTensor::Tokens(tensor)
    }
}
