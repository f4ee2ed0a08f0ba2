//! What of a file is wanted.

use std::path::Path;

use super::super::import::Graph;
use crate::ExchangeError;
use crate::words::short;

/// What of an ONNX graph is to be a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnnxGraphOptions {
    /// The name of the output that is computed; the first of the file by default. Nodes that only others need are left out.
    pub output: Option<String>,
    /// Whether a softmax or sigmoid at the end is kept; false by default, as losses want logits.
    pub keep_final_activation: bool,
}

impl OnnxGraphOptions {
    /// Sets the output that is computed.
    pub fn output(mut self, name: impl Into<String>) -> Self {
        self.output = Some(name.into());
        self
    }

    /// Sets whether a softmax or sigmoid at the end is kept.
    pub fn keep_final_activation(mut self, keep: bool) -> Self {
        self.keep_final_activation = keep;
        self
    }
}

/// The name of the output that is wanted.
pub(super) fn chosen_output(
    path: &Path,
    graph: &Graph,
    options: &OnnxGraphOptions,
    notes: &mut Vec<String>,
) -> Result<String, ExchangeError> {
    let names = || graph.outputs.iter().map(|output| output.name.as_str());
    match &options.output {
        Some(name) if names().any(|known| known == name) => Ok(name.clone()),
        Some(name) => Err(ExchangeError::NoOutput {
            path: path.to_path_buf(),
            name: name.clone(),
            known: names().map(short).collect(),
        }),
        None => {
            let first = names().next().unwrap_or_default().to_owned();
            if graph.outputs.len() > 1 {
                let others: Vec<String> =
                    names().skip(1).take(20).map(|name| format!("'{}'", short(name))).collect();
                notes.push(format!(
                    "the output is '{}'; the file has {} as well",
                    short(&first),
                    others.join(", ")
                ));
            }
            Ok(first)
        }
    }
}
