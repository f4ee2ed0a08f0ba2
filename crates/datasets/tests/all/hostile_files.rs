//! Properties of every reader: whatever a file holds, it ends in a value or in an error, within bounded memory.
//!
//! Valid files are damaged in a few places, cut, and joined; besides there are bytes without any order. That a reader
//! returns at all is what is promised; errors also name the file. `PROPTEST_CASES=100000` searches longer.

use std::io::{Cursor, Write};

use fireclay_datasets::{
    DatasetsError, IdxKind, NpyArray, Npz, Table, TableHeader, TableOptions, TextFolder, TextTable,
    read_digit_bytes, read_idx_bytes,
};
use proptest::prelude::*;

/// `seed` with some bytes set to others, cut at some place, and with some bytes behind it.
fn damaged(seed: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let len = seed.len();
    let edits = prop::collection::vec((0..len, any::<u8>()), 0..6);
    let cut = prop_oneof![3 => Just(len), 1 => 0..len];
    let tail = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..40)];
    (edits, cut, tail).prop_map(move |(edits, cut, tail)| {
        let mut bytes = seed.clone();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        bytes.extend(tail);
        bytes
    })
}

fn names_the_file<T>(outcome: Result<T, DatasetsError>, name: &str) {
    if let Err(error) = outcome {
        assert!(error.to_string().contains(name), "{error}");
    }
}

fn idx() -> Vec<u8> {
    [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[9; 8]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn npy() -> Vec<u8> {
    let text = b"{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n";
    [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text, &[1; 12]].concat()
}

fn npz() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method) in
        [("a.npy", zip::CompressionMethod::Deflated), ("b.npy", zip::CompressionMethod::Stored)]
    {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(name, options).unwrap();
        writer.write_all(&npy()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8 * 20, y as u8 * 30, 99]));
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn csv() -> Vec<u8> {
    b"id,\"some\ntext\",label\r\n1,\"a, \"\"b\"\"\",x\r\n2.5,-,y\n\n-3e2,\xc3\xa9,x\n".to_vec()
}

fn every_table_option(bytes: &[u8]) {
    for header in [TableHeader::Guess, TableHeader::Yes, TableHeader::No] {
        for quotes in [true, false] {
            for one_hot in [vec![], vec![1.into()]] {
                let options = TableOptions {
                    header,
                    quotes: Some(quotes),
                    one_hot,
                    most_row_bytes: 1 << 10,
                    most_bytes: 1 << 16,
                    ..TableOptions::default()
                };
                names_the_file(Table::from_bytes("t.csv", bytes, &options), "t.csv");
                let text = TableOptions { text: Some(1.into()), one_hot: vec![], ..options };
                names_the_file(TextTable::from_bytes("t.csv", bytes, &text), "t.csv");
            }
        }
    }
}

fn every_array(bytes: Vec<u8>) {
    match Npz::from_bytes("a.npz", bytes) {
        Ok(mut npz) => {
            let names: Vec<String> = npz.names().map(str::to_owned).collect();
            for name in names {
                names_the_file(npz.array(&name), "a.npz");
            }
        }
        Err(error) => assert!(error.to_string().contains("a.npz"), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_idx_files(plain in damaged(idx()), packed in damaged(gzip(&idx()))) {
        for kind in [IdxKind::Images, IdxKind::Labels] {
            names_the_file(read_idx_bytes(&plain, kind), "bytes");
            names_the_file(read_idx_bytes(&packed, kind), "bytes");
        }
    }

    #[test]
    fn damaged_arrays(bytes in damaged(npy())) {
        let outcome = NpyArray::from_bytes("a.npy", &bytes);
        if let Ok(array) = &outcome {
            prop_assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
        }
        names_the_file(outcome, "a.npy");
    }

    #[test]
    fn damaged_archives(bytes in damaged(npz())) {
        every_array(bytes);
    }

    #[test]
    fn damaged_tables(bytes in damaged(csv())) {
        every_table_option(&bytes);
    }

    #[test]
    fn damaged_pictures(
        png in damaged(picture(image::ImageFormat::Png)),
        jpeg in damaged(picture(image::ImageFormat::Jpeg)),
    ) {
        for bytes in [png, jpeg] {
            if let Ok(digit) = read_digit_bytes(&bytes, 8, 8) {
                prop_assert_eq!(digit.pixels.len(), 64);
            }
        }
    }

    #[test]
    fn bytes_without_order(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for kind in [IdxKind::Images, IdxKind::Labels] {
            names_the_file(read_idx_bytes(&bytes, kind), "bytes");
        }
        names_the_file(NpyArray::from_bytes("a.npy", &bytes), "a.npy");
        every_table_option(&bytes);
        let _ = read_digit_bytes(&bytes, 8, 8);
        every_array(bytes);
    }

    #[test]
    fn texts_of_table_letters(text in "[a\",\n\r\t;0-9.é-]{0,120}") {
        every_table_option(text.as_bytes());
    }

    /// What is written quoted is read back.
    #[test]
    fn quoted_texts_come_back(texts in prop::collection::vec("[ -~\n\ré]{0,20}", 1..8)) {
        let quoted = |text: &String| format!("\"{}\",x\n", text.replace('"', "\"\""));
        let file = format!("text,label\n{}", texts.iter().map(quoted).collect::<String>());
        let options = TableOptions { text: Some("text".into()), ..TableOptions::default() };
        let table = TextTable::from_bytes("t.csv", file.as_bytes(), &options).unwrap();
        prop_assert_eq!(table.texts.texts(), texts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_folders(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..5)) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        for (index, bytes) in files.iter().enumerate() {
            std::fs::write(folder.path().join(format!("a/{index}.txt")), bytes).unwrap();
        }
        let readable = files.iter().all(|bytes| {
            std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0)
        });
        prop_assert_eq!(TextFolder::load(folder.path()).is_ok(), readable);
    }
}
