//! The parameters of a network as this crate sees them: tensors of f32 with names, and nothing of what they do.

use std::collections::BTreeMap;

use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, SafeTensorError};

use crate::FederateError;

/// The most tensors that parameters may have.
pub const MAX_TENSORS: usize = 65_536;

/// The most dimensions that a tensor may have.
pub const MAX_RANK: usize = 16;

/// The most bytes that a tensor's name may have.
pub const MAX_NAME_BYTES: usize = 1_024;

/// The most bytes that the header of encoded parameters may have.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// What encoded parameters say of themselves.
const VERSION_KEY: &str = "fireclay-federate";
const VERSION: &str = "1";

/// A tensor with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name, such as `conv2d_1.weight`.
    pub name: String,
    /// The sizes of its dimensions; none for a single number.
    pub shape: Vec<usize>,
    /// The values, the last dimension first to change.
    pub values: Vec<f32>,
}

/// Named tensors, in the order of their names.
///
/// ```
/// use fireclay_federate::{Parameters, Tensor};
///
/// let weight = Tensor { name: "weight".into(), shape: vec![1, 2], values: vec![0.5, -1.0] };
/// let bias = Tensor { name: "bias".into(), shape: vec![1], values: vec![0.0] };
/// let parameters = Parameters::new([weight, bias])?;
/// assert_eq!(parameters.tensors()[0].name, "bias");
/// assert_eq!(Parameters::from_bytes(&parameters.to_bytes()?)?, parameters);
/// # Ok::<(), fireclay_federate::FederateError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    tensors: Vec<Tensor>,
}

