//! The networks of the programs by name, each with the recipe that it is trained by.

mod digits;
mod objects;
mod tables;
mod texts;

pub use digits::DigitNetwork;
pub use objects::ObjectNetwork;
pub use tables::TableNetwork;
pub use texts::TextNetwork;
