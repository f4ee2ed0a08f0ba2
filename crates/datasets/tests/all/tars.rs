//! Tar archives made by hand, so that they can lie.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

/// A header with a right checksum.
pub fn header(name: &[u8], kind: u8, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    sign(&mut header);
    header
}

/// Writes the checksum of a header.
pub fn sign(header: &mut [u8; 512]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// One entry: its header and its content in whole blocks.
pub fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut entry = header(name.as_bytes(), kind, content.len() as u64).to_vec();
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

pub fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, b'0', content)
}

/// A link or device: nothing but a header.
pub fn special(name: &str, kind: u8, target: &str) -> Vec<u8> {
    let mut header = header(name.as_bytes(), kind, 0);
    header[157..157 + target.len()].copy_from_slice(target.as_bytes());
    sign(&mut header);
    header.to_vec()
}

/// An extended header for the entry after it.
pub fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut content = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let mut len = rest.len() + 1;
        while len != rest.len() + len.to_string().len() {
            len += 1;
        }
        content += &format!("{len}{rest}");
    }
    entry("PaxHeaders/x", b'x', content.as_bytes())
}

/// Entries and the end mark.
pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = entries.concat();
    archive.extend([0; 1024]);
    archive
}

/// A gzip stream of `start` and then of `mebibytes` of zeros, in about a thousandth of that: a bomb, which is not worth
/// its end.
pub fn bomb(start: &[u8], mebibytes: usize) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut pack = |bytes: &[u8], times: usize| {
        // After a full flush, blocks are whole bytes and know of nothing before them.
        let mut deflate = Compress::new(Compression::best(), false);
        let mut blocks = Vec::with_capacity(bytes.len() + 1_000);
        deflate.compress_vec(bytes, &mut blocks, FlushCompress::Full).unwrap();
        assert_eq!(deflate.total_in(), bytes.len() as u64);
        packed.extend(blocks.repeat(times));
    };
    pack(start, 1);
    pack(&vec![0; 1 << 20], mebibytes);
    packed
}
