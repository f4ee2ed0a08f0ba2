//! The framing of records, TensorFlow's `TFRecord`: the length of the data (8 bytes), a checksum of the length, the data and
//! a checksum of the data, all little-endian.
//!
//! The checksums are CRC-32C, rotated and with a constant added, so that data that holds checksums of itself has another one.

use std::io::{self, Read};

/// What a record takes beside its data.
const FRAME_BYTES: u64 = 16;

/// Appends a record.
pub fn append(buffer: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    buffer.extend_from_slice(&length);
    buffer.extend_from_slice(&masked_checksum(&length).to_le_bytes());
    buffer.extend_from_slice(data);
    buffer.extend_from_slice(&masked_checksum(data).to_le_bytes());
}

fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Reads records one after the other, up to the end or to the first one that is cut short or damaged. After that one there is
/// nothing to be found: its length, by which the next would be, cannot be trusted, and TensorBoard stops there as well.
pub struct Records<R> {
    reader: R,
    length: u64,
    position: u64,
    data: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Reads a file of `length` bytes.
    pub fn new(reader: R, length: u64) -> Self {
        Self { reader, length, position: 0, data: Vec::new() }
    }

    /// Where the last whole record ends.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The data of the next whole record.
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let left = self.length - self.position;
        if left < FRAME_BYTES {
            return Ok(None);
        }
        let mut header = [0; 12];
        if !self.fill(&mut header)? {
            return Ok(None);
        }
        let (length, checksum) = header.split_at(8);
        let bytes = u64::from_le_bytes(length.try_into().expect("8 bytes"));
        // No more memory is taken than the file is long.
        if !is_checksum(checksum, length) || bytes > left - FRAME_BYTES {
            return Ok(None);
        }
        let mut data = std::mem::take(&mut self.data);
        data.resize(bytes as usize + 4, 0);
        let is_there = self.fill(&mut data)?;
        self.data = data;
        let (data, checksum) = self.data.split_at(bytes as usize);
        if !is_there || !is_checksum(checksum, data) {
            return Ok(None);
        }
        self.position += FRAME_BYTES + bytes;
        Ok(Some(data))
    }

    /// Whether there were as many bytes: a file may become shorter while it is read.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        match self.reader.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_checksum(found: &[u8], data: &[u8]) -> bool {
    found == masked_checksum(data).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let mut records = Records::new(bytes, bytes.len() as u64);
        let mut found = Vec::new();
        while let Some(data) = records.next().unwrap() {
            found.push(data.to_vec());
        }
        (found, records.position())
    }

    /// From RFC 3720, appendix B.4, with the mask worked out by hand.
    #[test]
    fn checksums_are_masked_crc_32c() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked_checksum(&[0; 32]), 0x0fd7_fffa);
    }

    #[test]
    fn whatever_is_cut_off_or_changed_the_records_before_are_read() {
        let mut bytes = Vec::new();
        append(&mut bytes, b"first");
        let border = bytes.len();
        append(&mut bytes, b"");
        append(&mut bytes, b"the last one");
        let all = [b"first".to_vec(), Vec::new(), b"the last one".to_vec()];
        assert_eq!(read(&bytes), (all.to_vec(), bytes.len() as u64));

        let last = border + FRAME_BYTES as usize;
        for length in last..bytes.len() {
            assert_eq!(read(&bytes[..length]), (all[..2].to_vec(), last as u64), "{length} bytes");
        }
        for at in last..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert_eq!(read(&changed), (all[..2].to_vec(), last as u64), "byte {at} changed");
        }
        // A disk may give back zeros for what was not written before the power failed.
        bytes.truncate(border);
        bytes.resize(border + 100, 0);
        assert_eq!(read(&bytes), (all[..1].to_vec(), border as u64));
    }

    #[test]
    fn a_length_is_no_reason_to_take_memory() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.extend(masked_checksum(&u64::MAX.to_le_bytes()).to_le_bytes());
        bytes.extend([0; 4]);
        assert_eq!(read(&bytes), (Vec::new(), 0));
    }
}
