//! Pickles, of which PyTorch makes the table of contents of its files.
//!
//! A pickle is a program for a small stack machine, and in Python it may call anything. This machine knows the instructions
//! that put values together, and of all functions those few that stand for tensors and dictionaries (`calls.rs`); it calls
//! nothing. Any other name ends the reading with that name, as `torch.load(weights_only=True)` does.
//!
//! Values live in one list and refer to each other by their places in it: what contains itself, is nested deeply or occurs a
//! million times costs no more than its instructions, and nothing here follows references by recursion.

mod calls;
mod machine;
mod scanner;

use std::rc::Rc;

pub(crate) use calls::Known;
use scanner::Scanner;

use super::element::ElementType;

/// The largest pickle that is read. Those of the largest checkpoints have a few MB: the tensors' values are elsewhere.
pub(crate) const MAX_BYTES: u64 = 32 << 20;

/// The most values of one pickle; a tensor needs some twenty.
const MAX_VALUES: usize = 2 << 20;

/// The most dimensions of a tensor.
const MAX_RANK: usize = 32;

/// The place of a value in a [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// A value of a pickle.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// In the order in which the entries were added.
    Dict(Vec<(Id, Id)>),
    Known(Known),
    Storage(Rc<StorageRef>),
    Tensor(Rc<TensorRef>),
    /// What is no weight and of no use here: `float`, `bytes`, `a large integer`, `torch.device`.
    Other(&'static str),
}

impl Value {
    /// What it is, in Python's words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Text(_) => "str",
            Value::Tuple(_) => "tuple",
            Value::List(_) => "list",
            Value::Dict(_) => "dict",
            Value::Known(_) => "class",
            Value::Storage(_) => "storage",
            Value::Tensor(_) => "tensor",
            Value::Other(kind) => kind,
        }
    }
}

/// Where the values of some tensors are.
#[derive(Debug)]
pub(crate) struct StorageRef {
    /// The name of an entry below `data/`; only ever compared.
    pub(crate) key: Rc<str>,
    pub(crate) element: ElementType,
    /// Values in the storage.
    pub(crate) count: u64,
    /// The value of the storage that this one begins with; early files had views of storages.
    pub(crate) first: u64,
}

/// A view of a storage.
#[derive(Debug)]
pub(crate) struct TensorRef {
    pub(crate) storage: Rc<StorageRef>,
    /// The value of the storage that the tensor begins with.
    pub(crate) offset: u64,
    pub(crate) shape: Vec<usize>,
    /// Distance in values from one place to the next, of each dimension.
    pub(crate) strides: Vec<u64>,
}

/// Why a pickle was not read.
#[derive(Debug)]
pub(crate) enum PickleError {
    /// It would call, or refer to, something other than tensors and dictionaries.
    Call(String),
    /// It is no pickle, or says what cannot be.
    Malformed(String),
    /// It needs more values than are allowed.
    TooManyValues,
}

fn wrong<T>(problem: impl Into<String>) -> Result<T, PickleError> {
    Err(PickleError::Malformed(problem.into()))
}

/// The values of one pickle.
#[derive(Debug)]
pub(crate) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

impl Pickle {
    /// Reads the pickle at the beginning of `bytes`, and says how long it is.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, usize), PickleError> {
        let mut scanner = Scanner::new(bytes);
        let (values, root) = machine::run(&mut scanner)?;
        Ok((Pickle { values, root }, scanner.position()))
    }

    pub(crate) fn root(&self) -> &Value {
        self.get(self.root)
    }

    pub(crate) fn get(&self, id: Id) -> &Value {
        &self.values[id.0 as usize]
    }

    /// All values, in the order in which they were made.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.values.iter()
    }
}
