//! Cross-entropy on Flex.

use burn::backend::Flex;

use super::{CrossEntropyGradient, CrossEntropyOp};

impl CrossEntropyOp for Flex {}
impl CrossEntropyGradient for Flex {}
