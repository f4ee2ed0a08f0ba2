//! Folders of images: what is read, converted, kept and refused.

use std::fs;
use std::path::{Path, PathBuf};

use fireclay_datasets::{
    BrokenImages, ImageCache, ImageChannels, ImageFolder, ImageFolderOptions, ImageSize, Resize,
};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use tempfile::TempDir;

fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn grey(level: u8) -> Vec<u8> {
    png(GrayImage::from_pixel(3, 2, Luma([level])))
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/own_files").join(name)).unwrap()
}

/// Two classes of grey images of 2 x 3.
fn two_classes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "b/2.png", grey(20));
    put(folder.path(), "b/1.png", grey(10));
    put(folder.path(), "a/deep/er/1.PNG", grey(30));
    folder
}

fn load(folder: &Path, options: &ImageFolderOptions) -> ImageFolder {
    ImageFolder::load(folder, options).unwrap()
}

fn refusal(folder: &Path, options: &ImageFolderOptions) -> String {
    ImageFolder::load(folder, options).unwrap_err().to_string()
}

#[test]
fn classes_and_files_are_in_order() {
    let folder = two_classes();
    let images = load(folder.path(), &ImageFolderOptions::default());
    assert_eq!(images.dataset.class_names(), ["a", "b"]);
    assert_eq!(images.dataset.shape(), [1, 2, 3]);
    let levels: Vec<u8> = (0..3).map(|index| images.dataset.raw_u8(index).unwrap()[0]).collect();
    assert_eq!(levels, [30, 10, 20]);
    assert_eq!((images.notes.len(), images.cache), (0, ImageCache::Off));
    let bytes: Vec<u8> = [[30; 6], [10; 6], [20; 6]].concat().into_iter().chain([0, 1, 1]).collect();
    assert_eq!(images.dataset.provenance().sha256.as_deref(), Some(crate::support::sha256(&bytes).as_str()));
}

#[test]
fn what_is_no_image_is_passed_over_and_counted() {
    let folder = two_classes();
    put(folder.path(), ".DS_Store", "x");
    put(folder.path(), "a/._1.png", "x");
    put(folder.path(), "__MACOSX/a/1.png", "x");
    put(folder.path(), "readme.txt", "x");
    put(folder.path(), "b/notes.csv", "x");
    let skipped = load(folder.path(), &ImageFolderOptions::default()).skipped;
    assert_eq!((skipped.hidden, skipped.other), (3, 2));
    assert_eq!(skipped.examples, ["readme.txt", "b/notes.csv"]);
}

#[test]
fn conversions_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let of = |picture: DynamicImage| png(picture);
    let red = RgbImage::from_pixel(3, 2, Rgb([200, 0, 0]));
    put(folder.path(), "a/0.png", of(red.clone().into()));
    put(folder.path(), "a/1.png", grey(7));
    put(folder.path(), "a/2.png", of(DynamicImage::from(red.clone()).to_rgb16().into()));
    put(folder.path(), "a/3.png", of(image::RgbaImage::from_pixel(3, 2, image::Rgba([1, 2, 3, 0])).into()));
    put(folder.path(), "a/4.jpg", fixture("cmyk.jpg"));
    put(folder.path(), "a/5.jpg", fixture("turned.jpg"));
    let images = load(folder.path(), &ImageFolderOptions::default());
    assert_eq!(images.dataset.shape(), [3, 2, 3]);
    let notes: Vec<(&str, usize)> =
        images.notes.iter().map(|(note, count)| (note.as_str(), *count)).collect();
    let expected = [
        ("converted from CMYK", 1),
        ("converted from grey to colour", 2),
        ("laid over white where transparent", 1),
        ("reduced from 16 bits to 8", 1),
        ("resized", 2),
        ("turned upright as its camera says", 1),
    ];
    assert_eq!(notes, expected);
    assert_eq!(images.dataset.raw_u8(0), Some(&[[200; 6], [0; 6], [0; 6]].concat()[..]), "channels first");
    assert_eq!(images.dataset.raw_u8(2), images.dataset.raw_u8(0));
    assert_eq!(images.dataset.raw_u8(3), Some(&[255; 18][..]));
    // Cyan: no red, much green and blue.
    let cyan = images.dataset.raw_u8(4).unwrap();
    assert!(cyan[0] < 60 && cyan[6] > 120 && cyan[12] > 120, "{cyan:?}");

    let options = ImageFolderOptions { channels: ImageChannels::Grey, ..ImageFolderOptions::default() };
    let images = load(folder.path(), &options);
    assert_eq!(images.dataset.shape(), [1, 2, 3]);
    assert!(images.notes.contains(&("converted from colour to grey".into(), 4)), "{:?}", images.notes);
}

