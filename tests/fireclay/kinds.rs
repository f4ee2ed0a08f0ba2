//! Data that is not a table of numbers: what it is is found out, and said.

use std::path::Path;

use fireclay::data::{Dataset, DrawnDigits, DrawnObjects};

use crate::shared::{self, accuracy};
use crate::{PROGRAM, fail, numpy, scratch, succeed};

/// Writes images as pictures, in a folder for each class.
pub fn write_pictures(folder: &Path, images: &Dataset) {
    let &[channels, height, width] = images.shape() else { panic!("images have three dimensions") };
    for index in 0..images.len() {
        let class = &images.class_names()[images.label(index).unwrap() as usize];
        let class = folder.join(class);
        std::fs::create_dir_all(&class).unwrap();
        let pixels = images.raw_u8(index).unwrap();
        let of = |x: u32, y: u32, channel: usize| {
            pixels[channel * height * width + y as usize * width + x as usize]
        };
        let path = class.join(format!("{index}.png"));
        let (width, height) = (width as u32, height as u32);
        match channels {
            1 => image::GrayImage::from_fn(width, height, |x, y| image::Luma([of(x, y, 0)])).save(path),
            _ => {
                let rgb = |x, y| image::Rgb([0, 1, 2].map(|channel| of(x, y, channel)));
                image::RgbImage::from_fn(width, height, rgb).save(path)
            }
        }
        .unwrap();
    }
}

const PRAISE: [&str; 6] = ["a joy", "wonderful acting", "loved it", "moving and warm", "a gem", "great fun"];
const BLAME: [&str; 6] = ["a bore", "wooden acting", "hated it", "dull and cold", "a mess", "no fun"];

/// A text, and whether it praises.
fn text(index: usize) -> (String, &'static str) {
    let (words, class) = if index.is_multiple_of(2) { (PRAISE, "pos") } else { (BLAME, "neg") };
    let [one, other] = [words[index / 2 % 6], words[index / 12 % 6]];
    (format!("We saw it on day {index} of the week, and it was {one}, {other} all the way"), class)
}

pub fn write_texts(folder: &Path, indices: std::ops::Range<usize>) {
    for index in indices {
        let (text, class) = text(index);
        std::fs::create_dir_all(folder.join(class)).unwrap();
        std::fs::write(folder.join(class).join(format!("{index}.txt")), text).unwrap();
    }
}

#[test]
fn colour_pictures_in_folders_are_learnt_and_asked_about() {
    let folder = scratch();
    let (train, test) = DrawnObjects::new(0).train_and_test(600, 100);
    write_pictures(&folder.path().join("pets/train"), &train);
    write_pictures(&folder.path().join("pets/test"), &test);
    let trained = succeed(folder.path(), &["train", "pets", "--epochs", "8"]);
    for said in [
        "pets: a folder of pictures, since its sub-folders hold 700 pictures (PNG, JPEG)",
        "read as 3 x 32 x 32 (channels, height, width), since they are in colour and all of them are of that size",
        "model: cnn, since the images are in colour",
    ] {
        assert!(trained.stderr.contains(said), "no {said:?} in {}", trained.stderr);
    }
    assert!(trained.stdout.contains("a linear model") && trained.stdout.contains("95 % interval"));
    assert!(accuracy(&trained) > 20.0, "a tenth is chance: {}", trained.stdout);
    let evaluated = succeed(folder.path(), &["evaluate", "model.fireclay", "pets"]);
    assert_eq!(accuracy(&evaluated), accuracy(&trained));

    succeed(folder.path(), &["predict", "pets/test", "--out", "answers.csv"]);
    let answers = std::fs::read_to_string(folder.path().join("answers.csv")).unwrap();
    let mut lines = answers.lines();
    let header = lines.next().unwrap();
    assert!(header.starts_with("file,predicted class,probability of "), "{header}");
    let right = lines.filter(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[0].split('/').nth(2) == Some(cells[1])
    });
    assert_eq!(right.count() as f64, accuracy(&trained).round(), "100 pictures");

    std::fs::write(folder.path().join("broken.png"), "no picture").unwrap();
    let run = fail(folder.path(), &["predict", "broken.png", "pets/test"], 1, &["broken.png"]);
    assert_eq!(run.stdout.lines().count(), 100, "the others are answered");
}

#[test]
fn a_test_folder_of_its_own_and_another_size() {
    let folder = scratch();
    let (train, test) = DrawnDigits::new(0).train_and_test(200, 40);
    write_pictures(&folder.path().join("known"), &train);
    write_pictures(&folder.path().join("new"), &test);
    let flags = ["train", "known", "--test", "new", "--size", "20", "--epochs", "1", "--model", "cnn-small"];
    let trained = succeed(folder.path(), &flags);
    assert!(trained.stderr.contains(
        "read as 1 x 20 x 20 (channels, height, width), since none of them is in colour and you say so"
    ));
    assert!(trained.stdout.contains("test split, 40 images"), "{}", trained.stdout);
    fail(
        folder.path(),
        &["train", "known", "--target", "x"],
        2,
        &["--target is for tables", "a folder of pictures"],
    );
    fail(folder.path(), &["train", "known", "--model", "lstm"], 2, &["mlp, cnn, cnn-small"]);
    fail(folder.path(), &["train", "known", "--max-words", "9"], 2, &["--max-words"]);
    fail(folder.path(), &["predict", "--text", "x"], 2, &["does not read texts"]);
}

