//! Pictures for prediction: what is converted, what is refused, and what is left alone.

use std::fs;
use std::path::{Path, PathBuf};

use fireclay_datasets::{DatasetsError, DigitImage, read_digit};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, LumaA, Rgb, Rgba};
use tempfile::TempDir;

/// A file called `digit.png`, whatever it holds.
fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digit.png");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn read(content: &[u8]) -> Result<DigitImage, DatasetsError> {
    let (_folder, path) = file(content);
    read_digit(&path, 28, 28)
}

fn read_picture(picture: &DynamicImage) -> DigitImage {
    read(&encode(picture, ImageFormat::Png)).unwrap()
}

/// The whole chain of messages: sources say more.
fn refusal(content: &[u8]) -> String {
    let error = read(content).unwrap_err();
    let mut message = error.to_string();
    assert!(message.contains("digit.png"), "{message}");
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        message += &format!(" | {inner}");
        source = inner.source();
    }
    message
}

/// White on black: a 7 of 28 x 28 with soft edges, off its centre of mass.
fn seven() -> GrayImage {
    GrayImage::from_fn(28, 28, |x, y| {
        let bar = (5..8).contains(&y) && (4..20).contains(&x);
        let stem = (8..24).contains(&y) && (20 - y / 2..23 - y / 2).contains(&x);
        let soft = y == 8 && (4..16).contains(&x);
        Luma([if bar || stem {
            253
        } else if soft {
            97
        } else {
            0
        }])
    })
}

/// Dark ink of a ring on light paper.
fn ring(width: u32, height: u32, centre: (f32, f32), radius: f32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let distance = (x as f32 + 0.5 - centre.0).hypot(y as f32 + 0.5 - centre.1);
        Luma([if (distance - radius).abs() < radius / 6.0 { 40 } else { 220 }])
    })
}

fn ink_bounds(digit: &DigitImage) -> [usize; 4] {
    let inked = |i: &usize| digit.pixels[*i] > 64;
    let all: Vec<usize> = (0..digit.pixels.len()).filter(inked).collect();
    let rows = all.iter().map(|i| i / digit.width);
    let columns = all.iter().map(|i| i % digit.width);
    [rows.clone().min().unwrap(), rows.max().unwrap(), columns.clone().min().unwrap(), columns.max().unwrap()]
}

fn has_note(digit: &DigitImage, part: &str) -> bool {
    digit.notes.iter().any(|note| note.contains(part))
}

#[test]
fn a_picture_of_the_right_size_is_left_alone_byte_for_byte() {
    let digit = read_picture(&seven().into());
    assert_eq!(digit.pixels, seven().into_raw());
    assert_eq!((digit.height, digit.width), (28, 28));
    assert!(digit.notes.is_empty(), "{:?}", digit.notes);
}

#[test]
fn a_dark_one_of_the_right_size_is_only_inverted() {
    let mut dark = seven();
    image::imageops::invert(&mut dark);
    let digit = read_picture(&dark.into());
    assert_eq!(digit.pixels, seven().into_raw());
    assert_eq!(digit.notes, ["inverted: dark on light"]);
}

#[test]
fn every_colour_model_of_the_same_picture_gives_the_same_pixels() {
    let grey = DynamicImage::from(seven());
    for (picture, notes) in [
        (DynamicImage::from(grey.to_rgb8()), &["colour"][..]),
        (grey.to_rgba8().into(), &["colour", "transparent"]),
        (grey.to_luma_alpha8().into(), &["transparent"]),
        (grey.to_luma16().into(), &["16 bits"]),
        (grey.to_rgb16().into(), &["16 bits", "colour"]),
        (grey.to_rgba16().into(), &["16 bits", "colour", "transparent"]),
        (grey.to_luma_alpha16().into(), &["16 bits", "transparent"]),
    ] {
        let digit = read_picture(&picture);
        assert_eq!(digit.pixels, seven().into_raw(), "{:?}", picture.color());
        assert_eq!(digit.notes.len(), notes.len(), "{:?}", digit.notes);
        for note in notes {
            assert!(has_note(&digit, note), "{note}: {:?}", digit.notes);
        }
    }
}

#[test]
fn transparent_paper_is_white() {
    let picture = image::RgbaImage::from_fn(28, 28, |x, y| {
        let ink = seven().get_pixel(x, y).0[0];
        Rgba([0, 0, 0, ink])
    });
    let digit = read_picture(&picture.into());
    assert_eq!(digit.pixels, seven().into_raw());
    assert!(has_note(&digit, "inverted"), "{:?}", digit.notes);

    let half = image::GrayAlphaImage::from_fn(28, 28, |x, _| LumaA(if x == 14 { [0, 128] } else { [0, 0] }));
    assert_eq!(read_picture(&half.into()).pixels[14], 128);
}

