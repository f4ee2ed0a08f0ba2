//! Files of PyTorch in, networks as PyTorch's code out, and files that lie.

mod export;
mod hostile;
mod import;
mod support;
mod values;
