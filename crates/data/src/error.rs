//! What can go wrong while reading, fetching or splitting data.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::AugmentationProblem;
use crate::FileProblem;
use crate::TextProblem;
use crate::formats::ArchiveProblem;
use crate::sets::SetProblem;

/// What can go wrong while reading, fetching or splitting data.
///
/// Every message names the file or the value, what was expected, what was found, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    // Values handed over by the caller.
    /// A sample shape with a dimension of 0, or whose product overflows.
    #[error("samples of shape {shape:?} hold no values or are too large; every dimension must be at least 1")]
    SampleShape {
        /// The shape given.
        shape: Vec<usize>,
    },
    /// Features and targets do not describe the same number of samples.
    #[error(
        "{targets} targets for samples of shape {shape:?}: expected {} values, found {values}; pass one target per sample",
        targets.saturating_mul(*sample_len)
    )]
    Lengths {
        /// The shape of one sample.
        shape: Vec<usize>,
        /// Its number of values.
        sample_len: usize,
        /// How many targets there are.
        targets: usize,
        /// How many feature values there are.
        values: usize,
    },
    /// Texts and targets do not describe the same number of samples.
    #[error("{targets} targets for {texts} texts; pass one target per text")]
    TextTargets {
        /// How many texts there are.
        texts: usize,
        /// How many targets there are.
        targets: usize,
    },
    /// Target values that are not a whole number of targets.
    #[error(
        "{values} target values of width {width}; the width must be at least 1 and divide the number of values"
    )]
    TargetWidth {
        /// Values per sample.
        width: usize,
        /// How many values there are.
        values: usize,
    },
    /// A value of a label that is neither 0 nor 1.
    #[error("sample {index} has {value} for a label; expected 1 where it has the label and 0 where it has not")]
    LabelValue {
        /// Which sample.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Folds that cannot be made.
    #[error("{k} folds of {samples} samples; expected 2 or more, and no more than there are samples")]
    Folds {
        /// How many folds.
        k: usize,
        /// How many samples there are.
        samples: usize,
    },
    /// Sources that are to be one, of different lengths.
    #[error("input '{name}' has {found} samples and '{first}' has {expected}; every input needs one for each sample")]
    InputLengths {
        /// The first input.
        first: String,
        /// Its samples.
        expected: usize,
        /// The input that differs.
        name: String,
        /// Its samples.
        found: usize,
    },
    /// Two inputs of one name.
    #[error("two inputs are called '{name}'; give each a name of its own")]
    InputName {
        /// The name.
        name: String,
    },
    /// Weights of samples that cannot be.
    #[error("sample {index} has weight {weight}; expected a finite number that is 0 or more, and a weight for each of {samples} samples ({weights} given)")]
    SampleWeight {
        /// The first sample whose weight is wrong, or that has none.
        index: usize,
        /// Its weight, NaN if it has none.
        weight: f32,
        /// How many samples there are.
        samples: usize,
        /// How many weights were given.
        weights: usize,
    },
    /// A source of the user's own failed.
    #[error("the source cannot give its samples: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A label without a class.
    #[error(
        "sample {index} has label {label}, but there are {classes} classes, so labels go below {classes}; name every class or correct the label"
    )]
    Label {
        /// Which sample.
        index: usize,
        /// Its label.
        label: u32,
        /// How many classes are named.
        classes: usize,
    },
    /// A feature or target that is NaN or infinite.
    #[error(
        "{what} of sample {index} is {value}; only finite numbers can be trained on, drop or repair the sample"
    )]
    NotFinite {
        /// `"feature"` or `"target"`.
        what: &'static str,
        /// Which sample.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// A token that is not in the vocabulary.
    #[error(
        "sample {index} holds the token {token}, but the vocabulary has {vocabulary_size}, so tokens go below {vocabulary_size}; give rare words a token of their own, or name a larger vocabulary"
    )]
    Token {
        /// Which sample.
        index: usize,
        /// The token.
        token: u32,
        /// How many tokens there are.
        vocabulary_size: usize,
    },
    /// A vocabulary for features that are not tokens, or of a size that cannot be.
    #[error("a vocabulary of {vocabulary_size} tokens does not fit: {reason}")]
    Vocabulary {
        /// The size given.
        vocabulary_size: usize,
        /// What is wrong with it and what would be right.
        reason: &'static str,
    },
    /// An augmentation of features that are not the bytes of images.
    #[error(
        "only images of bytes can be augmented; read them from files of images, or leave the augmentation out"
    )]
    NotBytes,
    /// Tokens as the targets of an autoencoder, or targets to be standardised that are no numbers.
    #[error("only numbers can be targets in this way; tokens and classes cannot")]
    NotNumbers,
    /// Mixup of samples that cannot be mixed.
    #[error("only numbers whose targets are classes can be mixed with one another; leave mixup out")]
    NotMixable,
    /// A normalization that cannot be applied.
    #[error("the normalization does not fit: {reason}")]
    Normalization {
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// An augmentation that makes no sense, or not for these images.
    #[error("the augmentation does not fit: {problem}")]
    Augmentation {
        /// What is wrong with it and what would be right.
        problem: AugmentationProblem,
    },
    /// More samples than can be indexed.
    #[error("{samples} samples are more than the {} a dataset can hold; use several datasets", u32::MAX)]
    TooManySamples {
        /// How many there are.
        samples: usize,
    },
    /// A validation fraction that leaves one part empty or makes no sense.
    #[error(
        "a validation fraction of {fraction} cannot be split off; it must be above 0 and below 1, for example 0.1"
    )]
    Fraction {
        /// The fraction given.
        fraction: f64,
    },
    /// Too few samples for two parts.
    #[error(
        "{samples} sample(s) cannot be split into a training and a validation part; at least one class needs 2"
    )]
    TooFewToSplit {
        /// How many samples there are.
        samples: usize,
    },
    /// An index beyond the last sample.
    #[error("index {index} is beyond the {samples} samples of the dataset; indices go below {samples}")]
    Index {
        /// The index given.
        index: usize,
        /// How many samples there are.
        samples: usize,
    },

    // Files.
    /// A file or folder could not be read.
    #[error("cannot read {path}; check that it exists and may be read")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error(
        "cannot write {path}; check that its folder exists and may be written to, and that there is free space"
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that ends too early.
    #[error(
        "{path}: expected at least {expected} bytes, found {found} bytes; replace the file with a whole copy"
    )]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Bytes that should be there.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Something other than a regular file stands where a file is expected.
    #[error("{path} is not a regular file; expected {expected}")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What was expected there.
        expected: &'static str,
    },
    /// A named folder does not hold the files.
    #[error(
        "{folder} holds no {name} (looked for {}, each also with .gz, there and in the sub-folder {subfolder}); \
         put the file there, or leave the folder unnamed so that it is downloaded",
        spellings.join(" and ")
    )]
    Missing {
        /// The folder someone named.
        folder: PathBuf,
        /// What is missing, for example `"training images"`.
        name: &'static str,
        /// The file names looked for.
        spellings: Vec<String>,
        /// The sub-folder looked in.
        subfolder: &'static str,
    },
    /// There is no folder to keep a cache in.
    #[error(
        "no data folder was named and the user has no home folder for a cache; set FIRECLAY_DATA to a folder that holds the data"
    )]
    NoCacheFolder,

    // IDX files.
    /// A file too short for the header of an IDX file.
    #[error(
        "{path}: expected an IDX header of {expected} bytes, found {found} bytes; replace the file with a whole copy"
    )]
    IdxHeader {
        /// The file.
        path: PathBuf,
        /// Bytes the header needs.
        expected: usize,
        /// Bytes there are, after unpacking.
        found: usize,
    },
    /// A file that does not start as an IDX file of the wanted kind does.
    #[error("{path}: expected {expected}, found magic number 0x{found:08x}, {meaning}; {hint}")]
    IdxMagic {
        /// The file.
        path: PathBuf,
        /// What was expected, with its magic number.
        expected: &'static str,
        /// The first four bytes, big-endian.
        found: u32,
        /// What they mean.
        meaning: String,
        /// What to do.
        hint: &'static str,
    },
    /// A header that promises more than any file may hold, or nothing.
    #[error("{path}: the header promises dimensions {dims:?}, but {limit}; replace the file")]
    IdxDimensions {
        /// The file.
        path: PathBuf,
        /// The dimensions promised.
        dims: Vec<u32>,
        /// What they may be at most, or at least.
        limit: String,
    },
    /// A file with fewer or more bytes than its header promises.
    #[error("{path}: the header promises {expected} bytes after it, the file holds {found}; {hint}")]
    IdxSize {
        /// The file.
        path: PathBuf,
        /// Bytes promised.
        expected: u64,
        /// Bytes there are, as a number or as a bound.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// A gzip stream that cannot be unpacked.
    #[error(
        "{path}: the gzip stream is damaged or cut short after {unpacked} unpacked bytes; replace the file with a whole copy"
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// How far unpacking came.
        unpacked: u64,
        /// What the decoder said.
        source: io::Error,
    },
    /// Bytes after the end of a gzip stream.
    #[error(
        "{path}: expected the file to end with its gzip stream, found more bytes after it; replace the file with a clean copy"
    )]
    GzipTrailing {
        /// The file.
        path: PathBuf,
    },
    /// An images file and a labels file of different lengths.
    #[error(
        "{images_path} holds {images} images, but {labels_path} holds {labels} labels; expected one label per image, use files of the same set"
    )]
    Counts {
        /// The images file.
        images_path: PathBuf,
        /// Its number of images.
        images: usize,
        /// The labels file.
        labels_path: PathBuf,
        /// Its number of labels.
        labels: usize,
    },
    /// A label in a file that is above the number of classes.
    #[error(
        "{path}: label {label} at index {index}, but the set has {classes} classes, so labels go below {classes}; use files of the same set"
    )]
    FileLabel {
        /// The labels file.
        path: PathBuf,
        /// Which label.
        index: usize,
        /// Its value.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// Training and test images of different sizes.
    #[error(
        "{path}: test images are {} x {}, but training images are {} x {} (height x width); use files of the same set",
        test[0], test[1], train[0], train[1]
    )]
    ImageSizes {
        /// The test images file.
        path: PathBuf,
        /// Height and width of the training images.
        train: [usize; 2],
        /// Height and width of the test images.
        test: [usize; 2],
    },

    // Image files.
    /// An image file that cannot be used.
    #[error("{path}: {problem}")]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ImageProblem,
    },

    // One's own files.
    /// A folder, a table or NumPy's arrays that cannot be used.
    #[error("{path}: {problem}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<FileProblem>,
    },
    // Texts.
    /// A text, vocabulary or tokeniser that cannot be used.
    #[error(transparent)]
    Text(#[from] TextProblem),
    // Published sets and their archives.
    /// An archive that cannot be used.
    #[error("{path}: {problem}")]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ArchiveProblem,
    },
    /// Files that are not the set they should be.
    #[error("{path}: {problem}")]
    Set {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: SetProblem,
    },
    // Looking at data.
    /// A contact sheet that cannot be drawn or written.
    #[error(transparent)]
    Look(#[from] crate::LookProblem),

    // Downloads.
    /// A name that is not a plain file name.
    #[error("{name:?} is not a plain file name; give a name without folders")]
    FileName {
        /// The name given.
        name: String,
    },
    /// No mirror delivered the file.
    #[error(
        "cannot download {file}: {}; {}",
        mirrors(failures),
        if offline(failures) {
            "no mirror could be reached: check the network, or name a folder that holds the files"
        } else {
            "try again later, or name a folder that holds the files"
        }
    )]
    Download {
        /// The file's name.
        file: String,
        /// What each mirror did, in the order they were tried.
        failures: Vec<MirrorFailure>,
    },
}

