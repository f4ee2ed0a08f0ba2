//! The gated recurrent unit ([Cho et al. 2014](https://arxiv.org/abs/1406.1078)).
//!
//! The three gates stand side by side in one matrix, in PyTorch's order r, z, n. As in PyTorch and in Keras with
//! `reset_after`, the reset gate multiplies the recurrent product, not the state before it: so a step is one product.

use fireclay_backend::ops::RecurrentCell;

use super::recurrent_spec::recurrent_spec;

recurrent_spec! {
    /// A gated recurrent unit, with PyTorch's meaning of every field that PyTorch has: like an [`LstmSpec`](crate::LstmSpec)
    /// with one state and three gates, so with three quarters of its weights.
    ///
    /// At each step, with `σ` the logistic function, `[xr, xz, xn] = x · weight_ihᵀ + bias_ih` and
    /// `[hr, hz, hn] = h · weight_hhᵀ + bias_hh`: `r = σ(xr + hr)`, `z = σ(xz + hz)`, `n = tanh(xn + r * hn)` and
    /// `h = (1 - z) * n + z * h`, which begins at 0, or as `h_0` says.
    ///
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - output: `[batch, hidden_size]`, or `[batch, steps, hidden_size]` with `return_sequences`; twice as wide with
    ///   `bidirectional`, the way back behind the way there
    /// - `weight_ih_l0`: `[3 * hidden_size, features]`, `weight_hh_l0`: `[3 * hidden_size, hidden_size]`, `bias_ih_l0`,
    ///   `bias_hh_l0`: `[3 * hidden_size]`; with `learn_initial_state` `h_0_l0`: `[hidden_size]`; the way back has
    ///   `_l0_reverse`, the second layer `_l1`, which takes what the first one gives
    ///
    /// ```
    /// use fireclay_nn::{GruSpec, ModelSpec};
    ///
    /// let reader = GruSpec::new(64).bidirectional(true).recurrent_dropout(0.2);
    /// let spec = ModelSpec::tokens(250).embedding(20_000, 32).layer(reader).dense(2);
    /// assert_eq!(spec.summary()?.rows[1].parameters, 2 * 3 * 64 * (32 + 64 + 2));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub struct GruSpec {}
}

impl GruSpec {
    fn first_forget_bias(&self) -> f64 {
        0.0
    }

    fn cell(&self) -> RecurrentCell {
        RecurrentCell::Gru
    }
}
