//! Optimiser steps on Flex.

use burn::backend::Flex;

use super::OptimizerOp;

impl OptimizerOp for Flex {}
