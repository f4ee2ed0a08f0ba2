//! What version 0.1 wrote is read, measured and gone on with as then.

use crate::support::shared::earlier_version::EarlierVersion;

const DIGITS: [&str; 2] = ["--npz", "digits.npz"];

fn then() -> EarlierVersion {
    EarlierVersion::new(env!("CARGO_BIN_EXE_mnist"))
}

#[test]
fn a_model_gives_the_numbers_that_it_gave() {
    let then = then();
    then.prints_as_then("digits", &[&["evaluate", "models/digits.fireclay"], &DIGITS[..]].concat());
    let pictures = ["pictures/down/0.png", "pictures/across/1.png"];
    then.prints_as_then(
        "digits",
        &[&["predict", "--from", "models/digits.fireclay"], &pictures[..]].concat(),
    );
    then.prints_as_then("drawn", &["evaluate", "models/drawn.fireclay", "--drawn"]);
}

#[test]
fn a_description_is_trained_to_the_same_weights() {
    let then = then();
    let settings = ["--spec", "specs/digits.toml", "--epochs", "3", "--batch-size", "16"];
    // It has tanh and the logistic function.
    then.trains_nearly_as_then("digits", &[&settings[..], &DIGITS].concat());
    then.trains_as_then("drawn", &["--spec", "specs/drawn.toml", "--drawn", "--epochs", "1"]);
}

#[test]
fn checkpoints_go_on_to_the_same_weights() {
    for name in ["early-stopping", "muon"] {
        then().resumes_as_then(name);
    }
}
