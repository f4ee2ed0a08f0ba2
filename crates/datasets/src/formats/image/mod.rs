//! Pictures: decoding PNG and JPEG within limits, and one digit brought to MNIST's form.

mod colours;
mod decode;
mod digit;

pub(super) use colours::{to_grey, to_rgb};
pub(crate) use decode::{ImageHeader, read_image_header};
pub(super) use decode::{decode, read_bytes};
pub use digit::{DigitImage, read_digit, read_digit_bytes};
