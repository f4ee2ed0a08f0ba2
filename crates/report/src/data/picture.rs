//! Pictures.

use serde::{Deserialize, Serialize};

/// A picture of 8 bits a channel, row by row from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` bytes of grey, or three times as many of red, green and blue in turn.
    pub bytes: Vec<u8>,
}
