//! What version 0.1 wrote is read, measured and gone on with as then.

use std::fs::{File, read_dir};
use std::time::{Duration, SystemTime};

use crate::shared::earlier_version::EarlierVersion;

const COLOURS: [&str; 2] = ["--npz", "colours.npz"];

fn then() -> EarlierVersion {
    EarlierVersion::new(env!("CARGO_BIN_EXE_cifar"))
}

#[test]
fn a_model_gives_the_numbers_that_it_gave() {
    let then = then();
    then.prints_as_then("colours", &[&["evaluate", "models/colours.fireclay"], &COLOURS[..]].concat());
    let pictures = ["pictures/down/0.png", "pictures/across/1.png"];
    then.prints_as_then(
        "colours",
        &[&["predict", "--from", "models/colours.fireclay"], &pictures[..]].concat(),
    );
}

#[test]
fn a_description_is_trained_to_the_same_weights() {
    let settings = ["--spec", "specs/colours.toml", "--standardize", "--epochs", "4", "--batch-size", "16"];
    then().trains_as_then("colours", &[&settings[..], &COLOURS].concat());
}

#[test]
fn a_checkpoint_goes_on_to_the_same_weights() {
    then().resumes_as_then("augmented");
}

#[test]
fn decoded_pictures_are_taken_from_the_cache() {
    let then = then();
    let cache = then.path("cache/fireclay/image-folders");
    std::fs::create_dir_all(&cache).unwrap();
    let kept = read_dir(then.path(".")).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "cache")).unwrap();
    std::fs::copy(&kept, cache.join(kept.file_name().unwrap())).unwrap();
    // The pictures themselves can no longer be read, but have their names, sizes and times.
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    for class in ["across", "down"] {
        for entry in read_dir(then.path("pictures").join(class)).unwrap() {
            let path = entry.unwrap().path();
            let length = std::fs::metadata(&path).unwrap().len() as usize;
            std::fs::write(&path, vec![0; length]).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        }
    }
    then.run(&["train", "--spec", "specs/pictures.toml", "--images", "pictures", "--epochs", "1"]);
}