#[test]
fn arrays_of_numpy_and_idx_files_train_the_same_model() {
    let folder = scratch();
    let (train, test) = DrawnDigits::new(0).train_and_test(300, 60);
    numpy::write_npz(&folder.path().join("digits.npz"), &train, &test);
    std::fs::create_dir(folder.path().join("idx")).unwrap();
    for (part, data) in [("train", &train), ("t10k", &test)] {
        let count = (data.len() as u32).to_be_bytes();
        let side = 28u32.to_be_bytes();
        let pixels: Vec<u8> =
            (0..data.len()).flat_map(|index| data.raw_u8(index).unwrap().to_vec()).collect();
        let labels: Vec<u8> = (0..data.len()).map(|index| data.label(index).unwrap() as u8).collect();
        let images = [&[0, 0, 8, 3][..], &count, &side, &side, &pixels].concat();
        let labels = [&[0, 0, 8, 1][..], &count, &labels].concat();
        std::fs::write(folder.path().join(format!("idx/{part}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(folder.path().join(format!("idx/{part}-labels-idx1-ubyte")), labels).unwrap();
    }
    numpy::write_shards(&folder.path().join("whole"), &train, 300, &test);
    let digits = ["digits.npz", "idx", "whole"].map(|data| {
        let trained = succeed(folder.path(), &["train", data, "--epochs", "2"]);
        assert!(trained.stderr.contains("model: cnn, since the images are grey"), "{}", trained.stderr);
        trained
            .stdout
            .lines()
            .skip_while(|line| !line.starts_with("loss"))
            .take(2)
            .map(String::from)
            .collect::<Vec<_>>()
    });
    assert!(digits[1] == digits[0] && digits[2] == digits[0], "{digits:?}");
    let one_file =
        succeed(folder.path(), &["train", "idx/train-images-idx3-ubyte", "--epochs", "1", "--limit", "50"]);
    assert!(one_file.stderr.contains("is an IDX file, as MNIST's are"), "{}", one_file.stderr);
}

#[test]
fn arrays_in_many_files_are_read_shard_by_shard() {
    let folder = scratch();
    let (train, test) = DrawnDigits::new(0).train_and_test(600, 100);
    numpy::write_shards(&folder.path().join("digits"), &train, 100, &test);
    let settings = ["--model", "cnn-small", "--epochs", "8", "--threads", "1"];
    let trained = succeed(folder.path(), &[&["train", "digits"], &settings[..]].concat());
    for said in [
        "digits: NumPy's arrays, since it holds 6 files of NumPy's arrays x_train*.npy",
        "grey images, since x_train has the shape 600 x 28 x 28",
    ] {
        assert!(trained.stderr.contains(said), "no {said:?} in {}", trained.stderr);
    }
    assert!(accuracy(&trained) > 80.0, "{}", trained.stdout);
    let measured = succeed(folder.path(), &["evaluate", "model.fireclay", "digits"]);
    assert_eq!(accuracy(&measured), accuracy(&trained));
    std::fs::remove_file(folder.path().join("digits/y_train-00003.npy")).unwrap();
    fail(folder.path(), &["train", "digits"], 1, &["x_train-00003.npy", "no y_train-00003.npy beside it"]);
}

#[test]
fn texts_in_folders_and_in_tables_are_learnt_and_asked_about() {
    let folder = scratch();
    write_texts(&folder.path().join("notes"), 0..400);
    let trained = succeed(folder.path(), &["train", "notes"]);
    for said in ["notes: texts, since its sub-folders hold 400 texts (.txt)", "model: ngram, since"] {
        assert!(trained.stderr.contains(said), "no {said:?} in {}", trained.stderr);
    }
    assert!(accuracy(&trained) > 95.0, "{}", trained.stdout);
    let asked = ["predict", "--text", "It was a gem, moving and warm", "--text", "It was a mess, no fun"];
    let answers = succeed(folder.path(), &asked).stdout;
    let answers: Vec<&str> = answers.lines().collect();
    assert!(answers[0].contains("  pos ") && answers[1].contains("  neg "), "{answers:?}");

    let rows: String = (0..400).map(text).map(|(text, class)| format!("{class},\"{text}\"\n")).collect();
    std::fs::write(folder.path().join("notes.csv"), format!("label,note\n{rows}")).unwrap();
    let trained = succeed(folder.path(), &["train", "notes.csv", "--out", "table.fireclay"]);
    let said = "texts: column \"note\", since it is the only one to learn \"label\" from and holds sentences";
    assert!(trained.stderr.contains(said), "{}", trained.stderr);
    assert!(accuracy(&trained) > 95.0, "{}", trained.stdout);
    let flags =
        ["predict", "notes.csv", "--from", "table.fireclay", "--text-column", "note", "--out", "out.csv"];
    succeed(folder.path(), &flags);
    let table = std::fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert!(
        table.starts_with("label,note,predicted class,probability of neg,probability of pos\n"),
        "{table}"
    );
    fail(folder.path(), &["predict", "notes.csv", "--from", "table.fireclay"], 2, &["--text-column"]);
}

#[test]
fn a_validation_part_in_the_folder_is_measured_on() {
    let folder = scratch();
    let notes = folder.path().join("notes");
    write_texts(&notes.join("train"), 0..200);
    write_texts(&notes.join("Val"), 200..260);
    write_texts(&notes.join("test"), 260..300);
    let trained = succeed(folder.path(), &["train", "notes", "--epochs", "2", "--keep-best"]);
    let page = std::fs::read_to_string(folder.path().join("runs/ngram-1/report.html")).unwrap();
    assert!(page.contains("the test samples are a part of their own; so are the validation samples"));
    assert!(trained.stderr.contains("Val: validation samples"), "{}", trained.stderr);
    assert!(trained.stdout.contains("measured on validation samples of their own"), "{}", trained.stdout);
    assert!(trained.stdout.contains("val_loss"), "{}", trained.stdout);
    // A search takes its own from the training part.
    let search = ["tune", "notes", "--print-space"];
    succeed(folder.path(), &search);
}

#[test]
fn models_of_the_other_programs_are_read() {
    let folder = scratch();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/v0.1/models");
    let mut answered = 0;
    for file in std::fs::read_dir(models).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_none_or(|ending| ending != "fireclay") {
            continue;
        }
        let model = file.to_str().unwrap();
        succeed(folder.path(), &["summary", "--from", model]);
        let picture = folder.path().join("7.png");
        image::GrayImage::from_pixel(28, 28, image::Luma([200])).save(&picture).unwrap();
        let asked = ["predict", "7.png", "--from", model];
        answered += usize::from(shared::run(PROGRAM, folder.path(), &asked).code == Some(0));
    }
    // Those of grey and of colour pictures, and drawn.
    assert!(answered >= 3, "{answered} models of pictures answered");
}

#[test]
fn what_is_no_data_is_refused_with_what_it_is() {
    let folder = scratch();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("table.csv", b"a,b\n1,2\n");
    fail(folder.path(), &["inspect", "table.csv"], 2, &["table.csv is a table and no model file"]);
    fail(folder.path(), &["evaluate", "table.csv", "model.pkl"], 2, &["the model comes first"]);
    fail(
        folder.path(),
        &["train", "flats.csv", "--out", "flats.csv"],
        2,
        &["it is there already and is no model file"],
    );
    write("model.pkl", b"\x80\x04\x95abc");
    fail(folder.path(), &["train", "model.pkl"], 1, &["a pickle of Python", "CSV"]);
    write("sheet.xlsx", b"PK\x03\x04............xl/workbook.xml");
    fail(folder.path(), &["train", "sheet.xlsx"], 1, &["a spreadsheet; save it as CSV"]);
    std::fs::create_dir(folder.path().join("nothing")).unwrap();
    fail(folder.path(), &["train", "nothing"], 1, &["the folder is empty"]);
    std::fs::create_dir(folder.path().join("loose")).unwrap();
    write("loose/1.png", b"");
    fail(folder.path(), &["train", "loose"], 1, &["a sub-folder for each class"]);
}

/// Owners have not all classes: pictures are counted among those of the model file, texts must have all of them.
#[test]
fn clients_train_on_pictures_of_some_classes() {
    let folder = scratch();
    let (images, _) = DrawnDigits::new(3).train_and_test(60, 10);
    write_pictures(&folder.path().join("digits"), &images);
    let init = ["federate", "init", "digits", "--model", "mlp", "--out", "begin.fireclay"];
    succeed(folder.path(), &init);
    std::fs::create_dir(folder.path().join("own")).unwrap();
    for class in ["3", "7"] {
        std::fs::rename(folder.path().join("digits").join(class), folder.path().join("own").join(class))
            .unwrap();
    }
    let run = succeed(
        folder.path(),
        &["federate", "round", "begin.fireclay", "own", "--out", "own.safetensors", "--json"],
    );
    assert!(run.stdout.contains("\"samples\":12"), "{}", run.stdout);

    write_texts(&folder.path().join("reviews"), 0..60);
    succeed(folder.path(), &["federate", "init", "reviews", "--out", "texts.fireclay"]);
    write_texts(&folder.path().join("mine"), 0..60);
    std::fs::rename(folder.path().join("mine/neg"), folder.path().join("mine/bad")).unwrap();
    fail(
        folder.path(),
        &["federate", "round", "texts.fireclay", "mine", "--out", "mine.safetensors"],
        1,
        &["tells these classes apart: neg, pos", "have: bad, pos", "name their folders or values alike"],
    );
}
