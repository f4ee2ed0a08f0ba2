//! What can go wrong while reading or fetching data sets.

mod archive;
mod detect;
mod file;
mod folder;
#[cfg(feature = "images")]
mod inspect;
pub(crate) mod near;
mod numpy;
mod set;
mod table;

use std::io;
use std::path::PathBuf;

use fireclay_data::DataError;
use fireclay_text::TextError;
use thiserror::Error;

pub use archive::ArchiveProblem;
pub use detect::DetectProblem;
pub use file::FileProblem;
pub use folder::FolderProblem;
pub(crate) use folder::shown;
#[cfg(feature = "images")]
pub use inspect::InspectProblem;
pub use numpy::NumpyProblem;
pub use set::SetProblem;
pub use table::TableProblem;

/// Names of usual encodings of texts.
pub(crate) const USUAL_ENCODINGS: [&str; 11] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "latin1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "shift_jis",
    "gb18030",
    "euc-kr",
];

/// What can go wrong while reading or fetching data sets.
///
/// Every message names the file or the value, what was expected, what was found, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatasetsError {
    /// Samples that do not make a dataset.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A text, vocabulary or tokeniser that cannot be used.
    #[error(transparent)]
    Text(#[from] TextError),

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
    /// An encoding of texts that is not known.
    #[error(
        "no encoding is called {label:?}{}; usual ones are {}",
        near::did_you_mean(label, USUAL_ENCODINGS),
        near::list(USUAL_ENCODINGS)
    )]
    UnknownEncoding {
        /// What it was called.
        label: String,
    },
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
    // Inspecting data.
    /// A contact sheet that cannot be drawn or written.
    #[cfg(feature = "images")]
    #[error(transparent)]
    Inspect(#[from] InspectProblem),

    // What this build can do.
    /// Something that a feature of this crate reads or fetches, in a build without that feature.
    #[error(
        "{path}: this is {what}, and this build of fireclay-datasets lacks the feature `{feature}`; add it to the dependency"
    )]
    MissingFeature {
        /// The file.
        path: PathBuf,
        /// What it is: `"a tar archive"`.
        what: &'static str,
        /// The feature's name.
        feature: &'static str,
    },

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

impl DatasetsError {
    /// Whether this is a download that failed because no mirror could be reached at all, as without a network.
    pub fn is_offline(&self) -> bool {
        matches!(self, DatasetsError::Download { failures, .. } if offline(failures))
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
    #[error("asked for {height} x {width} pixels; expected 1 to {limit} on each side")]
    Frame {
        /// Pixels down.
        height: usize,
        /// Pixels across.
        width: usize,
        /// The most on each side.
        limit: u32,
    },
    /// A JPEG without its end.
    #[error("the image is cut short: its end is missing; fetch or copy it again")]
    CutShort,
    /// A damaged file.
    #[cfg(feature = "images")]
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
