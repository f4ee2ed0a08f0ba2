//! What bombs do to memory: the largest resident size of a process of its own that reads one.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use fireclay_datasets::{ArchiveLimits, Cifar10, DataDir, IdxKind, Imdb, read_archive, read_idx};

use crate::tars::{bomb, file, header};

const CHILD: &str = "FIRECLAY_TEST_READ";

/// The other process: reads what the variable names and prints why it was refused and how much memory that took.
#[test]
fn child() {
    let Ok(job) = std::env::var(CHILD) else { return };
    let (reader, path) = job.split_once(':').unwrap();
    let path = Path::new(path);
    let limits =
        ArchiveLimits { entries: 1_000_000, entry_bytes: 1 << 40, total_bytes: 1 << 40, ratio: 1 << 20 };
    let dir = DataDir::named(path.parent().unwrap());
    let error = match reader {
        // Nothing but what the file really holds bounds these.
        "unwanted" => read_archive(path, &limits, &|_| false, &mut |_, _| Ok(())).unwrap_err(),
        "limited" => {
            let limits = ArchiveLimits { ratio: 16, ..limits };
            read_archive(path, &limits, &|_| true, &mut |_, _| Ok(())).unwrap_err()
        }
        "idx" => read_idx(path, IdxKind::Images).map(|_| ()).unwrap_err(),
        "cifar" => Cifar10::load(&dir).map(|_| ()).unwrap_err(),
        _ => Imdb::load(&dir).map(|_| ()).unwrap_err(),
    };
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    #[allow(clippy::print_stdout, reason = "this is how it reports")]
    {
        println!("\nreport:{}:{error}", peak.trim().trim_end_matches(" kB"));
    }
}

/// Peak in KiB, and the message.
fn read(reader: &str, name: &str, archive: &[u8]) -> (u64, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, archive).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "archive_memory::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{reader}:{}", path.display()))
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let report = output.lines().find_map(|line| line.strip_prefix("report:")).expect(&output);
    let (peak, message) = report.split_once(':').unwrap();
    (peak.parse().unwrap(), message.to_owned())
}

/// What this process takes before it reads anything, with room for what one reader may take.
const FEW: u64 = 64 << 10;

#[test]
fn a_bomb_that_nobody_wants_takes_no_memory() {
    // 1.2 GiB from 1.2 MB, passed over as far as it goes.
    let archive = bomb(&header(b"zeros", b'0', 1_300 << 20), 1_200);
    assert!(archive.len() < 2_000_000);
    let (peak, message) = read("unwanted", "bomb.tar.gz", &archive);
    assert!(message.contains("gzip stream is damaged or cut short"), "{message}");
    assert!(peak < FEW, "{peak} KiB");
}

#[test]
fn a_wanted_bomb_is_refused_before_memory_is_taken() {
    let archive = bomb(&header(b"zeros", b'0', 1_200 << 20), 1_200);
    let (peak, message) = read("limited", "bomb.tar.gz", &archive);
    assert!(message.contains("unpacked bytes of the whole archive"), "{message}");
    assert!(peak < FEW, "{peak} KiB");
}

#[test]
fn a_gzip_bomb_costs_what_its_header_promises() {
    // 300 MB of zeros behind an IDX header that promises one image of 10 by 10.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut header = vec![0, 0, 8, 3];
    [1u32, 10, 10].iter().for_each(|dim| header.extend(dim.to_be_bytes()));
    std::io::Write::write_all(&mut bomb, &header).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        std::io::Write::write_all(&mut bomb, &zeros).unwrap();
    }
    let (peak, message) = read("idx", "bomb.gz", &bomb.finish().unwrap());
    assert!(message.contains("holds more than 100"), "{message}");
    assert!(peak < FEW, "{peak} KiB");
}

#[test]
fn an_extended_header_of_a_gibibyte_takes_no_memory() {
    for kind in [b'x', b'g', b'L', b'K'] {
        let archive = bomb(&header(b"zeros", kind, 1_200 << 20), 1_200);
        let (peak, message) = read("unwanted", "bomb.tar.gz", &archive);
        assert!(message.contains("bytes of an extended header"), "{message}");
        assert!(peak < FEW, "{peak} KiB");
    }
}

#[test]
fn a_set_that_is_a_bomb_takes_little_memory() {
    // Zeros are valid records, all of class 0.
    let size = 1_200 << 20;
    let archive = bomb(&header(b"cifar-10-batches-bin/data_batch_1.bin", b'0', size), 1_200);
    let (peak, message) = read("cifar", "cifar-10-binary.tar.gz", &archive);
    assert!(message.contains("more than the"), "{message}");
    assert!(peak < FEW, "{peak} KiB");

    // Many small reviews, each within its limit, packed a thousand to one.
    let mut start = Vec::new();
    for number in 0..120 {
        start.extend(file(&format!("aclImdb/train/pos/{number}_8.txt"), &vec![b' '; 1 << 20]));
    }
    let (peak, message) = read("imdb", "aclImdb_v1.tar.gz", &bomb(&start, 0));
    assert!(message.contains("unpacked bytes of the whole archive"), "{message}");
    assert!(peak < FEW, "{peak} KiB");

    let size = 1_200 << 20;
    let archive = bomb(&header(b"aclImdb/train/pos/1_8.txt", b'0', size), 1_200);
    let (peak, message) = read("imdb", "aclImdb_v1.tar.gz", &archive);
    assert!(message.contains("\"aclImdb/train/pos/1_8.txt\""), "{message}");
    assert!(peak < FEW, "{peak} KiB");
}
