//! What may be set: a list of parameters, each with a domain. Also how it is written in TOML and JSON.
//!
//! A file is refused as a whole where a table has a field that its kind of domain does not: a misspelt `log` would otherwise
//! search on another scale without a word.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use toml::Spanned;

use crate::{Domain, Settings, TuneError};

/// One parameter: its name and what it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name, for example `learning_rate`.
    pub name: String,
    /// What it may be.
    pub domain: Domain,
}

/// The parameters of a search, in the order in which they are drawn and listed.
///
/// In TOML each is a table. Numbers have `low` and `high`, and optionally `log = true` and `integer = true`; a choice has
/// `values`.
///
/// ```
/// use fireclay_tune::{Domain, Space};
///
/// let space = Space::from_toml(
///     r#"
///     [learning_rate]
///     low = 1e-4
///     high = 1e-1
///     log = true
///
///     [layers]
///     low = 1
///     high = 4
///     integer = true
///
///     [optimizer]
///     values = ["adam", "sgd"]
///     "#,
/// )?;
/// let names: Vec<&str> = space.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
/// assert_eq!(names, ["learning_rate", "layers", "optimizer"]);
/// assert_eq!(space.parameters()[1].domain, Domain::Integer { low: 1, high: 4, log: false });
///
/// let misspelt = Space::from_toml("[layers]\nlow = 4\nhigh = 1\ninteger = true").unwrap_err();
/// assert_eq!(misspelt.to_string(), "parameter \"layers\": low is 4, which is not below high, 1; exchange them");
/// # Ok::<(), fireclay_tune::TuneError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    parameters: Vec<Parameter>,
}

impl Space {
    /// A space of these parameters, not yet checked.
    pub fn new<N: Into<String>>(parameters: impl IntoIterator<Item = (N, Domain)>) -> Self {
        let parameter = |(name, domain): (N, Domain)| Parameter { name: name.into(), domain };
        Self { parameters: parameters.into_iter().map(parameter).collect() }
    }

    /// Reads a space from TOML and checks it. The parameters keep the order that they have in the text.
    ///
    /// # Errors
    /// [`TuneError::Toml`] if the text is not of this form, and what [`check`](Self::check) refuses.
    pub fn from_toml(text: &str) -> Result<Self, TuneError> {
        let tables: BTreeMap<Spanned<String>, DomainFields> = toml::from_str(text)?;
        let mut tables: Vec<_> = tables.into_iter().collect();
        tables.sort_by_key(|(name, _)| name.span().start);
        let parameter = |(name, fields): (Spanned<String>, DomainFields)| {
            let name = name.into_inner();
            Ok(Parameter { domain: fields.domain(&name)?, name })
        };
        let space = Self { parameters: tables.into_iter().map(parameter).collect::<Result<_, TuneError>>()? };
        space.check()?;
        Ok(space)
    }

    /// The parameters.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Refuses a space that cannot be searched.
    ///
    /// # Errors
    /// An error that names the parameter: no parameters, two of one name, bounds that are not finite or not in order, a log
    /// scale that does not begin above 0, a choice without values or with one value twice.
    pub fn check(&self) -> Result<(), TuneError> {
        if self.parameters.is_empty() {
            return Err(TuneError::NoParameters);
        }
        for (index, Parameter { name, domain }) in self.parameters.iter().enumerate() {
            if self.parameters[..index].iter().any(|before| before.name == *name) {
                return Err(TuneError::SameName { name: name.clone() });
            }
            domain.check(name)?;
        }
        Ok(())
    }

    /// Refuses settings that are not of this space, for example a recipe's own values to begin a search with.
    ///
    /// # Errors
    /// [`TuneError::Missing`], [`TuneError::Unknown`] or [`TuneError::Outside`], for the first parameter that is wrong.
    pub fn check_settings(&self, settings: &Settings) -> Result<(), TuneError> {
        for Parameter { name, domain } in &self.parameters {
            let parameter = || name.clone();
            let found = settings.get(name).ok_or_else(|| TuneError::Missing { parameter: parameter() })?;
            if !domain.contains(found) {
                let (expected, found) = (domain.to_string(), found.to_string());
                return Err(TuneError::Outside { parameter: parameter(), expected, found });
            }
        }
        let known = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        match settings.iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => {
                let names = self.parameters.iter().map(|parameter| parameter.name.clone()).collect();
                Err(TuneError::Unknown { parameter: name.to_owned(), names })
            }
            None => Ok(()),
        }
    }
}

/// A domain as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low: Option<Bound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<Bound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integer: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
}

/// A bound as it is written, with or without a decimal point.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number")]
enum Bound {
    Integer(i64),
    Float(f64),
}

impl DomainFields {
    fn of(domain: &Domain) -> Self {
        let bounds = |low: Bound, high: Bound, log: bool, integer: bool| DomainFields {
            low: Some(low),
            high: Some(high),
            log: log.then_some(true),
            integer: integer.then_some(true),
            values: None,
        };
        match domain {
            Domain::Float { low, high, log } => bounds(Bound::Float(*low), Bound::Float(*high), *log, false),
            Domain::Integer { low, high, log } => {
                bounds(Bound::Integer(*low), Bound::Integer(*high), *log, true)
            }
            Domain::Choice { values } => {
                DomainFields { values: Some(values.clone()), ..DomainFields::default() }
            }
        }
    }

    fn domain(self, parameter: &str) -> Result<Domain, TuneError> {
        let wrong = |problem: &'static str| TuneError::Fields { parameter: parameter.to_owned(), problem };
        let log = self.log.unwrap_or(false);
        match (self.low, self.high, self.values) {
            (None, None, Some(values)) => match (self.log, self.integer) {
                (None, None) => Ok(Domain::Choice { values }),
                _ => Err(wrong("has `values`, for which there is no `log` and no `integer`; leave them out")),
            },
            (_, _, Some(_)) => Err(wrong("has `values` and also bounds; leave one of them out")),
            (Some(low), Some(high), None) if self.integer == Some(true) => match (low, high) {
                (Bound::Integer(low), Bound::Integer(high)) => Ok(Domain::Integer { low, high, log }),
                _ => {
                    Err(wrong("is an integer, but `low` or `high` has a decimal point; write whole numbers"))
                }
            },
            (Some(low), Some(high), None) => {
                let float = |bound: Bound| match bound {
                    Bound::Integer(bound) => bound as f64,
                    Bound::Float(bound) => bound,
                };
                Ok(Domain::Float { low: float(low), high: float(high), log })
            }
            (None, None, None) => Err(wrong("has neither `low` and `high` nor `values`; write one of them")),
            (None, Some(_), None) => Err(wrong("has `high` but no `low`; write both")),
            (Some(_), None, None) => Err(wrong("has `low` but no `high`; write both")),
        }
    }
}

impl Serialize for Space {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.parameters.iter().map(|parameter| (&parameter.name, DomainFields::of(&parameter.domain))),
        )
    }
}

/// The parameters keep the order in which the format gives them: JSON's that of the text, TOML's that of the names, which is
/// why there is [`Space::from_toml`]. The space is not checked.
impl<'de> Deserialize<'de> for Space {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SpaceVisitor)
    }
}

struct SpaceVisitor;

impl<'de> Visitor<'de> for SpaceVisitor {
    type Value = Space;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parameters by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Space, M::Error> {
        let mut parameters = Vec::new();
        while let Some((name, fields)) = map.next_entry::<String, DomainFields>()? {
            let domain = fields.domain(&name).map_err(M::Error::custom)?;
            parameters.push(Parameter { name, domain });
        }
        Ok(Space { parameters })
    }
}
