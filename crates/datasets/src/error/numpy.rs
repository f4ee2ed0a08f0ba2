//! What can be wrong with NumPy's files.

use thiserror::Error;

use super::near::{did_you_mean, list, short};

/// What can be wrong with an `.npy` or `.npz` file, or with what was asked of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NumpyProblem {
    /// Not an `.npy` file.
    #[error("expected a NumPy array (.npy), found {found}; save it with numpy.save")]
    NotNpy {
        /// What the content looks like.
        found: &'static str,
    },
    /// A version of the format that does not exist.
    #[error(
        "the file is of version {major}.{minor} of the .npy format, expected 1.0, 2.0 or 3.0; save it again"
    )]
    Version {
        /// The first number.
        major: u8,
        /// The second.
        minor: u8,
    },
    /// A header that is not as NumPy writes it.
    #[error("the header is damaged at its byte {at}: expected {expected}; save the array again")]
    Header {
        /// What was expected there.
        expected: &'static str,
        /// Where, from the beginning of the header's text.
        at: usize,
    },
    /// A header longer than any that NumPy writes, or than the file.
    #[error("the header claims {bytes} bytes, expected {limit} at most; save the array again")]
    LongHeader {
        /// What it claims.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Python objects.
    #[error(
        "the array holds Python objects, which are a pickle: reading one can run any program, so it is refused; save numbers, with an own dtype"
    )]
    Objects,
    /// Values that are not numbers.
    #[error(
        "values of the dtype {} are not read; expected bool, an integer or a float of at most 64 bits: convert them with astype",
        short(descr)
    )]
    Kind {
        /// The dtype as the file spells it.
        descr: String,
    },
    /// Records of several values.
    #[error("the array is one of records with named fields; save each field as an array of its own")]
    Records,
    /// A shape whose product overflows, or with too many dimensions.
    #[error("the header claims the shape {shape:?}, which no file can hold; save the array again")]
    Shape {
        /// The shape.
        shape: Vec<u64>,
    },
    /// Fewer or more bytes than the header promises.
    #[error(
        "the header promises {expected} bytes of values, the file holds {found}; replace it with a whole copy"
    )]
    Size {
        /// Bytes promised.
        expected: u64,
        /// Bytes there are, as a number or as a bound.
        found: String,
    },
    /// More than the limit.
    #[error("the array takes {bytes} bytes, more than the {limit} allowed; save a part of it")]
    TooLarge {
        /// What it takes.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Not an `.npz` file, or a damaged one.
    #[cfg(feature = "archives")]
    #[error(
        "the archive is damaged or none ({source}); expected NumPy arrays in a ZIP file (.npz): save it with numpy.savez"
    )]
    Archive {
        /// What the ZIP reader said.
        source: zip::result::ZipError,
    },
    /// Two arrays of one name.
    #[error("the archive holds two entries of one name; save it again")]
    Duplicate,
    /// An entry's name that is not text.
    #[error("the name of entry {index} is not UTF-8; save the archive again")]
    EntryName {
        /// Which entry, from 0.
        index: usize,
    },
    /// More entries than the limit.
    #[error("the archive holds {found} entries, more than the {limit} allowed; save fewer")]
    TooManyEntries {
        /// How many there are.
        found: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A name that no array has.
    #[error(
        "there is no array {}; the archive holds {}{}",
        short(name),
        if names.is_empty() { "none".to_owned() } else { list(names.iter().map(String::as_str)) },
        did_you_mean(name, names.iter().map(String::as_str))
    )]
    NoArray {
        /// The name asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// An entry of an archive that cannot be used.
    #[error("array {}: {problem}", short(name))]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: Box<NumpyProblem>,
    },
    /// An entry of an archive that cannot be unpacked.
    #[error("the entry cannot be unpacked ({source}); replace the file with a whole copy")]
    Unpack {
        /// Why.
        source: std::io::Error,
    },

    // As a dataset.
    /// A shape that is no list of samples.
    #[error(
        "samples of the shape {shape:?} were found, expected {expected}; reshape the array or say how its values lie"
    )]
    Samples {
        /// The array's shape.
        shape: Vec<usize>,
        /// What was expected.
        expected: &'static str,
    },
    /// A shape that could be read in two ways.
    #[error("the shape {shape:?} can be read in more than one way: {ways}; say how its values lie")]
    Ambiguous {
        /// The array's shape.
        shape: Vec<usize>,
        /// The ways.
        ways: &'static str,
    },
    /// Features and targets of different lengths.
    #[error(
        "{features} samples and {targets} targets, expected one target for each sample; use arrays of one set"
    )]
    Counts {
        /// Samples.
        features: usize,
        /// Targets.
        targets: usize,
    },
    /// A folder without files of training features.
    #[error(
        "no file is called {features}*.npy; save features in {features}-00001.npy and so on, and targets beside them"
    )]
    NoShards {
        /// How the names of the files begin.
        features: String,
    },
    /// A file of features without that of its targets, or the other way round.
    #[error("there is no {missing} beside it; features and targets are files whose names end alike")]
    NoPartner {
        /// What it would be called.
        missing: String,
    },
    /// Files of one part that hold samples of another kind.
    #[error("it holds {found}, where files before it hold {first}; save all files of a part alike")]
    UnlikeShards {
        /// What the file holds.
        found: String,
        /// What the first one holds.
        first: String,
    },
    /// Values that would have to be changed, and are too many for it.
    #[error(
        "the files of this part take {bytes} bytes, and as that is more than {limit} they are read where they lie, which needs uint8 or \
         little-endian float32 in C order, and images as [samples, channels, height, width]; save them so"
    )]
    NotMappable {
        /// What the files take.
        bytes: u64,
        /// What would be read into memory.
        limit: u64,
    },
    /// Training and test samples of different shapes.
    #[error("test samples have the shape {test:?}, training samples {train:?}; use arrays of one set")]
    Shapes {
        /// Of a training sample.
        train: Vec<usize>,
        /// Of a test sample.
        test: Vec<usize>,
    },
    /// A label that is no class.
    #[error(
        "the label of sample {index} is {label}, expected a whole number from 0 to {most}; correct it, or ask for values"
    )]
    Label {
        /// Which sample.
        index: usize,
        /// Its label.
        label: i128,
        /// The largest that may be.
        most: usize,
    },
    /// Labels that are not whole numbers.
    #[error(
        "the targets are {kind} of the shape {shape:?}, expected one whole number for each sample; ask for values"
    )]
    NoLabels {
        /// Their kind.
        kind: &'static str,
        /// Their shape.
        shape: Vec<usize>,
    },
}
