//! What can be wrong with a description of a model, or with weights meant for it.

use std::fmt;

use crate::shapes::InputSpec;

/// Why a model cannot be described, built or filled with weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// The TOML text is not a model description.
    #[error("this is not a model description in TOML: {source}")]
    Toml {
        /// Line, column and reason.
        #[from]
        source: toml::de::Error,
    },
    /// The JSON text is not a model description.
    #[error("this is not a model description in JSON: {source}")]
    Json {
        /// Line, column and reason.
        #[from]
        source: serde_json::Error,
    },
    /// The description cannot be written as TOML.
    #[error("the model description cannot be written as TOML")]
    WriteToml {
        /// What the TOML writer said.
        #[from]
        source: toml::ser::Error,
    },
    /// The input shape cannot be used.
    #[error(
        "input {found} is not a shape of one sample; expected [features], [steps, features], [channels, height, width] or {{ tokens = n }}, each 1 or more"
    )]
    Input {
        /// The shape as given.
        found: InputSpec,
    },
    /// There is no layer, or there are too many.
    #[error("the model has {found} layers; expected 1 to {limit}")]
    LayerCount {
        /// Layers in the description.
        found: usize,
        /// The most that are accepted.
        limit: usize,
    },
    /// A layer cannot work where it stands.
    #[error("layer {position} '{name}', given {input}: {problem}")]
    Layer {
        /// Place in the model, counted from 1; inside a residual block `4.2` is the second layer of the fourth.
        position: String,
        /// The layer's name.
        name: String,
        /// One sample that reaches the layer.
        input: InputSpec,
        /// What is wrong.
        #[source]
        problem: Box<LayerProblem>,
    },
    /// More steps than the network has places for.
    #[error("there are {found} steps; the network has learnt positions for {most}")]
    Steps {
        /// Steps with the new ones.
        found: usize,
        /// As many as there may be.
        most: usize,
    },
    /// Test-time augmentation of something that is no image.
    #[error(
        "test-time augmentation ('views') is of images of at least 2 by 2 pixels, and the network takes {found}; leave 'views' out"
    )]
    TestTimeAugmentation {
        /// What the description says.
        found: InputSpec,
    },
    /// The network ends with something other than a row of numbers for each sample or each step.
    #[error(
        "the last layer '{name}' gives {found}; expected a flat output such as [10], or one at each step such as [64, 10], so end with flatten or global_avg_pool2d and dense"
    )]
    Output {
        /// The last layer's name.
        name: String,
        /// Shape of one sample that it gives.
        found: InputSpec,
    },
    /// More weights than any machine holds.
    #[error("the model has {found} parameters; expected at most {limit}")]
    TooManyParameters {
        /// Parameters of all layers together.
        found: u64,
        /// The most that are accepted.
        limit: u64,
    },
    /// No layer has that name.
    #[error("there is no layer '{}'{}; there are {}", short(name), near(name, known), listed(known))]
    UnknownLayer {
        /// The name as given.
        name: String,
        /// The names of the layers that there are.
        known: Vec<String>,
    },
    /// The bytes of a network in 8-bit whole numbers stand for no numbers.
    #[error("the bytes of '{}' have the scale {found}; expected a number above 0", short(name))]
    Int8Scale {
        /// The layer whose output it is, or `input`.
        name: String,
        /// The scale as given.
        found: String,
    },
    /// A loss with settings outside their range.
    #[error("the loss has {setting} {found}; expected {expected}")]
    Loss {
        /// `label_smoothing`, `class_weights` or `delta`.
        setting: &'static str,
        /// The value as given.
        found: String,
        /// The values that are accepted.
        expected: String,
    },
    /// A way of drawing tokens with settings outside their range.
    #[error("sampling has {setting} {found}; expected {expected}")]
    Sampling {
        /// `temperature`, `top_k` or `top_p`.
        setting: &'static str,
        /// The value as given.
        found: String,
        /// The values that are accepted.
        expected: &'static str,
    },
    /// A layer that cannot read step by step.
    #[error(
        "layer '{name}' needs all steps of a sample at once, so the model cannot go on with what it writes; use layers that look back only"
    )]
    NotStepwise {
        /// The layer's name.
        name: String,
    },
    /// A network that does not say which token comes next.
    #[error(
        "the model takes {input} and gives {outputs} outputs for the whole of it; expected a language model, which reads tokens and gives an output at each"
    )]
    NoNextToken {
        /// What it takes.
        input: InputSpec,
        /// How many numbers it gives.
        outputs: usize,
    },
    /// A token that a model does not know, or none.
    #[error(
        "{}; expected one or more tokens, each below {vocabulary_size}, as the model knows {vocabulary_size} tokens",
        found.map_or("no token was given".to_string(), |token| format!("token {token} was given"))
    )]
    Token {
        /// The token; `None` if there was none.
        found: Option<u32>,
        /// Every token is below it.
        vocabulary_size: usize,
    },
    /// A network whose forward pass fails.
    #[error(
        "network {network} does not take a batch of {input:?}: {reason}; compare the sizes of its layers with the shape of a sample"
    )]
    Forward {
        /// The network's type.
        network: String,
        /// Sizes of the batch, the batch first.
        input: Vec<usize>,
        /// What the forward pass said.
        reason: String,
    },
    /// Weights and model do not belong together.
    #[error("the weights do not fit the model:{0}")]
    Weights(Box<WeightsMismatch>),
    /// A tensor holds NaN or infinity.
    #[error(
        "tensor '{name}' holds {value} at position {index}; finite values were expected, so the training that wrote it diverged"
    )]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// The value found.
        value: f32,
        /// Its place in the tensor's row-major order.
        index: usize,
    },
}

