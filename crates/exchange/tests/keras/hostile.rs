//! Files that lie: each gives a typed error, and nothing panics or allocates what it says.

use std::io::{Cursor, Read, Write};

use fireclay_exchange::ExchangeError;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::shared::*;

/// One entry of an archive.
pub fn entry(archive: &[u8], name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).expect("an archive");
    let mut bytes = Vec::new();
    archive.by_name(name).expect("an entry").read_to_end(&mut bytes).expect("it can be read");
    bytes
}

/// An archive with its entries changed.
pub fn rewritten(archive: &[u8], mut change: impl FnMut(&str, &mut Vec<u8>)) -> Vec<u8> {
    let names = ["metadata.json", "config.json", "model.weights.h5"];
    let entries: Vec<(&str, Vec<u8>)> = names
        .into_iter()
        .map(|name| {
            let mut bytes = entry(archive, name);
            change(name, &mut bytes);
            (name, bytes)
        })
        .collect();
    archived(&entries, CompressionMethod::Stored)
}

fn archived(entries: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("an entry");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("an archive").into_inner()
}

fn refused(bytes: &[u8]) -> String {
    import_bytes("a.keras", bytes).expect_err("it is refused").to_string()
}

fn words() -> Vec<u8> {
    fixture("3.15.1", "words.keras").expect("a fixture")
}

#[test]
fn archives_that_lie_are_refused() {
    let good = words();
    for cut in (0..good.len()).step_by(good.len() / 100) {
        import_bytes("a.keras", &good[..cut]).expect_err("a cut file is refused");
    }
    let config = entry(&good, "config.json");
    let weights = entry(&good, "model.weights.h5");
    let bomb = archived(
        &[("config.json", vec![b' '; 7 << 20]), ("model.weights.h5", weights.clone())],
        CompressionMethod::Deflated,
    );
    assert!(refused(&bomb).contains("what 'config.json' unpacks to is 7340032"), "{}", refused(&bomb));
    let large = archived(&[("config.json", vec![b' '; 9 << 20])], CompressionMethod::Stored);
    assert!(refused(&large).contains("the most that is read is 8388608"), "{}", refused(&large));
    let outside = archived(&[("../config.json", config.clone())], CompressionMethod::Stored);
    assert!(refused(&outside).contains("leads out of it"), "{}", refused(&outside));
    let without = archived(&[("config.json", config.clone())], CompressionMethod::Stored);
    assert!(refused(&without).contains("no entry 'model.weights.h5'"), "{}", refused(&without));
    // Two entries of one name: the second is given the first one's in place.
    let mut twice =
        archived(&[("config.json", config.clone()), ("konfig.json", config)], CompressionMethod::Stored);
    for at in 0..twice.len() - 11 {
        if &twice[at..at + 11] == b"konfig.json" {
            twice[at] = b'c';
        }
    }
    let message = refused(&twice);
    assert!(message.contains("two entries of one name"), "{message}");
}