#[test]
fn a_camera_s_orientation_decides_the_size() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a/1.jpg", fixture("turned.jpg"));
    assert_eq!(load(folder.path(), &ImageFolderOptions::default()).dataset.shape(), [1, 8, 4]);
}

#[test]
fn images_are_brought_to_the_size_wanted() {
    let folder = two_classes();
    for resize in [Resize::Stretch, Resize::Fit { border: 0 }, Resize::Crop] {
        let options =
            ImageFolderOptions { size: ImageSize::Fixed([5, 7]), resize, ..ImageFolderOptions::default() };
        let images = load(folder.path(), &options);
        assert_eq!(images.dataset.shape(), [1, 5, 7]);
        assert_eq!(images.notes, [("resized".to_owned(), 3)]);
    }
    for size in [[0, 5], [5, 5_000]] {
        let options = ImageFolderOptions { size: ImageSize::Fixed(size), ..ImageFolderOptions::default() };
        let message = refusal(folder.path(), &options);
        assert!(
            message.contains(&format!("{} x {}", size[0], size[1])) && message.contains("1 to 2048"),
            "{message}"
        );
    }
}

#[test]
fn a_test_part_follows_the_training_part() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "train/a/1.png", grey(1));
    put(folder.path(), "train/b/1.png", grey(2));
    put(folder.path(), "test/b/1.png", png(RgbImage::from_pixel(9, 9, Rgb([50; 3]))));
    assert!(ImageFolder::has_train_and_test(folder.path()));
    let options = ImageFolderOptions::default();
    let (train, test) = ImageFolder::load_train_and_test(folder.path(), &options).unwrap();
    assert_eq!((train.dataset.len(), test.dataset.len()), (2, 1));
    assert_eq!((test.dataset.shape(), test.dataset.label(0)), (&[1, 2, 3][..], Some(1)));
    assert_eq!(test.dataset.class_names(), ["a", "b"]);
    assert_eq!(test.dataset.provenance().split, "test");

    let message = refusal(folder.path(), &options);
    assert!(message.contains("\"train\" and \"test\""), "{message}");
    put(folder.path(), "test/bb/1.png", grey(1));
    let message = ImageFolder::load_train_and_test(folder.path(), &options).unwrap_err().to_string();
    assert!(
        message.contains("the class \"bb\" is not in the training part")
            && message.contains("did you mean \"b\"?"),
        "{message}"
    );
    let single = two_classes();
    let message = ImageFolder::load_train_and_test(single.path(), &options).unwrap_err().to_string();
    assert!(message.contains("\"train\" is missing"), "{message}");
}

#[test]
fn images_that_are_too_many_for_memory_stay_in_the_cache() {
    let folder = two_classes();
    let cache = tempfile::tempdir().unwrap();
    let in_memory = ImageFolderOptions { size: ImageSize::Fixed([4, 4]), ..ImageFolderOptions::default() };
    let mapped =
        ImageFolderOptions { cache: Some(cache.path().to_owned()), map_above: 16, ..in_memory.clone() };
    let expected = load(folder.path(), &in_memory).dataset;
    for cache in [ImageCache::Written, ImageCache::Read] {
        let images = load(folder.path(), &mapped);
        assert_eq!(images.cache, cache);
        assert!(images.dataset.is_mapped() && !expected.is_mapped());
        for index in 0..expected.len() {
            assert_eq!(images.dataset.raw_u8(index), expected.raw_u8(index));
        }
    }
}

