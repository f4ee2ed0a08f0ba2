//! How a picture becomes an image like those of a data set.

use serde::{Deserialize, Serialize};

/// How a picture of a file is brought to the form of the images that a model was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureForm {
    /// The digit in it is found, turned to light on dark, scaled and centred, as those of MNIST are.
    Digit,
    /// Its middle is kept as it is.
    Middle,
}