#[test]
fn descriptions_that_lie_are_refused() {
    let good = words();
    let with = |config: String| {
        rewritten(&good, |name, bytes| {
            if name == "config.json" {
                *bytes = config.clone().into_bytes();
            }
        })
    };
    let nested =
        format!("{{\"class_name\":\"Sequential\",\"config\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (config, expected) in [
        (nested, "recursion limit"),
        ("{}".into(), "no configuration"),
        ("[1]".into(), "not JSON"),
        (format!("{{\"class_name\":\"Sequential\",\"config\":{{\"layers\":[{}{{}}]}}}}", "{},".repeat(1_000_000)), "layers; expected at most 10000"),
        ("{\"class_name\":\"Sequential\",\"config\":{\"layers\":[]}}".into(), "layers"),
        ("{\"class_name\":\"Functional\",\"config\":{\"layers\":[],\"input_layers\":[],\"output_layers\":[]}}".into(), "input_layers"),
    ] {
        let message = refused(&with(config));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn weights_cut_anywhere_are_refused() {
    let bytes = fixture("3.15.1", "words.h5").expect("a fixture");
    let header = (0..2_048).chain((2_048..bytes.len()).step_by((bytes.len() / 100).max(1)));
    for cut in header {
        import_bytes("a.h5", &bytes[..cut]).expect_err("a cut file is refused");
    }
}

/// Replaces the first occurrence of some bytes.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn shapes_and_addresses_that_lie_are_refused() {
    let bytes = fixture("3.15.1", "words.h5").expect("a fixture");
    // The shape of the embedding, [12, 4], and its 192 bytes.
    let shape: Vec<u8> = [12u64, 4].iter().flat_map(|size| size.to_le_bytes()).collect();
    for (sizes, expected) in [
        ([1u64 << 40, 1], "the number of values of one dataset"),
        ([u64::MAX, u64::MAX], "the number of values of one dataset"),
        ([1 << 28, 1], "expected [12, 4], found [268435456, 1]"),
        ([12, 5], "expected [12, 4], found [12, 5]"),
    ] {
        let to: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        let message = import_bytes("a.h5", &replaced(&bytes, &shape, &to)).expect_err("refused").to_string();
        assert!(message.contains(expected), "{message}");
    }
    for (from, to) in
        [(&b"TREE"[..], &b"BUSH"[..]), (b"SNOD", b"NODS"), (b"HEAP", b"PILE"), (b"GCOL", b"COLG")]
    {
        let message = import_bytes("a.h5", &replaced(&bytes, from, to)).expect_err("refused").to_string();
        assert!(message.contains("expected '"), "{message}");
    }
}

#[test]
fn values_that_are_not_finite_are_refused() {
    let bytes = words();
    let broken = rewritten(&bytes, |name, content| {
        if name == "model.weights.h5" {
            // Bytes of numbers: the largest piece without structure is the embedding's.
            let value = numbers_of_embedding(&bytes);
            let at = content.windows(8).position(|window| window == value).expect("the values are there");
            content[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        }
    });
    let message = refused(&broken);
    assert!(message.contains("holds NaN"), "{message}");
}

/// The first two values of the embedding, as they lie in the file.
fn numbers_of_embedding(bytes: &[u8]) -> Vec<u8> {
    let imported = import_bytes("a.keras", bytes).expect("it can be imported");
    imported.model.tensors[0].values[..2].iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn links_filters_and_newer_forms_are_refused() {
    let folder = fixtures().join("hostile");
    for (name, expected) in [
        ("external_link.h5", "links to another file"),
        ("soft_link.h5", "link to another place"),
        ("external_file.h5", "lies in another file"),
        ("lzf.h5", "filter 32000"),
        ("latest.h5", "libver='earliest'"),
    ] {
        let bytes = std::fs::read(folder.join(name)).expect("a fixture");
        let message = import_bytes("a.h5", &bytes).expect_err("it is refused").to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn chunks_with_gzip_and_shuffle_are_read() {
    let plain = import_bytes("a.h5", &fixture("3.15.1", "words.h5").expect("a fixture")).expect("plain");
    let packed = std::fs::read(fixtures().join("hostile/chunked.h5")).expect("a fixture");
    let packed = import_bytes("a.h5", &packed).expect("packed");
    assert_eq!(plain.model.tensors, packed.model.tensors);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn flipped_bytes_never_panic(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), packed in any::<bool>()) {
        let name = if packed { "words.keras" } else { "words.h5" };
        let mut bytes = fixture("3.15.1", name).expect("a fixture");
        for (place, value) in &flips {
            let at = place.index(bytes.len());
            bytes[at] = *value;
        }
        match import_bytes(name, &bytes) {
            Ok(_) => {}
            Err(error) => prop_assert!(!matches!(error, ExchangeError::Read { .. }), "{}", error),
        }
    }
}
