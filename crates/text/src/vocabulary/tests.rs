use std::fs;

use fireclay_data::{Provenance, Targets};
use proptest::prelude::*;

use super::*;

fn texts(texts: &[&str], split: &str) -> Texts {
    let targets = Targets::Classes { labels: vec![0; texts.len()], names: vec!["any".into()] };
    let texts = texts.iter().map(ToString::to_string).collect();
    Texts::new(texts, targets, Provenance::new("a few words", split, "made by hand")).unwrap()
}

fn build(training: &[&str], max_words: usize, min_count: u64) -> Result<Vocabulary, TextError> {
    Vocabulary::build(
        &texts(training, "train"),
        &WordTokenizer::default(),
        VocabularyOptions { max_words, min_count },
    )
}

fn refused(result: Result<Vocabulary, TextError>) -> String {
    result.expect_err("it is refused").to_string()
}

#[test]
fn the_most_frequent_words_come_first_and_ties_in_alphabetic_order() {
    let vocabulary = build(&["b a c c", "é z c <br /> B A"], 100, 1).unwrap();
    assert!(vocabulary.words().eq(["c", "a", "b", "z", "é"]));
    assert_eq!(vocabulary.counts().unwrap(), [0, 0, 0, 0, 3, 2, 2, 1, 1]);
    assert_eq!(vocabulary.len(), 9);
    assert_eq!(vocabulary.token("c"), 4);
    assert_eq!(
        (vocabulary.word(0), vocabulary.word(8), vocabulary.word(9)),
        (Some("<padding>"), Some("é"), None)
    );
}

#[test]
fn both_limits_hold_and_the_rest_is_counted_as_unknown() {
    let training = ["a a a b b c c d"];
    assert!(build(&training, 2, 1).unwrap().words().eq(["a", "b"]));
    let frequent = build(&training, 100, 2).unwrap();
    assert!(frequent.words().eq(["a", "b", "c"]));
    assert_eq!(frequent.count(reserved::UNKNOWN), Some(1));
    assert_eq!(frequent.token("d"), reserved::UNKNOWN);
    assert_eq!(build(&training, 1, 1).unwrap().count(reserved::UNKNOWN), Some(5));
}

#[test]
fn reserved_names_are_no_words_of_a_text() {
    let vocabulary = build(&["&lt;unknown&gt; &lt;end&gt;"], 100, 1).unwrap();
    assert!(vocabulary.words().eq(["<", ">", "end", "unknown"]));
    assert_eq!(vocabulary.token("<end>"), reserved::UNKNOWN);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let many: Vec<String> = (0..300).map(|i| format!("w{} w{} x", i % 17, i % 13)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let vocabulary = pool.install(|| build(&many, 20, 2)).unwrap();
        (vocabulary.counts().unwrap().to_vec(), vocabulary.words().map(String::from).collect::<Vec<_>>())
    };
    assert_eq!(on(1), on(5));
}

#[test]
fn texts_that_judge_a_model_are_refused() {
    for split in ["test", "Validation", "val", "dev"] {
        let held_out = texts(&["a a"], split);
        let options = VocabularyOptions::default();
        let message = refused(Vocabulary::build(&held_out, &WordTokenizer::default(), options));
        assert!(message.contains(&format!("{split:?}")) && message.contains("training"), "{message}");
    }
}

#[test]
fn options_and_texts_that_give_nothing_are_refused() {
    let message = refused(build(&["a"], 0, 1));
    assert!(message.contains("max_words of a vocabulary is 0; expected 1 to 4194304"), "{message}");
    assert!(refused(build(&["a"], usize::MAX, 1)).contains("max_words"));
    assert!(refused(build(&["a"], 1, 0)).contains("min_count of a vocabulary is 0; expected 1 or more"));
    assert!(refused(build(&[], 1, 1)).contains("0 training text(s)"));
    assert!(refused(build(&["", "\0"], 1, 1)).contains("no word"));
    assert!(refused(build(&["a b"], 1, 2)).contains("no word occurs 2 time(s)"));
}

#[test]
fn a_saved_vocabulary_is_read_back_and_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.tsv");
    let vocabulary = build(&["nice nice film , שלום e\u{301}"], 4, 1).unwrap();
    vocabulary.save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "fireclay-vocabulary-1\t8\n<padding>\t0\n<unknown>\t1\n<start>\t0\n<end>\t0\nnice\t2\n,\t1\nfilm\t1\né\t1\n"
    );
    let read = Vocabulary::load(&path).unwrap();
    assert_eq!(read, vocabulary);
    assert_eq!(read.counts(), vocabulary.counts());
    // Line n holds token n - 2.
    assert_eq!(text.lines().nth(5), Some("nice\t2"));
    assert_eq!(read.token("nice"), 4);

    fs::write(&path, text.replace('\n', "\r\n")).unwrap();
    assert_eq!(Vocabulary::load(&path).unwrap(), vocabulary);

    let without_counts = Vocabulary::from_words(["a", "b"]).unwrap();
    without_counts.save(&path).unwrap();
    assert_eq!(Vocabulary::load(&path).unwrap(), without_counts);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let path = Path::new("no-such-folder/words.tsv");
    let vocabulary = Vocabulary::from_words(["a"]).unwrap();
    let message = vocabulary.save(path).unwrap_err().to_string();
    assert!(message.contains("cannot write no-such-folder"), "{message}");
    assert!(refused(Vocabulary::load(path)).contains("cannot read no-such-folder"));
    assert!(refused(Vocabulary::load(&std::env::temp_dir())).contains("cannot read"));
}

