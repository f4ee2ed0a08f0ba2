//! A folder of images, with a sub-folder for each class.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fireclay_data::{Dataset, Normalization, Provenance, Targets, sha256};
use rayon::prelude::*;

use super::FolderProblem;
use super::cache::{self, Entry};
use super::listing::{self, Found, Listing, Parts, Skipped, Wanted, refuse};
use super::picture::{MOST_SIDE, Resize, Shape, read_into};
use crate::DatasetsError;
use crate::formats::digest;
use crate::formats::image::{decode, read_bytes, read_image_header};
use crate::formats::whole::file_name;

/// Broken files that an error lists.
const MOST_LISTED: usize = 10;

/// The size that images are brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageSize {
    /// That of the first image, in the order of classes and then of names.
    #[default]
    OfTheFirst,
    /// `[height, width]`, 1 to 2,048 each.
    Fixed([usize; 2]),
}

/// The channels that images are brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageChannels {
    /// Grey if every image is grey, otherwise RGB.
    #[default]
    AsFound,
    /// One channel.
    Grey,
    /// Three channels: red, green, blue.
    Rgb,
}

/// What becomes of images that cannot be decoded or are cut short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenImages {
    /// They are an error, which lists the first ten.
    #[default]
    Refuse,
    /// They are left out, and listed in [`ImageFolder::left_out`]; a class of which nothing remains is an error.
    LeaveOut,
}

/// How [`ImageFolder::load`] reads.
///
/// ```
/// use fireclay_datasets::{ImageFolderOptions, ImageSize, Resize};
///
/// let options = ImageFolderOptions {
///     size: ImageSize::Fixed([32, 32]),
///     resize: Resize::Crop,
///     ..ImageFolderOptions::default()
/// };
/// assert_eq!(options.cache, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFolderOptions {
    /// The size that images are brought to.
    pub size: ImageSize,
    /// The channels that images are brought to.
    pub channels: ImageChannels,
    /// How images of another size are brought to it.
    pub resize: Resize,
    /// What becomes of broken ones.
    pub broken: BrokenImages,
    /// A folder to keep the decoded images in, so that they are decoded once; `None` keeps nothing. Files of earlier
    /// contents stay there until someone deletes them.
    pub cache: Option<PathBuf>,
    /// Images of more bytes than this stay in the cache's file once they are decoded, if there is a cache;
    /// [`Bytes::MAP_ABOVE`](fireclay_data::Bytes::MAP_ABOVE) unless set.
    pub map_above: u64,
    /// The most memory that the images may take, in bytes; 8 GiB unless set.
    pub most_bytes: u64,
    /// The most files and folders there may be; 10 million unless set.
    pub most_files: usize,
}

impl Default for ImageFolderOptions {
    fn default() -> Self {
        Self {
            size: ImageSize::default(),
            channels: ImageChannels::default(),
            resize: Resize::default(),
            broken: BrokenImages::default(),
            cache: None,
            map_above: fireclay_data::Bytes::MAP_ABOVE,
            most_bytes: 8 << 30,
            most_files: 10_000_000,
        }
    }
}

/// What became of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageCache {
    /// None was wanted.
    Off,
    /// The images were decoded and then kept.
    Written,
    /// The images were read from there.
    Read,
    /// The images were decoded and could not be kept, for this reason.
    NotWritten(String),
}

/// The images of a folder, and what was done to them.
#[derive(Clone, Debug)]
pub struct ImageFolder {
    /// The images, `[channels, height, width]` bytes, in the order of their classes and then of their paths. The
    /// sub-folders' names, sorted, are the classes' names.
    pub dataset: Dataset,
    /// Files that were passed over.
    pub skipped: Skipped,
    /// How many broken images were left out, and the first ten with their reasons; see [`BrokenImages`].
    pub left_out: (usize, Vec<String>),
    /// What was converted, and in how many images: `("converted from colour to grey", 12)`.
    pub notes: Vec<(String, usize)>,
    /// What became of the cache.
    pub cache: ImageCache,
}

