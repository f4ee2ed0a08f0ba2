//! What can go wrong in a command, besides what the libraries report.

use std::path::PathBuf;

use fireclay::nn::InputSpec;

/// A command that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The checkpoint was written by another program.
    #[error("{path} is a checkpoint of '{found}', not of {expected}")]
    OtherProgram {
        /// The checkpoint.
        path: PathBuf,
        /// This program.
        expected: &'static str,
        /// The program that wrote it.
        found: String,
    },
    /// The optimizer is not built in.
    #[error(
        "{path} was written with the optimizer '{name}', which this program does not have; resume it in the program that wrote it"
    )]
    OwnOptimizer {
        /// The checkpoint.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// Flags contradict what the checkpoint says about preprocessing.
    #[error("{path} says how the data is prepared; leave out the flags that say it in another way")]
    OtherPreprocessing {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The model file cannot be written where it should be.
    #[error("cannot write {path}: {problem}; choose another --out")]
    Out {
        /// The model file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A path that should be a file is something else.
    #[error("{path} is not a file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The model was trained on data that the program does not find by itself.
    #[error(
        "{model} was trained on data of your own, {dataset}; say where to find it, with the flags that `train` had"
    )]
    OwnData {
        /// The model file.
        model: PathBuf,
        /// The data's name.
        dataset: String,
    },
    /// The data has other classes than the model.
    #[error(
        "the model tells {expected_classes} classes apart ({expected}), and this data has {found_classes} ({found}); \
         evaluate it on data with its own classes"
    )]
    Classes {
        /// How many classes the model has.
        expected_classes: usize,
        /// The first of them.
        expected: String,
        /// How many classes the data has.
        found_classes: usize,
        /// The first of them.
        found: String,
    },
    /// The model does not take images of the expected kind.
    #[error("{path} takes {found} as input; expected images, [{channels}, height, width]")]
    NoImages {
        /// The model file.
        path: PathBuf,
        /// What it takes.
        found: InputSpec,
        /// The numbers of channels that the program reads.
        channels: String,
    },
    /// N-grams have no table of words.
    #[error(
        "n-grams are stored as hashes, so no table of words can be written; leave out --vocabulary or --ngrams"
    )]
    NoVocabulary,
}
