//! The embedding on Flex.

use burn::backend::Flex;

use super::{EmbeddingGradient, EmbeddingOp};

impl EmbeddingOp for Flex {}
impl EmbeddingGradient for Flex {}
