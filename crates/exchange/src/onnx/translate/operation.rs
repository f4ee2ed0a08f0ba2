//! What an operation of a network is: an operator of the graph, or several that are one.

use super::functions::Function;

/// An operator, or several that are one.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Its node among those of the graph; of several the last.
    pub(super) node: usize,
    pub(super) kind: Kind,
    /// Names of the values that it takes, without constants.
    pub(super) inputs: Vec<String>,
    /// Names of the values that it gives.
    pub(super) outputs: Vec<String>,
}

/// What an operation computes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// What the node says.
    Node,
    /// A function of one value that several operators compute.
    Function(Function),
    /// Layer normalisation from several operators: `weight` and `bias`, and what is added to the variance.
    LayerNorm { weight: Vec<f32>, bias: Vec<f32>, epsilon: f32 },
    /// `softmax(Q Kᵀ scale) V`
    Attention(Attention),
}

/// An attention that was found; its operation's inputs are queries, keys and values.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    /// Whether the keys lie as columns.
    pub(super) transposed_keys: bool,
    /// What scores are multiplied with; `None` for one by the root of a head's width.
    pub(super) scale: Option<f64>,
    pub(super) causal: bool,
    /// Into how many heads queries and keys and values are cut, where they have three dimensions.
    pub(super) heads: Option<usize>,
}