const RESERVED: &str = "<padding>\t0\n<unknown>\t7\n<start>\t0\n<end>\t0\n";

#[test]
fn every_lie_in_a_file_is_found_with_its_line() {
    let entries =
        |count: usize, words: &str| format!("fireclay-vocabulary-1\t{count}\n{RESERVED}{words}").into_bytes();
    let long = "x".repeat(129);
    let endless = "x".repeat(100_000);
    for (bytes, line, complaint) in [
        (b"".to_vec(), 1, "found \"\""),
        (b"word\tcount\n".to_vec(), 1, "begins with \"fireclay-vocabulary-1\""),
        (b"\x1f\x8b\x08\xff\n".to_vec(), 1, "UTF-8"),
        (endless.clone().into_bytes(), 1, "longer than 256 bytes"),
        (entries(4, ""), 1, "promises 4 entries; expected 5 to 4194308"),
        (entries(4_294_967_296, ""), 1, "promises 4294967296 entries"),
        (b"fireclay-vocabulary-1\t-5\n".to_vec(), 1, "promises -5 entries"),
        (b"fireclay-vocabulary-1\t5".to_vec(), 1, "unfinished"),
        (
            b"fireclay-vocabulary-1\t5\na\t3\n".to_vec(),
            2,
            "expected the reserved token \"<padding>\", found \"a\"",
        ),
        (entries(5, ""), 6, "ends after 4 of 5 entries"),
        (entries(4_000_000, "a\t1\n"), 7, "ends after 5 of 4000000 entries"),
        (entries(5, "a\t12"), 6, "unfinished"),
        (entries(5, "a\t2\nb\t1\n"), 7, "end after 5 entries"),
        (entries(5, "a\n"), 6, "a tab and a count, found \"a\""),
        (entries(5, "a\t\n"), 6, "count of \"a\" is \"\""),
        (entries(5, "a\t0\n"), 6, "count of \"a\" is \"0\""),
        (entries(5, "a\t-1\n"), 6, "count of \"a\" is \"-1\""),
        (entries(5, "a\t+1\n"), 6, "count of \"a\" is \"+1\""),
        (entries(5, "a\t1.5\n"), 6, "count of \"a\" is \"1.5\""),
        (entries(5, "a\t1\t2\n"), 6, "count of \"a\" is \"1\\t2\""),
        (entries(5, "a\t18446744073709551616\n"), 6, "18446744073709551616"),
        (entries(5, "a\t18446744073709551615\n"), 6, "below 2^64 together"),
        (entries(6, "a\t1\nb\t2\n"), 7, "\"b\" occurs 2 times, the word before it 1 times"),
        (entries(6, "a\t2\na\t1\n"), 7, "\"a\" is there already, as token 4"),
        (entries(5, "<end>\t2\n"), 6, "\"<end>\" is there already, as token 3"),
        (entries(5, "\t2\n"), 6, "the word is empty"),
        (entries(5, "a b\t2\n"), 6, "white space"),
        (entries(5, "a\0b\t2\n"), 6, "control characters"),
        (entries(5, &format!("{long}\t2\n")), 6, "129 bytes; expected at most 128"),
        (entries(5, &endless), 6, "longer than 256 bytes"),
        ([entries(5, ""), b"caf\xe9\t2\n".to_vec()].concat(), 6, "UTF-8"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.tsv");
        fs::write(&path, &bytes).unwrap();
        let message = refused(Vocabulary::load(&path));
        assert!(message.contains(&format!("words.tsv, line {line}: ")), "{complaint}: {message}");
        assert!(message.contains(complaint), "{complaint}: {message}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(entries in 5usize..9, bytes: Vec<u8>, text in "[a-c\t\n0-2]{0,30}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.tsv");
        let header = format!("fireclay-vocabulary-1\t{entries}\n{RESERVED}");
        for rest in [bytes, text.into_bytes()] {
            fs::write(&path, [header.as_bytes(), &rest].concat()).unwrap();
            if let Ok(vocabulary) = Vocabulary::load(&path) {
                prop_assert_eq!(vocabulary.len(), entries);
            }
        }
    }

    #[test]
    fn what_is_built_is_saved_and_read_back(words in proptest::collection::vec("\\PC{1,8}", 1..30)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Ok(vocabulary) = build(&words, 20, 1) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("words.tsv");
            vocabulary.save(&path).unwrap();
            let read = Vocabulary::load(&path).unwrap();
            prop_assert_eq!(read.counts(), vocabulary.counts());
            prop_assert_eq!(&read, &vocabulary);
            let json = serde_json::to_string(&vocabulary).unwrap();
            prop_assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary);
        }
    }
}
