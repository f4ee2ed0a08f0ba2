//! The equations that a recurrent operation can have.

/// What becomes of a state at a step. `x` is the input times `weight_ih` plus `bias`, `s` the state times `weight_hh`;
/// both hold the gates side by side, in PyTorch's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrentCell {
    /// Long short-term memory ([Hochreiter and Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735)), which
    /// has a second state `c`.
    ///
    /// ```text
    /// i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (x + s)
    /// c' = f c + i g
    /// h' = o tanh(c')
    /// ```
    Lstm,
    /// Gated recurrent unit ([Cho et al. 2014](https://arxiv.org/abs/1406.1078)), the reset gate after the product.
    ///
    /// ```text
    /// r, z = sigmoid of (x + s)
    /// n = tanh(x + r (s + bias_new))
    /// h' = (1 - z) n + z h
    /// ```
    Gru,
    /// `h' = tanh(x + s)` ([Elman 1990](https://doi.org/10.1207/s15516709cog1402_1))
    Tanh,
    /// `h' = max(x + s, 0)`
    Relu,
}

impl RecurrentCell {
    /// How many gates stand side by side.
    pub fn gates(self) -> usize {
        match self {
            RecurrentCell::Lstm => 4,
            RecurrentCell::Gru => 3,
            RecurrentCell::Tanh | RecurrentCell::Relu => 1,
        }
    }

    /// Whether there is a second state `c`.
    pub fn has_c(self) -> bool {
        self == RecurrentCell::Lstm
    }
}
