//! `tensor.proto` and `tensor_shape.proto`.

const FLOAT: i32 = 1;
const DOUBLE: i32 = 2;
const STRING: i32 = 7;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Tensor {
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub tensor_shape: Option<TensorShape>,
    /// Numbers, little-endian, row by row.
    #[prost(bytes = "vec", tag = "4")]
    pub tensor_content: Vec<u8>,
    /// A number that stands alone.
    #[prost(float, repeated, tag = "5")]
    pub float_val: Vec<f32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub string_val: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Dim {
    #[prost(int64, tag = "1")]
    pub size: i64,
}

impl Tensor {
    pub fn of_number(value: f32) -> Self {
        Self { float_val: vec![value], ..Self::new(FLOAT, &[], Vec::new(), Vec::new()) }
    }

    pub fn of_f32(shape: &[i64], values: impl IntoIterator<Item = f32>) -> Self {
        let content = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Self::new(FLOAT, shape, content, Vec::new())
    }

    pub fn of_f64(shape: &[i64], values: impl IntoIterator<Item = f64>) -> Self {
        let content = values.into_iter().flat_map(f64::to_le_bytes).collect();
        Self::new(DOUBLE, shape, content, Vec::new())
    }

    pub fn of_strings(shape: &[i64], values: Vec<Vec<u8>>) -> Self {
        Self::new(STRING, shape, Vec::new(), values)
    }

    fn new(dtype: i32, shape: &[i64], tensor_content: Vec<u8>, string_val: Vec<Vec<u8>>) -> Self {
        let (tensor_shape, float_val) = (Some(TensorShape::new(shape)), Vec::new());
        Self { dtype, tensor_shape, tensor_content, float_val, string_val }
    }
}

impl TensorShape {
    pub fn new(sizes: &[i64]) -> Self {
        Self { dim: sizes.iter().map(|size| Dim { size: *size }).collect() }
    }
}
