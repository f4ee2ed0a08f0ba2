//! What Flex projects onto the gates, and what it keeps of it for the backward pass.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::recurrent::RecurrentTape;
use fireclay_kernels::{self as kernels, Values};

use crate::flex_tensor::{Contiguous, contiguous};
use crate::instructions::cpu;

/// The rows that are projected onto the gates.
#[derive(Debug)]
pub(super) enum Input {
    /// One for each sequence and step.
    Sequence(Contiguous),
    /// One for each different token.
    Tokens { unique: kernels::Unique, rows: Values },
}

impl Input {
    pub(super) fn of_tokens(embedding: FloatTensor<Flex>, tokens: &[i64]) -> Self {
        let [vocabulary, features] = embedding.shape().dims();
        let unique = kernels::unique_tokens(vocabulary, tokens);
        let mut rows = Values::unspecified(unique.tokens.len() * features);
        kernels::embedding(cpu(), features, &contiguous(embedding), &unique.tokens, &mut rows);
        Input::Tokens { unique, rows }
    }

    pub(super) fn values(&self) -> &[f32] {
        match self {
            Input::Sequence(values) => values,
            Input::Tokens { rows, .. } => rows,
        }
    }

    pub(super) fn rows(&self, features: usize) -> usize {
        self.values().len() / features.max(1)
    }

    pub(super) fn index(&self) -> Option<&[u32]> {
        match self {
            Input::Sequence(_) => None,
            Input::Tokens { unique, .. } => Some(&unique.index),
        }
    }
}

/// What the kernel keeps for the backward pass. Shared, since autodiff wants states that clone.
#[derive(Clone, Debug)]
pub struct KeptTape(pub(super) Arc<Mutex<Tape>>);

impl KeptTape {
    pub(super) fn new(tape: Tape) -> Self {
        KeptTape(Arc::new(Mutex::new(tape)))
    }
}

#[derive(Debug)]
pub(super) struct Tape {
    pub(super) steps: Steps,
    pub(super) input: Input,
    /// Rows that were projected.
    pub(super) rows: usize,
}

/// The kernel's own tape, on loan from those that are not in use: its memory is large, and fresh pages cost more than
/// the arithmetic on them.
#[derive(Debug)]
pub(super) struct Steps(pub(super) RecurrentTape);

/// As many tapes as are kept when nobody uses them.
const MOST_IDLE: usize = 2;

static IDLE: Mutex<Vec<RecurrentTape>> = Mutex::new(Vec::new());

impl Steps {
    pub(super) fn take() -> Self {
        Steps(IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default())
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(std::mem::take(&mut self.0));
        }
    }
}
