//! Folders of texts: what is read and what is refused.

use std::fs;
use std::path::Path;

use fireclay_data::Targets;
use fireclay_datasets::TextFolder;

fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn texts_are_kept_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let long = "word ".repeat(200_000);
    let texts = ["a\r\nb\n", "", "?!...", "שלום e\u{301}\u{202e}", "\u{feff}mark", long.as_str()];
    for (index, text) in texts.iter().enumerate() {
        put(folder.path(), &format!("pos/{index}.txt"), text);
    }
    put(folder.path(), "neg/1.TXT", " ");
    put(folder.path(), "neg/.hidden.txt", b"\xff");
    put(folder.path(), "neg/readme.md", "x");
    let read = TextFolder::load(folder.path()).unwrap();
    let expected = [" ", "a\r\nb\n", "", "?!...", "שלום e\u{301}\u{202e}", "mark", &long];
    assert_eq!(read.texts.texts(), expected);
    let names = ["neg", "pos"].map(String::from).to_vec();
    assert_eq!(*read.texts.targets(), Targets::Classes { labels: vec![0, 1, 1, 1, 1, 1, 1], names });
    assert_eq!((read.empty, read.skipped.hidden, read.skipped.other), (2, 1, 1));
    assert_eq!(read.texts.provenance().split, "all");
}

#[test]
fn what_is_no_text_is_listed_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a/good.txt", "good");
    put(folder.path(), "a/latin.txt", b"caf\xe9");
    put(folder.path(), "a/wide.txt", b"\xff\xfea\0");
    put(folder.path(), "a/zero.txt", b"a\0b");
    let file = fs::File::create(folder.path().join("a/large.txt")).unwrap();
    file.set_len(1 << 30).unwrap();
    let message = TextFolder::load(folder.path()).unwrap_err().to_string();
    for part in [
        "4 of 5 files cannot be used",
        "latin.txt: expected UTF-8, found a byte that is not UTF-8 at byte 3",
        "wide.txt: expected UTF-8, found UTF-16 at byte 0",
        "zero.txt: expected UTF-8, found a NUL byte",
        "large.txt: expected a text of at most 16777216 bytes, found 1073741824",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    file.set_len(9 << 30).unwrap();
    let message = TextFolder::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("5 texts would take 96636764"), "{message}");
}

#[test]
fn a_test_part_has_the_training_part_s_classes() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "train/neg/1.txt", "bore");
    put(folder.path(), "train/pos/1.txt", "joy");
    put(folder.path(), "test/pos/1.txt", "fun");
    assert!(TextFolder::has_train_and_test(folder.path()));
    let (train, test) = TextFolder::load_train_and_test(folder.path()).unwrap();
    assert_eq!((train.texts.len(), test.texts.texts()), (2, &["fun".to_owned()][..]));
    let names = ["neg", "pos"].map(String::from).to_vec();
    assert_eq!(*test.texts.targets(), Targets::Classes { labels: vec![1], names });
    let message = TextFolder::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("load both parts together"), "{message}");
    fs::remove_file(folder.path().join("test/pos/1.txt")).unwrap();
    let message = TextFolder::load_train_and_test(folder.path()).unwrap_err().to_string();
    assert!(message.contains("none of its classes holds texts (.txt)"), "{message}");
}
