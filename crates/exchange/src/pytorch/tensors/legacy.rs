//! PyTorch's files before version 1.6: pickles one after another, then the storages.

use std::collections::HashMap;
use std::path::Path;

use fireclay_data::Bytes;

use super::super::pickle::{MAX_BYTES, Pickle, Value};
use super::{Source, TensorFile, state_dict};
use crate::words::short;
use crate::{ExchangeError, FileFormat};

/// The number that such a file begins with, as a pickle.
const MAGIC: &[u8] = &[0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

pub(super) fn read_table(path: &Path, bytes: Bytes, key: Option<&str>) -> Result<TensorFile, ExchangeError> {
    let malformed = |problem: String| {
        let format = FileFormat::PyTorch;
        ExchangeError::Malformed { path: path.to_path_buf(), format, problem }
    };
    let mut position = 0;
    let mut next = || -> Result<(Pickle, usize), ExchangeError> {
        let rest = &bytes[position..];
        let rest = &rest[..rest.len().min(MAX_BYTES as usize)];
        let (pickle, length) = Pickle::read(rest).map_err(|error| state_dict::pickle_error(path, error))?;
        position += length;
        Ok((pickle, position))
    };
    // A pickle by itself is read for what it calls, which is the better message.
    let (first, _) = next()?;
    if bytes.get(2..2 + MAGIC.len()) != Some(MAGIC) {
        return Err(malformed(format!(
            "it is a pickle of a {}, which torch.save did not write",
            first.root().kind()
        )));
    }
    let (protocol, _) = next()?;
    if !matches!(protocol.root(), Value::Int(1001)) {
        return Err(malformed("its protocol is not 1001".into()));
    }
    let (system, _) = next()?;
    if let Some(Value::Bool(false)) = state_dict::entry(&system, "little_endian") {
        return Err(malformed("its numbers are big-endian".into()));
    }
    let (pickle, _) = next()?;
    let chosen = state_dict::choose(path, &pickle, key)?;
    let (keys, mut position) = next()?;
    let Value::List(keys_of_storages) = keys.root() else {
        return Err(malformed("the list of its storages is none".into()));
    };
    // The pickle says how wide the numbers of a storage are.
    let widths: HashMap<&str, usize> =
        pickle.storages().map(|storage| (&*storage.key, storage.element.bytes())).collect();
    let mut ranges = HashMap::new();
    for id in keys_of_storages {
        let Value::Text(name) = keys.get(*id) else {
            return Err(malformed("the name of a storage is no text".into()));
        };
        let Some(width) = widths.get(&**name) else {
            return Err(malformed(format!("the storage '{}' is of no tensor", short(name))));
        };
        let count = bytes.get(position..position + 8).and_then(|count| count.try_into().ok());
        let Some(count) = count.map(u64::from_le_bytes) else {
            return Err(malformed("it ends before its last storage".into()));
        };
        position += 8;
        let end = usize::try_from(count).ok().and_then(|count| count.checked_mul(*width));
        let end = end.and_then(|length| position.checked_add(length)).filter(|end| *end <= bytes.len());
        let Some(end) = end else {
            let left = bytes.len() - position;
            let name = short(name);
            return Err(malformed(format!(
                "the storage '{name}' should have {count} numbers of {width} bytes, and {left} bytes are left"
            )));
        };
        if ranges.insert(name.to_string(), position..end).is_some() {
            return Err(malformed(format!("there are two storages '{}'", short(name))));
        }
        position = end;
    }
    let file = TensorFile::new(path, FileFormat::PyTorch, chosen.tensors, Source::Bytes(bytes, ranges))?;
    Ok(TensorFile { key: chosen.key, ignored: chosen.ignored, ..file })
}
