//! One Keras layer to one of ours or a few, with its tensors.

mod activation;
mod attention;
mod conv;
mod dense;
mod norm;
mod pool;
mod positions;
mod preprocessing;
mod recurrent;
mod reshape;

use serde_json::Value;

use super::config::Config;
use super::flow::Flow;
use super::graph::Node;
use super::translation::{Failure, Layer, OPEN_TOKENS, Translation};
use fireclay_nn::DropoutSpec;

/// What a layer gives, or why it cannot be translated.
type Outcome = Result<Flow, Failure>;

/// Layers that do something while training only.
const TRAINING_ONLY: &[&str] = &[
    "SpatialDropout1D",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
];

/// All others that can be taken over.
const KNOWN: &[&str] = &[
    "Dense",
    "TimeDistributed",
    "Conv1D",
    "Conv2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "BatchNormalization",
    "LayerNormalization",
    "Embedding",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "Bidirectional",
    "Dropout",
    "Flatten",
    "Reshape",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "Softmax",
    "Rescaling",
    "Normalization",
    "MultiHeadAttention",
    "EinsumDense",
    "Add",
    "Identity",
];

pub(super) fn is_known(class: &str) -> bool {
    KNOWN.contains(&class) || TRAINING_ONLY.contains(&class)
}

/// Layers behind which Keras does not know any more which steps fill up a sequence, and which would heed it here.
pub(super) fn forgets_mask(class: &str) -> bool {
    matches!(class, "Conv1D" | "ZeroPadding1D" | "GlobalMaxPooling1D" | "Flatten")
}

pub(super) fn uses_mask(class: &str) -> bool {
    matches!(
        class,
        "LSTM" | "GRU" | "SimpleRNN" | "Bidirectional" | "MultiHeadAttention" | "GlobalAveragePooling1D"
    )
}

/// Why there is nothing for a layer of Keras's own here.
pub(super) fn why_not(class: &str) -> &'static str {
    match class {
        "Concatenate" | "Multiply" | "Subtract" | "Average" | "Maximum" | "Minimum" | "Dot" => {
            "branches can only be added"
        }
        "Conv3D" | "MaxPooling3D" | "AveragePooling3D" | "ConvLSTM2D" => {
            "there are no layers in three dimensions"
        }
        "Conv1DTranspose" | "Conv2DTranspose" | "UpSampling1D" | "UpSampling2D" => {
            "nothing here makes images larger"
        }
        "MaxPooling1D" | "AveragePooling1D" => {
            "sequences are pooled whole only, by GlobalMaxPooling1D or GlobalAveragePooling1D"
        }
        "RNN" | "StackedRNNCells" => "use LSTM, GRU or SimpleRNN layers one behind another",
        _ => "there is no such layer here",
    }
}

/// Refuses what makes any layer another one.
pub(super) fn check(config: Config<'_>) -> Result<(), String> {
    if config.get("quantization_config").is_some() {
        return Err("its weights are quantised".into());
    }
    if config.text("data_format").unwrap_or_default() == Some("channels_first") {
        return Err("data_format is channels_first; only channels_last can be taken over".into());
    }
    Ok(())
}

/// What a model takes, from its input layer, or from the first layer as Keras 2 wrote it.
pub(super) fn input(
    into: &mut Translation<'_>,
    node: &Node<'_>,
    is_layer: bool,
) -> Result<Option<Flow>, String> {
    let config = node.config;
    let Some(shape) = config.get("batch_shape").or(config.get("batch_input_shape")) else {
        let built = node.entry.get("build_config").and_then(|built| built.get("input_shape"));
        return match built {
            Some(shape) if !is_layer => sizes(into, shape, node.class == "Embedding").map(Some),
            _ => Err("it does not say what shape the input has".into()),
        };
    };
    // Tokens are known by the layer that reads them, which may come much later.
    sizes(into, shape, node.class == "Embedding").map(Some)
}