impl ImageFolder {
    /// Loads the PNG and JPEG files of a folder that has a sub-folder for each class.
    ///
    /// Files in folders below a class's belong to the class. Names that begin with a dot and files without the ending
    /// `.png`, `.jpg` or `.jpeg` are passed over and counted. Every image is decoded (on all cores, turned upright as
    /// its camera says, laid over white where it is transparent, reduced to 8 bits) and brought to one size; what was
    /// converted is counted in [`ImageFolder::notes`]. Pictures are limited as in [`read_digit`](crate::read_digit).
    ///
    /// With [`ImageFolderOptions::cache`] the outcome is kept in a file, under a digest of all paths, sizes and times
    /// of modification: a file replaced by another of the same size and time is not noticed.
    ///
    /// ```
    /// use fireclay_datasets::{ImageFolder, ImageFolderOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// for (class, level) in [("day", 250), ("night", 3)] {
    ///     std::fs::create_dir(folder.join(class))?;
    ///     image::GrayImage::from_pixel(4, 2, image::Luma([level])).save(folder.join(class).join("1.png"))?;
    /// }
    /// let images = ImageFolder::load(folder, &ImageFolderOptions::default())?;
    /// assert_eq!(images.dataset.class_names(), ["day", "night"]);
    /// assert_eq!(images.dataset.shape(), [1, 2, 4]);
    /// assert_eq!(images.dataset.raw_u8(1), Some(&[3; 8][..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the folder has no classes, one without images, more than the options allow, or files that are broken; the
    /// first ten of these are listed.
    pub fn load(folder: &Path, options: &ImageFolderOptions) -> Result<Self, DatasetsError> {
        load_part(folder, folder, "all", options, None)
    }

    /// As [`ImageFolder::load`], with the classes that a model knows, in their order: some may be without images.
    ///
    /// # Errors
    /// As [`ImageFolder::load`], and if the folder has another class.
    pub fn load_with_classes(
        folder: &Path,
        options: &ImageFolderOptions,
        classes: &[String],
    ) -> Result<Self, DatasetsError> {
        load_part(folder, folder, "all", options, Some(classes))
    }

    /// Loads `(train, test)` from the sub-folders `train` and `test`, each as [`ImageFolder::load`] does. In any case, and
    /// `training` is a training part as well; without a test part a validation part (`val`, `valid`, `validation`, `dev`,
    /// `eval`) is the second.
    ///
    /// Size, channels and classes of the test images are those of the training images; a class that only the training
    /// part has is no error.
    ///
    /// # Errors
    /// As [`ImageFolder::load`], and if one of the sub-folders is missing or the test part has a class of its own.
    pub fn load_train_and_test(
        folder: &Path,
        options: &ImageFolderOptions,
    ) -> Result<(Self, Self), DatasetsError> {
        let Parts { train, held_out, split } = listing::parts(folder)?;
        let train = load_part(folder, &train, "train", options, None)?;
        let [channels, height, width] = train.dataset.shape() else {
            unreachable!("images have three dimensions");
        };
        let options = ImageFolderOptions {
            size: ImageSize::Fixed([*height, *width]),
            channels: if *channels == 1 { ImageChannels::Grey } else { ImageChannels::Rgb },
            ..options.clone()
        };
        let test = load_part(folder, &held_out, split, &options, Some(train.dataset.class_names()))?;
        Ok((train, test))
    }

    /// Whether a folder has sub-folders for two parts, so that
    /// [`load_train_and_test`](Self::load_train_and_test) reads it.
    pub fn has_train_and_test(folder: &Path) -> bool {
        listing::has_parts(folder)
    }
}

