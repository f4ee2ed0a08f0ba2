//! Classes of Python while they are written.

use std::collections::{BTreeSet, HashMap};

use super::helpers::Helper;
use super::names::Names;
use crate::Unsupported;

/// What is known while layers are written down.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) helpers: BTreeSet<Helper>,
    /// Classes of blocks, those inside others first.
    pub(super) classes: Vec<String>,
    pub(super) class_names: Names,
    pub(super) names: HashMap<String, String>,
    /// The embeddings of the network, in their order, with their attributes.
    pub(super) embeddings: Vec<(String, String)>,
    pub(super) unsupported: Vec<Unsupported>,
}

/// The two methods of a class that is being written.
pub(super) struct Class {
    pub(super) names: Names,
    /// `residual_1.` in a block.
    pub(super) full: String,
    /// The same in Python.
    pub(super) python: String,
    pub(super) init: Vec<String>,
    /// Lines of `init` for the layer that is being written, behind the one that makes it.
    pub(super) after: Vec<String>,
    pub(super) forward: Vec<String>,
    /// Whether it is a block, which is given the embeddings.
    pub(super) is_block: bool,
}

/// The variables of a `forward`.
#[derive(Clone)]
pub(super) struct Variables {
    pub(super) x: &'static str,
    /// How many steps each sample has, where that is known.
    pub(super) lengths: Option<&'static str>,
}

impl Class {
    pub(super) fn new(full: String, python: String, is_block: bool) -> Self {
        Class {
            names: Names::default(),
            full,
            python,
            init: Vec::new(),
            after: Vec::new(),
            forward: Vec::new(),
            is_block,
        }
    }

    pub(super) fn text(&self, name: &str, forward: &str, constants: &[String]) -> String {
        let mut text = format!("class {name}(nn.Module):\n");
        for constant in constants {
            text.push_str(&format!("    {constant}\n"));
        }
        if !constants.is_empty() {
            text.push('\n');
        }
        let arguments = if self.is_block { "self, embeddings" } else { "self" };
        text.push_str(&format!("    def __init__({arguments}):\n        super().__init__()\n"));
        for line in &self.init {
            text.push_str(&format!("        {line}\n"));
        }
        text.push_str(&format!("\n    def {forward}:\n"));
        for line in &self.forward {
            text.push_str(&format!("        {line}\n"));
        }
        text
    }
}
