//! Our models as ONNX.

mod attribute;
mod flow;
mod graph;
mod input;
mod int8;
mod layers;
mod metadata;
mod operators;
mod output;
mod state;
#[cfg(test)]
mod tests;
mod value;
mod views;

use std::path::Path;

use fireclay_nn::InputSpec;
use fireclay_store::{ModelFile, write_atomically};
use prost::Message;

use super::proto::{ModelProto, OperatorSetIdProto};
use crate::{ExchangeError, FileFormat, Unsupported};
use graph::Graph;
pub use value::{OnnxSize, OnnxType, OnnxValue};

/// The operators' version: the first in which sums and the like take their axes as inputs, and `Split` a number of parts.
/// Every layer can be written in it, and runtimes of 2023 have it.
const OPSET: i64 = 18;

/// The version of the file format that goes with [`OPSET`].
const IR_VERSION: i64 = 8;

/// Protocol Buffers end here.
const MAX_BYTES: usize = i32::MAX as usize;

/// What an ONNX file is to take in and give out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnnxOptions {
    /// Whether probabilities are a second output, `probabilities`, beside the logits; false by default. A network that
    /// predicts numbers has none, nor has one that ends with a softmax or sigmoid another one.
    pub probabilities: bool,
    /// Whether the graph itself does what is done to inputs and outputs; false by default. An image then goes in as bytes,
    /// `uint8` in 0 to 255, other numbers go in before they are normalised, and numbers come out in the units of the data.
    pub include_preprocessing: bool,
    /// Whether the network is to read a text bit by bit, as it is for writing texts; false by default. It takes what it
    /// remembers as inputs `past.NAME`, which begin at 0 (or with no steps), and gives them as outputs `present.NAME`;
    /// `logits` are those of the token that comes next, `[batch, vocabulary]`.
    pub stepwise: bool,
}

impl OnnxOptions {
    /// Sets whether probabilities are an output.
    pub fn probabilities(mut self, probabilities: bool) -> Self {
        self.probabilities = probabilities;
        self
    }

    /// Sets whether the graph itself does what is done to inputs and outputs.
    pub fn include_preprocessing(mut self, include_preprocessing: bool) -> Self {
        self.include_preprocessing = include_preprocessing;
        self
    }

    /// Sets whether the network reads bit by bit.
    pub fn stepwise(mut self, stepwise: bool) -> Self {
        self.stepwise = stepwise;
        self
    }
}

/// A model as ONNX.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OnnxModel {
    /// What goes in.
    pub inputs: Vec<OnnxValue>,
    /// What comes out.
    pub outputs: Vec<OnnxValue>,
    /// How many operators there are.
    pub nodes: usize,
    /// The version of the operators.
    pub opset: i64,
    /// What somebody should know who runs it, a sentence each.
    pub notes: Vec<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

impl OnnxModel {
    /// Writes the file whole or not at all, and returns its size in bytes.
    ///
    /// # Errors
    /// [`ExchangeError::Store`] if it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<u64, ExchangeError> {
        write_atomically(path.as_ref(), &self.bytes)?;
        Ok(self.bytes.len() as u64)
    }
}

