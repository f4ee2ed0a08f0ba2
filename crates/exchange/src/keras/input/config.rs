//! Fields of a layer's configuration, each read as what it must be.

use crate::words::short;
use serde_json::{Map, Value};

/// The configuration of one layer.
#[derive(Clone, Copy)]
pub(super) struct Config<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Config<'a> {
    /// The value of a field; `None` where it is absent or null.
    pub(super) fn get(self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, field: &str) -> Result<Option<&'a str>, String> {
        self.read(field, "a text", Value::as_str)
    }

    pub(super) fn flag(self, field: &str, default: bool) -> Result<bool, String> {
        // Keras 1 and 2 wrote 0 and 1 here and there.
        let flag = |value: &Value| value.as_bool().or_else(|| value.as_u64().map(|number| number != 0));
        Ok(self.read(field, "true or false", flag)?.unwrap_or(default))
    }

    pub(super) fn number(self, field: &str, default: f64) -> Result<f64, String> {
        Ok(self.read(field, "a number", Value::as_f64)?.unwrap_or(default))
    }

    pub(super) fn size(self, field: &str) -> Result<usize, String> {
        let size = self.read(field, "a whole number of 1 or more", size)?;
        size.ok_or_else(|| format!("{field} is missing; expected a whole number of 1 or more"))
    }

    /// Sizes in `rank` dimensions; one number stands for all of them.
    pub(super) fn sizes(self, field: &str, rank: usize, default: usize) -> Result<Vec<usize>, String> {
        let sizes = |value: &Value| match value {
            Value::Array(values) if values.len() == rank => values.iter().map(size).collect(),
            value => Some(vec![size(value)?; rank]),
        };
        Ok(self.read(field, "whole numbers of 1 or more", sizes)?.unwrap_or_else(|| vec![default; rank]))
    }

    /// Refuses a field whose value is not the only one for which there is a layer here.
    pub(super) fn only<T: PartialEq + std::fmt::Display>(
        self,
        field: &str,
        found: T,
        expected: T,
    ) -> Result<(), String> {
        match found == expected {
            true => Ok(()),
            false => Err(format!("{field} is {found}; only {expected} can be taken over")),
        }
    }

    fn read<T>(
        self,
        field: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(format!("{field} is {}; expected {expected}", shown(value))),
            },
        }
    }
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().filter(|size| *size > 0).and_then(|size| usize::try_from(size).ok())
}

/// A value from a file, not longer than a message can bear.
pub(super) fn shown(value: &Value) -> String {
    short(&value.to_string())
}
