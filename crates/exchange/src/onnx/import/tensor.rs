//! From a tensor of a file to a [`Constant`]: sizes against the bytes that are there, and numbers of any type.

use half::{bf16, f16};

use super::super::proto::TensorProto;
use super::Problem;
use super::constant::{Constant, Element, Values};
use crate::words::short;

/// The most dimensions of a tensor.
pub(super) const MOST_RANK: usize = 16;

/// Reads a tensor. Its bytes are given back as soon as they were read, so that a file is in memory twice at no time.
pub(super) fn read(tensor: TensorProto) -> Result<Constant, Problem> {
    let name = short(&tensor.name);
    convert(tensor).map_err(|problem| Problem::Tensor { name, problem })
}

fn convert(mut tensor: TensorProto) -> Result<Constant, String> {
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        let location = tensor.external_data.iter().find(|entry| entry.key == "location");
        let location = location.map_or(String::new(), |entry| format!(", '{}'", short(&entry.value)));
        return Err(format!(
            "its numbers are in another file{location}, and no other file is opened; save the model as one file, onnx.save_model(model, FILE, save_as_external_data=False)"
        ));
    }
    let element = Element::of(tensor.data_type)?;
    let (shape, count) = sizes(&tensor.dims)?;
    let values = match tensor.raw_data.take() {
        Some(raw) => from_raw(element, count, &raw)?,
        None => from_fields(element, &mut tensor)?,
    };
    let constant = Constant { shape, element, values };
    if constant.len() != count {
        return Err(format!(
            "its sizes {:?} ask for {count} values, and {} are there",
            constant.shape,
            constant.len()
        ));
    }
    if let Some(values) = constant.as_floats()
        && let Some(place) = values.iter().position(|value| value.is_nan())
    {
        return Err(format!("value {place} is NaN; expected numbers"));
    }
    Ok(constant)
}

/// Sizes and their product, which no file holds if it is beyond 64 bits.
fn sizes(dims: &[i64]) -> Result<(Vec<usize>, usize), String> {
    if dims.len() > MOST_RANK {
        return Err(format!("it has {} dimensions; expected at most {MOST_RANK}", dims.len()));
    }
    let sizes: Option<Vec<usize>> = dims.iter().map(|size| usize::try_from(*size).ok()).collect();
    let sizes = sizes.ok_or_else(|| format!("its sizes {dims:?} are not all 0 or more"))?;
    // A size of 0 hides no others that are beyond all memory.
    let product = sizes.iter().try_fold(1usize, |product, size| product.checked_mul((*size).max(1)));
    let product =
        product.ok_or_else(|| format!("its sizes {dims:?} ask for more values than any file holds"))?;
    let count = if sizes.contains(&0) { 0 } else { product };
    Ok((sizes, count))
}

fn from_raw(element: Element, count: usize, raw: &[u8]) -> Result<Values, String> {
    let expected = count.checked_mul(element.bytes());
    if expected != Some(raw.len()) {
        return Err(format!(
            "its sizes ask for {count} values of {} bytes, and {} bytes are there",
            element.bytes(),
            raw.len()
        ));
    }
    fn each<const N: usize, T>(raw: &[u8], of: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.as_chunks::<N>().0.iter().map(|bytes| of(*bytes)).collect()
    }
    Ok(match element {
        Element::Float32 => Values::Float(each(raw, f32::from_le_bytes)),
        Element::Float16 => Values::Float(each(raw, |bytes| f16::from_le_bytes(bytes).to_f32())),
        Element::BFloat16 => Values::Float(each(raw, |bytes| bf16::from_le_bytes(bytes).to_f32())),
        Element::Float64 => Values::Float(each(raw, |bytes| f64::from_le_bytes(bytes) as f32)),
        Element::Int64 => Values::Int(each(raw, i64::from_le_bytes)),
        Element::Int32 => Values::Int(each(raw, |bytes| i32::from_le_bytes(bytes).into())),
        Element::Int16 => Values::Int(each(raw, |bytes| i16::from_le_bytes(bytes).into())),
        Element::Int8 => Values::Int(each(raw, |bytes| i8::from_le_bytes(bytes).into())),
        Element::Uint8 => Values::Int(each(raw, |bytes| u8::from_le_bytes(bytes).into())),
        Element::Uint16 => Values::Int(each(raw, |bytes| u16::from_le_bytes(bytes).into())),
        Element::Uint32 => Values::Int(each(raw, |bytes| u32::from_le_bytes(bytes).into())),
        Element::Uint64 => Values::Int(whole(each(raw, u64::from_le_bytes))?),
        Element::Bool => Values::Bool(raw.iter().map(|byte| *byte != 0).collect()),
    })
}

