//! What version 0.1 wrote is read, measured and gone on with as then.

use crate::shared::earlier_version::EarlierVersion;

const REVIEWS: [&str; 6] = ["--csv", "reviews.csv", "--test-csv", "reviews-test.csv", "--header", "yes"];
const TEXTS: [&str; 2] = ["the film was moving and great", "a dull story of an actor"];

fn then() -> EarlierVersion {
    EarlierVersion::new(env!("CARGO_BIN_EXE_imdb"))
}

#[test]
fn a_classifier_gives_the_numbers_that_it_gave() {
    let then = then();
    for name in ["recurrent", "attention", "pooled", "ngram"] {
        let model = format!("models/{name}.fireclay");
        then.prints_as_then(name, &[&["evaluate", &model], &REVIEWS[..]].concat());
        then.prints_as_then(name, &[&["predict", "--from", &model], &TEXTS[..]].concat());
    }
}

#[test]
fn a_language_model_gives_the_numbers_and_words_that_it_gave() {
    let then = then();
    for name in ["language", "language-lstm"] {
        let model = format!("models/{name}.fireclay");
        then.prints_as_then(name, &[&["evaluate", &model], &REVIEWS[..]].concat());
        let words = ["--prompt", "the film", "--length", "12", "--seed", "5"];
        then.prints_as_then(name, &[&["generate", "--from", &model], &words[..]].concat());
    }
}

#[test]
fn a_description_is_trained_to_the_same_weights() {
    let then = then();
    let train = |name: &str, spec: &[&str], settings: &[&str]| {
        then.trains_as_then(name, &[spec, settings, &["--epochs", "2"], &REVIEWS].concat());
    };
    let settings = ["--max-words", "24", "--length", "16", "--batch-size", "16", "--learning-rate", "0.02"];
    train("recurrent", &["--spec", "specs/recurrent.toml"], &settings);
    train("attention", &["--spec", "specs/attention.toml"], &settings);
    train("pooled", &["--spec", "specs/pooled.toml"], &settings);
    train("ngram", &["--model", "ngram"], &["--length", "64", "--batch-size", "16"]);
    let settings = ["--max-words", "24", "--length", "8", "--batch-size", "8", "--learning-rate", "0.02"];
    train("language", &["--spec", "specs/language.toml"], &settings);
    train("language-lstm", &["--spec", "specs/language-lstm.toml"], &settings);
}

#[test]
fn checkpoints_go_on_to_the_same_weights() {
    for name in ["recurrent-rmsprop", "language-adamw"] {
        then().resumes_as_then(name);
    }
}