fn sizes(into: &mut Translation<'_>, shape: &Value, is_tokens: bool) -> Result<Flow, String> {
    let sizes = shape.as_array().and_then(|shape| shape.split_first()).map(|(_, sizes)| sizes);
    let sizes = sizes.ok_or("its shape is no list of sizes")?;
    let mut found = Vec::new();
    for size in sizes {
        match size {
            Value::Null if sizes.len() == 1 => {
                into.notes.push(format!("the number of tokens is open; {OPEN_TOKENS} are taken as the most"));
                found.push(OPEN_TOKENS);
            }
            Value::Null => {
                return Err("a size of the input is open; build the model with all sizes of a sample".into());
            }
            size => {
                let size = size.as_u64().filter(|size| (1..=1 << 32).contains(size));
                found.push(size.ok_or("a size of the input is no whole number of 1 or more")? as usize);
            }
        }
    }
    if !(1..=3).contains(&found.len()) {
        return Err(format!(
            "the input has {} dimensions; expected features, a sequence, an image or tokens",
            found.len()
        ));
    }
    Ok(Flow { tokens: is_tokens, ..Flow::of(found) })
}

pub(super) fn translate(into: &mut Translation<'_>, layer: Layer<'_>, flow: Flow) -> Outcome {
    let takes_zeros = matches!(
        (layer.class, flow.shape.len()),
        ("Conv2D" | "DepthwiseConv2D" | "SeparableConv2D" | "MaxPooling2D", 3) | ("Conv1D", 2)
    );
    if flow.zeros.is_some() && !takes_zeros {
        return Err(
            "zeros are put around what comes to it, which only a convolution that follows can do".into()
        );
    }
    if TRAINING_ONLY.contains(&layer.class) {
        into.notes
            .push(format!("'{}' ({}) does nothing but in training and is left out", layer.name, layer.class));
        into.leave(&layer.owner);
        return Ok(flow);
    }
    match layer.class {
        "Dense" => dense::dense(into, &layer, flow),
        "TimeDistributed" => dense::time_distributed(into, &layer, flow),
        "Embedding" => dense::embedding(into, &layer, flow),
        "Conv1D" => conv::conv1d(into, &layer, flow),
        "Conv2D" => conv::conv2d(into, &layer, flow),
        "DepthwiseConv2D" => conv::depthwise(into, &layer, flow),
        "SeparableConv2D" => conv::separable(into, &layer, flow),
        "ZeroPadding2D" => conv::zero_padding(&layer, flow),
        "ZeroPadding1D" => conv::zero_padding_1d(&layer, flow),
        "MaxPooling2D" | "AveragePooling2D" => pool::windows(into, &layer, flow),
        "GlobalAveragePooling2D" | "GlobalMaxPooling2D" => pool::global_2d(into, &layer, flow),
        "GlobalAveragePooling1D" | "GlobalMaxPooling1D" => pool::global_1d(into, &layer, flow),
        "BatchNormalization" => norm::batch(into, &layer, flow),
        "LayerNormalization" => norm::layer(into, &layer, flow),
        "LSTM" | "GRU" | "SimpleRNN" => recurrent::one_way(into, &layer, flow),
        "Bidirectional" => recurrent::bidirectional(into, &layer, flow),
        "Flatten" | "Reshape" => reshape::reshape(into, &layer, flow),
        "Activation" | "ReLU" | "LeakyReLU" | "ELU" | "Softmax" => activation::layer(into, &layer, flow),
        "Rescaling" => preprocessing::rescaling(into, &layer, flow),
        "Normalization" => preprocessing::normalization(into, &layer, flow),
        "MultiHeadAttention" => attention::self_attention(into, &layer, flow),
        "EinsumDense" => positions::einsum(into, &layer, flow),
        "Dropout" => {
            into.push(&layer.name, DropoutSpec::new(layer.config.number("rate", 0.5)?));
            Ok(flow)
        }
        "Identity" => Ok(flow),
        _ => Err("it adds other things than two branches".into()),
    }
}
