//! IDX files, plain and gzip.
#![no_main]

use fireclay_datasets::{IdxKind, read_idx_bytes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for kind in [IdxKind::Images, IdxKind::Labels] {
        let _ = read_idx_bytes(bytes, kind);
    }
});
