//! The program `mnist` from outside: what a user types, what comes back, and what happens when things go wrong.

mod json;
mod mistakes;
mod support;
mod survival;
mod training;
