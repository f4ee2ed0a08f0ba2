//! What a network that goes on step by step remembers: inputs `past.NAME` and outputs `present.NAME`, which all begin at 0.

use super::graph::Graph;
use super::value::{OnnxSize, OnnxType, OnnxValue};

impl Graph<'_> {
    /// A state that comes in.
    pub(super) fn past(&mut self, name: &str, sizes: Vec<OnnxSize>) -> String {
        let description = "what was read so far; zeros, or no steps, at the beginning";
        self.input(OnnxValue::new(format!("past.{name}"), OnnxType::Float32, sizes, description))
    }

    /// The same state for the next call.
    pub(super) fn present(&mut self, name: &str, sizes: Vec<OnnxSize>, value: &str) {
        let description = format!("past.{name} of the next call");
        let output = OnnxValue::new(format!("present.{name}"), OnnxType::Float32, sizes, description);
        self.output_later(value, output);
    }

    /// How many steps were read before.
    pub(super) fn past_steps(&mut self) -> String {
        let description = "how many tokens were read so far; 0 at the beginning";
        self.input(OnnxValue::new("past.steps", OnnxType::Int64, vec![1.into()], description))
    }

    /// How many steps were read after.
    pub(super) fn present_steps(&mut self, value: &str) {
        let description = "past.steps of the next call";
        let output = OnnxValue::new("present.steps", OnnxType::Int64, vec![1.into()], description);
        self.output_later(value, output);
    }
}
