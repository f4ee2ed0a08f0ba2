//! Which digits: those of a folder, of the cache, of a public mirror, or drawn ones.

use std::path::PathBuf;
use std::sync::Arc;

use fireclay::prelude::*;
use fireclay_cli::{DownloadBar, Output};
use serde::{Deserialize, Serialize};

use crate::cli::DataFlags;

/// The drawn digits are always the same, so that models can be compared: `--seed` does not change them.
const DRAWN_SEED: u64 = 0;
const DRAWN_TRAIN: usize = 20_000;
const DRAWN_TEST: usize = 4_000;

/// Where the digits come from, as a checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The folder that was named.
    Folder(PathBuf),
    /// The environment's folder, the cache or a mirror.
    Usual,
    /// The built-in ones.
    Drawn,
}

impl Choice {
    pub fn of(flags: &DataFlags) -> Self {
        match &flags.data_dir {
            Some(folder) => Choice::Folder(folder.clone()),
            None if flags.drawn => Choice::Drawn,
            None => Choice::Usual,
        }
    }

    /// Loads training and test images. Only the usual place may be missing: then drawn digits stand in, said aloud.
    /// A folder that was named and a file that is damaged are errors.
    pub fn load(&self, output: &Arc<Output>) -> anyhow::Result<(Dataset, Dataset, Choice)> {
        let dir = match self {
            Choice::Folder(folder) => DataDir::named(folder),
            Choice::Usual => DataDir::default(),
            Choice::Drawn => {
                let (train, test) = DrawnDigits::new(DRAWN_SEED).train_and_test(DRAWN_TRAIN, DRAWN_TEST);
                return Ok((train, test, Choice::Drawn));
            }
        };
        let bar = DownloadBar::new(output.clone());
        match Mnist::load_with(&dir, &|progress| bar.show(&progress)) {
            Ok((train, test)) => Ok((train, test, self.clone())),
            Err(error) if error.is_offline() => {
                output.note("MNIST is not on this machine and there is no network to fetch it from.");
                output.note(
                    "Going on with drawn digits, made on the spot; give MNIST's files with --data-dir FOLDER.",
                );
                Choice::Drawn.load(output)
            }
            Err(error) => Err(error.into()),
        }
    }
}
