//! Pictures of the user's own, in a folder for each class.

use std::path::Path;

use fireclay::data::{
    BrokenImages, DataDir, Dataset, DatasetsError, ImageChannels, ImageFolder, ImageFolderOptions, ImageSize,
    Resize, Skipped,
};

use crate::format::count;
use crate::output::Output;

/// Where data of the user's own has no test part: the fraction held out as one, and the seed that chooses it.
pub const TEST_FRACTION: f64 = 0.2;
pub(super) const SPLIT_SEED: u64 = 0;

/// Reads a folder of pictures as images of some channels and size, and notes what was converted. Without sub-folders
/// `train` and `test` a fifth of each class is held out as test images.
///
/// # Errors
/// What is wrong with the folder or its files.
pub(super) fn load(
    folder: &Path,
    shape: [usize; 3],
    output: &Output,
) -> Result<(Dataset, Dataset), DatasetsError> {
    if has_parts(folder) {
        let (train, test) = ImageFolder::load_train_and_test(folder, &options(shape))?;
        report_conversions(&train, "train", output);
        report_conversions(&test, "test", output);
        return Ok((train.dataset, test.dataset));
    }
    let all = load_whole(folder, shape, &[], output)?;
    output.note(format!(
        "a fifth of the images is held out for the test, as {} has no folder `test`",
        folder.display()
    ));
    Ok(all.split(TEST_FRACTION, SPLIT_SEED)?)
}

/// Reads the training part of a folder, or all of one without parts, and another folder as its test part.
///
/// # Errors
/// As [`load`].
pub(super) fn load_parts(
    train: &Path,
    test: &Path,
    shape: [usize; 3],
    output: &Output,
) -> Result<(Dataset, Dataset), DatasetsError> {
    let train = load_whole(train, shape, &[], output)?;
    let test = load_whole(test, shape, train.class_names(), output)?.with_split("test");
    Ok((train.with_split("train"), test))
}

/// Reads another folder of pictures as training images were read: in their shape, with their classes and normalization.
///
/// # Errors
/// What is wrong with the folder or its files, or that it has another class.
pub fn load_pictures_like(
    train: &Dataset,
    folder: &Path,
    shape: [usize; 3],
    output: &Output,
) -> Result<Dataset, DatasetsError> {
    let pictures = load_whole(folder, shape, train.class_names(), output)?.with_split("validation");
    Ok(pictures.with_normalization(train.normalization().clone())?)
}

/// Whether a folder has a training part and one that is held out.
pub(super) fn has_parts(folder: &Path) -> bool {
    ImageFolder::has_train_and_test(folder)
}

/// All images of a folder without parts; where a model knows its classes, these.
///
/// # Errors
/// As [`load`].
pub(super) fn load_whole(
    folder: &Path,
    shape: [usize; 3],
    classes: &[String],
    output: &Output,
) -> Result<Dataset, DatasetsError> {
    let all = match classes {
        [] => ImageFolder::load(folder, &options(shape))?,
        classes => ImageFolder::load_with_classes(folder, &options(shape), classes)?,
    };
    report_conversions(&all, "the folder", output);
    Ok(all.dataset)
}

fn options([channels, height, width]: [usize; 3]) -> ImageFolderOptions {
    ImageFolderOptions {
        size: ImageSize::Fixed([height, width]),
        channels: if channels == 1 { ImageChannels::Grey } else { ImageChannels::Rgb },
        // The centre is kept: stretching would change proportions.
        resize: Resize::Crop,
        broken: BrokenImages::LeaveOut,
        cache: DataDir::cache().map(|cache| cache.join("image-folders")),
        ..ImageFolderOptions::default()
    }
}

fn report_conversions(images: &ImageFolder, which: &str, output: &Output) {
    for (what, times) in &images.notes {
        output.note(format!("{which}: {} images {what}", count(*times as u64)));
    }
    let (left_out, broken) = &images.left_out;
    if *left_out > 0 {
        let more = left_out - broken.len();
        let more = if more == 0 { String::new() } else { format!("\n  and {more} more") };
        output.warn(format!(
            "{which}: {} images cannot be read and are left out:\n  {}{more}",
            count(*left_out as u64),
            broken.join("\n  ")
        ));
    }
    report_skipped(&images.skipped, which, output);
}

/// Notes which files were skipped.
pub fn report_skipped(skipped: &Skipped, which: &str, output: &Output) {
    if skipped.other > 0 {
        output.note(format!(
            "{which}: skipped {} files of other kinds, such as {}",
            count(skipped.other as u64),
            skipped.examples.join(", ")
        ));
    }
}
