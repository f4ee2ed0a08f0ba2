//! Movie reviews in folders and archives: honest small sets, and those that lie.

use std::fs;
use std::path::Path;

use fireclay_data::Targets;
use fireclay_datasets::{DataDir, DatasetsError, Imdb};
use fireclay_text::Texts;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{gzip, sha256};
use crate::tars::{entry, file, special, tar};

type Files = Vec<(String, Vec<u8>)>;

/// Names in an order that is neither theirs nor that of numbers.
fn honest() -> Files {
    let text = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    vec![
        text("test/pos/0_9.txt", "Fine.<br /><br />\r\nReally"),
        text("train/pos/10_7.txt", "ten"),
        text("train/pos/9_10.txt", "nine é \u{202e}right to left\u{202c} \0"),
        text("train/neg/2_1.txt", ""),
        text("train/neg/2_3.txt", "!?"),
        text("test/neg/5_1.txt", "bad"),
        text("train/pos/.hidden.txt", "not a review"),
        text("train/pos/notes.md", "not a review"),
        text("train/unsup/0_0.txt", "not labelled"),
        text("imdb.vocab", "the"),
    ]
}

fn unpacked(files: &Files, root: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(root).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn archive(files: &Files, root: &str) -> Vec<u8> {
    let entries: Vec<Vec<u8>> =
        files.iter().map(|(name, content)| file(&format!("{root}{name}"), content)).collect();
    gzip(&tar(&entries))
}

fn packed(bytes: &[u8], name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder
}

fn load(folder: &Path) -> Result<(Texts, Texts), DatasetsError> {
    Imdb::load_with(&DataDir::named(folder), &|_| panic!("nothing is downloaded"))
}

/// The message about a set, unpacked and in an archive, after checking that it says the same of both.
fn refusal(files: &Files) -> String {
    let message = load(unpacked(files, "").path()).unwrap_err().to_string();
    let other = load(packed(&archive(files, ""), "a.tgz").path()).unwrap_err().to_string();
    let problem = |message: &str| message.split_once(": ").unwrap().1.to_owned();
    assert_eq!(problem(&message), problem(&other));
    message
}

fn check_honest((train, test): (Texts, Texts)) {
    assert_eq!(train.texts(), ["", "!?", "nine é \u{202e}right to left\u{202c} \0", "ten"]);
    assert_eq!(test.texts(), ["bad", "Fine.<br /><br />\r\nReally"]);
    let names = vec!["neg".to_owned(), "pos".to_owned()];
    assert_eq!(train.targets(), &Targets::Classes { labels: vec![0, 0, 1, 1], names: names.clone() });
    assert_eq!(test.targets(), &Targets::Classes { labels: vec![0, 1], names });
    assert_eq!(
        (train.provenance().name.as_str(), train.provenance().split.as_str()),
        ("movie reviews", "train")
    );
    let mut content = Vec::new();
    for text in test.texts() {
        content.extend((text.len() as u64).to_le_bytes());
        content.extend(text.as_bytes());
    }
    content.extend([0, 1]);
    assert_eq!(test.provenance().sha256, Some(sha256(&content)));
}

#[test]
fn reviews_are_in_order_wherever_they_are() {
    for root in ["", "aclImdb", "imdb", "imdb/aclImdb"] {
        let folder = unpacked(&honest(), root);
        check_honest(load(folder.path()).unwrap());
    }
    for (name, root) in [
        ("aclImdb_v1.tar.gz", "aclImdb/"),
        ("imdb/aclImdb_v1.tar.gz", "aclImdb/"),
        ("aclImdb_labelled.tar.gz", "aclImdb/"),
        ("my-reviews.tgz", ""),
        ("imdb/my-reviews.tar", "./aclImdb/"),
    ] {
        let folder = packed(&archive(&honest(), root), name);
        let (train, test) = load(folder.path()).unwrap();
        assert_eq!(train.provenance().source, format!("archive {}", name.trim_start_matches("imdb/")));
        check_honest((train, test));
    }
}

#[test]
fn the_published_archive_goes_before_others() {
    let folder = packed(&archive(&honest(), ""), "aclImdb_v1.tar.gz");
    fs::write(folder.path().join("other.tar.gz"), "no archive").unwrap();
    check_honest(load(folder.path()).unwrap());
    fs::rename(folder.path().join("aclImdb_v1.tar.gz"), folder.path().join("mine.tar.gz")).unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("one archive, found mine.tar.gz, other.tar.gz"), "{message}");
}

