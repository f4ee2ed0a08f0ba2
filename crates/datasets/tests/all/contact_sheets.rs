//! Contact sheets: the right images stand in the right places, odd sets are drawn too, and what cannot be drawn or
//! written is said.

use std::collections::HashSet;

use fireclay_data::{Dataset, Normalization, Provenance, Targets};
use fireclay_datasets::{ContactSheet, Picture, Tile, TileRow, sample_texts};
use fireclay_text::Texts;

fn dataset(shape: &[usize], values: Vec<u8>, labels: Vec<u32>, names: &[&str]) -> Dataset {
    let targets = Targets::Classes { labels, names: names.iter().map(ToString::to_string).collect() };
    let provenance = Provenance::new("squares", "train", "made");
    Dataset::from_u8(shape, values, targets, Normalization::uniform(0.5, 0.5), provenance).unwrap()
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    let at = 3 * (y * picture.width() + x);
    [0, 1, 2].map(|channel| picture.rgb()[at + channel])
}

/// Left, top, right and bottom of the box around all pixels of a colour, and how many there are.
fn extent(picture: &Picture, colour: [u8; 3]) -> Option<(usize, usize, usize, usize, usize)> {
    let mut found: Option<(usize, usize, usize, usize, usize)> = None;
    for y in 0..picture.height() {
        for x in (0..picture.width()).filter(|x| pixel(picture, *x, y) == colour) {
            let (left, top, right, bottom, count) = found.unwrap_or((x, y, x, y, 0));
            found = Some((left.min(x), top.min(y), right.max(x), bottom.max(y), count + 1));
        }
    }
    found
}

/// 24 x 24 images of one colour each; class 0 is red, 1 green, 2 blue, of a shade for each sample.
fn colours(samples: usize) -> Dataset {
    let mut values = Vec::new();
    for sample in 0..samples {
        for channel in 0..3 {
            let value = if sample % 3 == channel { 255 - sample as u8 } else { 1 };
            values.extend([value; 24 * 24]);
        }
    }
    dataset(&[3, 24, 24], values, (0..samples as u32).map(|i| i % 3).collect(), &["red", "green", "blue"])
}

#[test]
fn every_class_has_its_images_in_its_row() {
    let picture = ContactSheet::of(&colours(12)).columns(4).draw().unwrap();
    let mut tops = Vec::new();
    for class in 0..3 {
        let mut lefts = HashSet::new();
        for place in 0..4 {
            let mut colour = [1; 3];
            colour[class] = 255 - (3 * place + class) as u8;
            let (left, top, right, bottom, count) = extent(&picture, colour).expect("every image is there");
            // Enlarged three times, whole and square.
            assert_eq!((right - left + 1, bottom - top + 1, count), (72, 72, 72 * 72));
            lefts.insert(left);
            tops.push(top);
        }
        assert_eq!(lefts.len(), 4, "side by side");
    }
    assert!(tops[..4].iter().all(|top| *top == tops[0]) && tops[4] > tops[0] + 72 && tops[8] > tops[4] + 72);
}

#[test]
fn an_image_is_enlarged_pixel_by_pixel_and_grey_stays_grey() {
    let values: Vec<u8> = (0..36 * 18).map(|i| (i % 251) as u8).collect();
    let picture = ContactSheet::of(&dataset(&[1, 36, 18], values.clone(), vec![0], &["one"])).draw().unwrap();
    // Where the image must be: the last image pixel decides, found by trying every place.
    let fits = |left: usize, top: usize| {
        (0..72).step_by(7).all(|y| {
            (0..36).step_by(5).all(|x| pixel(&picture, left + x, top + y) == [values[y / 2 * 18 + x / 2]; 3])
        })
    };
    let places: Vec<(usize, usize)> = (0..picture.height() - 72)
        .flat_map(|top| (0..picture.width() - 36).map(move |left| (left, top)))
        .filter(|(left, top)| fits(*left, *top))
        .collect();
    assert_eq!(places.len(), 1, "{places:?}");
}

#[test]
fn seeds_choose_and_rows_add() {
    let many = colours(240);
    let draw = |seed: u64| ContactSheet::of(&many).columns(4).seed(seed).draw().unwrap();
    assert_eq!(draw(1).rgb(), draw(1).rgb());
    assert_ne!(draw(1).rgb(), draw(2).rgb());
    let higher = ContactSheet::of(&many).columns(4).rows_per_class(2).draw().unwrap();
    assert!(higher.height() > draw(1).height() + 3 * 72 && higher.width() == draw(1).width());
    // A view shows its own samples only.
    let greens = many.subset(&[1, 4]).unwrap();
    let picture = ContactSheet::of(&greens).draw().unwrap();
    assert!(extent(&picture, [1, 254, 1]).is_some() && extent(&picture, [255, 1, 1]).is_none());
}

