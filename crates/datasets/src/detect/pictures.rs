//! What pictures in a folder are like, from the headers of some of them.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::DatasetsError;
use crate::formats::{ImageHeader, is_hidden, read_image_header};

/// Pictures that are looked at, and entries that are walked over for them.
const LOOKED_AT: usize = 500;
const MOST_ENTRIES: usize = 200_000;

/// What the pictures below a folder are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureSurvey {
    /// How many were looked at; those that cannot be read are not among them.
    pub looked_at: usize,
    /// `[height, width]`, if it is that of all of them.
    pub same_size: Option<[usize; 2]>,
    /// The median of their shorter sides.
    pub median_side: usize,
    /// How many have colours.
    pub colour: usize,
}

impl PictureSurvey {
    /// Looks at the headers of some hundred pictures below a folder, evenly spread over it.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn of(folder: &Path) -> Result<Self, DatasetsError> {
        let (mut open, mut files, mut entries) = (vec![folder.to_owned()], Vec::new(), 0);
        while let Some(folder) = open.pop() {
            let read_error = |source| DatasetsError::Read { path: folder.clone(), source };
            let mut folders: Vec<PathBuf> = Vec::new();
            for entry in std::fs::read_dir(&folder).map_err(read_error)? {
                entries += 1;
                let path = entry.map_err(read_error)?.path();
                let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
                if path.file_name().is_none_or(is_hidden) || entries > MOST_ENTRIES {
                } else if ["png", "jpg", "jpeg"].iter().any(|known| ending == *known) {
                    files.push(path);
                } else if !path.is_symlink() && path.is_dir() {
                    folders.push(path);
                }
            }
            open.extend(folders);
        }
        files.sort();
        let step = files.len().div_ceil(LOOKED_AT).max(1);
        let chosen: Vec<&PathBuf> = files.iter().step_by(step).collect();
        let headers: Vec<ImageHeader> =
            chosen.par_iter().filter_map(|path| read_image_header(path).ok()).collect();
        let mut sides: Vec<usize> = headers.iter().map(|header| header.size[0].min(header.size[1])).collect();
        sides.sort_unstable();
        let first = headers.first().map(|header| header.size);
        Ok(PictureSurvey {
            looked_at: headers.len(),
            same_size: first.filter(|first| headers.iter().all(|header| header.size == *first)),
            median_side: sides.get(sides.len() / 2).copied().unwrap_or(0),
            colour: headers.iter().filter(|header| header.has_colour).count(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_colours_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        for (name, width, height) in [("a", 20, 10), ("b", 20, 10)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            image::GrayImage::new(width, height).save(folder.path().join(name).join("1.png")).unwrap();
        }
        let survey = PictureSurvey::of(folder.path()).unwrap();
        assert_eq!((survey.looked_at, survey.same_size, survey.colour), (2, Some([10, 20]), 0));
        image::RgbImage::new(64, 50).save(folder.path().join("b").join("2.jpg")).unwrap();
        std::fs::write(folder.path().join("b").join("3.png"), "no picture").unwrap();
        let survey = PictureSurvey::of(folder.path()).unwrap();
        assert_eq!((survey.looked_at, survey.same_size, survey.colour, survey.median_side), (3, None, 1, 10));
    }

    #[test]
    fn only_the_beginning_of_a_picture_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let noise = image::RgbImage::from_fn(1200, 900, |x, y| {
            let mixed = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761);
            image::Rgb(mixed.to_be_bytes()[..3].try_into().unwrap())
        });
        for name in ["a.png", "b.jpg"] {
            let path = folder.path().join(name);
            noise.save(&path).unwrap();
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            // Whatever is behind the first mebibyte does not matter.
            file.set_len((1 << 20).min(file.metadata().unwrap().len())).unwrap();
        }
        let survey = PictureSurvey::of(folder.path()).unwrap();
        assert_eq!((survey.looked_at, survey.same_size, survey.colour), (2, Some([900, 1200]), 2));
    }
}
