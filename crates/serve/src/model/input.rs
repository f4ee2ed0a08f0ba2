//! What a sample of a model is, as a person would give it.

use fireclay_data::PictureForm;
use fireclay_store::ModelCard;

use super::signature::Kind;

/// What a sample is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A picture, brought to the shape `[channels, height, width]` and into the form of those of the training.
    Picture {
        /// Its shape as the model takes it.
        shape: [usize; 3],
        /// How it is brought into it.
        form: PictureForm,
    },
    /// A text.
    Text,
    /// A row of a table.
    Row,
    /// Numbers, or tokens, of this shape.
    Values(Vec<usize>),
    /// The beginning of a text, which the model goes on with.
    Writes,
}

impl Input {
    pub(super) fn of(kind: &Kind, card: &ModelCard) -> Self {
        match kind {
            Kind::Pictures(shape) => Input::Picture { shape: *shape, form: card.picture_form() },
            Kind::Texts(_) => Input::Text,
            Kind::Rows => Input::Row,
            Kind::Values(shape) => Input::Values(shape.clone()),
            Kind::Tokens(length) => Input::Values(vec![*length]),
            Kind::Writes => Input::Writes,
        }
    }
}
