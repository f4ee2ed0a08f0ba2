//! An optimiser of any type, as trainers, groups and checkpoints keep it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Written;
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// An optimiser of any type: cheap to clone, and data where it is written.
///
/// A built-in optimiser is written with all its settings; another one as
/// `{"type":"custom","name":"adan","learning_rate":0.01}`. What is read from the latter knows its name and cannot
/// train: a run that had it is resumed by a trainer that was given the optimiser itself.
///
/// Two are equal if they are written alike.
///
/// ```
/// use fireclay_train::{Adam, AnyOptimizer};
///
/// let optimizer = AnyOptimizer::from(Adam::new(1e-3));
/// let text = serde_json::to_string(&optimizer)?;
/// assert!(text.starts_with(r#"{"type":"adam","learning_rate":0.001"#));
/// assert_eq!(serde_json::from_str::<AnyOptimizer>(&text)?, optimizer);
/// assert_eq!(optimizer.name(), "adam");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyOptimizer(Arc<dyn Optimizer>);

impl AnyOptimizer {
    /// The same optimiser with another learning rate; a learning rate for vectors keeps its proportion to it.
    pub fn with_learning_rate(&self, learning_rate: f64) -> Self {
        match self.built_in() {
            Some(built_in) => built_in.with_learning_rate(learning_rate).into(),
            None => {
                let ratio = learning_rate / self.learning_rate();
                Scaled { optimizer: self.clone(), learning_rate, ratio }.into()
            }
        }
    }

    /// What a run goes on with: the optimiser of its checkpoint, or, if that is known by its name only, `given` if it is
    /// called the same.
    pub(crate) fn resolve(&self, given: &AnyOptimizer) -> AnyOptimizer {
        match self.built_in().is_none() && given.name() == self.name() {
            true if given.learning_rate() == self.learning_rate() => given.clone(),
            true => given.with_learning_rate(self.learning_rate()),
            false => self.clone(),
        }
    }

    fn written(&self) -> Written {
        let custom = || Written::Custom { name: self.name(), learning_rate: self.learning_rate() };
        self.built_in().map_or_else(custom, Written::from)
    }
}

impl<O: Optimizer> From<O> for AnyOptimizer {
    fn from(optimizer: O) -> Self {
        AnyOptimizer(Arc::new(optimizer))
    }
}

/// [`Adam`](crate::Adam) with learning rate 1e-3.
impl Default for AnyOptimizer {
    fn default() -> Self {
        BuiltInOptimizer::default().into()
    }
}

impl Deref for AnyOptimizer {
    type Target = dyn Optimizer;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for AnyOptimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for AnyOptimizer {
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written()
    }
}

impl Serialize for AnyOptimizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AnyOptimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)?.built_in() {
            Ok(built_in) => built_in.into(),
            Err((name, learning_rate)) => Named { name, learning_rate }.into(),
        })
    }
}

/// An optimiser that is not built in, with another learning rate.
#[derive(Debug)]
struct Scaled {
    optimizer: AnyOptimizer,
    learning_rate: f64,
    ratio: f64,
}

impl Optimizer for Scaled {
    fn name(&self) -> String {
        self.optimizer.name()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        self.optimizer.update_rule()
    }

    fn check(&self) -> Result<(), TrainError> {
        super::checks::positive("learning_rate", self.learning_rate)?;
        self.optimizer.check()
    }

    fn vector_optimizer(&self) -> Option<AnyOptimizer> {
        let optimizer = self.optimizer.vector_optimizer()?;
        Some(optimizer.with_learning_rate(optimizer.learning_rate() * self.ratio))
    }
}

/// What a file says of an optimiser that is not built in.
#[derive(Debug)]
struct Named {
    name: String,
    learning_rate: f64,
}

impl Optimizer for Named {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Never trains: [`check`](Self::check) comes first.
    fn update_rule(&self) -> UpdateRule {
        super::Sgd::new(self.learning_rate).update_rule()
    }

    fn check(&self) -> Result<(), TrainError> {
        Err(TrainError::Setting {
            setting: "optimizer",
            found: format!("'{}', which is not built in", self.name),
            expected: "a trainer that was given an optimizer of this name, by `Trainer::optimizer` or for the same \
                       parameters by `Trainer::groups`",
        })
    }
}
