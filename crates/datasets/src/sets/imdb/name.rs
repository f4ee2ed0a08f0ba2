//! What the name of a review says: `train/pos/17_8.txt` is number 17 of those that train, positive, 8 stars.

/// The parts of the set, in the order of [`ReviewName::split`], and the classes, in the order of their labels.
pub(super) const SPLITS: [&str; 2] = ["train", "test"];
pub(super) const CLASSES: [&str; 2] = ["neg", "pos"];

/// The folder that the archive unpacks to.
pub(super) const ROOT: &str = "aclImdb";

/// Where a review belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) split: usize,
    pub(super) label: u8,
}

impl Folder {
    pub(super) const ALL: [Folder; 4] = [
        Folder { split: 0, label: 0 },
        Folder { split: 0, label: 1 },
        Folder { split: 1, label: 0 },
        Folder { split: 1, label: 1 },
    ];

    /// `train/neg` and the like.
    pub(super) fn name(self) -> String {
        format!("{}/{}", SPLITS[self.split], CLASSES[usize::from(self.label)])
    }
}

/// The folder and the file name of `aclImdb/train/pos/17_8.txt`, or of that without its first folder; `None` for what
/// is no text file of the four folders.
pub(super) fn split(path: &str) -> Option<(Folder, &str)> {
    let path = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
    let (folder, file) = path.rsplit_once('/')?;
    let folder = Folder::ALL.into_iter().find(|known| known.name() == folder)?;
    is_text(file).then_some((folder, file))
}

/// Whether a file of that name is a review, or should be; hidden files are not.
pub(super) fn is_text(file: &str) -> bool {
    file.ends_with(".txt") && !file.starts_with('.')
}

/// Number and rating of `17_8.txt`; `None` if it is not named so.
pub(super) fn number_and_rating(file: &str) -> Option<(u64, u64)> {
    let digits = |text: &str| {
        let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if all { text.parse().ok() } else { None }
    };
    let (number, rating) = file.strip_suffix(".txt")?.split_once('_')?;
    Some((digits(number)?, digits(rating)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_known_by_their_folder() {
        let positive = Folder { split: 0, label: 1 };
        assert_eq!(split("aclImdb/train/pos/17_8.txt"), Some((positive, "17_8.txt")));
        assert_eq!(split("test/neg/x.txt"), Some((Folder { split: 1, label: 0 }, "x.txt")));
        for other in [
            "train/unsup/17_0.txt",
            "train/pos",
            "train/pos/.17_8.txt",
            "train/pos/deep/17_8.txt",
            "train/pos/17_8.feat",
            "other/train/pos/17_8.txt",
            "train/POS/17_8.txt",
            "17_8.txt",
            "",
        ] {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number_and_rating("017_8.txt"), Some((17, 8)));
        for bad in
            ["17.txt", "_8.txt", "17_.txt", "+17_8.txt", "17_8", "a_8.txt", "17_8_9.txt", "17_8.txt.txt"]
        {
            assert_eq!(number_and_rating(bad), None, "{bad}");
        }
        assert_eq!(number_and_rating("99999999999999999999999_8.txt"), None);
    }
}
