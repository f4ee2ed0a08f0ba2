//! A sample of a request, checked and prepared as far as it can be without the model.

use fireclay_train::Sample;

/// What a model is asked about.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Numbers before they are normalised: a row of a table once its cells are encoded, a sequence, a picture from 0 to 1.
    Values(Vec<f32>),
    /// A picture's bytes, `[channels, height, width]`.
    Pixels(Vec<u8>),
    /// Tokens of a text.
    Tokens(Vec<u32>),
}

impl Question {
    /// The same for a [`Predictor`](fireclay_train::Predictor).
    pub fn sample(&self) -> Sample<'_> {
        match self {
            Question::Values(values) => values.into(),
            Question::Pixels(pixels) => pixels.into(),
            Question::Tokens(tokens) => tokens.as_slice().into(),
        }
    }
}
