//! Decoded images in one file, so that a second load is a plain read.
//!
//! ```text
//! "FCIMAGE1"  key 32   channels, height, width, samples, note bytes: 5 x u64    content digest 32
//! notes       lines of "count<tab>note"
//! SHA-256     of everything above
//! features    samples x channels x height x width bytes
//! ```
//!
//! The key is a digest of what the images depend on, so a changed file is another key. Nothing is believed for being in
//! the cache: header, size and both digests are checked, and a file that fails is made anew.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fireclay_data::{Bytes, write_atomically};
use sha2::{Digest, Sha256};

use super::listing::Listing;
use super::picture::{Resize, Shape};
use crate::formats::digest;

const MAGIC: &[u8; 8] = b"FCIMAGE1";
const HEADER_BYTES: usize = 8 + 32 + 5 * 8 + 32;
const MOST_NOTE_BYTES: u64 = 1 << 16;

/// How much may be read.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Of the features.
    pub(super) most_bytes: u64,
    /// More than this stays in the file.
    pub(super) map_above: u64,
}

/// What is kept.
pub(super) struct Entry {
    pub(super) shape: Shape,
    /// What was converted, and in how many files.
    pub(super) notes: Vec<(String, usize)>,
    pub(super) features: Bytes,
    /// Of features and labels.
    pub(super) digest: [u8; 32],
}

/// The digest of all that decoded images depend on: files by path, size and time, and how they are converted.
pub(super) fn key(
    listing: &Listing,
    size: Option<[usize; 2]>,
    channels: Option<usize>,
    resize: Resize,
) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(MAGIC);
    part(format!("{size:?} {channels:?} {resize:?}").as_bytes());
    for class in &listing.classes {
        part(class.as_bytes());
    }
    for file in &listing.files {
        let relative = file.path.strip_prefix(&listing.folder).unwrap_or(&file.path);
        part(relative.as_os_str().as_encoded_bytes());
        part(&file.class.to_le_bytes());
        part(&file.bytes.to_le_bytes());
        part(&file.modified.to_le_bytes());
    }
    hasher.finalize().into()
}

/// Where the images of this key are kept.
pub(super) fn path(folder: &Path, key: &[u8; 32]) -> PathBuf {
    let name: String = key[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    folder.join(format!("images-{name}.cache"))
}

/// What is kept at `path`; `None` if nothing is, or nothing that can be believed.
pub(super) fn read(
    path: &Path,
    key: &[u8; 32],
    labels: &[u32],
    classes: usize,
    limits: Limits,
) -> Option<Entry> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut file = File::open(path).ok()?;
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header).ok()?;
    let mut rest = header.strip_prefix(MAGIC.as_slice())?.strip_prefix(key.as_slice())?;
    let mut number = || {
        let (first, others) = rest.split_first_chunk::<8>()?;
        rest = others;
        Some(u64::from_le_bytes(*first))
    };
    let [channels, height, width, samples, note_bytes] =
        [number()?, number()?, number()?, number()?, number()?];
    let promised_content: [u8; 32] = rest.try_into().ok()?;
    let len = channels.checked_mul(height)?.checked_mul(width)?.checked_mul(samples)?;
    let whole = (HEADER_BYTES as u64).checked_add(note_bytes)?.checked_add(32)?.checked_add(len)?;
    let fits = note_bytes <= MOST_NOTE_BYTES && len <= limits.most_bytes && samples == labels.len() as u64;
    if !fits || whole != metadata.len() {
        return None;
    }
    let mut notes = vec![0; usize::try_from(note_bytes).ok()?];
    file.read_exact(&mut notes).ok()?;
    let mut promised = [0; 32];
    file.read_exact(&mut promised).ok()?;
    if <[u8; 32]>::from(Sha256::new().chain_update(header).chain_update(&notes).finalize()) != promised {
        return None;
    }
    let features =
        Bytes::read_or_map(path, whole - len, usize::try_from(len).ok()?, limits.map_above).ok()?;
    if digest::of_bytes(&features, labels, classes) != promised_content {
        return None;
    }
    let [channels, height, width] = [channels, height, width].map(|side| usize::try_from(side).unwrap_or(0));
    let shape = Shape { channels, height, width };
    Some(Entry { shape, notes: parse_notes(&notes)?, features, digest: promised_content })
}

/// Keeps `entry` at `path`: never visible half-written.
pub(super) fn write(path: &Path, key: &[u8; 32], entry: &Entry, samples: usize) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    write_atomically(path, |file| write_entry(file, key, entry, samples))
}

fn write_entry(file: &mut dyn Write, key: &[u8; 32], entry: &Entry, samples: usize) -> io::Result<()> {
    let notes: String = entry.notes.iter().map(|(note, count)| format!("{count}\t{note}\n")).collect();
    let Shape { channels, height, width } = entry.shape;
    let mut header = [MAGIC.as_slice(), key].concat();
    for number in [channels, height, width, samples, notes.len()] {
        header.extend((number as u64).to_le_bytes());
    }
    header.extend(entry.digest);
    header.extend(notes.as_bytes());
    let digest = Sha256::digest(&header);
    file.write_all(&header)?;
    file.write_all(&digest)?;
    file.write_all(&entry.features)
}

fn parse_notes(bytes: &[u8]) -> Option<Vec<(String, usize)>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let parse = |line: &str| {
        let (count, note) = line.split_once('\t')?;
        Some((note.to_owned(), count.parse().ok()?))
    };
    text.lines().map(parse).collect()
}