#[test]
fn odd_sizes_are_drawn() {
    for (shape, side) in [([1, 1, 1], 72), ([1, 200, 300], 150), ([1, 1, 3000], 188), ([3, 192, 192], 192)] {
        let values = vec![9; shape.iter().product()];
        let picture = ContactSheet::of(&dataset(&shape, values, vec![0], &["one"])).draw().unwrap();
        let (left, _, right, ..) = extent(&picture, [9; 3]).expect("the image is there");
        assert_eq!(right - left + 1, side, "{shape:?}");
    }
}

#[test]
fn a_large_image_is_averaged() {
    // Columns of black and white: grey, once two by two pixels are one.
    let values: Vec<u8> = (0..2 * 384).map(|i| if i % 2 == 0 { 0 } else { 255 }).collect();
    let picture = ContactSheet::of(&dataset(&[2, 384], values, vec![0], &["one"])).draw().unwrap();
    assert!(extent(&picture, [128; 3]).is_some_and(|(.., count)| count == 192));
}

#[test]
fn odd_sets_are_drawn() {
    let empty = colours(0);
    assert!(ContactSheet::of(&empty).draw().unwrap().height() > 100);
    assert!(ContactSheet::of(&colours(1)).draw().is_ok());
    let names = ["é\u{301}漢字\n\0\u{202e}", "", "a name that is very much longer than there is room for"];
    let odd = dataset(&[1, 2, 2], vec![1; 12], vec![0, 1, 2], &names);
    assert!(ContactSheet::of(&odd).draw().unwrap().width() < 1000);
}

