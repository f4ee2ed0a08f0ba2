//! Convolution on Flex.

use burn::backend::Flex;

use super::{Conv2dGradient, Conv2dOp};

// No kernel yet: the default bodies, on Flex's own operations.
impl Conv2dOp for Flex {}
impl Conv2dGradient for Flex {}
