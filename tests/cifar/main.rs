//! The program `cifar` from outside.
