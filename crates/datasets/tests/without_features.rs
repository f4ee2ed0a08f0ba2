//! What this build refuses for want of a feature: a typed error that names it. `cargo test --no-default-features --test
//! without_features` runs it.
#![cfg(not(any(feature = "archives", feature = "download", feature = "images")))]

use fireclay_data::write_atomically;
use fireclay_datasets::{
    ArchiveLimits, DataDir, DatasetsError, IdxKind, Mnist, Npz, NumpyDataset, NumpyOptions, RemoteFile,
    fetch, read_archive, read_idx,
};

#[track_caller]
fn refused<T>(outcome: Result<T, DatasetsError>, name: &str, missing: &str) {
    let error = outcome.map(|_| ()).unwrap_err();
    assert!(
        matches!(&error, DatasetsError::MissingFeature { feature, .. } if *feature == missing),
        "{error}"
    );
    let message = error.to_string();
    assert!(message.contains(name) && message.contains(missing), "{message}");
}

#[test]
fn packed_files_name_the_feature_that_unpacks_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.gz");
    write_atomically(&path, |out| out.write_all(&[0x1f, 0x8b, 8, 0])).unwrap();
    refused(read_idx(&path, IdxKind::Labels), "labels.gz", "archives");
    let limits = ArchiveLimits { entries: 1, entry_bytes: 1, total_bytes: 1, ratio: 1 };
    refused(read_archive(&path, &limits, &|_| true, &mut |_, _| Ok(())), "labels.gz", "archives");
    refused(Npz::open(&path), "labels.gz", "archives");
    refused(NumpyDataset::load_npz(&path, &NumpyOptions::default()), "labels.gz", "archives");
}

#[test]
fn a_missing_file_names_the_feature_that_downloads_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = RemoteFile {
        name: "set.bin".into(),
        sha256: "0".repeat(64),
        bytes: 1,
        urls: vec!["https://example.org/set.bin".into()],
    };
    refused(fetch(&file, folder.path(), &|_| {}), "set.bin", "download");
    refused(Mnist::load(&DataDir::cache_at(folder.path())), "mnist", "download");
}