#[test]
fn a_second_load_reads_what_the_first_one_kept() {
    let folder = two_classes();
    let cache = tempfile::tempdir().unwrap();
    let options = ImageFolderOptions {
        size: ImageSize::Fixed([4, 4]),
        cache: Some(cache.path().join("deep")),
        ..ImageFolderOptions::default()
    };
    let same = |a: &ImageFolder, b: &ImageFolder| {
        assert_eq!(a.notes, b.notes);
        assert_eq!(a.dataset.provenance(), b.dataset.provenance());
        for index in 0..a.dataset.len() {
            assert_eq!(a.dataset.raw_u8(index), b.dataset.raw_u8(index));
        }
    };
    let first = load(folder.path(), &options);
    assert_eq!(first.cache, ImageCache::Written);
    let second = load(folder.path(), &options);
    assert_eq!(second.cache, ImageCache::Read);
    same(&first, &second);
    let kept: Vec<PathBuf> =
        fs::read_dir(cache.path().join("deep")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "nothing half-written is left: {kept:?}");

    // Damaged or cut anywhere, it is made anew.
    let whole = fs::read(&kept[0]).unwrap();
    for at in (0..whole.len()).step_by(9) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&kept[0], &damaged).unwrap();
        let again = load(folder.path(), &options);
        assert_eq!(again.cache, ImageCache::Written, "byte {at}");
    }
    same(&first, &load(folder.path(), &options));
    for length in [0, 7, 8, 40, 100, whole.len() - 1] {
        fs::write(&kept[0], &whole[..length]).unwrap();
        assert_eq!(load(folder.path(), &options).cache, ImageCache::Written, "{length} bytes");
    }

    // Another option, another file, another name: another key.
    let crop = ImageFolderOptions { resize: Resize::Crop, ..options.clone() };
    assert_eq!(load(folder.path(), &crop).cache, ImageCache::Written);
    put(folder.path(), "a/new.png", grey(99));
    assert_eq!(load(folder.path(), &options).dataset.len(), 4);
    fs::rename(folder.path().join("a"), folder.path().join("c")).unwrap();
    assert_eq!(load(folder.path(), &options).cache, ImageCache::Written);
}

#[test]
fn a_cache_that_cannot_be_written_costs_nothing_but_time() {
    let folder = two_classes();
    let blocked = put(folder.path(), "file", "not a folder");
    let options = ImageFolderOptions { cache: Some(blocked), ..ImageFolderOptions::default() };
    let images = load(folder.path(), &options);
    assert!(matches!(images.cache, ImageCache::NotWritten(_)), "{:?}", images.cache);
    assert_eq!(images.dataset.len(), 3);
}

/// A PNG of only a header.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 0, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    [b"\x89PNG\r\n\x1a\n", &13u32.to_be_bytes()[..], &chunk, &crc.sum().to_be_bytes()].concat()
}

