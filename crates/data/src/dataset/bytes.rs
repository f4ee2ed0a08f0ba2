//! Bytes of samples: in memory, or mapped from a file that is too large for it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

use crate::DataError;

/// The bytes of all samples of a [`Dataset`](crate::Dataset), in memory or in a file.
///
/// ```
/// use fireclay_data::Bytes;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("fireclay-bytes-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("pixels");
/// std::fs::write(&path, b"header: pixels")?;
/// let mapped = Bytes::read_or_map(&path, 8, 6, 0)?; // anything above 0 bytes is mapped
/// assert!(mapped.is_mapped());
/// assert_eq!(&*mapped, b"pixels");
/// let read = Bytes::read_or_map(&path, 8, 6, Bytes::MAP_ABOVE)?;
/// assert!(!read.is_mapped() && *read == *mapped);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Bytes(Place);

#[derive(Clone, Debug)]
enum Place {
    Memory(Vec<u8>),
    File(Arc<Mmap>),
}

impl Bytes {
    /// The limit above which readers map a file instead of reading it: 2 GiB.
    pub const MAP_ABOVE: u64 = 2 << 30;

    /// `len` bytes of a file from `offset` on: read where they are no more than `map_above`, else mapped, so that the
    /// operating system holds in memory what is in use and there is room for.
    ///
    /// A mapped file must stay as it is for as long as the dataset is used: a file that another program cuts short
    /// meanwhile ends this one, as it does for everyone who maps files.
    ///
    /// # Errors
    /// [`DataError::Read`] if the file cannot be read or mapped, [`DataError::CutShort`] if it ends before
    /// `offset + len`.
    pub fn read_or_map(
        path: impl AsRef<Path>,
        offset: u64,
        len: usize,
        map_above: u64,
    ) -> Result<Self, DataError> {
        let path = path.as_ref();
        let read = |source| DataError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        let found = file.metadata().map_err(read)?.len();
        let expected = offset.saturating_add(len as u64);
        if found < expected {
            return Err(DataError::CutShort { path: path.to_owned(), expected, found });
        }
        if len as u64 > map_above {
            // SAFETY: the map is only read. That no other program changes the file meanwhile is asked of the user, as
            // nothing that a program can do would make sure of it.
            #[allow(unsafe_code, reason = "mapping a file has no safe form")]
            let map = unsafe { MmapOptions::new().offset(offset).len(len).map(&file) }.map_err(read)?;
            return Ok(Bytes(Place::File(Arc::new(map))));
        }
        file.seek(SeekFrom::Start(offset)).map_err(read)?;
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes).map_err(read)?;
        Ok(bytes.into())
    }

    /// Whether they stay in their file.
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Place::File(_))
    }
}

impl PartialEq for Bytes {
    /// Whether they are the same, wherever they are.
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(Place::Memory(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Memory(bytes) => bytes,
            Place::File(map) => map,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Dataset, Normalization, Provenance, Targets};

    #[test]
    fn a_mapped_dataset_gives_the_batches_of_one_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pixels");
        let pixels: Vec<u8> = (0..=255).cycle().take(10 * 12).collect();
        std::fs::write(&path, [b"head", pixels.as_slice()].concat()).unwrap();
        let dataset = |bytes: Bytes| {
            let targets = Targets::Classes { labels: vec![0; 10], names: vec!["only".into()] };
            let provenance = Provenance::new("made up", "train", "made by hand");
            Dataset::from_u8(&[3, 2, 2], bytes, targets, Normalization::none(), provenance).unwrap()
        };
        let mapped = Bytes::read_or_map(&path, 4, 120, 119).unwrap();
        assert!(mapped.is_mapped());
        let (mapped, read) = (dataset(mapped), dataset(Bytes::from(pixels)));
        let mut batches = [Batch::default(), Batch::default()];
        mapped.gather(&[9, 0, 4], &mut batches[0]);
        read.gather(&[9, 0, 4], &mut batches[1]);
        assert_eq!(batches[0], batches[1]);
        assert_eq!(mapped.raw_u8(9), read.raw_u8(9));
    }

    #[test]
    fn a_file_that_is_too_short_is_refused_before_it_is_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pixels");
        std::fs::write(&path, [0; 10]).unwrap();
        for (offset, len) in [(0, 11), (5, 6), (u64::MAX, 1), (11, 0)] {
            for map_above in [0, u64::MAX] {
                let error = Bytes::read_or_map(&path, offset, len, map_above).unwrap_err().to_string();
                assert!(error.contains("pixels") && error.contains("10 bytes"), "{error}");
            }
        }
        assert!(Bytes::read_or_map(&path, 10, 0, 0).unwrap().is_empty());
    }
}
