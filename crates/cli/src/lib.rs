//! What Fireclay's programs share: flags, printing, progress, interruption and exit codes.
//!
//! A program parses its flags with clap, opens its device with [`DeviceFlags`], prints through an [`Output`], and
//! returns from `main` what [`run`] gives. Results go to standard output, as text or as JSON Lines; progress, notes
//! and errors go to standard error.

mod exit;
mod flags;
mod format;
mod interrupt;
mod output;
mod progress;

pub use exit::{Exit, UsageError, run};
pub use fireclay::nn::readable::{bytes, count};
pub use flags::{DeviceFlags, FitFlags, OutputFlags};
pub use format::{percent, seconds};
pub use interrupt::InterruptOnCtrlC;
pub use output::Output;
pub use progress::{DownloadBar, Progress};

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
