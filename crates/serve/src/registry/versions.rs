//! The versions of a model: which answers, which may next, and which did before.
//!
//! A version is loaded and tried beside those that answer. What requests see is one value, which is exchanged as a whole, so
//! that each request is answered by one version and none by half of a change; a version that was replaced answers what it has
//! already, and goes with the last of it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use fireclay_nn::Device;

use super::served::Served;
use super::source::ModelSource;
use super::{RegistryOptions, Selector};
use crate::error::ServeError;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// The label of the version that answers.
pub(crate) const STABLE: &str = "stable";

/// Versions whose failure is remembered.
const FAILURES: usize = 16;

/// Which version answers what.
#[derive(Clone, Debug)]
struct Placed {
    stable: Arc<Served>,
    canary: Option<Canary>,
    /// What was stable before, kept so that going back takes no time and cannot fail.
    previous: Option<Arc<Served>>,
}

/// A version that answers a share of the requests.
#[derive(Clone, Debug)]
struct Canary {
    served: Arc<Served>,
    share: f64,
    /// How many requests there were since, and whose turn it is follows from it.
    asked: Arc<AtomicU64>,
}

/// A change of the versions that answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Loads a version, tries it, and lets it answer all requests; what answered before is kept for [`RollBack`](Self::RollBack).
    Load {
        /// Its number, the name of its folder.
        version: u64,
    },
    /// Loads a version, tries it, and lets it answer a share of the requests.
    Canary {
        /// Its number.
        version: u64,
        /// More than 0, less than 1.
        share: f64,
    },
    /// Lets the canary answer another share of the requests.
    Share {
        /// More than 0, less than 1.
        share: f64,
    },
    /// Lets the canary answer all requests.
    Promote,
    /// Takes the canary away; without one, what answered before answers again.
    RollBack,
}

/// Where a version stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// It answers, or can at once.
    Available,
    /// Its file is there.
    Unloaded,
    /// It is being loaded and tried.
    Loading,
    /// It could not be loaded, or failed when it was tried.
    Failed(String),
}

impl VersionState {
    /// As clients read it: `available`, `unloaded`, `loading` or `failed`.
    pub fn name(&self) -> &'static str {
        match self {
            VersionState::Available => "available",
            VersionState::Unloaded => "unloaded",
            VersionState::Loading => "loading",
            VersionState::Failed(_) => "failed",
        }
    }

    /// Why it failed, if it did.
    pub fn problem(&self) -> Option<&str> {
        match self {
            VersionState::Failed(why) => Some(why),
            _ => None,
        }
    }
}

/// A version of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionStatus {
    /// Its number.
    pub version: u64,
    /// Where it stands.
    pub state: VersionState,
    /// `stable`, `canary` or `previous`, if it is one of them.
    pub label: Option<&'static str>,
}

/// What was counted of a version, now or before.
pub(crate) struct Counted {
    pub(crate) version: u64,
    pub(crate) metrics: Arc<Metrics>,
    /// The version, if it is loaded.
    pub(crate) served: Option<Arc<Served>>,
}