#[test]
fn luminance_weighs_green_most() {
    let picture = image::RgbImage::from_fn(28, 28, |x, _| match x {
        10 => Rgb([255, 0, 0]),
        14 => Rgb([0, 255, 0]),
        18 => Rgb([0, 0, 255]),
        _ => Rgb([0, 0, 0]),
    });
    let digit = read_picture(&picture.into());
    assert_eq!([10, 14, 18].map(|x| digit.pixels[x]), [76, 150, 29]);
}

#[test]
fn a_large_drawing_is_cropped_scaled_and_centred() {
    // Off centre, and the page is wider than high.
    let digit = read_picture(&ring(640, 480, (180.0, 300.0), 90.0).into());
    assert!(has_note(&digit, "inverted"));
    assert!(has_note(&digit, "cropped 640x480 to the ink's 210x210, scaled to 20x20"), "{:?}", digit.notes);
    assert_eq!(ink_bounds(&digit), [4, 23, 4, 23]);
    assert_eq!(digit.pixels.iter().max(), Some(&255));
    assert_eq!(digit.pixels[0], 0);
    assert!(digit.pixels[14 * 28 + 14] < 10, "the ring is hollow");

    // Light on dark, and small enough to grow.
    let mut light = ring(15, 15, (7.5, 7.5), 4.0);
    image::imageops::invert(&mut light);
    let digit = read_picture(&light.into());
    assert!(!has_note(&digit, "inverted"));
    let [top, bottom, left, right] = ink_bounds(&digit);
    assert!(bottom - top >= 17 && right - left >= 17, "{:?}", ink_bounds(&digit));
}

#[test]
fn proportions_are_kept() {
    // A bar 10 wide and 100 high, low on the page.
    let bar = GrayImage::from_fn(200, 300, |x, y| {
        Luma([if (30..40).contains(&x) && (180..280).contains(&y) { 255 } else { 0 }])
    });
    let digit = read_picture(&bar.into());
    assert!(has_note(&digit, "ink's 10x100, scaled to 2x20"), "{:?}", digit.notes);
    assert_eq!(ink_bounds(&digit), [4, 23, 13, 14]);
}

#[test]
fn the_centre_of_mass_is_in_the_middle() {
    // Heavy at the top, light at the bottom.
    let shape = GrayImage::from_fn(100, 100, |x, y| {
        let heavy = y < 16 && (38..62).contains(&x) && y > 5;
        let thin = y < 95 && y > 5 && (48..52).contains(&x);
        Luma([if heavy || thin { 255 } else { 0 }])
    });
    let digit = read_picture(&shape.into());
    let mass: f64 = digit.pixels.iter().map(|p| f64::from(*p)).sum();
    let moment: f64 =
        (digit.pixels.iter().enumerate()).map(|(i, p)| f64::from(*p) * ((i / 28) as f64 + 0.5)).sum();
    assert!((moment / mass - 14.0).abs() <= 0.5, "{}", moment / mass);
}

#[test]
fn a_frame_that_is_not_square() {
    let (_folder, path) = file(&encode(&ring(300, 300, (150.0, 150.0), 90.0).into(), ImageFormat::Png));
    let digit = read_digit(&path, 28, 56).unwrap();
    assert_eq!((digit.height, digit.width, digit.pixels.len()), (28, 56, 28 * 56));
    assert_eq!(ink_bounds(&digit), [4, 23, 18, 37]);
}

#[test]
fn a_photograph_of_paper_has_a_clean_background() {
    // Grey paper, lit from one side, with grain; the contrast is low.
    let mut state = 7u32;
    let drawing = ring(400, 400, (200.0, 200.0), 100.0);
    let photo = GrayImage::from_fn(400, 400, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (state >> 29) as u8;
        let ink = drawing.get_pixel(x, y).0[0] < 100;
        let paper = 150 + (x / 40) as u8 + grain;
        Luma([if ink { paper - 90 } else { paper }])
    });
    let digit = read_picture(&photo.into());
    assert!(has_note(&digit, "inverted"));
    assert_eq!(ink_bounds(&digit), [4, 23, 4, 23]);
    assert_eq!([0, 27, 13 * 28 + 13].map(|i| digit.pixels[i]), [0; 3]);
}

#[test]
fn blank_pages_are_said_to_be_blank() {
    for (width, level, inverted) in
        [(28, 255, true), (28, 0, false), (300, 255, true), (300, 0, false), (1, 128, false)]
    {
        let digit = read_picture(&GrayImage::from_pixel(width, width, Luma([level])).into());
        assert!(digit.pixels.iter().all(|p| *p == 0), "{width} {level}");
        assert!(has_note(&digit, "blank image"), "{:?}", digit.notes);
        assert_eq!(has_note(&digit, "inverted"), inverted);
    }
}

