//! The simple recurrent network ([Elman 1990](https://doi.org/10.1207/s15516709cog1402_1)): the state is a dense layer of
//! the input and the state before.

use fireclay_backend::ops::RecurrentCell;
use serde::{Deserialize, Serialize};

use super::recurrent_spec::recurrent_spec;

/// The function at the end of each step of a [`SimpleRnnSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RnnActivation {
    /// Hyperbolic tangent, which keeps the state between -1 and 1.
    #[default]
    Tanh,
    /// `max(x, 0)`, under which a state can grow without bounds.
    Relu,
}

recurrent_spec! {
    /// A simple recurrent network, with PyTorch's meaning of every field that PyTorch has (`nonlinearity` there is
    /// `activation` here). It forgets within a few dozen steps; an [`LstmSpec`](crate::LstmSpec) or a
    /// [`GruSpec`](crate::GruSpec) remembers longer.
    ///
    /// At each step `h = tanh(x · weight_ihᵀ + bias_ih + h · weight_hhᵀ + bias_hh)`, which begins at 0, or as `h_0` says.
    ///
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - output: `[batch, hidden_size]`, or `[batch, steps, hidden_size]` with `return_sequences`; twice as wide with
    ///   `bidirectional`, the way back behind the way there
    /// - `weight_ih_l0`: `[hidden_size, features]`, `weight_hh_l0`: `[hidden_size, hidden_size]`, `bias_ih_l0`,
    ///   `bias_hh_l0`: `[hidden_size]`; with `learn_initial_state` `h_0_l0`: `[hidden_size]`; the way back has `_l0_reverse`,
    ///   the second layer `_l1`, which takes what the first one gives
    ///
    /// ```
    /// use fireclay_nn::{ModelSpec, RnnActivation, SimpleRnnSpec};
    ///
    /// let read = ModelSpec::from_toml(r#"
    ///     input = [28, 28]
    ///     layers = [{ type = "simple_rnn", hidden_size = 64, activation = "relu" }]
    /// "#)?;
    /// assert_eq!(read, ModelSpec::new([28, 28]).layer(SimpleRnnSpec::new(64).activation(RnnActivation::Relu)));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub struct SimpleRnnSpec {
        /// The function at the end of each step; tanh by default.
        #[serde(default, skip_serializing_if = "crate::layers::is_default")]
        activation: RnnActivation = RnnActivation::Tanh,
    }
}

impl SimpleRnnSpec {
    /// Sets the function at the end of each step.
    pub fn activation(mut self, activation: RnnActivation) -> Self {
        self.activation = activation;
        self
    }

    fn first_forget_bias(&self) -> f64 {
        0.0
    }

    fn cell(&self) -> RecurrentCell {
        match self.activation {
            RnnActivation::Tanh => RecurrentCell::Tanh,
            RnnActivation::Relu => RecurrentCell::Relu,
        }
    }
}