/// A model with its versions.
#[derive(Debug)]
pub(super) struct Versions {
    source: ModelSource,
    placed: RwLock<Placed>,
    /// Held while a version is loaded, so that there is one at a time.
    changing: Mutex<()>,
    loading: Mutex<Option<u64>>,
    failed: Mutex<BTreeMap<u64, String>>,
    /// What was counted of each version that was ever loaded.
    metrics: Mutex<BTreeMap<u64, Arc<Metrics>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Versions {
    /// Loads the highest version.
    pub(super) fn load(
        source: &ModelSource,
        device: &Device,
        options: RegistryOptions,
    ) -> Result<Self, ServeError> {
        let version = source.versions()?.pop().unwrap_or(1);
        let metrics = Arc::new(Metrics::default());
        let files = source.files(version)?;
        let served = Served::load(&source.name, version, files, device, options, metrics.clone())?;
        Ok(Versions {
            source: source.clone(),
            placed: RwLock::new(Placed { stable: Arc::new(served), canary: None, previous: None }),
            changing: Mutex::default(),
            loading: Mutex::default(),
            failed: Mutex::default(),
            metrics: Mutex::new(BTreeMap::from([(version, metrics)])),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.source.name
    }

    fn placed(&self) -> Placed {
        self.placed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn place(&self, change: impl FnOnce(&mut Placed)) {
        change(&mut self.placed.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn stable(&self) -> Arc<Served> {
        self.placed.read().unwrap_or_else(PoisonError::into_inner).stable.clone()
    }

    /// The share of the requests that the canary answers, if there is one.
    pub(super) fn canary_share(&self) -> Option<f64> {
        self.placed().canary.map(|canary| canary.share)
    }

    /// What was counted of each version that was ever loaded, and the version if it is there.
    pub(super) fn counted(&self) -> Vec<Counted> {
        let placed = self.placed();
        let of_number = |version| placed.loaded().find(|(served, _)| served.version() == version);
        let counted = |(version, metrics)| Counted {
            version,
            metrics,
            served: of_number(version).map(|(served, _)| served.clone()),
        };
        lock(&self.metrics).clone().into_iter().map(counted).collect()
    }

    /// The version that is to answer a request.
    pub(super) fn find(&self, selector: Selector<'_>) -> Result<Arc<Served>, Refusal> {
        let placed = self.placed.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = match selector {
            Selector::Any => match &placed.canary {
                Some(canary) if canary.is_next() => return Ok(canary.served.clone()),
                _ => return Ok(placed.stable.clone()),
            },
            Selector::Version(version) => {
                placed.loaded().find(|(served, _)| served.version().to_string() == version)
            }
            Selector::Label(label) => placed.loaded().find(|(_, found)| *found == label),
        };
        wanted.map(|(served, _)| served.clone()).ok_or_else(|| {
            let there: Vec<String> =
                placed.loaded().map(|(served, label)| format!("{} ({label})", served.version())).collect();
            let (what, asked) = match selector {
                Selector::Label(label) => ("version with the label", label),
                Selector::Version(version) => ("version", version),
                Selector::Any => ("version", ""),
            };
            let asked: String = asked.chars().take(super::source::LONGEST_NAME).collect();
            Refusal::Unknown(format!(
                "model {:?} has no {what} {asked:?}; it has {}",
                self.name(),
                there.join(", ")
            ))
        })
    }

    /// The versions that are loaded, or were to be, ascending; with `folder` also those that are in it.
    pub(super) fn status(&self, folder: bool) -> Vec<VersionStatus> {
        let placed = self.placed();
        let (loading, failed) = (*lock(&self.loading), lock(&self.failed).clone());
        // A folder that cannot be read has those that were loaded.
        let mut numbers = if folder { self.source.versions().unwrap_or_default() } else { Vec::new() };
        numbers.extend(placed.loaded().map(|(served, _)| served.version()));
        numbers.extend(loading.iter().chain(failed.keys()));
        numbers.sort_unstable();
        numbers.dedup();
        let status = |version: u64| {
            let label =
                placed.loaded().find(|(served, _)| served.version() == version).map(|(_, label)| label);
            let state = match (label, failed.get(&version)) {
                (Some(_), _) => VersionState::Available,
                _ if loading == Some(version) => VersionState::Loading,
                (None, Some(why)) => VersionState::Failed(why.clone()),
                (None, None) => VersionState::Unloaded,
            };
            VersionStatus { version, state, label }
        };
        numbers.into_iter().map(status).collect()
    }

    /// Makes a change.
    pub(super) fn change(
        &self,
        change: Change,
        device: &Device,
        options: RegistryOptions,
    ) -> Result<(), Refusal> {
        let Ok(_turn) = self.changing.try_lock() else {
            return Err(Refusal::Conflict(format!(
                "another version of {:?} is being loaded; try again when it is",
                self.name()
            )));
        };
        let no_canary = || Refusal::Conflict(format!("{:?} has no canary", self.name()));
        match change {
            Change::Load { version } => {
                let served = self.version(version, device, options)?;
                self.place(|placed| placed.make_stable(served));
            }
            Change::Canary { version, share } => {
                let share = checked(share)?;
                if self.stable().version() == version {
                    return Err(Refusal::Conflict(format!("version {version} answers already")));
                }
                let served = self.version(version, device, options)?;
                self.place(|placed| placed.canary = Some(Canary { served, share, asked: Arc::default() }));
            }
            Change::Share { share } => {
                let share = checked(share)?;
                let served = self.placed().canary.ok_or_else(no_canary)?.served;
                self.place(|placed| placed.canary = Some(Canary { served, share, asked: Arc::default() }));
            }
            Change::Promote => {
                let canary = self.placed().canary.ok_or_else(no_canary)?;
                self.place(|placed| placed.make_stable(canary.served));
            }
            Change::RollBack => {
                let placed = self.placed();
                match (placed.canary, placed.previous) {
                    (Some(_), _) => self.place(|placed| placed.canary = None),
                    (None, Some(previous)) => self.place(|placed| {
                        placed.previous = None;
                        placed.stable = previous;
                    }),
                    (None, None) => {
                        return Err(Refusal::Conflict(format!(
                            "{:?} has neither a canary nor a version that answered before",
                            self.name()
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// A version: one that is there, or else loaded and tried. Why it cannot be is remembered.
    fn version(
        &self,
        version: u64,
        device: &Device,
        options: RegistryOptions,
    ) -> Result<Arc<Served>, Refusal> {
        if let Ok(served) = self.find(Selector::Version(&version.to_string())) {
            return Ok(served);
        }
        if !self.source.path.is_dir() {
            return Err(Refusal::Conflict(format!(
                "{:?} is served from one file; a folder with versions 1, 2, ... can be changed",
                self.name()
            )));
        }
        let there = self.source.versions().unwrap_or_default();
        if !there.contains(&version) {
            let there: Vec<String> = there.iter().map(u64::to_string).collect();
            return Err(Refusal::Unknown(format!(
                "model {:?} has no version {version} in its folder; there is {}",
                self.name(),
                there.join(", ")
            )));
        }
        *lock(&self.loading) = Some(version);
        let loaded = catch_unwind(AssertUnwindSafe(|| self.load_version(version, device, options)))
            .unwrap_or_else(|_| Err("loading it failed; the server goes on".to_owned()));
        *lock(&self.loading) = None;
        let mut failed = lock(&self.failed);
        failed.remove(&version);
        loaded.map_err(|why| {
            if failed.len() == FAILURES {
                failed.pop_first();
            }
            failed.insert(version, why.clone());
            Refusal::Broken(format!(
                "version {version} of {:?} is not served, and version {} goes on: {why}",
                self.name(),
                self.stable().version()
            ))
        })
    }

    fn load_version(
        &self,
        version: u64,
        device: &Device,
        options: RegistryOptions,
    ) -> Result<Arc<Served>, String> {
        let said = |error: ServeError| {
            let mut said = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                said.push_str(&format!(": {error}"));
                source = error.source();
            }
            said
        };
        let metrics = lock(&self.metrics).get(&version).cloned().unwrap_or_default();
        let files = self.source.files(version).map_err(said)?;
        let served =
            Served::load(self.name(), version, files, device, options, metrics.clone()).map_err(said)?;
        let (old, new) = (self.stable(), &served);
        if old.model().signature().inputs != new.model().signature().inputs {
            return Err(format!(
                "it takes other inputs than version {}, whose clients it would refuse; serve it under a name of its own",
                old.version()
            ));
        }
        lock(&self.metrics).insert(version, metrics);
        Ok(Arc::new(served))
    }
}

fn checked(share: f64) -> Result<f64, Refusal> {
    match share > 0.0 && share < 1.0 {
        true => Ok(share),
        false => Err(Refusal::bad(format!("a share of {share}; expected more than 0 and less than 1"))),
    }
}

impl Placed {
    /// All that are loaded, with their labels.
    fn loaded(&self) -> impl Iterator<Item = (&Arc<Served>, &'static str)> {
        let canary = self.canary.iter().map(|canary| (&canary.served, "canary"));
        let previous = self.previous.iter().map(|served| (served, "previous"));
        std::iter::once((&self.stable, STABLE)).chain(canary).chain(previous)
    }

    fn make_stable(&mut self, served: Arc<Served>) {
        if self.canary.as_ref().is_some_and(|canary| canary.served.version() == served.version()) {
            self.canary = None;
        }
        if self.stable.version() != served.version() {
            self.previous = Some(std::mem::replace(&mut self.stable, served));
        }
    }
}

impl Canary {
    /// Whether the next request is its: of each hundred as many as its share says, spread evenly.
    fn is_next(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) as f64;
        ((asked + 1.0) * self.share).floor() > (asked * self.share).floor()
    }
}
