//! The program `mnist` from outside: what a user types, what comes back, and what happens when things go wrong.

mod earlier_version;
mod facts;
mod json;
mod mistakes;
mod outputs;
mod support;
mod survival;
mod training;
