//! The dense layer on Flex.

use burn::backend::Flex;

use super::{DenseGradient, DenseOp};

// No kernel yet: the default bodies, on Flex's own product.
impl DenseOp for Flex {}
impl DenseGradient for Flex {}