/// From the field that goes with the type.
fn from_fields(element: Element, tensor: &mut TensorProto) -> Result<Values, String> {
    let small = std::mem::take(&mut tensor.int32_data);
    let bits = |value: &i32| *value as u16;
    Ok(match element {
        Element::Float32 => Values::Float(std::mem::take(&mut tensor.float_data)),
        Element::Float64 => Values::Float(tensor.double_data.iter().map(|value| *value as f32).collect()),
        Element::Float16 => {
            Values::Float(small.iter().map(|value| f16::from_bits(bits(value)).to_f32()).collect())
        }
        Element::BFloat16 => {
            Values::Float(small.iter().map(|value| bf16::from_bits(bits(value)).to_f32()).collect())
        }
        Element::Int64 => Values::Int(std::mem::take(&mut tensor.int64_data)),
        Element::Uint32 | Element::Uint64 => Values::Int(whole(std::mem::take(&mut tensor.uint64_data))?),
        Element::Int32 | Element::Int16 | Element::Int8 | Element::Uint8 | Element::Uint16 => {
            Values::Int(small.into_iter().map(i64::from).collect())
        }
        Element::Bool => Values::Bool(small.into_iter().map(|value| value != 0).collect()),
    })
}

fn whole(values: Vec<u64>) -> Result<Vec<i64>, String> {
    let convert = |value| i64::try_from(value).map_err(|_| format!("{value} is beyond 63 bits"));
    values.into_iter().map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::proto::{DataType, StringStringEntryProto};
    use super::*;

    fn tensor(data_type: DataType, dims: &[i64], raw: &[u8]) -> TensorProto {
        TensorProto {
            name: "t".into(),
            data_type: data_type.into(),
            dims: dims.to_vec(),
            raw_data: Some(raw.to_vec()),
            ..TensorProto::default()
        }
    }

    fn refused(tensor: TensorProto) -> String {
        match read(tensor).unwrap_err() {
            Problem::Tensor { name, problem } => format!("{name}: {problem}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn types_are_read_as_what_they_stand_for() {
        let half = tensor(DataType::Float16, &[2], &[0, 0x3c, 0, 0xc0]);
        assert_eq!(read(half).unwrap().values, Values::Float(vec![1.0, -2.0]));
        let brain = tensor(DataType::Bfloat16, &[1], &[0x80, 0x3f]);
        assert_eq!(read(brain).unwrap().values, Values::Float(vec![1.0]));
        let double = TensorProto {
            data_type: DataType::Double.into(),
            double_data: vec![0.5],
            ..TensorProto::default()
        };
        assert_eq!(read(double).unwrap(), Constant { element: Element::Float64, ..Constant::float(0.5) });
        let small = tensor(DataType::Int8, &[2], &[0xff, 1]);
        assert_eq!(read(small).unwrap().values, Values::Int(vec![-1, 1]));
        let empty = tensor(DataType::Int64, &[0], &[]);
        assert_eq!(read(empty).unwrap().shape, [0]);
    }

    #[test]
    fn sizes_are_held_against_what_is_there() {
        assert_eq!(
            refused(tensor(DataType::Float, &[2, 2], &[0; 12])),
            "t: its sizes ask for 4 values of 4 bytes, and 12 bytes are there"
        );
        let huge = refused(tensor(DataType::Float, &[1 << 40, 1 << 40], &[0; 4]));
        assert!(huge.ends_with("ask for more values than any file holds"), "{huge}");
        let huge = refused(tensor(DataType::Double, &[1 << 62], &[0; 4]));
        assert!(huge.ends_with("values of 8 bytes, and 4 bytes are there"), "{huge}");
        assert!(refused(tensor(DataType::Float, &[-1], &[])).contains("are not all 0 or more"));
        assert!(refused(tensor(DataType::Float, &[1; 1000], &[0; 4])).contains("it has 1000 dimensions"));
        let fields = TensorProto { data_type: 1, dims: vec![3], float_data: vec![1.0], ..Default::default() };
        assert_eq!(refused(fields), ": its sizes [3] ask for 3 values, and 1 are there");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let nan = refused(tensor(DataType::Float, &[1], &f32::NAN.to_le_bytes()));
        assert_eq!(nan, "t: value 0 is NaN; expected numbers");
        assert!(refused(tensor(DataType::String, &[1], &[])).contains("it has strings; expected float32"));
        assert!(refused(tensor(DataType::Uint64, &[1], &[0xff; 8])).contains("is beyond 63 bits"));
    }

    #[test]
    fn other_files_are_not_opened() {
        let mut external = tensor(DataType::Float, &[1], &[]);
        external.data_location = 1;
        let entry = StringStringEntryProto { key: "location".into(), value: "/etc/passwd".into() };
        external.external_data.push(entry);
        let message = refused(external);
        assert!(message.contains("in another file, '/etc/passwd', and no other file is opened"), "{message}");
        assert!(message.contains("save_as_external_data=False"), "{message}");
    }
}
