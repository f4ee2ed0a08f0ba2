//! A set in the cache: the archive as it was downloaded, and beside it its files unpacked, for the next start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::layout::Layout;
use super::place::{read_packed, unpacked};
use super::records::{Content, Split, read as read_records};
use crate::DatasetsError;
use crate::download::{DownloadProgress, fetch, lock};

/// Reads the published set, from its unpacked files if they are as published, else from the archive.
pub(super) fn read(
    layout: &'static Layout,
    column: usize,
    cache: &Path,
    progress: &dyn Fn(DownloadProgress<'_>),
) -> Result<[Split; 2], DatasetsError> {
    let home = cache.join(layout.cache);
    let place = home.join(layout.folder);
    // Whatever is wrong with unpacked files, the archive has them again.
    if let Ok(Some(contents)) = unpacked(layout, &place)
        && let Ok(splits) = read_records(layout, column, contents)
        && splits.iter().all(|split| split.is_published)
    {
        return Ok(splits);
    }
    let archive = fetch(&layout.remote_file(), &home, progress)?;
    let (contents, _) = read_packed(layout, column, &archive)?;
    // They only save time: a cache that is full or cannot be written still has the archive.
    let _ = keep(layout, &place, &contents);
    read_records(layout, column, contents)
}

/// Writes the files of the archive into `place`, each under another name until it is whole.
fn keep(layout: &Layout, place: &Path, contents: &[Content]) -> io::Result<()> {
    fs::create_dir_all(place)?;
    let _lock = lock(&place.join(".unpack.lock")).map_err(io::Error::other)?;
    for (file, content) in layout.files.iter().zip(contents) {
        let Content::Memory(_, bytes) = content else { continue };
        let part = place.join(format!("{}.part", file.name));
        // Left behind by a process that was killed, or a link that must not be written through.
        if fs::symlink_metadata(&part).is_ok() {
            fs::remove_file(&part)?;
        }
        let written = (OpenOptions::new().write(true).create_new(true).open(&part))
            .and_then(|mut out| out.write_all(bytes))
            .and_then(|()| fs::rename(&part, place.join(file.name)));
        if let Err(error) = written {
            // So that a full disk is not left fuller.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use fireclay_data::sha256;

    use super::super::layout::{CIFAR_10, Published};
    use super::*;

    fn leak(text: String) -> &'static str {
        Box::leak(text.into_boxed_str())
    }

    /// Two records, another pair for each file.
    fn content(at: u8) -> Vec<u8> {
        let mut content = vec![at; 2 * CIFAR_10.record_bytes()];
        content[0] = 3;
        content[CIFAR_10.record_bytes()] = 4;
        content
    }

    /// A set like CIFAR-10 whose archive, of a few kilobytes, is in the cache already; with the cache.
    fn downloaded() -> (tempfile::TempDir, &'static Layout) {
        let cache = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        let mut archive = tar::Builder::new(Vec::new());
        for (at, file) in CIFAR_10.files.iter().enumerate() {
            let content = content(at as u8);
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            let name = format!("{}/{}", CIFAR_10.folder, file.name);
            archive.append_data(&mut header, name, &content[..]).unwrap();
            files.push(Published { name: file.name, sha256: leak(sha256::of_parts(&[&content])) });
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&archive.into_inner().unwrap()).unwrap();
        let packed = packed.finish().unwrap();
        let layout = Layout {
            files: Box::leak(files.into_boxed_slice()),
            archive_bytes: packed.len() as u64,
            archive_sha256: leak(sha256::of_parts(&[&packed])),
            ..CIFAR_10
        };
        fs::create_dir(cache.path().join(layout.cache)).unwrap();
        fs::write(cache.path().join(layout.cache).join(layout.archive), packed).unwrap();
        (cache, Box::leak(Box::new(layout)))
    }

    /// The labels of both splits; nothing may be downloaded.
    fn load(layout: &'static Layout, cache: &Path) -> Vec<u8> {
        let [train, test] = read(layout, 0, cache, &|_| panic!("nothing to download")).unwrap();
        assert!(train.is_published && test.is_published);
        [train.labels, test.labels].concat()
    }

    fn place(layout: &Layout, cache: &Path) -> PathBuf {
        cache.join(layout.cache).join(layout.folder)
    }

    fn is_whole(layout: &Layout, cache: &Path) -> bool {
        let matches = |file: &Published| {
            let found = sha256::of_file(&place(layout, cache).join(file.name)).ok();
            found.as_deref() == Some(file.sha256)
        };
        layout.files.iter().all(matches)
    }

    #[test]
    fn the_archive_is_unpacked_once() {
        let (cache, layout) = downloaded();
        assert_eq!(load(layout, cache.path()), [3, 4].repeat(6));
        assert!(is_whole(layout, cache.path()));
        let mut names: Vec<_> = fs::read_dir(place(layout, cache.path()))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!((names.len(), names[0].as_str()), (7, ".unpack.lock"));
        // The next start does without the archive.
        fs::remove_file(cache.path().join(layout.cache).join(layout.archive)).unwrap();
        assert_eq!(load(layout, cache.path()), [3, 4].repeat(6));
    }

    #[test]
    fn damaged_files_are_unpacked_again() {
        let (cache, layout) = downloaded();
        load(layout, cache.path());
        let victim = place(layout, cache.path()).join("data_batch_3.bin");
        let mut damaged = content(2);
        damaged[100] ^= 1;
        for content in [damaged, vec![], content(2)[..100].to_vec(), content(1)] {
            fs::write(&victim, content).unwrap();
            assert_eq!(load(layout, cache.path()), [3, 4].repeat(6));
            assert!(is_whole(layout, cache.path()));
        }
        fs::remove_file(&victim).unwrap();
        fs::write(place(layout, cache.path()).join("test_batch.bin.part"), "left behind").unwrap();
        load(layout, cache.path());
        assert!(is_whole(layout, cache.path()));
    }

    #[test]
    fn a_cache_that_cannot_keep_them_is_read_from_its_archive() {
        let (cache, layout) = downloaded();
        fs::write(place(layout, cache.path()), "in the way").unwrap();
        for _ in 0..2 {
            assert_eq!(load(layout, cache.path()), [3, 4].repeat(6));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_left_in_the_cache_is_not_written_through() {
        let (cache, layout) = downloaded();
        let precious = cache.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let place = place(layout, cache.path());
        fs::create_dir(&place).unwrap();
        for name in ["data_batch_1.bin", "data_batch_2.bin.part"] {
            std::os::unix::fs::symlink(&precious, place.join(name)).unwrap();
        }
        load(layout, cache.path());
        assert!(is_whole(layout, cache.path()));
        assert_eq!(fs::read(precious).unwrap(), b"precious");
    }

    #[test]
    fn two_at_once_both_have_the_set() {
        let (cache, layout) = downloaded();
        let path = cache.path();
        std::thread::scope(|scope| {
            let all = [0; 4].map(|_| scope.spawn(|| load(layout, path)));
            for one in all {
                assert_eq!(one.join().unwrap(), [3, 4].repeat(6));
            }
        });
        assert!(is_whole(layout, path));
    }

    #[test]
    fn a_damaged_archive_is_downloaded_again() {
        let (cache, layout) = downloaded();
        let home = cache.path().join(layout.cache);
        let archive = home.join(layout.archive);
        let mut bytes = fs::read(&archive).unwrap();
        bytes[50] ^= 1;
        fs::write(&archive, bytes).unwrap();
        // A folder in its way keeps this test off the network.
        fs::create_dir(home.join(format!(".{}.lock", layout.archive))).unwrap();
        let error = read(layout, 0, cache.path(), &|_| {}).err().unwrap();
        assert!(error.to_string().contains(".lock"), "{error}");
    }
}