#[test]
fn an_empty_folder_is_an_error_and_not_a_download() {
    let folder = tempfile::tempdir().unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    for expected in ["train/neg, train/pos, test/neg, test/pos", "aclImdb_v1.tar.gz", "put it there"] {
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let message = load(&folder.path().join("absent")).unwrap_err().to_string();
    assert!(message.contains("cannot read") && message.contains("absent"), "{message}");
}

#[test]
fn a_part_without_reviews_is_named() {
    for part in ["train/neg", "train/pos", "test/neg", "test/pos"] {
        let mut files = honest();
        files.retain(|(name, _)| !name.starts_with(part));
        let message = refusal(&files);
        assert!(message.contains(&format!("NUMBER_RATING.txt in {part}, found none")), "{message}");
    }
}

#[test]
fn a_review_that_is_not_utf8_is_named() {
    let mut files = honest();
    files[3].1 = b"caf\xe9".to_vec();
    let message = refusal(&files);
    assert!(message.contains("\"train/neg/2_1.txt\" to be UTF-8, found byte 0xe9 at 3"), "{message}");
}

#[test]
fn a_review_by_another_name_is_named() {
    for bad in ["train/neg/review.txt", "train/neg/3.txt", "train/neg/3_x.txt", "train/neg/-3_1.txt"] {
        let mut files = honest();
        files.push((bad.to_owned(), b"text".to_vec()));
        let message = refusal(&files);
        assert!(message.contains(&format!("{bad:?} to be called NUMBER_RATING.txt")), "{message}");
    }
}

#[test]
fn two_reviews_of_one_number_are_refused() {
    let mut files = honest();
    files.push(("train/pos/009_10.txt".to_owned(), b"text".to_vec()));
    let message = refusal(&files);
    assert!(message.contains("one review \"train/pos/9_10.txt\", found a second"), "{message}");
    // The same file below two roots.
    let entries = [honest(), vec![("aclImdb/test/neg/5_1.txt".to_owned(), vec![])]].concat();
    let message = load(packed(&archive(&entries, ""), "a.tar.gz").path()).unwrap_err().to_string();
    assert!(message.contains("\"test/neg/5_1.txt\", found a second"), "{message}");
}

#[test]
fn a_long_review_is_read_and_an_endless_one_is_not() {
    let mut files = honest();
    files[1].1 = "word ".repeat(200_000).into_bytes();
    let (train, _) = load(packed(&archive(&files, ""), "a.tar.gz").path()).unwrap();
    assert_eq!(train.texts()[3].len(), 1_000_000);
    files[1].1 = vec![b'a'; (1 << 22) + 1];
    for folder in [unpacked(&files, ""), packed(&archive(&files, ""), "a.tar.gz")] {
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("10_7.txt") && message.contains("more than the 4194304"), "{message}");
    }
}

#[test]
fn an_archive_that_lies_is_refused() {
    let refuse = |more: Vec<u8>| {
        let honest =
            honest().iter().map(|(name, content)| file(&format!("aclImdb/{name}"), content)).collect();
        let bytes = gzip(&tar(&[vec![more], honest].concat()));
        let message = load(packed(&bytes, "aclImdb_v1.tar.gz").path()).unwrap_err().to_string();
        assert!(message.contains("aclImdb_v1.tar.gz: "), "{message}");
        message
    };
    let review = "aclImdb/train/pos/10_7.txt";
    assert!(refuse(special("aclImdb/train/pos/3_8.txt", b'2', "/etc/passwd")).contains("a symbolic link"));
    assert!(refuse(special("aclImdb/train/pos/3_8.txt", b'1', review)).contains("a hard link"));
    assert!(refuse(special("aclImdb/train", b'2', "/etc")).contains("\"aclImdb/train\", which is a link"));
    assert!(refuse(file(review, b"again")).contains("second time"));
    assert!(refuse(file("aclimdb/train/POS/10_7.txt", b"again")).contains("another case"));
    assert!(refuse(file("aclImdb/../../x.txt", b"")).contains("`..`"));
    assert!(refuse(entry("aclImdb/train/pos/3_8.txt", b'3', b"")).contains("a device"));
}

#[cfg(unix)]
#[test]
fn a_review_that_is_no_file_is_refused() {
    let folder = unpacked(&honest(), "");
    fs::create_dir(folder.path().join("train/pos/3_8.txt")).unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("train/pos/3_8.txt is not a regular file; expected a review"), "{message}");
    fs::remove_dir(folder.path().join("train/pos/3_8.txt")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("train/pos/3_8.txt")).unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("not a regular file"), "{message}");
}

#[test]
fn the_archive_is_described_whole() {
    let files = Imdb::remote_files();
    let [file] = &files[..] else { panic!("one archive") };
    assert_eq!((file.name.as_str(), file.bytes, file.sha256.len()), ("aclImdb_v1.tar.gz", 84_125_825, 64));
    assert!(file.urls.iter().all(|url| url.starts_with("https://") && url.ends_with(&file.name)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Folders and archives are read alike, whatever order an archive is in.
    #[test]
    fn folders_and_archives_agree(texts in prop::collection::vec("\\PC{0,40}", 4..20), turn in 0usize..20) {
        let parts = ["train/neg", "train/pos", "test/neg", "test/pos"];
        let mut files: Files = (texts.iter().enumerate())
            .map(|(at, text)| (format!("{}/{at}_5.txt", parts[at % 4]), text.clone().into_bytes()))
            .collect();
        let (train, test) = load(unpacked(&files, "").path()).unwrap();
        let len = files.len();
        files.rotate_left(turn % len);
        let (train_too, test_too) = load(packed(&archive(&files, "aclImdb/"), "a.tar.gz").path()).unwrap();
        prop_assert_eq!(train.texts(), train_too.texts());
        prop_assert_eq!(test.texts(), test_too.texts());
        prop_assert_eq!(&train.provenance().sha256, &train_too.provenance().sha256);
        prop_assert_eq!(train.len() + test.len(), texts.len());
    }
}
