//! The tests of layers, models and weights, in one program. One group of them: `cargo test -p fireclay-nn --test main pytorch::`.

mod channels;
mod descriptions;
mod freezing;
mod fused;
mod int8;
mod layer_contract;
mod layer_table;
mod pytorch;
mod recurrent;
mod repeatable;
mod support;
mod trained_layers;