#[test]
fn all_broken_files_are_listed_up_to_ten() {
    let folder = two_classes();
    let mut huge = png_header(65_535, 65_535);
    huge.resize(1_024, 0);
    put(folder.path(), "b/huge.png", huge);
    put(folder.path(), "b/none.png", png_header(0, 0));
    put(folder.path(), "b/text.png", "this is a text file\n");
    put(folder.path(), "b/empty.jpg", "");
    put(folder.path(), "b/cut.png", &grey(1)[..50]);
    let message = refusal(folder.path(), &ImageFolderOptions::default());
    assert!(message.contains("5 of 8 files cannot be used"), "{message}");
    for part in [
        "huge.png: the image claims 65535 x 65535 pixels",
        "none.png: the image claims 0 x 0 pixels",
        "text.png: expected a PNG or JPEG image, found text",
        "empty.jpg: expected a PNG or JPEG image, found an empty file",
        "cut.png: the image is damaged",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    for index in 0..30 {
        put(folder.path(), &format!("b/broken{index:02}.png"), "x");
    }
    let message = refusal(folder.path(), &ImageFolderOptions::default());
    assert!(message.contains("35 of 38 files") && message.contains("; and 25 more"), "{message}");
    assert!(
        message.contains("broken09.png") && !message.contains("broken10.png"),
        "the first ten: {message}"
    );
}

#[test]
fn folders_that_are_no_classes_are_refused() {
    let empty = tempfile::tempdir().unwrap();
    let options = ImageFolderOptions::default();
    let message = refusal(empty.path(), &options);
    assert!(message.contains("expected a sub-folder for each class, found none"), "{message}");
    put(empty.path(), "a/x.txt", "x");
    let message = refusal(empty.path(), &options);
    assert!(message.contains("the class \"a\" holds no images (.png, .jpg, .jpeg)"), "{message}");
    let archive = put(empty.path(), "pets.zip", b"PK\x03\x04 and so on");
    assert!(refusal(&archive, &options).contains("found an archive; unpack it and name the folder"));
    let file = put(empty.path(), "notes", "a text");
    assert!(refusal(&file, &options).contains("found a file; name the folder"));
    let message = refusal(Path::new("no/such"), &options);
    assert!(message.contains("cannot read no/such"), "{message}");

    let folder = two_classes();
    let few = ImageFolderOptions { most_files: 4, ..options.clone() };
    assert!(refusal(folder.path(), &few).contains("more than 4 files"));
    let small = ImageFolderOptions { most_bytes: 17, ..options.clone() };
    let message = refusal(folder.path(), &small);
    assert!(
        message.contains("3 images of 2 x 3 would take 18 bytes of memory, more than the 17"),
        "{message}"
    );
    let deep = (0..20).fold(folder.path().join("a"), |path, _| path.join("d"));
    fs::create_dir_all(deep).unwrap();
    assert!(refusal(folder.path(), &options).contains("nested more than 16 deep"));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = two_classes();
    symlink(folder.path(), folder.path().join("up")).unwrap();
    symlink(folder.path(), folder.path().join("a/root")).unwrap();
    symlink("loop", folder.path().join("b/loop.png")).unwrap();
    symlink("nowhere", folder.path().join("b/nowhere.png")).unwrap();
    symlink("1.png", folder.path().join("b/again.png")).unwrap();
    symlink(folder.path().join("b"), folder.path().join("c")).unwrap();
    let images = load(folder.path(), &ImageFolderOptions::default());
    assert_eq!(images.dataset.class_names(), ["a", "b", "c"], "a class may be a link");
    assert_eq!(images.dataset.class_counts(), [1, 3, 3]);
    assert_eq!(images.skipped.other, 1 + 1 + 2 * 2);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = two_classes();
    let pipe = folder.path().join("b/pipe.png");
    if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        assert_eq!(load(folder.path(), &ImageFolderOptions::default()).skipped.other, 1);
    }
}