#[test]
fn a_thousand_classes_share_lines() {
    let names: Vec<String> = (0..1000).map(|i| format!("class {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let labels: Vec<u32> = (0..2000).map(|i| i % 1000).collect();
    let all = dataset(&[1, 8, 8], vec![7; 2000 * 64], labels, &names);
    let picture = ContactSheet::of(&all).draw().unwrap();
    let count = picture.rgb().chunks_exact(3).filter(|pixel| *pixel == [7; 3]).count();
    assert_eq!(count, 1000 * 72 * 72, "an image of each");
    let few = ContactSheet::of(&all.take(30)).draw().unwrap();
    assert!(few.height() < picture.height() / 10, "classes without images take no room");
    // Large images of many classes: the sheet ends where it is full.
    let labels = (0..1000).collect();
    let large = dataset(&[1, 180, 180], vec![7; 1000 * 180 * 180], labels, &names);
    let picture = ContactSheet::of(&large).columns(64).draw().unwrap();
    assert!(picture.rgb().len() < 3 * (32 << 20));
}

#[test]
fn numbers_stand_under_images_that_have_no_class() {
    let provenance = Provenance::new("ages", "train", "made");
    let with = |values: Vec<f32>| {
        let targets = Targets::Values { width: 1, values };
        let dataset = Dataset::from_u8(
            &[1, 8, 8],
            vec![5; 64 * 20],
            targets,
            Normalization::none(),
            provenance.clone(),
        );
        ContactSheet::of(&dataset.unwrap()).columns(6).draw().unwrap()
    };
    let picture = with(vec![31.5; 20]);
    assert!(extent(&picture, [5; 3]).is_some_and(|(.., count)| count == 20 * 72 * 72));
    assert_ne!(picture.rgb(), with(vec![32.5; 20]).rgb(), "another value reads differently");
}

#[test]
fn rows_of_ones_own_have_captions_and_frames() {
    let tile = |shade: u8| Tile::new(&[1, 36, 36], &[shade; 36 * 36]).unwrap();
    let row = |tiles| TileRow { label: "cat".into(), note: "1 wrong".into(), tiles };
    let draw = |tiles| ContactSheet::of_rows("predictions", "", vec![row(tiles)]).columns(2).draw().unwrap();
    let plain = draw(vec![tile(10), tile(20), tile(30)]);
    let framed = draw(vec![tile(10).with_frame([200, 0, 0]), tile(20), tile(30)]);
    let (left, top, right, bottom, count) = extent(&framed, [200, 0, 0]).unwrap();
    assert_eq!((right - left + 1, bottom - top + 1, count), (78, 78, 78 * 78 - 72 * 72));
    let captioned = draw(vec![tile(10).with_caption("cat -> dog 0.62"), tile(20), tile(30)]);
    assert!(captioned.width() >= plain.width() && captioned.height() > plain.height());
    // The third image stands below the first.
    let (first, third) = (extent(&plain, [10; 3]).unwrap(), extent(&plain, [30; 3]).unwrap());
    assert!(first.0 == third.0 && third.1 > first.3);
    assert!(ContactSheet::of_rows("nothing", "", Vec::new()).draw().is_ok());
    let many: Vec<TileRow> = (0..40).map(|shade| row(vec![tile(shade), tile(shade)])).collect();
    assert!(ContactSheet::of_rows("many", "", many).draw().is_ok());
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let message = |sheet: ContactSheet| sheet.draw().unwrap_err().to_string();
    assert_eq!(message(ContactSheet::of(&colours(3)).columns(0)), "asked for 0 columns; expected 1 to 64");
    let text = message(ContactSheet::of(&colours(3)).rows_per_class(65));
    assert_eq!(text, "asked for 65 rows for each class; expected 1 to 64");
    let flat = dataset(&[4], vec![0; 4], vec![0], &["one"]);
    let text = message(ContactSheet::of(&flat));
    assert!(
        text.contains("samples of shape [4] are not images; expected bytes of shape [1, height"),
        "{text}"
    );
    let targets = Targets::Values { width: 1, values: vec![0.0] };
    let numbers = Dataset::from_f32(&[1, 2, 2], vec![0.0; 4], targets, Provenance::default()).unwrap();
    assert!(message(ContactSheet::of(&numbers)).contains("[1, 2, 2] that are not bytes are not images"));
    let text = Tile::new(&[1, 2, 2], &[0; 3]).unwrap_err().to_string();
    assert!(text.contains("an image of shape [1, 2, 2] has 4 bytes, found 3"), "{text}");
    assert!(Tile::new(&[1, usize::MAX, usize::MAX], &[]).is_err() && Tile::new(&[1, 0, 2], &[]).is_err());

    // 64 x 64 images of 192 x 192 pixels.
    let all = dataset(&[1, 192, 192], vec![0; 4096 * 192 * 192], vec![0; 4096], &["one"]);
    let text = message(ContactSheet::of(&all).columns(64).rows_per_class(64));
    assert_eq!(
        text,
        "the sheet would have 12288 x 12288 pixels, more than 33554432; ask for fewer columns or rows"
    );
}

#[test]
fn a_sheet_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.png");
    std::fs::write(&path, "what was there before").unwrap();
    let sheet = ContactSheet::of(&colours(6));
    sheet.write_png(&path).unwrap();
    let read = image::open(&path).unwrap().into_rgb8();
    assert_eq!(read.as_raw().as_slice(), sheet.draw().unwrap().rgb());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");

    let missing = folder.path().join("none/sheet.png");
    let text = sheet.write_png(&missing).unwrap_err().to_string();
    assert!(text.starts_with("cannot write ") && text.contains("none/sheet.png"), "{text}");
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert!(sheet.write_png(&taken).is_err() && taken.is_dir());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn texts_are_picked_from_each_class() {
    let targets = Targets::Classes {
        labels: (0..60).map(|i| i % 3 / 2).collect(),
        names: vec!["neg".into(), "pos\u{1b}".into()],
    };
    let texts = (0..60).map(|i| format!("review {i}: {}\0", "long word ".repeat(i))).collect();
    let reviews = Texts::new(texts, targets, Provenance::new("reviews", "train", "made")).unwrap();
    let samples = sample_texts(&reviews, 3, 200, 5);
    assert_eq!(samples, sample_texts(&reviews, 3, 200, 5));
    assert_ne!(samples, sample_texts(&reviews, 3, 200, 6));
    let sizes: Vec<(usize, usize)> =
        samples.groups.iter().map(|group| (group.count, group.samples.len())).collect();
    assert_eq!(sizes, [(40, 3), (20, 3)]);
    for sample in samples.groups.iter().flat_map(|group| &group.samples) {
        assert!(sample.text.starts_with(&format!("review {}:", sample.index)));
        assert!(sample.text.chars().count() <= 203 + 4, "{}", sample.text);
        assert_eq!(sample.characters > 200, sample.text.ends_with("..."));
    }
    let text = samples.to_string();
    assert!(text.starts_with("reviews, train: 60 texts\n\nneg (40 texts)\n------"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains(['\0', '\u{1b}']), "{text}");

    let targets = Targets::Values { width: 1, values: vec![4.5] };
    let rated = Texts::new(vec!["fine".into()], targets, Provenance::new("stars", "test", "made")).unwrap();
    let text = sample_texts(&rated, 3, 200, 0).to_string();
    assert!(text.contains("0: 4.5 (4 characters)\n    fine"), "{text}");
}
