//! Which digits: those of a folder, of the cache, of a public mirror, or drawn ones.

use std::path::PathBuf;
use std::sync::Arc;

use fireclay::data::DataError;
use fireclay::prelude::*;
use fireclay_cli::{DownloadBar, Output};
use serde::{Deserialize, Serialize};

use crate::cli::DataFlags;

/// The drawn digits are always the same, so that models can be compared: `--seed` does not change them.
const DRAWN_SEED: u64 = 0;
const DRAWN_TRAIN: usize = 30_000;
const DRAWN_TEST: usize = 5_000;

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
    /// What the flags say; a folder is kept by its whole path, so that a checkpoint finds it from anywhere.
    pub fn of(flags: &DataFlags) -> Self {
        match &flags.data_dir {
            Some(folder) => Choice::Folder(std::path::absolute(folder).unwrap_or_else(|_| folder.clone())),
            None if flags.drawn => Choice::Drawn,
            None => Choice::Usual,
        }
    }

    /// Loads training and test images. A folder that was named and a file that is damaged are errors, and so is having
    /// neither files nor a network.
    pub fn load(&self, output: &Arc<Output>) -> Result<(Dataset, Dataset), DataError> {
        let dir = match self {
            Choice::Folder(folder) => DataDir::named(folder),
            Choice::Usual => DataDir::default(),
            Choice::Drawn => {
                return Ok(DrawnDigits::new(DRAWN_SEED).train_and_test(DRAWN_TRAIN, DRAWN_TEST));
            }
        };
        let bar = DownloadBar::new(output.clone());
        Mnist::load_with(&dir, &|progress| bar.show(&progress))
    }

    /// As [`load`](Self::load), but without files and without a network drawn digits stand in, said aloud.
    pub fn load_or_draw(self, output: &Arc<Output>) -> Result<(Dataset, Dataset, Choice), DataError> {
        match self.load(output) {
            Ok((train, test)) => Ok((train, test, self)),
            Err(error) if error.is_offline() => {
                output.warn("MNIST is not on this machine and there is no network to fetch it from.");
                output.warn(
                    "Going on with drawn digits, made on the spot; give MNIST's files with --data-dir FOLDER.",
                );
                let (train, test) = Choice::Drawn.load(output)?;
                Ok((train, test, Choice::Drawn))
            }
            Err(error) => Err(error),
        }
    }
}
