//! What is known of a model while it is translated, and why a layer is not.

use std::collections::HashSet;

use fireclay_nn::{LayerSpec, NamedTensor};
use fireclay_store::Preprocessing;
use serde_json::{Map, Value};

use super::super::hdf5::Problem;
use super::flow::Flow;
use super::weights::{Owner, Weights};
use crate::Unsupported;

/// Tokens that a model is said to take whose file leaves their number open.
pub(super) const OPEN_TOKENS: usize = 512;

/// A model on its way.
pub(super) struct Translation<'a> {
    pub(super) weights: &'a Weights<'a>,
    pub(super) tensors: Vec<NamedTensor>,
    pub(super) notes: Vec<String>,
    pub(super) unsupported: Vec<Unsupported>,
    pub(super) names: HashSet<String>,
    /// The list that is being filled.
    pub(super) layers: Vec<LayerSpec>,
    /// Names of the blocks around it, with dots.
    pub(super) prefix: String,
    pub(super) input: Option<Flow>,
    pub(super) preprocessing: Option<Preprocessing>,
    pub(super) count: usize,
    /// Values that may still stand for some that do not fit.
    pub(super) zeros: usize,
    /// Whether a layer stops at the steps that fill up a sequence.
    pub(super) mask_used: bool,
    /// Layers before which Keras forgets which steps those are, and we would not.
    pub(super) mask_forgotten: Vec<Unsupported>,
}

/// Why a layer was not translated.
pub(super) enum Failure {
    /// There is nothing for it here, or one of its fields is not what it must be.
    Reason(String),
    Problem(Problem),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Failure::Reason(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Failure::Reason(reason.to_owned())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::Problem(problem)
    }
}

/// One layer with what its translation needs.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    pub(super) class: &'a str,
    pub(super) config: super::config::Config<'a>,
    pub(super) arguments: Option<&'a Map<String, Value>>,
    /// Its name with us.
    pub(super) name: String,
    pub(super) owner: Owner,
}

impl<'a> Translation<'a> {
    pub(super) fn new(weights: &'a Weights<'a>) -> Self {
        Translation {
            weights,
            tensors: Vec::new(),
            notes: Vec::new(),
            unsupported: Vec::new(),
            names: HashSet::new(),
            layers: Vec::new(),
            prefix: String::new(),
            input: None,
            preprocessing: None,
            count: 0,
            zeros: 1 << 22,
            mask_used: false,
            mask_forgotten: Vec::new(),
        }
    }
}
