//! What Fireclay's programs share: flags, printing, progress, interruption and exit codes.
//!
//! A program parses its flags with clap, opens its device with [`DeviceFlags`], prints through an [`Output`], and
//! returns from `main` what [`run`] gives. Results go to standard output, as text or as JSON Lines; progress, notes
//! and errors go to standard error.

mod augment;
pub mod commands;
mod exit;
mod flags;
mod format;
mod guesses;
mod images;
mod interrupt;
mod output;
mod program;
mod progress;
mod recipe;
pub mod records;
mod stand_in;
mod words;

pub use augment::{Augment, AugmentError};
pub use commands::normalization;
pub use exit::{Exit, UsageError, run};
pub use fireclay::nn::readable::{bytes, count};
pub use flags::{DeviceFlags, OutputFlags};
pub use format::{percent, seconds};
pub use guesses::{numbered, print_image_guesses, ranked};
pub use images::{ImageFlags, ImagePlace, ImagePreparation, TEST_SHARE, say_what_was_skipped};
pub use interrupt::InterruptOnCtrlC;
pub use output::Output;
pub use program::{ModelName, PlaceFlags, PlaceOf, Preparation, Program, StandIn, Task, TextProgram};
pub use progress::{DownloadBar, Progress};
pub use recipe::{Best, FitFlags, Recipe};
pub use stand_in::load_or_stand_in;
pub use words::{called, quoted, shown};

/// Freed blocks stay with their thread: a training step allocates the same sizes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