impl DataError {
    /// Whether this is a download that failed because no mirror could be reached at all, as without a network.
    pub fn is_offline(&self) -> bool {
        matches!(self, DataError::Download { failures, .. } if offline(failures))
    }
}

fn offline(failures: &[MirrorFailure]) -> bool {
    !failures.is_empty() && failures.iter().all(|f| f.problem.is_offline())
}

fn mirrors(failures: &[MirrorFailure]) -> String {
    if failures.is_empty() {
        return "it has no mirrors".into();
    }
    let each: Vec<String> = failures.iter().map(ToString::to_string).collect();
    each.join("; ")
}

/// What an image file did wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageProblem {
    /// Neither PNG nor JPEG.
    #[error("expected a PNG or JPEG image, found {found}; save it as PNG")]
    NotAnImage {
        /// What the content looks like.
        found: String,
    },
    /// Larger than the limits.
    #[error("the image claims {width} x {height} pixels, more than the {limit} allowed; shrink it first")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// What is allowed.
        limit: String,
    },
    /// A file larger than the limit.
    #[error("the file has {bytes} bytes, more than the {limit} allowed; shrink the image first")]
    FileSize {
        /// Its size.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// No pixels.
    #[error("the image claims {width} x {height} pixels, expected at least 1 x 1; save it again")]
    Empty {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// A number of channels that pictures are not brought to.
    #[error("asked for {channels} channels; expected 1 (grey) or 3 (red, green, blue)")]
    Channels {
        /// How many were asked for.
        channels: usize,
    },
    /// A colour model that is not converted.
    #[error("the image's colours are {found}; expected grey or RGB, with or without alpha: convert it first")]
    Colours {
        /// What they are.
        found: String,
    },
    /// A frame to draw into that holds no pixels or more than the limit.
    #[error("asked for {height} x {width} pixels; expected 1 to 16384 on each side")]
    Frame {
        /// Pixels down.
        height: usize,
        /// Pixels across.
        width: usize,
    },
    /// A damaged file.
    #[error("the image is damaged or of a kind that is not supported ({0}); save it again as PNG")]
    Decode(#[from] image::ImageError),
}

/// What one mirror did when asked for a file.
#[derive(Debug, Error)]
#[error("{url}: {problem}")]
pub struct MirrorFailure {
    /// The address asked.
    pub url: String,
    /// What went wrong there.
    #[source]
    pub problem: MirrorProblem,
}

/// Why a mirror did not deliver.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MirrorProblem {
    /// The server could not be reached, or stopped answering.
    #[error("{0}")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The exchange broke in another way.
    #[error("{0}")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A status other than success.
    #[error("status {status}, expected 200")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("redirect to {to:?} refused; expected {expected}")]
    Redirect {
        /// Where it leads.
        to: String,
        /// What would be followed.
        expected: &'static str,
    },
    /// A body of the wrong size.
    #[error("expected {expected} bytes, found {found}{}", html_note(*html))]
    Size {
        /// Bytes expected.
        expected: u64,
        /// Bytes offered or delivered.
        found: u64,
        /// Whether the body looks like a web page.
        html: bool,
    },
    /// A body of the right size with other content.
    #[error("expected SHA-256 {expected}, found {found}{}", html_note(*html))]
    Checksum {
        /// Digest expected.
        expected: String,
        /// Digest found.
        found: String,
        /// Whether the body looks like a web page.
        html: bool,
    },
    /// A server that, asked for the rest of a file, sends something else.
    #[error("asked for the bytes from {from} on, found a different part or version of the file")]
    Range {
        /// First byte asked for.
        from: u64,
    },
}

impl MirrorProblem {
    fn is_offline(&self) -> bool {
        matches!(self, MirrorProblem::Unreachable(_))
    }
}

fn html_note(html: bool) -> &'static str {
    if html { " (the answer looks like HTML, perhaps a sign-in or error page)" } else { "" }
}
