//! Single operators against reference values, their gradients against finite differences, and what is refused.

mod cases;
mod gradients;
mod mutations;
mod operators;
mod random;
mod refused;
