//! ZIP archives, which PyTorch's and Keras's files are.

use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipResult;

/// Opens an archive that begins where its file does. One that may begin anywhere is searched for by its records, and with PyTorch's end
/// record for 64 bits the second entry was taken for the first where the name of the file has 21 characters.
pub(crate) fn open<R: Read + Seek>(reader: R) -> ZipResult<ZipArchive<R>> {
    ZipArchive::with_config(Config { archive_offset: ArchiveOffset::Known(0) }, reader)
}
