//! The program `cifar` from outside: what a user types, what comes back, and what happens when things go wrong.

#[path = "../shared/mod.rs"]
mod shared;

mod earlier_version;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fireclay::data::{Dataset, DrawnObjects};
use shared::data_record::{self, Features, Record};
use shared::{Run, accuracy, measures};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cifar");

#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> Run {
    shared::succeed(PROGRAM, folder, arguments)
}

#[track_caller]
fn fail(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Run {
    shared::fail(PROGRAM, folder, arguments, code, words)
}

/// 500 training and 100 test pictures.
fn objects() -> &'static (Dataset, Dataset) {
    static OBJECTS: OnceLock<(Dataset, Dataset)> = OnceLock::new();
    OBJECTS.get_or_init(|| DrawnObjects::new(7).train_and_test(500, 100))
}

/// A scratch folder, and in it `data` with the pictures in the form in which CIFAR-10 is published.
fn scratch() -> TempDir {
    let folder = TempDir::with_prefix("cifar-test-").unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (train, test) = objects();
    let records = |dataset: &Dataset, range: std::ops::Range<usize>| -> Vec<u8> {
        range
            .flat_map(|index| {
                let mut record = vec![dataset.label(index).unwrap() as u8];
                record.extend_from_slice(dataset.raw_u8(index).unwrap());
                record
            })
            .collect()
    };
    for part in 0..5 {
        let name = format!("data_batch_{}.bin", part + 1);
        std::fs::write(data.join(name), records(train, part * 100..(part + 1) * 100)).unwrap();
    }
    std::fs::write(data.join("test_batch.bin"), records(test, 0..100)).unwrap();
    std::fs::write(data.join("batches.meta.txt"), train.class_names().join("\n") + "\n").unwrap();
    folder
}

/// A picture of the test split as PNG.
fn write_png(path: &Path, dataset: &Dataset, index: usize) {
    let planes = dataset.raw_u8(index).unwrap();
    let pixels: Vec<u8> =
        (0..1024).flat_map(|at| [planes[at], planes[1024 + at], planes[2048 + at]]).collect();
    image::save_buffer(path, &pixels, 32, 32, image::ColorType::Rgb8).unwrap();
}

/// A folder with a sub-folder for each of the first three classes, 40 pictures in each.
fn own_pictures(folder: &Path) -> PathBuf {
    let own = folder.join("own");
    let (train, _) = objects();
    for (class, name) in ["one", "two", "three"].into_iter().enumerate() {
        std::fs::create_dir_all(own.join(name)).unwrap();
        let of_class = (0..train.len()).filter(|index| train.label(*index) == Some(class as u32));
        for (number, index) in of_class.take(40).enumerate() {
            write_png(&own.join(name).join(format!("{number:02}.png")), train, index);
        }
    }
    std::fs::write(own.join("one/notes.txt"), "not a picture").unwrap();
    own
}

#[test]
fn a_model_is_trained_measured_again_and_asked() {
    let folder = scratch();
    let train = succeed(folder.path(), &["train", "--epochs", "2", "--data-dir", "data"]);
    assert!(train.stdout.contains("500 training and 100 test images"), "{}", train.stdout);
    assert!(train.stdout.contains("recipe: adam 0.002, learning rate linear=0.05, batch 64, 2 epochs"));
    assert!(train.stdout.contains("saved cifar.fireclay"), "{}", train.stdout);
    let warning = "after 16 steps the model is not measurably better than always house; that is few: train for more epochs (--epochs N)\n";
    assert!(["", warning].contains(&&*train.stderr), "no bar and no notes in a pipe: {}", train.stderr);
    let evaluate = succeed(folder.path(), &["evaluate", "--data-dir", "data"]);
    let expected = measures(&train.stdout);
    assert!(expected.len() > 20, "{expected:?}");
    assert_eq!(measures(&evaluate.stdout), expected);

    let (_, test) = objects();
    write_png(&folder.path().join("picture.png"), test, 3);
    let predict = succeed(folder.path(), &["predict", "picture.png"]);
    let names = test.class_names();
    assert!(
        names.iter().any(|name| predict.stdout.contains(&format!("picture.png  {name} "))),
        "{predict:?}"
    );
    assert_eq!(predict.stderr, "", "a picture of the right size is taken as it is");
    fail(folder.path(), &["predict", "nowhere.png"], 1, &["nowhere.png"]);
}