/// What is wrong with one layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerProblem {
    /// A size of zero.
    #[error("{field} is 0; expected 1 or more")]
    Zero {
        /// The field's name in the description.
        field: &'static str,
    },
    /// A number outside its range.
    #[error("{field} is {found}; expected {expected}")]
    Range {
        /// The field's name in the description.
        field: &'static str,
        /// The value as given.
        found: String,
        /// The values that are accepted.
        expected: &'static str,
    },
    /// The layer works on rows of features.
    #[error(
        "it needs a flat input such as [128], or a sequence [steps, features]; put flatten or global_avg_pool2d before it"
    )]
    NeedsFlat,
    /// The layer works on the steps of a sequence.
    #[error(
        "it needs a sequence, [steps, features], as an embedding gives, or an lstm, gru or simple_rnn with return_sequences = true"
    )]
    NeedsSequence,
    /// The layer works on rows of features or on images, not on sequences.
    #[error("it needs a flat input such as [128] or an image; for a sequence use layer_norm")]
    NeedsFlatOrImage,
    /// The layer looks up tokens.
    #[error("it needs tokens, which are a model's input and nothing else: input = {{ tokens = 250 }}")]
    NeedsTokens,
    /// The layer works on numbers.
    #[error("it needs numbers, and tokens are only names; put an embedding before it")]
    NeedsNumbers,
    /// The layer works on images.
    #[error("it needs an image, [channels, height, width]")]
    NeedsImage,
    /// The kernel is larger than what it slides over.
    #[error(
        "a kernel that covers {}x{} does not fit into {}x{} (padding included)",
        kernel[0], kernel[1], padded[0], padded[1]
    )]
    KernelTooLarge {
        /// Height and width that the kernel covers, dilation included.
        kernel: [usize; 2],
        /// Height and width of the padded input.
        padded: [usize; 2],
    },
    /// Channels cannot be split into the groups.
    #[error("{channels} {which} cannot be split into {groups} groups of equal size")]
    Groups {
        /// `in_channels` or `out_channels`.
        which: &'static str,
        /// How many channels there are.
        channels: usize,
        /// How many groups were asked for.
        groups: usize,
    },
    /// A pooling window could lie in the padding alone.
    #[error(
        "padding {}x{} is more than half of the kernel {}x{}, so a window could hold nothing but padding",
        padding[0], padding[1], kernel[0], kernel[1]
    )]
    PoolPadding {
        /// Padding above and to the left.
        padding: [usize; 2],
        /// The kernel's height and width.
        kernel: [usize; 2],
    },
    /// The two ways through a residual block give different shapes.
    #[error(
        "its layers give {body} and its shortcut gives {shortcut}; they are added, so both must be the same"
    )]
    Shortcut {
        /// Shape after the block's layers.
        body: InputSpec,
        /// Shape after the shortcut.
        shortcut: InputSpec,
    },
    /// Heads cannot share the features.
    #[error("{features} features cannot be shared by {num_heads} heads of equal size")]
    Heads {
        /// Features of each step.
        features: usize,
        /// How many heads were asked for.
        num_heads: usize,
    },
    /// Rotary positions turn pairs of values.
    #[error(
        "rotary positions turn pairs of values, and a head has {dim}; choose num_heads so that it is even"
    )]
    OddHead {
        /// Values of a head.
        dim: usize,
    },
    /// The embedding whose weight is to be shared does not come before.
    #[error(
        "{} comes before it whose weight it could share{}",
        if wanted.is_empty() { "no embedding".to_string() } else { format!("no embedding '{}'", short(wanted)) },
        if known.is_empty() { String::new() } else { format!("; there is {}", known.join(", ")) }
    )]
    NoEmbedding {
        /// The name that was asked for; empty for the first.
        wanted: String,
        /// The names of those that come before.
        known: Vec<String>,
    },
    /// The features are not as many as the embedding whose weight is to be shared has.
    #[error(
        "{features} features cannot be compared with embeddings of {embedding_dim}; put a dense layer with out_features = {embedding_dim} before it"
    )]
    TiedFeatures {
        /// Features that reach the layer.
        features: usize,
        /// Numbers of each token's row.
        embedding_dim: usize,
    },
    /// A residual block without layers.
    #[error("it has no layers; expected at least one")]
    Empty,
    /// A layer that is set by the data stands where the data does not come.
    #[error("it is set by the data before the training, so it cannot stand inside a block")]
    InsideBlock,
    /// Two layers have one name.
    #[error("another layer has the same name; names are used for weights, so each must be different")]
    SameName,
    /// A name that could not be used for weights.
    #[error("a name has 1 to 64 letters, digits, '_' or '-'")]
    BadName,
    /// Sizes whose product no machine can hold.
    #[error("the sizes multiply to more than {limit} values")]
    TooLarge {
        /// The most values accepted for one model.
        limit: u64,
    },
}