fn jpeg(level: u8, side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = GrayImage::from_fn(side, side, |x, y| Luma([level.wrapping_add((x * y) as u8)]));
    DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[test]
fn broken_images_are_left_out_where_that_is_asked_for() {
    let folder = two_classes();
    let whole = jpeg(9, 64);
    put(folder.path(), "a/first.jpg", &whole[..whole.len() / 2]);
    put(folder.path(), "b/0.jpg", &whole[..whole.len() - 2]);
    put(folder.path(), "b/text.png", "a text");
    let cache = tempfile::tempdir().unwrap();
    let options = ImageFolderOptions {
        broken: BrokenImages::LeaveOut,
        cache: Some(cache.path().to_owned()),
        ..ImageFolderOptions::default()
    };
    assert!(refusal(folder.path(), &ImageFolderOptions::default()).contains("3 of 6 files cannot be used"));
    for _ in 0..2 {
        let images = load(folder.path(), &options);
        let levels: Vec<u8> = (0..3).map(|index| images.dataset.raw_u8(index).unwrap()[0]).collect();
        assert_eq!((levels, images.dataset.class_counts()), (vec![30, 10, 20], vec![1, 2]));
        let (count, examples) = images.left_out;
        assert_eq!((count, examples.len()), (3, 3));
        assert!(examples[0].contains("first.jpg: the image is cut short"), "{examples:?}");
        assert!(matches!(images.cache, ImageCache::NotWritten(_)));
    }
    fs::remove_file(folder.path().join("a/deep/er/1.PNG")).unwrap();
    let message = refusal(folder.path(), &options);
    assert!(message.contains("the class \"a\" holds no image that can be read"), "{message}");
}

#[test]
fn another_folder_may_have_fewer_classes_and_none_of_its_own() {
    let classes = ["a", "b", "c"].map(String::from);
    let folder = two_classes();
    fs::rename(folder.path().join("a"), folder.path().join("c")).unwrap();
    let options = ImageFolderOptions::default();
    let images = ImageFolder::load_with_classes(folder.path(), &options, &classes).unwrap();
    assert_eq!((images.dataset.class_names(), images.dataset.class_counts()), (&classes[..], vec![0, 2, 1]));
    fs::rename(folder.path().join("c"), folder.path().join("d")).unwrap();
    let message = ImageFolder::load_with_classes(folder.path(), &options, &classes).unwrap_err().to_string();
    assert!(message.contains("the class \"d\" is not in the training part"), "{message}");
}

#[test]
fn the_second_part_may_be_a_validation_part_in_any_case() {
    for (train, second, split) in
        [("Train", "VAL", "validation"), ("training", "dev", "validation"), ("TRAIN", "Testing", "test")]
    {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &format!("{train}/a/1.png"), grey(1));
        put(folder.path(), &format!("{train}/b/1.png"), grey(2));
        put(folder.path(), &format!("{second}/b/1.png"), grey(3));
        assert!(ImageFolder::has_train_and_test(folder.path()), "{train}, {second}");
        let (train, second) =
            ImageFolder::load_train_and_test(folder.path(), &ImageFolderOptions::default()).unwrap();
        assert_eq!((train.dataset.len(), second.dataset.len()), (2, 1));
        assert_eq!(second.dataset.provenance().split, split);
    }
    // With both, the test part is the second.
    let folder = tempfile::tempdir().unwrap();
    for (part, level) in [("train", 1), ("val", 2), ("test", 3)] {
        put(folder.path(), &format!("{part}/a/1.png"), grey(level));
    }
    let (_, second) =
        ImageFolder::load_train_and_test(folder.path(), &ImageFolderOptions::default()).unwrap();
    assert_eq!(second.dataset.raw_u8(0).unwrap()[0], 3);
}

#[test]
fn a_part_is_never_a_class_and_a_folder_in_a_folder_is_named() {
    let options = ImageFolderOptions::default();
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "val/cat/1.png", grey(1));
    put(folder.path(), "cat/1.png", grey(2));
    let message = refusal(folder.path(), &options);
    assert!(message.contains("\"val\" has sub-folders of its own"), "{message}");
    // A class may well be called so.
    let vehicles = tempfile::tempdir().unwrap();
    put(vehicles.path(), "train/1.png", grey(1));
    put(vehicles.path(), "car/1.png", grey(2));
    assert_eq!(load(vehicles.path(), &options).dataset.class_names(), ["car", "train"]);

    let wrapped = tempfile::tempdir().unwrap();
    put(wrapped.path(), "pets/cat/1.png", grey(1));
    put(wrapped.path(), "pets/dog/1.png", grey(2));
    let message = refusal(wrapped.path(), &options);
    assert!(message.contains("found only \"pets\"") && message.contains("name that folder: "), "{message}");
    assert_eq!(load(&wrapped.path().join("pets"), &options).dataset.class_names(), ["cat", "dog"]);
}