#[test]
fn pictures_of_ones_own_are_learnt_with_their_own_classes() {
    let folder = scratch();
    own_pictures(folder.path());
    let train = succeed(folder.path(), &["train", "--images", "own", "--epochs", "1", "--json"]);
    assert!(train.stdout.contains(r#""training_samples":96,"test_samples":24"#), "{}", train.stdout);
    assert!(train.stderr.contains("skipped 1 files of other kinds, such as one/notes.txt"), "{train:?}");
    let again = succeed(folder.path(), &["evaluate", "--images", "own", "--json"]);
    let evaluation =
        |run: &Run| run.stdout.lines().find(|line| line.contains("evaluation")).map(String::from);
    assert!(evaluation(&train).is_some_and(|line| line.contains(r#""three""#)), "{}", train.stdout);
    let same = evaluation(&train).map(|line| line.replace("all, validation part", "all, unseen part"));
    assert_eq!(evaluation(&again), same, "the part that was set aside is measured again");
    fail(folder.path(), &["evaluate", "--data-dir", "data"], 1, &["classes", "3", "10"]);
    fail(folder.path(), &["evaluate"], 2, &["trained on data of your own, own", "say where"]);
}

#[test]
fn a_preparation_goes_on_with_its_checkpoint() {
    let folder = scratch();
    let train = ["train", "--data-dir", "data", "--epochs", "16", "--batch-size", "20", "-q"];
    let train = [&train[..], &["--augment", "flip,crop=4,mixup=0.2", "--standardize"]].concat();
    let mut child = shared::command(PROGRAM, folder.path())
        .args(&train)
        .args(["--out", "cifar.fireclay"])
        .spawn()
        .unwrap();
    let checkpoint = folder.path().join("cifar.fireclay.checkpoint");
    while !checkpoint.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the program ended without a checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let other = ["train", "--resume", "cifar.fireclay.checkpoint", "--augment", "flip"];
    fail(folder.path(), &other, 2, &["says how the data is prepared"]);
    // The data may have moved meanwhile; how it is prepared stays.
    std::fs::rename(folder.path().join("data"), folder.path().join("moved")).unwrap();
    let resume = ["train", "--resume", "cifar.fireclay.checkpoint", "--data-dir", "moved", "-q"];
    succeed(folder.path(), &resume);
    let resumed = std::fs::read(folder.path().join("cifar.fireclay")).unwrap();
    std::fs::rename(folder.path().join("moved"), folder.path().join("data")).unwrap();
    succeed(folder.path(), &[&train[..], &["--out", "whole.fireclay"]].concat());
    assert!(resumed == std::fs::read(folder.path().join("whole.fireclay")).unwrap(), "the bytes differ");
}

#[test]
fn arrays_of_numpys_are_learnt() {
    let folder = scratch();
    let npz = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/datasets/fixtures/own_files/keras.npz");
    let train = succeed(folder.path(), &["train", "--npz", npz, "--model", "softmax", "--epochs", "1"]);
    assert!(train.stdout.contains("keras.npz: "), "{}", train.stdout);
    let again = succeed(folder.path(), &["evaluate", "--npz", npz]);
    assert_eq!(measures(&again.stdout), measures(&train.stdout));
}

#[test]
fn data_is_described_and_drawn() {
    let folder = scratch();
    let run = succeed(folder.path(), &["data", "--data-dir", "data"]);
    assert!(run.stdout.contains("sheet of pictures: cifar-data.png"), "{}", run.stdout);
    for name in objects().0.class_names() {
        assert!(run.stdout.contains(name.as_str()), "{name} in {}", run.stdout);
    }
    let sheet = image::open(folder.path().join("cifar-data.png")).unwrap();
    assert!(sheet.width() > 12 * 64 && sheet.height() > 10 * 64, "{} x {}", sheet.width(), sheet.height());

    let run = succeed(folder.path(), &["data", "--data-dir", "data", "--json", "--sheet", "other.png"]);
    let Record::Data { train, test, sheet, .. } = data_record::read(&run.stdout);
    assert_eq!((train.samples, test.samples, sheet.as_deref()), (500, 100, Some("other.png")));
    let Features::Bytes { shape, channels } = train.features else { panic!("images") };
    assert_eq!((shape.as_slice(), channels.len()), (&[3, 32, 32][..], 3));
    fail(
        folder.path(),
        &["data", "--synthetic", "--limit", "100", "--sheet", "nowhere/sheet.png"],
        2,
        &["nowhere/sheet.png"],
    );
}

#[test]
fn without_files_and_network_synthetic_objects_are_used() {
    let folder = TempDir::with_prefix("cifar-test-").unwrap();
    let run = succeed(folder.path(), &["train", "--model", "softmax", "--epochs", "1", "--limit", "500"]);
    assert!(run.stderr.contains("CIFAR-10 is not on this machine and there is no network"), "{}", run.stderr);
    assert!(run.stderr.contains("Going on with drawn objects"), "{}", run.stderr);
    assert!(run.stdout.contains("drawn objects: 500 training and 500 test images"), "{}", run.stdout);
}

#[test]
fn every_model_learns_from_drawn_objects_in_one_epoch() {
    let folder = TempDir::with_prefix("cifar-test-").unwrap();
    // The slower ones see as many samples as they learn from in seconds, in steps small enough to be many.
    let sizes: [(&str, &[&str], f64); 4] = [
        ("cnn", &[], 60.0),
        ("resnet", &["--limit", "1500", "--batch-size", "25"], 45.0),
        ("fast94", &["--limit", "1000", "--batch-size", "100"], 40.0),
        ("softmax", &[], 20.0),
    ];
    for (model, sizes, least) in sizes {
        let train = ["train", "--model", model, "--synthetic", "--epochs", "1"];
        let run = succeed(folder.path(), &[&train[..], sizes].concat());
        assert!(run.stdout.contains("recipe: "), "{}", run.stdout);
        assert!(accuracy(&run) > least, "{model}: {}", run.stdout);
    }
}

#[test]
fn every_command_is_documented() {
    let folder = scratch();
    let expected = [
        "train", "launch", "federate", "evaluate", "summary", "runs", "find-lr", "compress", "audit",
        "predict", "data",
    ];
    let readme = include_str!("../../apps/cifar/README.md");
    shared::commands::are_documented(PROGRAM, folder.path(), readme, &expected);
}