#[test]
fn jpeg_is_read_whatever_its_name() {
    let content = encode(&ring(200, 200, (100.0, 100.0), 60.0).into(), ImageFormat::Jpeg);
    let digit = read(&content).unwrap();
    assert_eq!(ink_bounds(&digit), [4, 23, 4, 23]);
}

#[test]
fn palette_pictures_are_converted() {
    let mut content = Vec::new();
    let mut encoder = png::Encoder::new(&mut content, 28, 28);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(vec![0, 0, 0, 97, 97, 97, 253, 253, 253]);
    let mut writer = encoder.write_header().unwrap();
    let indices: Vec<u8> = (seven().into_raw().into_iter())
        .map(|p| match p {
            0 => 0,
            97 => 1,
            _ => 2,
        })
        .collect();
    writer.write_image_data(&indices).unwrap();
    writer.finish().unwrap();
    let digit = read(&content).unwrap();
    assert_eq!(digit.pixels, seven().into_raw());
    assert!(has_note(&digit, "palette"), "{:?}", digit.notes);
}

/// A PNG of only a header: signature, IHDR with a right checksum, and nothing that follows.
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
fn a_png_that_claims_65535_pixels_each_way_is_refused() {
    let mut content = png_header(65_535, 65_535);
    content.resize(1_024, 0);
    let message = refusal(&content);
    assert!(message.contains("65535 x 65535") && message.contains("16384 per side"), "{message}");
    // Within the sides, beyond the memory: 16,000 x 16,000 x 3 bytes.
    let mut content = png_header(16_384, 16_384);
    content.resize(1_024, 0);
    let message = refusal(&content);
    assert!(message.contains("256 MB") || message.contains("damaged"), "{message}");
}

#[test]
fn a_png_of_no_pixels_is_refused() {
    for (width, height) in [(0, 0), (0, 5), (5, 0)] {
        let message = refusal(&png_header(width, height));
        assert!(message.contains(&format!("claims {width} x {height}")), "{message}");
    }
}

#[test]
fn other_files_are_refused_by_what_they_are() {
    for (content, found) in [
        (&b"this is a text file\n"[..], "found text"),
        (b"", "an empty file"),
        (b"GIF89a......", "a GIF image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP image"),
        (b"\x1f\x8b\x08\0\0", "a gzip file"),
        (&[1, 2, 3, 200], "bytes of another kind"),
    ] {
        let message = refusal(content);
        assert!(message.contains("expected a PNG or JPEG image") && message.contains(found), "{message}");
    }
}

#[test]
fn damaged_pictures_are_refused_at_every_cut() {
    let png = encode(&seven().into(), ImageFormat::Png);
    let jpeg = encode(&ring(40, 40, (20.0, 20.0), 12.0).into(), ImageFormat::Jpeg);
    for length in 8..png.len() - 16 {
        let message = refusal(&png[..length]);
        assert!(message.contains("damaged"), "{length}: {message}");
    }
    for length in 3..jpeg.len() {
        // Most readers show a JPEG that is cut in its scan as far as it goes, and fill up the rest.
        let message = refusal(&jpeg[..length]);
        assert!(message.contains("cut short"), "{length}: {message}");
    }
}

#[test]
fn a_jpeg_with_filling_and_with_more_behind_it_is_whole() {
    let jpeg = encode(&ring(40, 40, (20.0, 20.0), 12.0).into(), ImageFormat::Jpeg);
    let (start, rest) = jpeg.split_at(2);
    for whole in [
        [&jpeg[..], &[0; 500]].concat(),
        [&jpeg[..], &jpeg[..]].concat(),
        [start, &[0xff, 0xff], rest].concat(),
    ] {
        assert_eq!(read(&whole).unwrap().pixels, read(&jpeg).unwrap().pixels);
    }
}

#[test]
fn what_is_not_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = read_digit(folder.path(), 28, 28).unwrap_err().to_string();
    assert!(message.contains("not a regular file"), "{message}");
    let message = read_digit(Path::new("no/such.png"), 28, 28).unwrap_err().to_string();
    assert!(message.contains("cannot read no/such.png"), "{message}");
    for (height, width) in [(0, 28), (28, 0), (20_000, 28), (28, usize::MAX)] {
        let (_folder, path) = file(b"");
        let message = read_digit(&path, height, width).unwrap_err().to_string();
        assert!(message.contains(&format!("{height} x {width}")), "{message}");
    }
}