fn load_part(
    whole: &Path,
    folder: &Path,
    split: &str,
    options: &ImageFolderOptions,
    classes: Option<&[String]>,
) -> Result<ImageFolder, DatasetsError> {
    let size = match options.size {
        ImageSize::OfTheFirst => None,
        ImageSize::Fixed(size) => Some(check_size(folder, size, "choose another size")?),
    };
    let channels = match options.channels {
        ImageChannels::AsFound => None,
        ImageChannels::Grey => Some(1),
        ImageChannels::Rgb => Some(3),
    };
    let wanted = Wanted {
        expected: "images (.png, .jpg, .jpeg)",
        extensions: &["png", "jpg", "jpeg"],
        most_files: options.most_files,
        classes,
    };
    let listing = listing::list(folder, wanted)?;
    let mut labels: Vec<u32> = listing.files.iter().map(|file| file.class).collect();
    let mut left_out = (0, Vec::new());

    let key = cache::key(&listing, size, channels, options.resize);
    let cache_path = options.cache.as_deref().map(|cache| cache::path(cache, &key));
    let limits = cache::Limits { most_bytes: options.most_bytes, map_above: options.map_above };
    let read = |path: &Path, labels: &[u32]| cache::read(path, &key, labels, listing.classes.len(), limits);
    let kept = cache_path.as_deref().and_then(|path| read(path, &labels));
    let (entry, cache) = match (kept, &cache_path) {
        (Some(entry), _) => (entry, ImageCache::Read),
        (None, None) => {
            let entry = decode_all(&listing, &mut labels, size, channels, options, &mut left_out)?;
            (entry, ImageCache::Off)
        }
        (None, Some(path)) => {
            let entry = decode_all(&listing, &mut labels, size, channels, options, &mut left_out)?;
            match cache::write(path, &key, &entry, labels.len()) {
                _ if left_out.0 > 0 => (entry, ImageCache::NotWritten("some images are broken".into())),
                // What is too much for memory goes on living in the file that was just written.
                Ok(()) if entry.features.len() as u64 > options.map_above => {
                    (read(path, &labels).unwrap_or(entry), ImageCache::Written)
                }
                Ok(()) => (entry, ImageCache::Written),
                // The images are here; that they cannot be kept costs time, not results.
                Err(error) => (entry, ImageCache::NotWritten(error.to_string())),
            }
        }
    };

    let Shape { channels, height, width } = entry.shape;
    let name = file_name(whole);
    let source = format!("{} images of the folder {name}, as {height} x {width}", labels.len());
    let mut provenance = Provenance::new(name, split, source).of_own_data();
    provenance.sha256 = Some(sha256::hex(&entry.digest));
    let targets = Targets::Classes { labels, names: listing.classes };
    let shape = [channels, height, width];
    let dataset = Dataset::from_u8(&shape, entry.features, targets, Normalization::none(), provenance)?;
    Ok(ImageFolder { dataset, skipped: listing.skipped, left_out, notes: entry.notes, cache })
}

pub(super) fn check_size(
    path: &Path,
    size: [usize; 2],
    hint: &'static str,
) -> Result<[usize; 2], DatasetsError> {
    let most = MOST_SIDE as usize;
    let [height, width] = size;
    match (1..=most).contains(&height) && (1..=most).contains(&width) {
        true => Ok(size),
        false => Err(refuse(path, FolderProblem::Size { height, width, limit: MOST_SIDE, hint })),
    }
}

