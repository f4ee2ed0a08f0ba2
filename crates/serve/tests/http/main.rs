//! Servers as their clients see them: what they answer, what they refuse, and how they end.

mod attacks;
mod clients;
mod ending;
mod open_inference;
mod people;
mod support;
mod tensorflow;
mod versions;
mod watching;
