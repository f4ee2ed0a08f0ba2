//! The memory that ranks share: a file that has no disk behind it, mapped by all of them.
//!
//! It begins with a token that says whose it is, then has for each rank what others must know of it ([`Control`]), then two buffers for
//! each rank. It is made for its owner alone, and its name goes as soon as all have mapped it.

#![expect(unsafe_code, reason = "memory that several processes share has no safe form")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::{MmapOptions, MmapRaw};

/// Where files live that have no disk behind them.
pub const FOLDER: &str = "/dev/shm";

/// Bytes that no two of the parts share a cache line of, nor of two that are fetched together.
const LINE: usize = 128;
/// Bytes of a rank's part of a buffer, at the most: two buffers of all ranks should fit into the caches.
const MAX_SLOT: usize = 256 << 10;

/// The bytes by which ranks know that they have mapped the same.
pub type Token = [u8; 16];

/// What others must know of a rank.
#[repr(C, align(128))]
pub struct Control {
    /// How many steps it has done.
    pub step: AtomicU32,
    /// How many ranks sleep until it has done the next.
    pub sleepers: AtomicU32,
    /// The calls that it makes, the even and the odd ones.
    pub calls: [CallCell; 2],
}

/// A call, as its two numbers.
#[repr(C)]
pub struct CallCell {
    pub name: AtomicU32,
    pub length: AtomicU64,
}

const _: () = assert!(size_of::<Control>() == LINE);

/// The memory that ranks share, mapped.
pub struct Segment {
    map: MmapRaw,
    size: usize,
    slot: usize,
}

/// The name of a file, which goes when this is dropped.
pub struct Name(PathBuf);

impl Segment {
    /// Makes the memory for so many ranks.
    pub fn create(folder: &Path, size: usize, token: Token) -> io::Result<(Self, Name)> {
        let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("fireclay-{hex}"));
        // Nobody else reads what ranks share, and nobody has put a file there.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let name = Name(path);
        // Memory that is not there when it is written to would end the process.
        let bytes = Self::bytes(size) as u64;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
        let segment = Self::map(&file, size)?;
        // SAFETY: the file begins with a line for the token, and nobody else knows its name yet.
        unsafe { std::ptr::copy_nonoverlapping(token.as_ptr(), segment.map.as_mut_ptr(), token.len()) };
        Ok((segment, name))
    }

    /// Maps what another rank has made.
    pub fn open(path: &Path, size: usize, token: Token) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() != Self::bytes(size) as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file has another length"));
        }
        let segment = Self::map(&file, size)?;
        let mut found = Token::default();
        // SAFETY: the file begins with a line for the token, which was written before its name was passed on.
        unsafe { std::ptr::copy_nonoverlapping(segment.map.as_ptr(), found.as_mut_ptr(), found.len()) };
        match found == token {
            true => Ok(segment),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "the file is that of another group")),
        }
    }

    fn map(file: &File, size: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(Self::bytes(size)).map_raw(file)?;
        Ok(Segment { map, size, slot: Self::slot_bytes(size) })
    }

    /// Bytes of one buffer of one rank: a part of whole lines for each rank.
    fn slot_bytes(size: usize) -> usize {
        (MAX_SLOT / size / LINE).max(1) * LINE * size
    }

    fn bytes(size: usize) -> usize {
        LINE + size * LINE + 2 * size * Self::slot_bytes(size)
    }

    /// Bytes of one buffer of one rank.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// What others must know of a rank.
    pub fn control(&self, rank: usize) -> &Control {
        assert!(rank < self.size);
        // SAFETY: a map begins at a page, so the place is aligned; it lies within the map; zeros are valid, and all fields are atomic,
        // so others may change them meanwhile.
        unsafe { &*self.map.as_ptr().add(LINE + rank * LINE).cast::<Control>() }
    }

    fn place(&self, rank: usize, buffer: usize, range: &std::ops::Range<usize>) -> usize {
        assert!(rank < self.size && buffer < 2 && range.start <= range.end && range.end <= self.slot);
        LINE + self.size * LINE + (buffer * self.size + rank) * self.slot + range.start
    }

    /// Bytes of a rank's buffer, to be read.
    ///
    /// # Safety
    /// No rank may write them for as long as they are held.
    pub unsafe fn read(&self, rank: usize, buffer: usize, range: std::ops::Range<usize>) -> &[u8] {
        let start = self.place(rank, buffer, &range);
        // SAFETY: the place lies within the map, which was zeros before anything was written; the caller sees to the rest.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(start), range.len()) }
    }

    /// Bytes of a rank's buffer, to be written.
    ///
    /// # Safety
    /// No rank may read or write them for as long as they are held, and no other reference to them may be held here.
    #[expect(clippy::mut_from_ref, reason = "the memory belongs to all ranks, and their calls share it out")]
    pub unsafe fn write(&self, rank: usize, buffer: usize, range: std::ops::Range<usize>) -> &mut [u8] {
        let start = self.place(rank, buffer, &range);
        // SAFETY: the place lies within the map, which was zeros before anything was written; the caller sees to the rest.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(start), range.len()) }
    }
}

impl Name {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Somebody may have tidied up.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_file_is_its_owners_alone_and_another_one_is_refused() {
        let folder = Path::new(FOLDER);
        let (segment, name) = Segment::create(folder, 3, [7; 16]).unwrap();
        assert_eq!(std::fs::metadata(name.path()).unwrap().mode() & 0o777, 0o600);
        assert!(Segment::create(folder, 3, [7; 16]).is_err());
        assert!(Segment::open(name.path(), 2, [7; 16]).is_err());
        assert!(Segment::open(name.path(), 3, [8; 16]).is_err());
        let other = Segment::open(name.path(), 3, [7; 16]).unwrap();
        let path = name.path().to_owned();
        drop(name);
        assert!(!path.exists());
        // SAFETY: one thread writes and then reads.
        unsafe {
            segment.write(2, 1, 5..8).copy_from_slice(&[1, 2, 3]);
            assert_eq!(other.read(2, 1, 4..9), [0, 1, 2, 3, 0]);
        }
        assert_eq!(segment.slot() % (3 * LINE), 0);
    }
}
