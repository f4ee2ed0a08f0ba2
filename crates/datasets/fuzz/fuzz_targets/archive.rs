//! tar and tar.gz archives, within limits that a small input cannot need.
#![no_main]

use fireclay_datasets::{ArchiveLimits, read_archive};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("fireclay-fuzz-{}.tar.gz", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    let limits = ArchiveLimits { entries: 1 << 10, entry_bytes: 1 << 16, total_bytes: 1 << 20, ratio: 100 };
    let mut total = 0;
    let _ = read_archive(&path, &limits, &|_| true, &mut |_, content| {
        total += content.len();
        Ok(())
    });
    assert!(total <= 1 << 20);
});
