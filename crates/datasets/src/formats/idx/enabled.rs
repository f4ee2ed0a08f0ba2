//! IDX files packed with gzip.

use std::io::{self, BufRead, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::{Idx, IdxKind, MOST_AHEAD, parse_header, wrong_size};
use crate::DatasetsError;

/// Deflate cannot pack more than 1,032 bytes into one.
const MOST_PER_PACKED_BYTE: u64 = 1_032;

pub(super) fn read_packed(
    path: &Path,
    kind: IdxKind,
    file: impl BufRead,
    file_bytes: u64,
) -> Result<Idx, DatasetsError> {
    let damaged = |unpacked: usize, source: io::Error| DatasetsError::Gzip {
        path: path.to_owned(),
        unpacked: unpacked as u64,
        source,
    };
    let mut unpacked = GzDecoder::new(file);
    let mut header = Vec::new();
    let header_len = 4 + 4 * kind.rank();
    let outcome = (unpacked.by_ref().take(header_len as u64)).read_to_end(&mut header);
    outcome.map_err(|source| damaged(header.len(), source))?;
    let (dims, promised) = parse_header(path, kind, &header)?;
    let most = file_bytes.saturating_mul(MOST_PER_PACKED_BYTE);
    if promised > most {
        let found = format!("{file_bytes} packed bytes, which unpack to {most} at most");
        return Err(wrong_size(path, promised, found, true));
    }
    let mut values = Vec::with_capacity(promised.min(MOST_AHEAD) as usize);
    let outcome = (unpacked.by_ref().take(promised)).read_to_end(&mut values);
    outcome.map_err(|source| damaged(header.len() + values.len(), source))?;
    if values.len() as u64 != promised {
        return Err(wrong_size(path, promised, values.len().to_string(), true));
    }
    // Reading past the last byte is what makes the decoder compare the checksum.
    let mut beyond = [0];
    let more = (unpacked.read(&mut beyond)).map_err(|source| damaged(header.len() + values.len(), source))?;
    if more > 0 {
        let found = format!("more than {promised}");
        return Err(wrong_size(path, promised, found, false));
    }
    let mut file = unpacked.into_inner();
    let rest = file.fill_buf().map_err(|source| DatasetsError::Read { path: path.to_owned(), source })?;
    if !rest.is_empty() {
        return Err(DatasetsError::GzipTrailing { path: path.to_owned() });
    }
    Ok(Idx { dims, values })
}
