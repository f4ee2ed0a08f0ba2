//! What a model is for is kept in its file, and no name of a folder or file stands for it.

use std::path::Path;

use fireclay::data::{Dataset, DrawnDigits};

use crate::support::{fail, scratch, succeed};

fn digits() -> (Dataset, Dataset) {
    DrawnDigits::new(5).train_and_test(1_500, 60)
}

/// A digit as somebody photographs it: dark on light, larger, off the centre.
fn photograph(digits: &Dataset, index: usize, path: &Path) {
    let pixels = digits.raw_u8(index).unwrap();
    let picture = image::GrayImage::from_fn(120, 100, |x, y| {
        let [row, column] = [(i64::from(y) - 5) / 3, (i64::from(x) - 30) / 3];
        let inside = (0..28).contains(&row) && (0..28).contains(&column);
        image::Luma([if inside { 255 - pixels[(row * 28 + column) as usize] } else { 250 }])
    });
    picture.save(path).unwrap();
}

#[test]
fn digits_of_numpy_are_read_from_pictures_as_those_of_other_files() {
    let folder = scratch();
    let (train, test) = digits();
    crate::numpy::write_npz(&folder.path().join("own.npz"), &train, &test);
    succeed(folder.path(), &["train", "--npz", "own.npz", "--model", "cnn-small", "--epochs", "4", "-q"]);
    let names: Vec<String> = (0..20).map(|index| format!("{index}.png")).collect();
    (0..20).for_each(|index| photograph(&test, index, &folder.path().join(&names[index])));
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let answers = succeed(folder.path(), &[&["predict", "--json"], &files[..]].concat()).stdout;
    let right = answers
        .lines()
        .enumerate()
        .filter(|(index, line)| line.contains(&format!("\"class\":\"{}\"", test.label(*index).unwrap())));
    assert!(right.count() >= 16, "{answers}");
}

/// 40 pictures of two classes, light and dark in one half each, in a folder for each class.
fn pictures(folder: &Path, numbers: std::ops::Range<u32>) {
    for number in numbers {
        for (class, left) in [("left", true), ("right", false)] {
            let noise = |x: u32, y: u32| ((x * 7 + y * 13 + number * 29) % 40) as u8;
            let picture = image::GrayImage::from_fn(40, 40, |x, y| {
                image::Luma([if (x < 20) == left { 200 + noise(x, y) } else { 20 + noise(x, y) }])
            });
            let place = folder.join(class);
            std::fs::create_dir_all(&place).unwrap();
            picture.save(place.join(format!("{number}.png"))).unwrap();
        }
    }
}

#[test]
fn a_folder_that_is_called_as_a_published_set_stays_ones_own() {
    let folder = scratch();
    pictures(&folder.path().join("MNIST"), 0..20);
    succeed(folder.path(), &["train", "--images", "MNIST", "--model", "mlp", "--epochs", "20", "-q"]);
    let files = ["MNIST/left/3.png", "MNIST/right/3.png"];
    let answers = succeed(folder.path(), &[&["predict"], &files[..]].concat());
    let lines: Vec<&str> = answers.stdout.lines().collect();
    assert!(lines[0].contains("3.png  left") && lines[1].contains("3.png  right"), "{lines:?}");
    assert!(!answers.stderr.contains("inverted"), "they are read as they were for training: {answers:?}");
    fail(folder.path(), &["evaluate"], 2, &["data of your own, MNIST"]);
}

#[test]
fn a_model_is_measured_on_what_it_has_not_seen() {
    let folder = scratch();
    pictures(&folder.path().join("pics"), 0..20);
    let trained = succeed(folder.path(), &["train", "--images", "pics", "--model", "mlp", "--epochs", "3"]);
    assert!(trained.stdout.contains("32 training and 8 test images"), "{trained:?}");
    let again = succeed(folder.path(), &["evaluate", "--images", "pics"]);
    assert!(again.stderr.contains("32 of these 40 samples were trained on"), "{again:?}");
    assert_eq!(crate::support::measures(&again.stdout)[..2], crate::support::measures(&trained.stdout)[..2]);
    // More pictures are all measured, and those of the training never.
    pictures(&folder.path().join("pics"), 20..25);
    let more = succeed(folder.path(), &["evaluate", "--images", "pics"]);
    assert!(more.stderr.contains("32 of these 50 samples were trained on"), "{more:?}");
    assert!(more.stdout.contains("18 images"), "{}", more.stdout);
    pictures(&folder.path().join("new"), 30..36);
    let new = succeed(folder.path(), &["evaluate", "--images", "new"]);
    assert!(new.stdout.contains("12 images") && !new.stderr.contains("were trained on"), "{new:?}");
    // One class alone can be measured, and one that the model does not know cannot.
    std::fs::remove_dir_all(folder.path().join("new/right")).unwrap();
    let left = succeed(folder.path(), &["evaluate", "--images", "new"]);
    assert!(left.stdout.contains("6 images") && left.stdout.contains("no samples: right"), "{left:?}");
    std::fs::rename(folder.path().join("new/left"), folder.path().join("new/up")).unwrap();
    fail(
        folder.path(),
        &["evaluate", "--images", "new"],
        1,
        &["the class \"up\" is not in the training part"],
    );
}
