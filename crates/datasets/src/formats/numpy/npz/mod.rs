//! Archives of arrays, as NumPy's `savez` and `savez_compressed` write them.

#[cfg_attr(feature = "archives", path = "enabled.rs")]
#[cfg_attr(not(feature = "archives"), path = "disabled.rs")]
mod file;

pub use file::Npz;