/// Everything that differs between the tensors a model has and those it was offered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeightsMismatch {
    /// Names that the model has and the weights lack, with their shapes.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Names that the weights have and the model lacks, with their shapes.
    pub unexpected: Vec<(String, Vec<usize>)>,
    /// Name, the model's shape, the weights' shape.
    pub different: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl WeightsMismatch {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.different.is_empty()
    }

    /// The unexpected name most like a missing one, if it is near: a renamed layer, most often.
    fn near(&self, missing: &str) -> Option<&str> {
        self.unexpected
            .iter()
            .map(|(name, _)| (edit_distance(missing, name), name.as_str()))
            .min()
            .filter(|(distance, _)| *distance <= missing.len().div_ceil(3))
            .map(|(_, name)| name)
    }
}

/// Lists are cut here, so that a hostile file cannot make a message of a million lines.
const LISTED: usize = 20;

impl fmt::Display for WeightsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, dims) in self.missing.iter().take(LISTED) {
            write!(f, "\n  missing     {} {}", short(name), shape(dims))?;
            if let Some(near) = self.near(name) {
                write!(f, " (did you mean '{}'?)", short(near))?;
            }
        }
        for (name, dims) in self.unexpected.iter().take(LISTED) {
            write!(f, "\n  unexpected  {} {}", short(name), shape(dims))?;
        }
        for (name, expected, found) in self.different.iter().take(LISTED) {
            write!(
                f,
                "\n  shape       {}: expected {}, found {}",
                short(name),
                shape(expected),
                shape(found)
            )?;
        }
        let counts = [self.missing.len(), self.unexpected.len(), self.different.len()];
        let hidden: usize = counts.iter().map(|count| count.saturating_sub(LISTED)).sum();
        if hidden > 0 {
            write!(f, "\n  and {hidden} more")?;
        }
        Ok(())
    }
}

/// ` (did you mean 'dense_1'?)`, if a name is near.
fn near(name: &str, known: &[String]) -> String {
    let (distance, near) = match known.iter().map(|known| (edit_distance(name, known), known)).min() {
        Some(nearest) => nearest,
        None => return String::new(),
    };
    match distance <= name.len().div_ceil(3) {
        true => format!(" (did you mean '{}'?)", short(near)),
        false => String::new(),
    }
}

/// `dense_1, relu_1, dense_2`, cut where there are many.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| short(name)).collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        hidden => format!("{} and {hidden} more", shown.join(", ")),
    }
}

/// A name cut to a length that fits a line.
fn short(name: &str) -> String {
    let start = cut(name);
    if start.len() < name.len() { format!("{start}...") } else { name.to_string() }
}

/// `[3, 32, 32]`
fn shape(dims: &[usize]) -> String {
    format!("{dims:?}")
}

/// The Levenshtein distance, on names cut to 80 characters.
fn edit_distance(a: &str, b: &str) -> usize {
    strsim::levenshtein(cut(a), cut(b))
}

/// The first 80 characters.
fn cut(name: &str) -> &str {
    name.char_indices().nth(80).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_lists_all_three_kinds_and_suggests_a_near_name() {
        let mismatch = WeightsMismatch {
            missing: vec![("dense_1.weight".into(), vec![10, 64])],
            unexpected: vec![("dense1.weight".into(), vec![10, 64])],
            different: vec![("conv2d_1.bias".into(), vec![32], vec![16])],
        };
        let text = NnError::Weights(Box::new(mismatch)).to_string();
        assert!(
            text.contains("missing     dense_1.weight [10, 64] (did you mean 'dense1.weight'?)"),
            "{text}"
        );
        assert!(text.contains("unexpected  dense1.weight [10, 64]"), "{text}");
        assert!(text.contains("conv2d_1.bias: expected [32], found [16]"), "{text}");
    }
}
