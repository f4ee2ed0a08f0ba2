//! The values of one trial.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The value of one parameter.
///
/// In JSON and TOML it is a bare number or text; a float keeps its decimal point, so that it is read as a float again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// One of a list of values.
    Choice(String),
}

/// As it would be typed on a command line: `0.001`, `64`, `adam`. A float has as many digits as it takes to read the same
/// one back.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Integer(value) => value.fmt(f),
            Setting::Float(value) => value.fmt(f),
            Setting::Choice(value) => value.fmt(f),
        }
    }
}

/// The values of one trial, by the names of the parameters.
///
/// ```
/// use fireclay_tune::{Setting, Settings};
///
/// let settings: Settings =
///     [("rate", Setting::Float(0.1 + 0.2)), ("layers", Setting::Integer(2))].into_iter().collect();
/// assert_eq!(settings.to_string(), "layers=2, rate=0.30000000000000004");
/// let json = serde_json::to_string(&settings)?;
/// assert_eq!(json, r#"{"layers":2,"rate":0.30000000000000004}"#);
/// assert_eq!(serde_json::from_str::<Settings>(&json)?, settings);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, Setting>);

impl Settings {
    /// The value of a parameter; none if there is no such parameter.
    pub fn get(&self, parameter: &str) -> Option<&Setting> {
        self.0.get(parameter)
    }

    /// The value of a parameter that is a [`Setting::Float`]; none if it is not.
    pub fn float(&self, parameter: &str) -> Option<f64> {
        match self.get(parameter) {
            Some(Setting::Float(value)) => Some(*value),
            _ => None,
        }
    }

    /// The value of a parameter that is a [`Setting::Integer`]; none if it is not.
    pub fn integer(&self, parameter: &str) -> Option<i64> {
        match self.get(parameter) {
            Some(Setting::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// The value of a parameter that is a [`Setting::Choice`]; none if it is not.
    pub fn choice(&self, parameter: &str) -> Option<&str> {
        match self.get(parameter) {
            Some(Setting::Choice(value)) => Some(value),
            _ => None,
        }
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(name, setting)| (name.as_str(), setting))
    }
}

impl<N: Into<String>> FromIterator<(N, Setting)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, Setting)>>(settings: I) -> Self {
        Self(settings.into_iter().map(|(name, setting)| (name.into(), setting)).collect())
    }
}

/// `learning_rate=0.001, optimizer=adam`.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, setting)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{name}={setting}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_back_as_what_it_was() {
        let settings: Settings = [
            ("a", Setting::Float(3.0)),
            ("b", Setting::Float(1e300)),
            ("c", Setting::Float(5e-324)),
            ("d", Setting::Integer(i64::MAX)),
            ("e", Setting::Choice("3".into())),
            ("f", Setting::Float(-0.1)),
        ]
        .into_iter()
        .collect();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings, "{json}");
        let toml = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&toml).unwrap(), settings, "{toml}");
        for (name, setting) in settings.iter() {
            if let Setting::Float(value) = setting {
                assert_eq!(setting.to_string().parse(), Ok(*value), "{name}");
            }
        }
        assert_eq!((settings.integer("d"), settings.float("d")), (Some(i64::MAX), None));
        assert_eq!((settings.choice("e"), settings.integer("e")), (Some("3"), None));
    }
}
