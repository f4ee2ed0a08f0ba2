//! Samples with attributions.

use serde::{Deserialize, Serialize};

use super::Picture;

/// A sample whose parts have attributions: above 0 what speaks for the answer that is explained, below 0 what speaks against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attributed {
    /// A picture.
    Picture {
        /// The picture.
        picture: Picture,
        /// One for each pixel, row by row from the top.
        values: Vec<f32>,
        /// Whether the method finds what speaks against an answer too.
        signed: bool,
    },
    /// The words of a text, in order.
    Words(Vec<(String, f32)>),
    /// Columns of a table.
    Columns(Vec<AttributedColumn>),
}

impl Default for Attributed {
    fn default() -> Self {
        Attributed::Words(Vec::new())
    }
}

/// A cell of a table with its attribution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributedColumn {
    /// The column.
    pub column: String,
    /// The cell as it is written.
    pub cell: String,
    /// The attribution.
    pub value: f32,
}
