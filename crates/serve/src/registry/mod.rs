//! Which models are served, and which version of each.

mod golden;
mod served;
mod source;
mod versions;

use std::sync::Arc;

use fireclay_backend::Precision;
use fireclay_nn::Device;

pub use self::served::Served;
pub use self::source::ModelSource;
pub use self::versions::{Change, VersionState, VersionStatus};

use self::source::LONGEST_NAME;
use self::versions::Versions;
pub(crate) use self::versions::{Counted, STABLE};
use crate::error::ServeError;
use crate::queue::QueueOptions;
use crate::refusal::Refusal;

/// How models answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryOptions {
    /// How requests are gathered.
    pub queue: QueueOptions,
    /// In what numbers products are made.
    pub precision: Precision,
}

/// Which version of a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector<'a> {
    /// The stable one, or the canary if it is its turn.
    Any,
    /// The one of this number.
    Version(&'a str),
    /// The one with this label: `stable`, `canary` or `previous`.
    Label(&'a str),
}

/// The models that are served.
#[derive(Debug)]
pub struct Registry {
    models: Vec<Versions>,
    device: Device,
    options: RegistryOptions,
}

impl Registry {
    /// Loads the models, the highest version of each, and tries them.
    ///
    /// # Errors
    /// If one cannot be loaded, two have one name, or requests would wait for others beyond their deadline.
    pub fn load(
        sources: &[ModelSource],
        device: &Device,
        options: RegistryOptions,
    ) -> Result<Self, ServeError> {
        let QueueOptions { max_delay, deadline, .. } = options.queue;
        if max_delay >= deadline {
            return Err(ServeError::Delay { max_delay, deadline });
        }
        let mut models: Vec<Versions> = Vec::new();
        for source in sources {
            if models.iter().any(|other| other.name() == source.name) {
                return Err(ServeError::SameName { name: source.name.clone() });
            }
            models.push(Versions::load(source, device, options)?);
        }
        Ok(Registry { models, device: device.clone(), options })
    }

    /// The names of all models, in the order in which they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(Versions::name)
    }

    /// The stable version of each model.
    pub fn served(&self) -> Vec<Arc<Served>> {
        self.models.iter().map(Versions::stable).collect()
    }

    fn model(&self, name: &str) -> Result<&Versions, Refusal> {
        self.models.iter().find(|model| model.name() == name).ok_or_else(|| {
            let asked: String = name.chars().take(LONGEST_NAME).collect();
            let known: Vec<&str> = self.names().collect();
            Refusal::Unknown(format!("no model is called {asked:?}; there is {}", known.join(", ")))
        })
    }

    /// The version of a model that is to answer a request.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if there is none such, with those that are there.
    pub fn find(&self, name: &str, selector: Selector<'_>) -> Result<Arc<Served>, Refusal> {
        self.model(name)?.find(selector)
    }

    /// The versions of a model that are loaded, being loaded, or failed when they were, ascending.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if no model has this name.
    pub fn versions(&self, name: &str) -> Result<Vec<VersionStatus>, Refusal> {
        Ok(self.model(name)?.status(false))
    }

    /// These, and all others that are in its folder, which is read for that.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if no model has this name.
    pub fn versions_on_disk(&self, name: &str) -> Result<Vec<VersionStatus>, Refusal> {
        Ok(self.model(name)?.status(true))
    }

    /// The share of a model's requests that its canary answers.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if no model has this name.
    pub fn canary_share(&self, name: &str) -> Result<Option<f64>, Refusal> {
        Ok(self.model(name)?.canary_share())
    }

    /// Changes which version of a model answers. Loading takes its time; requests are answered meanwhile, and see either what was
    /// before or what is afterwards.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] for a model or version that is not there, [`Refusal::Conflict`] if the change does not fit what is,
    /// [`Refusal::Broken`] if the version cannot be loaded or fails when it is tried; then nothing is changed.
    pub fn change(&self, name: &str, change: Change) -> Result<(), Refusal> {
        self.model(name)?.change(change, &self.device, self.options)
    }

    /// What was counted of each version of a model.
    pub(crate) fn counted(&self, name: &str) -> Vec<Counted> {
        self.model(name).map(Versions::counted).unwrap_or_default()
    }
}
