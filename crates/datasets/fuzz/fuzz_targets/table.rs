//! CSV files, as numbers and as texts.
#![no_main]

use fireclay_datasets::{MissingNumbers, Table, TableHeader, TableOptions, TextTable};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the options.
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let options = TableOptions {
        header: match choice & 3 {
            0 => TableHeader::Guess,
            1 => TableHeader::Yes,
            _ => TableHeader::No,
        },
        quotes: Some(choice & 4 == 0),
        missing: if choice & 8 == 0 { MissingNumbers::Refuse } else { MissingNumbers::DropRow },
        one_hot: if choice & 16 == 0 { vec![] } else { vec![0.into()] },
        most_row_bytes: 1 << 12,
        ..TableOptions::default()
    };
    let _ = Table::from_bytes("t.csv", bytes, &options);
    let _ = TextTable::from_bytes("t.csv", bytes, &TableOptions { text: Some(0.into()), ..options });
});
