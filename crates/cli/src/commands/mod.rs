//! The commands, each in a file, and the tables that list them.

mod audit;
mod compress;
mod evaluate;
mod federate;
mod find_lr;
mod image_data;
mod image_predict;
mod launch;
mod runs;
mod summary;
mod text_data;
mod train;
mod tune;

pub use audit::Audit;
pub use compress::Compress;
pub use evaluate::{Evaluate, measured};
pub use federate::Federate;
pub use find_lr::FindLr;
use image_data::ImageData;
pub use image_data::show_images;
use image_predict::ImagePredict;
pub use launch::Launch;
pub use runs::Runs;
pub use summary::Summary;
use text_data::TextData;
pub use train::Train;
pub use tune::Tune;

use crate::command::CommandEntry;
use crate::program::{ImageProgram, Program, TextProgram};

/// The commands of every program.
fn common<P: Program>() -> Vec<CommandEntry> {
    vec![
        CommandEntry::of::<Train<P>>(),
        CommandEntry::of::<Launch<P>>(),
        CommandEntry::of::<Federate<P>>(),
        CommandEntry::of::<Evaluate<P>>(),
        CommandEntry::of::<Summary<P>>(),
        CommandEntry::of::<Runs<P>>(),
        CommandEntry::of::<FindLr<P>>(),
        CommandEntry::of::<Compress<P>>(),
        CommandEntry::of::<Audit<P>>(),
    ]
}

/// The commands of a program that reads images.
pub fn image_commands<P: ImageProgram>() -> Vec<CommandEntry> {
    [common::<P>(), vec![CommandEntry::of::<ImagePredict<P>>(), CommandEntry::of::<ImageData<P>>()]].concat()
}

/// The commands of a program that reads texts, besides those that are its own.
pub fn text_commands<P: TextProgram>() -> Vec<CommandEntry> {
    [common::<P>(), vec![CommandEntry::of::<TextData<P>>()]].concat()
}
