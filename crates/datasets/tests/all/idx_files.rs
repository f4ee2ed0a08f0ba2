//! IDX files that lie, one test per lie; and valid ones, which must come back as they were written.

use std::fs;
use std::path::PathBuf;

use fireclay_datasets::{IdxKind, read_idx};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{gzip, images, labels};

fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some-file");
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// The message of a refused file, plain and packed, after checking that it names the file.
fn refusals(content: &[u8], kind: IdxKind) -> [String; 2] {
    [content.to_vec(), gzip(content)].map(|content| refusal(&content, kind))
}

fn refusal(content: &[u8], kind: IdxKind) -> String {
    let (_folder, path) = file(content);
    let message = read_idx(&path, kind).unwrap_err().to_string();
    assert!(message.contains("some-file"), "{message}");
    message
}

#[test]
fn empty() {
    let message = refusal(b"", IdxKind::Images);
    assert!(message.contains("header of 16 bytes, found 0 bytes"), "{message}");
    let message = refusal(&gzip(b""), IdxKind::Labels);
    assert!(message.contains("header of 8 bytes, found 0 bytes"), "{message}");
}

#[test]
fn a_part_of_a_header() {
    let whole = images(1, 1, 1, &[7]);
    for length in 1..16 {
        for message in refusals(&whole[..length], IdxKind::Images) {
            assert!(message.contains(&format!("found {length} bytes")), "{message}");
        }
    }
}

#[test]
fn header_only() {
    for message in refusals(&images(2, 3, 4, &[]), IdxKind::Images) {
        assert!(message.contains("promises 24 bytes") && message.contains("holds 0"), "{message}");
    }
}

#[test]
fn one_byte_short() {
    for message in refusals(&images(2, 3, 4, &[0; 23]), IdxKind::Images) {
        assert!(
            message.contains("promises 24 bytes")
                && message.contains("holds 23")
                && message.contains("cut short"),
            "{message}"
        );
    }
}

#[test]
fn bytes_left_over() {
    let [plain, packed] = refusals(&images(2, 3, 4, &[0; 25]), IdxKind::Images);
    assert!(plain.contains("holds 25") && plain.contains("left over"), "{plain}");
    assert!(packed.contains("holds more than 24") && packed.contains("left over"), "{packed}");
}

#[test]
fn swapped_files() {
    for message in refusals(&labels(&[1, 2, 3]), IdxKind::Images) {
        assert!(
            message.contains("expected IDX images (0x00000803)")
                && message.contains("0x00000801, IDX labels")
                && message.contains("swapped"),
            "{message}"
        );
    }
    for message in refusals(&images(1, 1, 1, &[0]), IdxKind::Labels) {
        assert!(message.contains("0x00000803, IDX images") && message.contains("swapped"), "{message}");
    }
}

#[test]
fn wrong_magic() {
    let floats = [&[0, 0, 0x0d, 3][..], &[0; 40]].concat();
    for message in refusals(&floats, IdxKind::Images) {
        assert!(message.contains("32-bit floats of rank 3"), "{message}");
    }
    for message in refusals(b"<html>sign in</html>", IdxKind::Images) {
        assert!(message.contains("which is text"), "{message}");
    }
    for message in refusals(&[0x80; 40], IdxKind::Labels) {
        assert!(message.contains("which is no IDX file"), "{message}");
    }
}

#[test]
fn a_header_that_claims_the_moon() {
    for dims in [[u32::MAX, u32::MAX, u32::MAX], [u32::MAX, 28, 28], [1 << 22, 1 << 10, 1]] {
        let [count, height, width] = dims;
        for message in refusals(&images(count, height, width, &[0; 100]), IdxKind::Images) {
            assert!(
                message.contains(&count.to_string()) && message.contains("at most 2147483648"),
                "{message}"
            );
        }
    }
    let claim = [&[0, 0, 8, 1][..], &u32::MAX.to_be_bytes(), &[0; 9]].concat();
    for message in refusals(&claim, IdxKind::Labels) {
        assert!(message.contains("4294967295"), "{message}");
    }
    // Within the limit, but not within the file: refused by the sizes alone.
    let [plain, packed] = refusals(&images(2_000_000, 28, 28, &[0; 100]), IdxKind::Images);
    assert!(plain.contains("promises 1568000000 bytes") && plain.contains("holds 100"), "{plain}");
    assert!(packed.contains("packed bytes, which unpack to"), "{packed}");
}

