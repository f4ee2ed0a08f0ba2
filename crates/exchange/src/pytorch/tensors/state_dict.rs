//! Which dictionary of a pickle holds the weights.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::super::pickle::{Id, Pickle, PickleError, StorageRef, Value};
use super::{TensorInfo, View};
use crate::words::short;
use crate::{ExchangeError, FileFormat};

/// Keys under which checkpoints have their weights, the best first.
const USUAL_KEYS: [&str; 10] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net_state_dict",
    "net",
    "network",
    "module",
    "weights",
    "params",
];

/// The weights of a file, in the order of the file.
pub(super) struct Chosen {
    pub(super) key: Option<String>,
    pub(super) tensors: Vec<(TensorInfo, View)>,
    /// Entries beside them that are no tensors.
    pub(super) ignored: Vec<String>,
}

pub(super) fn pickle_error(path: &Path, error: PickleError) -> ExchangeError {
    let path = path.to_path_buf();
    match error {
        PickleError::Call(function) => ExchangeError::Executes { path, function: short(&function) },
        PickleError::Malformed(problem) => {
            ExchangeError::Malformed { path, format: FileFormat::PyTorch, problem }
        }
        PickleError::TooManyValues => {
            let problem = "its pickle makes more values than any table of tensors needs".into();
            ExchangeError::Malformed { path, format: FileFormat::PyTorch, problem }
        }
    }
}

pub(super) fn choose(path: &Path, pickle: &Pickle, key: Option<&str>) -> Result<Chosen, ExchangeError> {
    let no_weights = |problem: String| ExchangeError::NoWeights { path: path.to_path_buf(), problem };
    let root = pickle.root();
    if let Some(key) = key {
        let mut value = root;
        for part in key.split('.') {
            value = find(pickle, value, part).ok_or_else(|| {
                no_weights(format!(
                    "there is no '{}' under '{}'; there {}",
                    short(part),
                    short(key),
                    keys(pickle, value)
                ))
            })?;
        }
        if !has_tensors(pickle, value) {
            return Err(no_weights(format!(
                "under '{}' are no tensors; there {}",
                short(key),
                keys(pickle, value)
            )));
        }
        return collect(pickle, value, Some(key.to_owned())).map_err(no_weights);
    }
    if has_tensors(pickle, root) {
        return collect(pickle, root, None).map_err(no_weights);
    }
    let Value::Dict(entries) = root else {
        return Err(no_weights(format!("it holds a {} and no dictionary of tensors", root.kind())));
    };
    // A dictionary may stand under a million keys, and is looked at once.
    let mut seen: HashMap<Id, bool> = HashMap::new();
    let candidates: Vec<(&str, &Value)> = entries
        .iter()
        .filter(|(_, id)| *seen.entry(*id).or_insert_with(|| has_tensors(pickle, pickle.get(*id))))
        .filter_map(|(key, value)| match pickle.get(*key) {
            Value::Text(key) => Some((&**key, pickle.get(*value))),
            _ => None,
        })
        .collect();
    let usual = USUAL_KEYS.iter().find_map(|usual| candidates.iter().find(|(key, _)| key == usual));
    match (usual, candidates.as_slice()) {
        (Some((key, value)), _) | (None, [(key, value)]) => {
            collect(pickle, value, Some((*key).to_owned())).map_err(no_weights)
        }
        (None, []) => {
            Err(no_weights(format!("it holds no dictionary of tensors; there {}", keys(pickle, root))))
        }
        (None, several) => {
            let names: Vec<String> =
                several.iter().take(20).map(|(key, _)| format!("'{}'", short(key))).collect();
            Err(no_weights(format!(
                "there are tensors under {}; say which are the weights",
                names.join(", ")
            )))
        }
    }
}

/// The entry of the dictionary that a pickle is.
pub(super) fn entry<'a>(pickle: &'a Pickle, key: &str) -> Option<&'a Value> {
    find(pickle, pickle.root(), key)
}

fn find<'a>(pickle: &'a Pickle, value: &'a Value, wanted: &str) -> Option<&'a Value> {
    let Value::Dict(entries) = value else { return None };
    let is = |id: Id| matches!(pickle.get(id), Value::Text(key) if **key == *wanted);
    entries.iter().rev().find(|(key, _)| is(*key)).map(|(_, value)| pickle.get(*value))
}

fn has_tensors(pickle: &Pickle, value: &Value) -> bool {
    match value {
        Value::Dict(entries) => {
            entries.iter().any(|(_, value)| matches!(pickle.get(*value), Value::Tensor(_)))
        }
        _ => false,
    }
}

/// `are 'epoch', 'optimizer'`
fn keys(pickle: &Pickle, value: &Value) -> String {
    let Value::Dict(entries) = value else { return format!("is a {}", value.kind()) };
    let names: Vec<String> = entries
        .iter()
        .take(20)
        .map(|(key, _)| match pickle.get(*key) {
            Value::Text(key) => format!("'{}'", short(key)),
            other => format!("a {}", other.kind()),
        })
        .collect();
    match names.is_empty() {
        true => "is nothing".into(),
        false => format!("{} {}", if names.len() == 1 { "is" } else { "are" }, names.join(", ")),
    }
}

fn collect(pickle: &Pickle, value: &Value, key: Option<String>) -> Result<Chosen, String> {
    let Value::Dict(entries) = value else { return Err("there is no dictionary of tensors".into()) };
    // Before anything is copied: one entry costs a pickle a few bytes.
    if entries.len() > super::MAX_TENSORS {
        return Err(format!(
            "the dictionary has {} entries; expected at most {}",
            entries.len(),
            super::MAX_TENSORS
        ));
    }
    let mut chosen = Chosen { key, tensors: Vec::new(), ignored: Vec::new() };
    for (name, value) in entries {
        let Value::Text(name) = pickle.get(*name) else {
            return Err("a name of a tensor is no text".into());
        };
        match pickle.get(*value) {
            Value::Tensor(tensor) => {
                // A name that is too long is refused as such, and costs no memory before.
                let cut: String = match name.len() > super::MAX_NAME {
                    true => name.chars().take(super::MAX_NAME + 1).collect(),
                    false => name.to_string(),
                };
                let info =
                    TensorInfo { name: cut, shape: tensor.shape.clone(), element: tensor.storage.element };
                chosen.tensors.push((info, View::of(tensor)));
            }
            _ => chosen.ignored.push(short(name)),
        }
    }
    Ok(chosen)
}

impl Pickle {
    /// All storages that the pickle names.
    pub(super) fn storages(&self) -> impl Iterator<Item = &Rc<StorageRef>> {
        self.values().filter_map(|value| match value {
            Value::Storage(storage) => Some(storage),
            _ => None,
        })
    }
}