impl Parameters {
    /// Puts tensors in order.
    ///
    /// # Errors
    /// [`FederateError::Parameters`] for no tensors or too many, two of one name, and shapes that are not those of the values.
    pub fn new(tensors: impl IntoIterator<Item = Tensor>) -> Result<Self, FederateError> {
        let mut tensors: Vec<_> = tensors.into_iter().collect();
        let wrong = |problem: String| Err(FederateError::Parameters { problem });
        if tensors.is_empty() {
            return wrong("expected one tensor or more, found none".into());
        }
        if tensors.len() > MAX_TENSORS {
            return wrong(format!("expected {MAX_TENSORS} tensors at most, found {}", tensors.len()));
        }
        for tensor in &tensors {
            let name = shortened(&tensor.name);
            if tensor.name.is_empty() || tensor.name.len() > MAX_NAME_BYTES {
                let found = tensor.name.len();
                return wrong(format!(
                    "expected a name of 1 to {MAX_NAME_BYTES} bytes, found {found}: {name}"
                ));
            }
            if tensor.shape.len() > MAX_RANK {
                let found = tensor.shape.len();
                return wrong(format!(
                    "tensor {name}: expected {MAX_RANK} dimensions at most, found {found}"
                ));
            }
            if element_count(&tensor.shape) != Some(tensor.values.len()) {
                let (shape, found) = (&tensor.shape, tensor.values.len());
                return wrong(format!(
                    "tensor {name}: expected as many values as {shape:?} has, found {found}"
                ));
            }
        }
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return wrong(format!("expected different names, found two of {}", shortened(&pair[0].name)));
        }
        Ok(Parameters { tensors })
    }

    /// The tensors, in the order of their names.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        let place = self.tensors.binary_search_by(|tensor| tensor.name.as_str().cmp(name)).ok()?;
        self.tensors.get(place)
    }

    /// How many numbers all tensors have together.
    pub fn count(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.values.len()).sum()
    }

    /// All numbers, tensor by tensor.
    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.tensors.iter().flat_map(|tensor| tensor.values.iter().copied())
    }

    /// These tensors with other numbers; what is missing stays.
    pub(crate) fn with_values(&self, values: impl IntoIterator<Item = f32>) -> Self {
        let mut parameters = self.clone();
        let places = parameters.tensors.iter_mut().flat_map(|tensor| tensor.values.iter_mut());
        places.zip(values).for_each(|(place, value)| *place = value);
        parameters
    }

    /// These, with some tensors of other parameters of the same form.
    pub(crate) fn with_tensors_of(mut self, others: &Parameters, is_chosen: impl Fn(&str) -> bool) -> Self {
        for (tensor, other) in self.tensors.iter_mut().zip(&others.tensors) {
            if is_chosen(&tensor.name) {
                tensor.values.clone_from(&other.values);
            }
        }
        self
    }

    /// How the names and shapes of other parameters differ from these, if they do.
    pub fn difference_in_form(&self, other: &Parameters) -> Option<String> {
        for tensor in &self.tensors {
            let name = shortened(&tensor.name);
            match other.tensor(&tensor.name) {
                None => return Some(format!("tensor {name} is missing")),
                Some(found) if found.shape != tensor.shape => {
                    return Some(format!(
                        "tensor {name}: expected shape {:?}, found {:?}",
                        tensor.shape, found.shape
                    ));
                }
                Some(_) => {}
            }
        }
        let unknown = other.tensors.iter().find(|tensor| self.tensor(&tensor.name).is_none())?;
        Some(format!("tensor {} is not expected", shortened(&unknown.name)))
    }

    /// The first number that is not finite, by the name of its tensor and the place there.
    pub fn first_not_finite(&self) -> Option<(&str, usize)> {
        self.tensors.iter().find_map(|tensor| {
            let place = tensor.values.iter().position(|value| !value.is_finite())?;
            Some((tensor.name.as_str(), place))
        })
    }

    /// The Euclidean norm of the difference between these parameters and others of the same form.
    pub fn distance(&self, other: &Parameters) -> f64 {
        let squares = self.values().zip(other.values()).map(|(a, b)| (f64::from(a) - f64::from(b)).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// The parameters as a safetensors file. Equal parameters give equal bytes.
    ///
    /// # Errors
    /// [`FederateError::Safetensors`] for what the format cannot hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FederateError> {
        let bytes: Vec<Vec<u8>> = self.tensors.iter().map(|tensor| f32_bytes(&tensor.values)).collect();
        let views = self.tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
            Ok((tensor.name.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?))
        });
        let views = views.collect::<Result<Vec<_>, SafeTensorError>>()?;
        let metadata = [(VERSION_KEY.to_owned(), VERSION.to_owned())].into();
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads what [`Parameters::to_bytes`] wrote. No more memory is taken than a few times the length of `bytes`.
    ///
    /// # Errors
    /// [`FederateError::Safetensors`] and [`FederateError::Parameters`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FederateError> {
        let metadata = Self::metadata(bytes)?;
        let version = metadata.metadata().as_ref().and_then(|metadata| metadata.get(VERSION_KEY));
        if version.map(String::as_str) != Some(VERSION) {
            let found = version.map_or("none".into(), |version| shortened(version));
            let problem = format!("expected version {VERSION} of the encoding, found {found}");
            return Err(FederateError::Parameters { problem });
        }
        Self::from_safetensors(bytes)
    }

    /// Reads a safetensors file, whoever wrote it, of tensors of f32.
    ///
    /// # Errors
    /// [`FederateError::Safetensors`] and [`FederateError::Parameters`] for anything else.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, FederateError> {
        let wrong = |problem: String| FederateError::Parameters { problem };
        Self::metadata(bytes)?;
        let file = SafeTensors::deserialize(bytes)?;
        if file.len() > MAX_TENSORS {
            return Err(wrong(format!("expected {MAX_TENSORS} tensors at most, found {}", file.len())));
        }
        let tensors = file.iter().map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                let (name, found) = (shortened(name), view.dtype());
                return Err(wrong(format!("tensor {name}: expected numbers of type F32, found {found}")));
            }
            let values = view.data().chunks_exact(4).map(|bytes| match bytes {
                &[a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                _ => unreachable!("chunks have four bytes"),
            });
            Ok(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), values: values.collect() })
        });
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        Parameters::new(tensors)
    }

    /// What a file says of itself.
    fn metadata(bytes: &[u8]) -> Result<safetensors::tensor::Metadata, FederateError> {
        let header = bytes.first_chunk().map(|length| u64::from_le_bytes(*length)).unwrap_or_default();
        if header > MAX_HEADER_BYTES {
            let problem = format!("expected a header of {MAX_HEADER_BYTES} bytes at most, found {header}");
            return Err(FederateError::Parameters { problem });
        }
        Ok(SafeTensors::read_metadata(bytes)?.1)
    }
}

/// Names of values with the values: what a training or a test measured.
pub type Metrics = BTreeMap<String, f64>;

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size))
}

