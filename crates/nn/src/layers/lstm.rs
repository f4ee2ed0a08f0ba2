//! Long short-term memory ([Hochreiter and Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735)).
//!
//! The four gates stand side by side in one matrix, in PyTorch's order i, f, g, o, so that a step is one product.

use fireclay_backend::ops::RecurrentCell;

use super::recurrent_spec::recurrent_spec;

recurrent_spec! {
    /// A long short-term memory, with PyTorch's meaning of every field that PyTorch has.
    ///
    /// At each step, with `σ` the logistic function and `[i, f, g, o] = x · weight_ihᵀ + bias_ih + h · weight_hhᵀ + bias_hh`:
    /// `c = σ(f) * c + σ(i) * tanh(g)` and `h = σ(o) * tanh(c)`; both begin at 0, or as `h_0` and `c_0` say.
    ///
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - output: `[batch, hidden_size]`, or `[batch, steps, hidden_size]` with `return_sequences`; twice as wide with
    ///   `bidirectional`, the way back behind the way there
    /// - `weight_ih_l0`: `[4 * hidden_size, features]`, `weight_hh_l0`: `[4 * hidden_size, hidden_size]`, `bias_ih_l0`,
    ///   `bias_hh_l0`: `[4 * hidden_size]`; with `learn_initial_state` `h_0_l0`, `c_0_l0`: `[hidden_size]`; the way back has
    ///   `_l0_reverse`, the second layer `_l1`, which takes what the first one gives
    ///
    /// ```
    /// use fireclay_nn::{LstmSpec, ModelSpec};
    ///
    /// let read = ModelSpec::from_toml(r#"
    ///     input = [28, 28]
    ///     layers = [{ type = "lstm", hidden_size = 64, forget_bias = 1.0 }]
    /// "#)?;
    /// assert_eq!(read, ModelSpec::new([28, 28]).layer(LstmSpec::new(64).forget_bias(1.0)));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub struct LstmSpec {
        /// Added to the forget gate's values in `bias_ih` at the beginning, so that the network begins by remembering
        /// ([Jozefowicz et al. 2015](https://proceedings.mlr.press/v37/jozefowicz15.html)); 0 by default, as in PyTorch.
        /// Keras begins with 1.
        #[serde(default, skip_serializing_if = "crate::layers::is_default")]
        forget_bias: f64 = 0.0,
    }
}

impl LstmSpec {
    /// Sets what is added to the forget gate's bias at the beginning.
    pub fn forget_bias(mut self, forget_bias: f64) -> Self {
        self.forget_bias = forget_bias;
        self
    }

    fn first_forget_bias(&self) -> f64 {
        self.forget_bias
    }

    fn cell(&self) -> RecurrentCell {
        RecurrentCell::Lstm
    }
}
