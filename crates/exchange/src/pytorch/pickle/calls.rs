//! The functions that a pickle of tensors names, and what stands for their results.

use std::rc::Rc;

use super::{Id, MAX_RANK, PickleError, StorageRef, TensorRef, Value, wrong};
use crate::pytorch::element::ElementType;

/// The longest name of a storage, in bytes.
const MAX_KEY: usize = 255;

/// A name that pickles may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`, which take the same first.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`, which marks a tensor as trained.
    RebuildParameter,
    /// `torch.FloatStorage` and its like.
    Storage(ElementType),
    /// A function whose result is no weight, such as `torch.device`.
    Harmless(&'static str),
}

/// What a name stands for.
///
/// # Errors
/// Any name but those of tensors and dictionaries.
pub(super) fn known(module: &str, name: &str) -> Result<Known, PickleError> {
    let known = match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Known::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Known::RebuildParameter,
        ("torch" | "torch.storage", storage) if storage.ends_with("Storage") => {
            match ElementType::of_storage(storage) {
                Some(element) => Known::Storage(element),
                None => return Err(PickleError::Call(format!("{module}.{storage}"))),
            }
        }
        ("torch", "Size") => Known::Harmless("torch.Size"),
        ("torch", "device") => Known::Harmless("torch.device"),
        ("torch", dtype) if ElementType::of_dtype(dtype).is_some() => Known::Harmless("torch.dtype"),
        ("builtins" | "__builtin__", "set" | "frozenset") => Known::Harmless("set"),
        ("_codecs", "encode") => Known::Harmless("bytes"),
        _ => return Err(PickleError::Call(format!("{module}.{name}"))),
    };
    Ok(known)
}

/// What a call stands for.
pub(super) fn call(values: &[Value], function: Id, arguments: Id) -> Result<Value, PickleError> {
    let function = called(values, function)?;
    let arguments = tuple(values, arguments, "arguments")?;
    match function {
        Known::OrderedDict => match *arguments {
            [] => Ok(Value::Dict(Vec::new())),
            [items] => dictionary(values, items),
            _ => wrong("OrderedDict takes one list of pairs"),
        },
        Known::RebuildTensor => match *arguments {
            [storage, offset, shape, strides, ..] => tensor(values, storage, offset, shape, strides),
            _ => wrong("a tensor has a storage, an offset, a shape and strides"),
        },
        Known::RebuildParameter => match *arguments {
            [data, ..] => match get(values, data) {
                Value::Tensor(tensor) => Ok(Value::Tensor(Rc::clone(tensor))),
                other => wrong(format!("a parameter is made of a {}", other.kind())),
            },
            [] => wrong("a parameter is made of nothing"),
        },
        Known::Storage(_) => wrong("a storage is called"),
        Known::Harmless(kind) => Ok(Value::Other(kind)),
    }
}

/// `OrderedDict([[key, value], ...])`
fn dictionary(values: &[Value], items: Id) -> Result<Value, PickleError> {
    let (Value::List(items) | Value::Tuple(items)) = get(values, items) else {
        return wrong("OrderedDict takes one list of pairs");
    };
    let mut entries = Vec::new();
    for item in items {
        match get(values, *item) {
            Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => entries.push((pair[0], pair[1])),
            other => return wrong(format!("OrderedDict takes pairs, and one is a {}", other.kind())),
        }
    }
    Ok(Value::Dict(entries))
}

fn tensor(values: &[Value], storage: Id, offset: Id, shape: Id, strides: Id) -> Result<Value, PickleError> {
    let Value::Storage(storage) = get(values, storage) else {
        return wrong("a tensor has no storage");
    };
    let offset = size(values, offset, "a tensor's offset")?;
    let sizes = |id: Id, what: &str| -> Result<Vec<u64>, PickleError> {
        let items = tuple(values, id, what)?;
        if items.len() > MAX_RANK {
            return wrong(format!("a tensor has {} dimensions, expected at most {MAX_RANK}", items.len()));
        }
        items.iter().map(|item| size(values, *item, what)).collect()
    };
    let (shape, strides) = (sizes(shape, "a tensor's sizes")?, sizes(strides, "a tensor's strides")?);
    if shape.len() != strides.len() {
        return wrong(format!("a tensor has {} sizes and {} strides", shape.len(), strides.len()));
    }
    let shape = shape.into_iter().map(|size| size as usize).collect();
    Ok(Value::Tensor(Rc::new(TensorRef { storage: Rc::clone(storage), offset, shape, strides })))
}

/// `('storage', torch.FloatStorage, key, location, count)`, and in early files with a view
/// `(key of the view, first value, count)` behind.
pub(super) fn storage(values: &[Value], id: Id) -> Result<Value, PickleError> {
    let items = tuple(values, id, "the parts of a storage")?;
    let [tag, class, key, _location, count, view @ ..] = items else {
        return wrong("a storage has five parts");
    };
    let (Value::Text(tag), Value::Known(Known::Storage(element)), Value::Text(key)) =
        (get(values, *tag), get(values, *class), get(values, *key))
    else {
        return wrong("a storage has a class and a key");
    };
    // PyTorch's are numbers; each tensor keeps its own.
    if key.len() > MAX_KEY {
        return wrong(format!("the name of a storage has {} bytes, expected at most {MAX_KEY}", key.len()));
    }
    if &**tag != "storage" {
        return wrong("something other than a storage is stored outside of the pickle");
    }
    let mut count = size(values, *count, "the length of a storage")?;
    let mut first = 0;
    if let [view] = view
        && let Value::Tuple(view) = get(values, *view)
    {
        let [_, offset, length] = **view else {
            return wrong("the view of a storage has three parts");
        };
        first = size(values, offset, "the beginning of a view")?;
        let length = size(values, length, "the length of a view")?;
        match first.checked_add(length) {
            Some(end) if end <= count => count = length,
            _ => return wrong("the view of a storage goes beyond it"),
        }
    }
    let (key, element) = (Rc::clone(key), *element);
    Ok(Value::Storage(Rc::new(StorageRef { key, element, count, first })))
}

/// A whole number that is a size: 0 or more, and such that a few of them multiply without harm.
fn size(values: &[Value], id: Id, what: &str) -> Result<u64, PickleError> {
    match get(values, id) {
        Value::Int(number @ 0..=0xffff_ffff_ffff) => Ok(*number as u64),
        Value::Int(number) => wrong(format!("{what} is {number}")),
        other => wrong(format!("{what} is a {}", other.kind())),
    }
}

fn get(values: &[Value], id: Id) -> &Value {
    &values[id.0 as usize]
}

fn tuple<'a>(values: &'a [Value], id: Id, what: &str) -> Result<&'a [Id], PickleError> {
    match get(values, id) {
        Value::Tuple(items) => Ok(items),
        other => wrong(format!("{what} are a {}, not a tuple", other.kind())),
    }
}

fn called(values: &[Value], id: Id) -> Result<Known, PickleError> {
    match get(values, id) {
        Value::Known(known) => Ok(*known),
        other => wrong(format!("a {} is called", other.kind())),
    }
}