/// A name from outside, as a message shows it.
pub(crate) fn shortened(name: &str) -> String {
    match name.chars().count() {
        ..=80 => format!("{name:?}"),
        _ => format!("{:?}…", name.chars().take(80).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn tensor(name: &str, shape: &[usize], values: &[f32]) -> Tensor {
        Tensor { name: name.into(), shape: shape.into(), values: values.into() }
    }

    fn message<T: std::fmt::Debug>(result: Result<T, FederateError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_set_of_tensors_is_refused() {
        assert!(message(Parameters::new([])).contains("found none"));
        let twice = [tensor("a", &[1], &[1.0]), tensor("a", &[1], &[2.0])];
        assert!(message(Parameters::new(twice)).contains("two of \"a\""));
        assert!(message(Parameters::new([tensor("a", &[2], &[1.0])])).contains("as many values as [2]"));
        let huge = [tensor("a", &[usize::MAX, 2], &[1.0])];
        assert!(message(Parameters::new(huge)).contains("as many values"));
        assert!(message(Parameters::new([tensor("a", &[1; 17], &[1.0])])).contains("16 dimensions at most"));
        assert!(message(Parameters::new([tensor("", &[1], &[1.0])])).contains("a name of 1 to"));
        assert!(Parameters::new([tensor("scalar", &[], &[1.0]), tensor("empty", &[0, 3], &[])]).is_ok());
    }

    #[test]
    fn differences_in_form_are_named() {
        let own = Parameters::new([tensor("a", &[2], &[0.0; 2]), tensor("b", &[1, 2], &[0.0; 2])]).unwrap();
        let other = |tensors: Vec<Tensor>| own.difference_in_form(&Parameters::new(tensors).unwrap());
        assert_eq!(other(own.tensors().to_vec()), None);
        assert_eq!(other(vec![tensor("a", &[2], &[0.0; 2])]).unwrap(), "tensor \"b\" is missing");
        let turned = vec![tensor("a", &[2], &[0.0; 2]), tensor("b", &[2, 1], &[0.0; 2])];
        assert_eq!(other(turned).unwrap(), "tensor \"b\": expected shape [1, 2], found [2, 1]");
        let mut more = own.tensors().to_vec();
        more.push(tensor("c", &[1], &[0.0]));
        assert_eq!(other(more).unwrap(), "tensor \"c\" is not expected");
    }

    #[test]
    fn cut_and_foreign_bytes_are_refused() {
        let parameters =
            Parameters::new([tensor("a", &[2], &[1.0, 2.0]), tensor("b", &[1], &[3.0])]).unwrap();
        let bytes = parameters.to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(Parameters::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
        }
        let mut long = bytes.clone();
        long.push(0);
        assert!(Parameters::from_bytes(&long).is_err());
        for length in [u64::MAX, MAX_HEADER_BYTES + 1] {
            let mut huge = bytes.clone();
            huge[..8].copy_from_slice(&length.to_le_bytes());
            assert!(message(Parameters::from_bytes(&huge)).contains("header of 16777216 bytes at most"));
        }
        let view = TensorView::new(Dtype::F64, vec![1], &[0; 8]).unwrap();
        let metadata = || Some([(VERSION_KEY.to_owned(), VERSION.to_owned())].into());
        let doubles = safetensors::serialize([("a", view.clone())], metadata()).unwrap();
        assert!(message(Parameters::from_bytes(&doubles)).contains("type F32, found F64"));
        let foreign = safetensors::serialize([("a", view)], None).unwrap();
        assert!(message(Parameters::from_bytes(&foreign)).contains("version 1 of the encoding, found none"));
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let mut deep = (nested.len() as u64).to_le_bytes().to_vec();
        deep.extend(nested.bytes());
        assert!(Parameters::from_bytes(&deep).is_err());
    }

    proptest! {
        #[test]
        fn parameters_survive_encoding_bit_for_bit(
            tensors in prop::collection::btree_map("[a-z.é_]{1,12}", prop::collection::vec(any::<u32>(), 0..20), 1..6)
        ) {
            let tensors = tensors.into_iter().map(|(name, bits)| Tensor {
                name,
                shape: vec![1, bits.len()],
                values: bits.into_iter().map(f32::from_bits).collect(),
            });
            let parameters = Parameters::new(tensors).unwrap();
            let bytes = parameters.to_bytes().unwrap();
            let again = Parameters::from_bytes(&bytes).unwrap();
            prop_assert_eq!(parameters.difference_in_form(&again), None);
            prop_assert!(parameters.values().map(f32::to_bits).eq(again.values().map(f32::to_bits)));
            prop_assert_eq!(again.to_bytes().unwrap(), bytes);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Parameters::from_bytes(&bytes);
        }
    }
}