fn decode_all(
    listing: &Listing,
    labels: &mut Vec<u32>,
    size: Option<[usize; 2]>,
    channels: Option<usize>,
    options: &ImageFolderOptions,
    left_out: &mut (usize, Vec<String>),
) -> Result<Entry, DatasetsError> {
    let folder = &listing.folder;
    let files = &listing.files;
    let size = match (size, files.first()) {
        (Some(size), _) => size,
        (None, Some(first)) => {
            let may_skip = options.broken == BrokenImages::LeaveOut;
            let readable = files.iter().filter(|_| may_skip).find_map(|file| size_of(file).ok());
            readable.map_or_else(|| size_of(first), Ok)?
        }
        (None, None) => return Err(refuse(folder, FolderProblem::NoClasses)),
    };
    let channels = match channels {
        Some(channels) => channels,
        None if files.par_iter().any(is_coloured) => 3,
        None => 1,
    };
    let [height, width] = size;
    let shape = Shape { channels, height, width };
    let bytes = (files.len() as u64).saturating_mul(shape.len() as u64);
    let limit = options.most_bytes;
    if bytes > limit || usize::try_from(bytes).is_err() {
        let what = format!("{} images of {height} x {width}", files.len());
        let hint = "choose a smaller size";
        return Err(refuse(folder, FolderProblem::TooLarge { what, bytes, limit, hint }));
    }
    let mut features = vec![0; files.len() * shape.len()];
    let outcome = (features.par_chunks_exact_mut(shape.len()).zip(files).enumerate())
        .fold(Outcome::default, |outcome, (at, (out, file))| {
            outcome.with(at, read_file(file, shape, options.resize, out))
        })
        .reduce(Outcome::default, Outcome::merge);
    let count = outcome.places.len();
    if count > 0 && (options.broken == BrokenImages::Refuse || count == files.len()) {
        let problem = FolderProblem::Broken { broken: outcome.broken, count, files: files.len() };
        return Err(refuse(folder, problem));
    }
    if count > 0 {
        features = without(&features, shape.len(), &outcome.places);
        *labels = without(labels, 1, &outcome.places);
        let lost = |class: &&Found| !labels.contains(&class.class);
        if let Some(lost) = files.iter().find(lost) {
            let class = listing.classes[lost.class as usize].clone();
            return Err(refuse(
                folder,
                FolderProblem::EmptyClass { class, expected: "image that can be read" },
            ));
        }
        *left_out = (count, outcome.broken.iter().map(ToString::to_string).collect());
    }
    let digest = digest::of_bytes(&features, labels, listing.classes.len());
    Ok(Entry { shape, notes: outcome.notes.into_iter().collect(), features: features.into(), digest })
}

/// Rows of some width without those at these places, which ascend.
fn without<T: Copy>(values: &[T], width: usize, places: &[usize]) -> Vec<T> {
    let kept = (0..values.len() / width).filter(|row| places.binary_search(row).is_err());
    kept.flat_map(|row| &values[row * width..][..width]).copied().collect()
}

fn size_of(file: &Found) -> Result<[usize; 2], DatasetsError> {
    let refuse = |problem| DatasetsError::Image { path: file.path.clone(), problem };
    let picture = decode(&read_bytes(&file.path)?, &mut Vec::new()).map_err(refuse)?;
    let size = [picture.height() as usize, picture.width() as usize];
    check_size(&file.path, size, "name a size that all images are brought to")
}

/// Broken files have no say; they are found when they are decoded.
fn is_coloured(file: &Found) -> bool {
    read_image_header(&file.path).is_ok_and(|header| header.has_colour)
}

fn read_file(
    file: &Found,
    shape: Shape,
    resize: Resize,
    out: &mut [u8],
) -> Result<Vec<String>, DatasetsError> {
    let bytes = read_bytes(&file.path)?;
    let refuse = |problem| DatasetsError::Image { path: file.path.clone(), problem };
    read_into(&bytes, shape, resize, out).map_err(refuse)
}

/// What became of some of the files.
#[derive(Default)]
struct Outcome {
    notes: BTreeMap<String, usize>,
    /// The first broken ones, in order.
    broken: Vec<DatasetsError>,
    /// Where the broken ones are, ascending.
    places: Vec<usize>,
}

impl Outcome {
    fn with(mut self, at: usize, outcome: Result<Vec<String>, DatasetsError>) -> Self {
        match outcome {
            Ok(notes) => notes.into_iter().for_each(|note| *self.notes.entry(note).or_default() += 1),
            Err(error) => {
                self.places.push(at);
                if self.broken.len() < MOST_LISTED {
                    self.broken.push(error);
                }
            }
        }
        self
    }

    /// Parts are merged in their order, so the first ones stay the first.
    fn merge(mut self, later: Self) -> Self {
        for (note, count) in later.notes {
            *self.notes.entry(note).or_default() += count;
        }
        self.broken.extend(later.broken);
        self.broken.truncate(MOST_LISTED);
        self.places.extend(later.places);
        self
    }
}
