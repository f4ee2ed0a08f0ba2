//! Search for good hyper-parameters: which settings of a training give the lowest loss.
//!
//! A [`Space`] says what may be set and within which bounds. A [`Search`] proposes [`Trial`]s and is told their [`Outcome`]s.
//! It works in brackets of successive halving: the trials of a bracket all run for a short while, the best of them for
//! longer, and so on (Li et al. 2018, <https://arxiv.org/abs/1603.06560>). The first brackets are drawn at random, later ones
//! mostly by a tree-structured Parzen estimator from the results of the brackets before
//! (Bergstra et al. 2011, <https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization>; put together as in
//! Falkner et al. 2018, <https://arxiv.org/abs/1807.01774>). A [`Journal`] keeps the results in a file, so that a search that
//! was stopped goes on where it was. [`importance()`] says which parameters matter.
//!
//! **What is proposed is a function of space, options and results alone**: not of a clock, not of a global random number
//! generator, and not of the order in which trials that run at the same time end.
//!
//! The crate knows nothing of networks: a trial is settings and a resource, for example a number of epochs. Its sister crates:
//! `fireclay-train` (fit, evaluate, predict), `fireclay` (the front door).
//!
//! ```
//! use fireclay_tune::{Header, Journal, Outcome, SearchOptions, Space, importance};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let space = Space::from_toml(
//!     r#"
//!     [learning_rate]
//!     low = 1e-5
//!     high = 1.0
//!     log = true
//!
//!     [optimizer]
//!     values = ["adam", "sgd"]
//!     "#,
//! )?;
//! let options = SearchOptions { seed: 1, rungs: vec![1, 3], keep: 3, bracket: 9, ..SearchOptions::default() };
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("search.jsonl");
//! let header = Header { space, options, context: serde_json::json!({ "data": "made by hand" }) };
//! let (mut journal, mut search) = Journal::open_or_create(&path, header)?;
//!
//! while search.brackets_done() < 6 {
//!     // These can run in any order, or at the same time.
//!     for trial in search.ready() {
//!         let learning_rate = trial.settings.float("learning_rate").unwrap_or_default();
//!         let penalty = if trial.settings.choice("optimizer") == Some("adam") { 0.0 } else { 0.5 };
//!         // Stands for a training: the best learning rate is 0.01, and more epochs give a lower loss.
//!         let loss = (learning_rate.log10() + 2.0).powi(2) + penalty + 1.0 / trial.resource as f64;
//!         journal.report(&mut search, trial.number, trial.rung, Outcome { score: Some(loss), seconds: 0.1 })?;
//!     }
//! }
//!
//! let best = search.best().ok_or("every trial failed")?;
//! assert_eq!((best.trial.resource, best.trial.settings.choice("optimizer")), (3, Some("adam")));
//! let learning_rate = best.trial.settings.float("learning_rate").unwrap_or_default();
//! assert!((0.003..0.03).contains(&learning_rate), "{learning_rate}");
//! assert_eq!(importance(&search)[0].0, "learning_rate");
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod domain;
mod error;
mod header;
mod importance;
mod journal;
mod options;
mod parzen;
mod plan;
mod proposal;
mod random;
mod search;
mod settings;
mod space;
mod trial;

pub use domain::Domain;
pub use error::TuneError;
pub use header::Header;
pub use importance::importance;
pub use journal::Journal;
pub use options::SearchOptions;
pub use plan::Plan;
pub use search::Search;
pub use settings::{Setting, Settings};
pub use space::{Parameter, Space};
pub use trial::{Outcome, Trial, TrialResult};
