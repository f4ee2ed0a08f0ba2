//! Written reviews: what stays the same, what must differ, that they are written well, and that order matters.

use std::collections::{HashMap, HashSet};

use fireclay_data::Targets;
use fireclay_datasets::WrittenReviews;
use fireclay_text::Texts;

fn labels(texts: &Texts) -> &[u32] {
    match texts.targets() {
        Targets::Classes { labels, names } => {
            assert_eq!(names[..], ["neg", "pos"]);
            labels
        }
        _ => panic!("reviews have classes"),
    }
}

#[test]
fn a_seed_gives_the_same_words_for_ever() {
    let (train, test) = WrittenReviews::new(0).train_and_test(200, 50);
    assert_eq!(
        train.provenance().sha256.as_deref(),
        Some("a35244120725d12e0660a9024201befd35d6bee47fb8f91ef26aea917b9fa66b")
    );
    assert_eq!(
        test.provenance().sha256.as_deref(),
        Some("856bb4455ee6363e36a4a9e364cae272334db8c5ab478c11b4ca2bd4456b1002")
    );
    assert_eq!(train.provenance().name, "written reviews");
    assert_eq!(train.provenance().source, "written by Fireclay, seed 0");
    assert_eq!(train.provenance().samples, 200);
}

#[test]
fn the_number_of_threads_and_of_reviews_changes_nothing() {
    let (many, _) = WrittenReviews::new(3).train_and_test(500, 0);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (few, none) = single.install(|| WrittenReviews::new(3).train_and_test(101, 0));
    assert_eq!(many.texts()[..101], few.texts()[..]);
    assert_eq!(labels(&many)[..101], labels(&few)[..]);
    assert!(none.is_empty());
}

#[test]
fn no_two_are_alike() {
    let (train, test) = WrittenReviews::new(1).train_and_test(3_000, 500);
    let (other, _) = WrittenReviews::new(2).train_and_test(500, 0);
    let all: HashSet<&String> = [&train, &test, &other].into_iter().flat_map(Texts::texts).collect();
    assert_eq!(all.len(), 4_000);
}

#[test]
fn half_of_them_recommend_the_film() {
    let (train, test) = WrittenReviews::new(5).train_and_test(1_000, 31);
    assert_eq!(labels(&train).iter().sum::<u32>(), 500);
    assert!((15..=16).contains(&labels(&test).iter().sum::<u32>()));
    assert_ne!(labels(&train)[..30], labels(&test)[..30]);
}

#[test]
fn they_are_written_well() {
    let (train, _) = WrittenReviews::new(6).train_and_test(2_000, 0);
    let mut vocabulary = HashSet::new();
    for text in train.texts() {
        let sentences: Vec<&str> = text.split(". ").collect();
        assert!((2..=8).contains(&sentences.len()), "{text}");
        assert!(sentences.iter().all(|s| s.starts_with(|c: char| c.is_ascii_uppercase())), "{text}");
        assert!(text.ends_with('.') && !text.ends_with(".."), "{text}");
        assert!(!text.contains("  ") && !text.contains(" ,") && !text.contains(",,"), "{text}");
        let plain = |c: char| c.is_ascii_alphabetic() || " ,.'-".contains(c);
        assert!(text.chars().all(plain), "{text}");
        for sentence in sentences {
            let words = words(sentence);
            for pair in words.windows(2) {
                let vowel = pair[1].starts_with(['a', 'e', 'i', 'o']);
                assert!(!(pair[0] == "a" && vowel), "{pair:?} in {text}");
                assert!(pair[0] != pair[1], "{pair:?} in {text}");
            }
            vocabulary.extend(words);
        }
    }
    assert!((500..2_000).contains(&vocabulary.len()), "{} words", vocabulary.len());
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_ascii_alphabetic() && c != '-');
    parts.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
}

/// How many of 100 reviews naive Bayes tells right by their runs of up to `longest` words.
fn naive_bayes(longest: usize) -> f64 {
    let (train, test) = WrittenReviews::new(4).train_and_test(2_500, 500);
    let runs = |text: &str| -> HashSet<String> {
        let words = words(text);
        (1..=longest).flat_map(|n| words.windows(n).map(|run| run.join(" ")).collect::<Vec<_>>()).collect()
    };
    let mut counts: HashMap<String, [f64; 2]> = HashMap::new();
    for (text, label) in train.texts().iter().zip(labels(&train)) {
        for run in runs(text) {
            counts.entry(run).or_insert([1.0; 2])[*label as usize] += 1.0;
        }
    }
    let right = (test.texts().iter().zip(labels(&test)))
        .filter(|(text, label)| {
            let known = runs(text);
            let evidence: f64 =
                known.iter().filter_map(|run| counts.get(run)).map(|[neg, pos]| (pos / neg).ln()).sum();
            (evidence > 0.0) == (**label == 1)
        })
        .count();
    right as f64 / 5.0
}

/// Single words tell much, but "not good" tells more than "not" and "good".
#[test]
fn order_matters() {
    let (one, three) = (naive_bayes(1), naive_bayes(3));
    assert!((70.0..88.0).contains(&one), "{one} % by words alone");
    assert!(three > one + 5.0, "{three} % by runs of words, {one} % by words alone");
}