/// Writes a model as [ONNX](https://onnx.ai), operator set 18, for ONNX Runtime and others. It computes what the model
/// computes when it does not learn; the same model and options give the same bytes.
///
/// The batch may have any size. Tokens are `int64`, as nearly all models on the web take them; a text may have any length up
/// to that of the description where no layer lays out all steps side by side. Numbers come out where the description ends,
/// `[batch, outputs]` or `[batch, steps, outputs]`, as `logits`, as `values` from a model that predicts numbers, or as
/// `probabilities` from one that ends with them. Classes, preprocessing, and how texts and tables become numbers are in the
/// file's metadata as JSON, and so is the architecture. What the model was trained on is not in the file.
///
/// Layers that compute in 8-bit whole numbers ([`ModelSpec::int8`](fireclay_nn::ModelSpec::int8)) stand between `QuantizeLinear` and
/// `DequantizeLinear`, with batch norm folded into weights of 8 bits, so that a runtime computes them so too. Such a file is not
/// [imported](super::import) again.
///
/// ```
/// use fireclay_exchange::onnx::{self, OnnxOptions};
/// use fireclay_exchange::ModelFile;
/// use fireclay_nn::{Device, ModelSpec, state};
/// use fireclay_store::ModelCard;
///
/// let spec = ModelSpec::new([1, 8, 8]).conv2d(4, 3).relu().flatten().dense(3);
/// let tensors = state(&spec.build(&Device::flex())?);
/// let model = ModelFile { card: ModelCard::new(spec), tensors };
/// let exported = onnx::export(&model, &OnnxOptions::default().probabilities(true))?;
/// assert_eq!(exported.inputs[0].to_string(), "input: float32 [batch, 1, 8, 8]");
/// assert_eq!(exported.outputs[1].to_string(), "probabilities: float32 [batch, 3]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExchangeError::NotExpressible`] with every layer that cannot be written, and [`ExchangeError::Network`] if the
/// description describes no network, the tensors are not its own, or one holds NaN or infinity.
pub fn export(model: &ModelFile, options: &OnnxOptions) -> Result<OnnxModel, ExchangeError> {
    let card = &model.card;
    // Which also checks that the tensors are those of the description.
    let segments = card.spec.int8_segments(&model.tensors)?;
    let placed = card.spec.placed_layers()?;
    let mut graph = Graph::new(&model.tensors, options.stepwise);
    let mut notes = Vec::new();

    if options.stepwise && !matches!(card.spec.input, InputSpec::Tokens(_)) {
        let reason = "only a network that reads tokens goes on step by step".to_owned();
        return Err(refused("0", "input", &card.spec.input.to_string(), reason));
    }
    let bytes: usize = model.tensors.iter().map(|tensor| tensor.values.len() * 4).sum();
    if bytes > MAX_BYTES / 8 * 7 {
        return Err(refused(
            "all",
            "",
            "weights",
            format!("they take {bytes} bytes, and an ONNX file holds 2 GiB"),
        ));
    }
    let flow = input::write(&mut graph, card, options)?;
    let views = card.spec.test_time_augmentation;
    let flow = views::before(&mut graph, views, card.spec.input.shape(), flow);
    let flow = int8::network(&mut graph, &placed, &segments, flow);
    if let Some(int8) = &card.spec.int8 {
        let dynamic = card.spec.int8_candidates()?.dynamic;
        let dynamic: Vec<String> = dynamic.into_iter().flat_map(|layer| layer.layers).collect();
        notes.extend(int8::notes(int8, &placed, &segments, &dynamic));
    }
    if let Some(last) = placed.last().filter(|last| options.stepwise && last.output.shape().len() == 1) {
        graph.refused.push(Unsupported {
            position: placed.len().to_string(),
            name: last.name.clone(),
            kind: last.kind.type_name().to_owned(),
            reason: "the network gives its numbers once for a whole text, not at each token".to_owned(),
        });
    }
    let flow = views::after(&mut graph, views, card.spec.output_features()?, flow);
    output::write(&mut graph, card, options, flow, &mut notes)?;

    if !graph.refused.is_empty() {
        return Err(ExchangeError::NotExpressible { format: FileFormat::Onnx, items: graph.refused });
    }
    let summary = card.spec.summary()?;
    let doc_string =
        format!("{} layers, {} parameters, written by Fireclay", summary.rows.len(), summary.parameters());
    let (graph, inputs, outputs) = graph.finish("network", doc_string);
    let nodes = graph.node.len();
    let proto = ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "Fireclay".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        metadata_props: metadata::write(card, options),
        ..ModelProto::default()
    };
    Ok(OnnxModel { inputs, outputs, nodes, opset: OPSET, notes, bytes: proto.encode_to_vec() })
}

/// What makes a whole model impossible, whatever its layers are.
fn refused(position: &str, name: &str, kind: &str, reason: String) -> ExchangeError {
    let [position, name, kind] = [position, name, kind].map(str::to_owned);
    let items = vec![Unsupported { position, name, kind, reason }];
    ExchangeError::NotExpressible { format: FileFormat::Onnx, items }
}
