//! Archives that lie or lead astray, one test per lie; and honest ones, whose files must come back as they were.

use std::fs;
use std::path::PathBuf;

use fireclay_datasets::{ArchiveLimits, DatasetsError, read_archive};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::gzip;
use crate::tars::{bomb, entry, file, header, pax, sign, special, tar};

const LIMITS: ArchiveLimits =
    ArchiveLimits { entries: 20, entry_bytes: 10_000, total_bytes: 1 << 26, ratio: 100 };

type Files = Vec<(String, Vec<u8>)>;

fn written(archive: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some-archive");
    fs::write(&path, archive).unwrap();
    (folder, path)
}

/// The files whose names end in `.txt`, and that nothing else came to be.
fn read_with(archive: &[u8], limits: &ArchiveLimits) -> Result<Files, DatasetsError> {
    let (folder, path) = written(archive);
    let mut files = Vec::new();
    let outcome = read_archive(&path, limits, &|name| name.ends_with(".txt"), &mut |name, content| {
        files.push((name.to_owned(), content));
        Ok(())
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
    outcome.map(|()| files)
}

fn read(archive: &[u8]) -> Result<Files, DatasetsError> {
    read_with(archive, &LIMITS)
}

/// The message of a refused archive, the same plain and packed, after checking that it names the file.
fn refusal(entries: &[Vec<u8>]) -> String {
    let archive = tar(entries);
    let [plain, packed] = [archive.clone(), gzip(&archive)].map(|bytes| {
        let message = read(&bytes).unwrap_err().to_string();
        assert!(message.contains("some-archive: "), "{message}");
        message.split_once("some-archive: ").unwrap().1.to_owned()
    });
    assert_eq!(plain, packed);
    plain
}

fn honest() -> Vec<Vec<u8>> {
    vec![
        entry("set/", b'5', b""),
        file("set/a.txt", b"first"),
        file("set/b.bin", &[7; 3_000]),
        special("set/link", b'2', "a.txt"),
        file("./set//c.txt", &[b'c'; 512]),
        file("set/empty.txt", b""),
    ]
}

fn honest_files() -> Files {
    let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    vec![file("set/a.txt", b"first"), file("set/c.txt", &[b'c'; 512]), file("set/empty.txt", b"")]
}

#[test]
fn wanted_files_come_back_as_they_were() {
    let archive = tar(&honest());
    assert_eq!(read(&archive).unwrap(), honest_files());
    assert_eq!(read(&gzip(&archive)).unwrap(), honest_files());
    // Filled up to a whole record, as tar does; and an empty archive.
    let filled = [archive, vec![0; 8_704]].concat();
    assert_eq!(read(&gzip(&filled)).unwrap(), honest_files());
    assert_eq!(read(&tar(&[])).unwrap(), []);
}

#[test]
fn a_large_file_crosses_chunks() {
    let content: Vec<u8> = (0..2_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let limits = ArchiveLimits { entry_bytes: 2_000_000, ..LIMITS };
    let archive = gzip(&tar(&[file("a.txt", &content), file("b.txt", b"after")]));
    let files = read_with(&archive, &limits).unwrap();
    assert!(files[0].1 == content);
    assert_eq!(files[1], ("b.txt".to_owned(), b"after".to_vec()));
}

#[test]
fn an_archive_by_the_tar_crate_has_its_long_names() {
    let long = format!("{}/{}/a.txt", "d".repeat(90), "e".repeat(90));
    let accented = "récension.txt";
    let mut builder = tar::Builder::new(Vec::new());
    for name in [long.as_str(), accented] {
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder.append_data(&mut header, name, &b"abc"[..]).unwrap();
    }
    let archive = builder.into_inner().unwrap();
    let names: Vec<String> = read(&gzip(&archive)).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [long, accented.to_owned()]);
}

#[test]
fn an_extended_header_gives_name_and_size() {
    let archive = tar(&[pax(&[("path", "long.txt"), ("size", "5"), ("mtime", "1.5")]), file("x", b"12345")]);
    assert_eq!(read(&archive).unwrap(), [("long.txt".to_owned(), b"12345".to_vec())]);
}

#[test]
fn absolute_names_are_refused() {
    for name in ["/etc/a.txt", "/etc/unwanted"] {
        let message = refusal(&[file(name, b"")]);
        assert!(message.contains(name) && message.contains("absolute"), "{message}");
        let message = refusal(&[pax(&[("path", name)]), file("a.txt", b"")]);
        assert!(message.contains(name) && message.contains("absolute"), "{message}");
    }
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../a.txt", "set/../../a.txt", "set/..", "set/../a.txt"] {
        let message = refusal(&[file(name, b"")]);
        assert!(message.contains(name) && message.contains("`..`"), "{message}");
    }
    let mut long = entry("././@LongLink", b'L', b"../a.txt\0");
    long.extend(file("a.txt", b""));
    assert!(refusal(&[long]).contains("`..`"));
}

#[test]
fn a_file_through_a_link_is_refused() {
    for kind in [b'1', b'2'] {
        let message = refusal(&[special("set/deep", kind, "/etc"), file("set/deep/er/a.txt", b"x")]);
        assert!(
            message.contains("\"set/deep/er/a.txt\"") && message.contains("\"set/deep\", which is a link"),
            "{message}"
        );
    }
    // Through a link that nobody follows, since nobody wants the file.
    assert_eq!(read(&tar(&[special("set", b'2', "/etc"), file("set/passwd", b"x")])).unwrap(), []);
}

#[test]
fn a_wanted_name_must_be_a_regular_file() {
    for (kind, what) in [
        (b'1', "hard link"),
        (b'2', "symbolic link"),
        (b'3', "device"),
        (b'4', "device"),
        (b'5', "folder"),
        (b'6', "pipe"),
        (b'7', "unknown kind"),
        (b'S', "sparse"),
        (b'Z', "unknown kind"),
    ] {
        let message = refusal(&[special("set/a.txt", kind, "/etc/passwd")]);
        assert!(
            message.contains("\"set/a.txt\"") && message.contains(what) && message.contains("regular file"),
            "{message}"
        );
        // The same under another name is passed over.
        let archive = tar(&[special("set/other", kind, "/etc/passwd"), file("a.txt", b"x")]);
        assert_eq!(read(&archive).unwrap().len(), 1, "{what}");
    }
    let message = refusal(&[pax(&[("GNU.sparse.major", "1")]), file("a.txt", b"x")]);
    assert!(message.contains("a sparse file"), "{message}");
    // A folder as it was written before tar had kinds.
    let message = refusal(&[entry("a.txt/", 0, b"")]);
    assert!(message.contains("a folder"), "{message}");
}

#[test]
fn a_setuid_bit_means_nothing_to_bytes_in_memory() {
    let mut header = header(b"a.txt", b'0', 0);
    header[100..108].copy_from_slice(b"0006777\0");
    sign(&mut header);
    assert_eq!(read(&tar(&[header.to_vec()])).unwrap(), [("a.txt".to_owned(), vec![])]);
}

#[test]
fn a_wanted_name_is_there_once() {
    for (first, second) in [
        ("set/a.txt", "set/a.txt"),
        ("set/a.txt", "./set/a.txt"),
        ("set/a.txt", "SET/a.txt"),
        ("set/A.txt", "set/a.txt"),
        ("set/a.TXT", "set/a.txt"),
        ("É.txt", "é.txt"),
    ] {
        let message = refusal(&[file(first, b"1"), file(second, b"2")]);
        assert!(message.contains("second time") && message.contains("once"), "{message}");
    }
}

#[test]
fn sizes_that_disagree_are_refused() {
    for (extended, content) in [("4", &b"12345"[..]), ("6", b"12345"), ("0", b"12345"), ("99999999999", b"")]
    {
        for name in ["a.txt", "unwanted"] {
            let message = refusal(&[pax(&[("size", extended)]), file(name, content)]);
            let sizes = format!("{} bytes in its header and {extended} in its extended", content.len());
            assert!(message.contains(&sizes) && message.contains(name), "{message}");
        }
    }
}

#[test]
fn damaged_headers_are_refused() {
    let mut bad_sum = file("b.txt", b"");
    bad_sum[0] = b'X';
    let message = refusal(&[file("a.txt", b"x"), bad_sum]);
    assert!(message.contains("byte 1024") && message.contains("checksum"), "{message}");

    let mut bad_size = header(b"a.txt", b'0', 0);
    bad_size[124..136].copy_from_slice(b"not a size!\0");
    sign(&mut bad_size);
    let message = refusal(&[bad_size.to_vec()]);
    assert!(message.contains("size that is no number"), "{message}");

    // A size of nearly 2^64, in the binary form.
    let mut huge = header(b"unwanted", b'0', 0);
    huge[124..136].copy_from_slice(&[0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    sign(&mut huge);
    let message = read(&tar(&[huge.to_vec()])).unwrap_err().to_string();
    assert!(message.contains("unpacked bytes of the whole archive: found 18446744073709551615"), "{message}");

    let message = refusal(&[entry("x", b'x', b"999 path=a.txt\n"), file("x", b"")]);
    assert!(message.contains("damaged extended record"), "{message}");
    let message = refusal(&[entry("x", b'g', b"14 path=a.txt\n"), file("x", b"")]);
    assert!(message.contains("all entries one name"), "{message}");
    let message = refusal(&[pax(&[("path", "a.txt")])]);
    assert!(message.contains("promised by an extended header"), "{message}");
    // A note for all entries, as some tools write it, is none of those.
    assert_eq!(read(&tar(&[entry("x", b'g', b"13 comment=1\n")])).unwrap().len(), 0);
}

#[test]
fn what_is_no_archive_is_refused() {
    for content in
        [&b""[..], b"just text", &[1; 512], b"<!DOCTYPE html><html>", &[b'a'; 5_000], &gzip(b"text")]
    {
        let message = read(content).unwrap_err().to_string();
        assert!(
            message.contains("expected a tar archive") || message.contains("cut short"),
            "{content:?}: {message}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let open = |path| read_archive(path, &LIMITS, &|_| true, &mut |_, _| Ok(())).unwrap_err().to_string();
    assert!(open(folder.path()).contains("not a regular file; expected a tar archive"));
    assert!(open(&folder.path().join("absent")).contains("cannot read"));
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let archive = tar(&honest());
    // The first block of zeros is the end mark.
    for len in (0..archive.len() - 512).step_by(97).chain([archive.len() - 1_024]) {
        let message = read(&archive[..len]).unwrap_err().to_string();
        assert!(message.contains("cut short") || message.contains("found nothing"), "{len}: {message}");
    }
    let packed = gzip(&archive);
    for len in 2..packed.len() {
        let message = read(&packed[..len]).unwrap_err().to_string();
        assert!(message.contains("gzip stream is damaged or cut short"), "{len}: {message}");
    }
}

#[test]
fn a_damaged_gzip_stream_is_refused() {
    let packed = gzip(&tar(&honest()));
    for at in [packed.len() - 5, packed.len() - 1] {
        let mut damaged = packed.clone();
        damaged[at] ^= 1;
        let message = read(&damaged).unwrap_err().to_string();
        assert!(message.contains("gzip stream is damaged"), "{at}: {message}");
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let archive = tar(&honest());
    for (bytes, after) in [
        ([gzip(&archive), b"more".to_vec()].concat(), "after the end of the gzip stream"),
        ([gzip(&archive), vec![0]].concat(), "after the end of the gzip stream"),
        ([gzip(&archive), gzip(&archive)].concat(), "after the end of the gzip stream"),
        ([archive.clone(), b"more".to_vec()].concat(), "after the end of the archive"),
        (gzip(&[archive.clone(), archive.clone()].concat()), "after the end of the archive"),
        (gzip(&[archive, vec![0; 100_000], vec![1]].concat()), "after the end of the archive"),
    ] {
        let message = read(&bytes).unwrap_err().to_string();
        assert!(message.contains(after), "{message}");
    }
}

#[test]
fn limits_are_kept() {
    let message = refusal(&vec![file("unwanted", b""); 21]);
    assert!(message.contains("entries") && message.contains("found 21, more than the 20"), "{message}");
    let message = refusal(&[file("a.txt", &[0; 10_001])]);
    assert!(message.contains("\"a.txt\"") && message.contains("10001, more than the 10000"), "{message}");
    // What is passed over may be larger, but not the whole.
    assert_eq!(read(&tar(&[file("unwanted", &[0; 20_000])])).unwrap().len(), 0);
    let small = ArchiveLimits { total_bytes: 4_000, ..LIMITS };
    for name in ["a.txt", "unwanted"] {
        let archive = tar(&[file(name, &[0; 5_000])]);
        for bytes in [gzip(&archive), archive] {
            let message = read_with(&bytes, &small).unwrap_err().to_string();
            assert!(message.contains("whole archive: found 5512, more than the 4000 allowed"), "{message}");
        }
    }
    let message = refusal(&[pax(&[("comment", &"x".repeat(1 << 20))])]);
    assert!(message.contains("extended header") && message.contains("more than the 1048576"), "{message}");
    let message = refusal(&[pax(&[("path", &"x".repeat(5_000))]), file("a.txt", b"")]);
    assert!(message.contains("more than 4096 bytes"), "{message}");
}

#[test]
fn what_unpacks_too_well_is_refused() {
    // 40 MiB from 40 KiB: within the total, beyond the ratio.
    let tight = ArchiveLimits { ratio: 10, ..LIMITS };
    let message = read_with(&bomb(&header(b"unwanted", b'0', 40 << 20), 40), &tight).unwrap_err().to_string();
    assert!(message.contains("whole archive: found 41943552"), "{message}");
    // Zeros without end after the end mark.
    let message = read_with(&bomb(&[0; 1024], 70), &LIMITS).unwrap_err().to_string();
    assert!(message.contains("whole archive"), "{message}");
}

#[test]
fn the_callers_error_ends_the_reading() {
    let (_folder, path) = written(&gzip(&tar(&honest())));
    let error = read_archive(&path, &LIMITS, &|name| name.ends_with(".txt"), &mut |name, _| {
        Err(DatasetsError::FileName { name: name.to_owned() })
    });
    assert!(error.unwrap_err().to_string().contains("set/a.txt"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever bytes are changed, an archive is read or refused, and no file grows beyond its limit.
    #[test]
    fn changed_bytes_do_no_harm(changes in prop::collection::vec((0usize..7_000, any::<u8>()), 1..8), packed: bool) {
        let mut archive = tar(&honest());
        archive.splice(0..0, pax(&[("path", "p.txt"), ("size", "3")]).into_iter().chain(file("x", b"123")));
        for (at, byte) in changes {
            let at = at % archive.len();
            archive[at] = byte;
        }
        let bytes = if packed { gzip(&archive) } else { archive };
        if let Ok(files) = read(&bytes) {
            prop_assert!(files.iter().all(|(_, content)| content.len() <= 10_000));
        }
    }

    #[test]
    fn any_bytes_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..2_000), gzip_start: bool) {
        if gzip_start && bytes.len() > 3 {
            bytes[..3].copy_from_slice(&[0x1f, 0x8b, 8]);
        }
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn files_come_back(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1_500), 0..8)) {
        let entries: Vec<Vec<u8>> =
            contents.iter().enumerate().map(|(at, content)| file(&format!("{at}.txt"), content)).collect();
        let files = read(&gzip(&tar(&entries))).unwrap();
        let back: Vec<Vec<u8>> = files.into_iter().map(|(_, content)| content).collect();
        prop_assert_eq!(back, contents);
    }
}