#[test]
fn a_dimension_of_0() {
    for dims in [[0, 28, 28], [5, 0, 28], [5, 28, 0]] {
        let [count, height, width] = dims;
        for message in refusals(&images(count, height, width, &[]), IdxKind::Images) {
            assert!(message.contains("at least 1"), "{message}");
        }
    }
    for message in refusals(&labels(&[]), IdxKind::Labels) {
        assert!(message.contains("at least 1"), "{message}");
    }
}

#[test]
fn gzip_cut_short() {
    let pixels: Vec<u8> = (0..40_000u32).map(|i| ((i * i) >> 5) as u8).collect();
    let whole = gzip(&images(1, 200, 200, &pixels));
    for length in [whole.len() - 1, whole.len() - 8, whole.len() / 2, 30, 11, 5, 2] {
        let message = refusal(&whole[..length], IdxKind::Images);
        assert!(message.contains("damaged or cut short"), "{length}: {message}");
    }
}

#[test]
fn gzip_with_a_wrong_checksum() {
    let whole = gzip(&images(1, 20, 20, &[3; 400]));
    for from_end in [1, 5] {
        let mut damaged = whole.clone();
        let at = damaged.len() - from_end;
        damaged[at] ^= 1;
        let message = refusal(&damaged, IdxKind::Images);
        assert!(message.contains("damaged") && message.contains("416 unpacked bytes"), "{message}");
    }
}

#[test]
fn garbage_after_gzip() {
    let whole = gzip(&images(1, 20, 20, &[3; 400]));
    let second = gzip(b"more");
    for garbage in [&b"x"[..], &[0; 512], &second] {
        let message = refusal(&[&whole, garbage].concat(), IdxKind::Images);
        assert!(message.contains("more bytes after it"), "{message}");
    }
}

#[test]
fn not_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let message = read_idx(folder.path(), IdxKind::Images).unwrap_err().to_string();
    assert!(message.contains("not a regular file"), "{message}");
    let path = folder.path().join("absent");
    let error = read_idx(&path, IdxKind::Images).unwrap_err();
    assert!(error.to_string().contains("cannot read") && error.to_string().contains("absent"));
    assert!(std::error::Error::source(&error).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_is_written_is_read(
        count in 1u32..6,
        height in 1u32..9,
        width in 1u32..9,
        seed in any::<u8>(),
    ) {
        let pixels: Vec<u8> = (0..count * height * width)
            .map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed))
            .collect();
        let content = images(count, height, width, &pixels);
        for content in [content.clone(), gzip(&content)] {
            let (_folder, path) = file(&content);
            let idx = read_idx(&path, IdxKind::Images).unwrap();
            prop_assert_eq!(idx.dims, [count as usize, height as usize, width as usize]);
            prop_assert_eq!(idx.values, &pixels[..]);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        for content in [content.clone(), gzip(&content), [&[0x1f, 0x8b][..], &content].concat()] {
            let (_folder, path) = file(&content);
            prop_assert!(read_idx(&path, IdxKind::Images).is_err());
            let _ = read_idx(&path, IdxKind::Labels);
        }
    }

    #[test]
    fn arbitrary_dimensions_never_panic(
        dims in any::<[u32; 3]>(),
        shift in 0u32..32,
        pixels in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let [count, height, width] = dims.map(|dim| dim >> shift);
        let content = images(count, height, width, &pixels);
        for content in [content.clone(), gzip(&content)] {
            let (_folder, path) = file(&content);
            if let Ok(idx) = read_idx(&path, IdxKind::Images) {
                prop_assert_eq!(idx.dims.iter().product::<usize>(), pixels.len());
            }
        }
    }
}
