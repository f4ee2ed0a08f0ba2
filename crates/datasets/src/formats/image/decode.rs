//! PNG and JPEG, decoded within limits that are checked before memory is taken.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::formats::whole::{Whole, read_whole};
use crate::{DatasetsError, ImageProblem};

/// Per side.
pub(super) const MOST_PIXELS_PER_SIDE: u32 = 16_384;

/// Memory for the decoded picture; no file is larger than what it decodes to.
const MOST_BYTES: u64 = 256 << 20;

/// Headers are rarely longer, previews and profiles included.
const HEADER_BYTES: u64 = 1 << 20;

/// The bytes of a picture's file.
pub(in crate::formats) fn read_bytes(path: &Path) -> Result<Vec<u8>, DatasetsError> {
    match read_whole(path, MOST_BYTES, "a PNG or JPEG image")? {
        Whole::Bytes(bytes) => Ok(bytes),
        Whole::TooLarge(bytes) => Err(DatasetsError::Image {
            path: path.to_owned(),
            problem: ImageProblem::FileSize { bytes, limit: MOST_BYTES },
        }),
    }
}

/// Decodes a picture, turned upright; what was converted on the way is added to `notes`.
pub(in crate::formats) fn decode(
    bytes: &[u8],
    notes: &mut Vec<String>,
) -> Result<DynamicImage, ImageProblem> {
    let format = check_start(bytes, notes)?;
    // Decoders fill up what is missing of a JPEG; of a PNG they say so.
    if format == ImageFormat::Jpeg && !has_jpeg_end(bytes) {
        return Err(ImageProblem::CutShort);
    }
    let mut decoder = open(bytes, format)?;
    // A picture without a readable orientation is taken as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if orientation != Orientation::NoTransforms {
        picture.apply_orientation(orientation);
        notes.push("turned upright as its camera says".into());
    }
    Ok(picture)
}

/// What the header of a picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageHeader {
    /// `[height, width]`.
    pub(crate) size: [usize; 2],
    pub(crate) has_colour: bool,
}

/// What the header of a picture's first bytes says.
fn header(bytes: &[u8]) -> Result<ImageHeader, ImageProblem> {
    let format = check_start(bytes, &mut Vec::new())?;
    let decoder = open(bytes, format)?;
    let (width, height) = decoder.dimensions();
    Ok(ImageHeader { size: [height as usize, width as usize], has_colour: decoder.color_type().has_color() })
}

/// Reads what the header of a picture says, as a rule from the beginning of its file alone.
pub(crate) fn read_image_header(path: &Path) -> Result<ImageHeader, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    // A pipe of that name would wait for ever.
    if !std::fs::metadata(path).map_err(read_error)?.is_file() {
        return Err(DatasetsError::NotAFile { path: path.to_owned(), expected: "a PNG or JPEG image" });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read_error)?;
    file.take(HEADER_BYTES).read_to_end(&mut bytes).map_err(read_error)?;
    let found = match header(&bytes) {
        // Previews and profiles before it may be longer.
        Err(_) if bytes.len() as u64 == HEADER_BYTES => header(&read_bytes(path)?),
        found => found,
    };
    found.map_err(|problem| DatasetsError::Image { path: path.to_owned(), problem })
}

fn open(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder + '_, ImageProblem> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    if decoder.total_bytes() > MOST_BYTES {
        let limit = format!("{} MB once decoded", MOST_BYTES >> 20);
        return Err(ImageProblem::TooLarge { width, height, limit });
    }
    Ok(decoder)
}

/// The format, from the first bytes; for PNG also its claims.
fn check_start(bytes: &[u8], notes: &mut Vec<String>) -> Result<ImageFormat, ImageProblem> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        if jpeg_components(bytes) == Some(4) {
            notes.push("converted from CMYK".into());
        }
        return Ok(ImageFormat::Jpeg);
    }
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let start = bytes.get(..32).unwrap_or(bytes);
        return Err(ImageProblem::NotAnImage { found: describe(start) });
    }
    // Signature 8, length 4, "IHDR" 4, width 4, height 4, bit depth, colour type.
    if let (Some(b"IHDR"), Some([w0, w1, w2, w3, h0, h1, h2, h3, _depth, colours])) =
        (bytes.get(12..16), bytes.get(16..26))
    {
        check_size(u32::from_be_bytes([*w0, *w1, *w2, *w3]), u32::from_be_bytes([*h0, *h1, *h2, *h3]))?;
        if *colours == 3 {
            notes.push("converted from palette colours".into());
        }
    }
    Ok(ImageFormat::Png)
}

/// How many colours a JPEG mixes, from its frame header.
fn jpeg_components(bytes: &[u8]) -> Option<u8> {
    let mut at = 2usize;
    loop {
        let [0xff, marker, high, low] = bytes.get(at..at.checked_add(4)?)? else { return None };
        match marker {
            // A frame header: length 2, precision 1, height 2, width 2, components 1. C4, C8 and CC are tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => return bytes.get(at + 9).copied(),
            // Start of scan: the header should have come before.
            0xda => return None,
            _ => at = at.checked_add(2 + usize::from(u16::from_be_bytes([*high, *low])))?,
        }
    }
}

/// Whether a JPEG goes on to the marker of its end.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    let mut at = 2usize;
    loop {
        // In a scan's data FF is followed by 00 or by a marker of restart; bytes before a marker, and more FF, are filling.
        let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) else {
            return false;
        };
        at += found;
        match bytes.get(at + 1) {
            None => return false,
            Some(0xd9) => return true,
            Some(0xff) => at += 1,
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 2,
            // A segment, of the length that it says; behind that of a scan comes its data.
            Some(_) => match bytes.get(at + 2..at + 4) {
                Some([high, low]) => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
                _ => return false,
            },
        }
    }
}

fn describe(start: &[u8]) -> String {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let known: [(&[u8], &str); 6] = [
        (b"GIF8", "a GIF image"),
        (b"BM", "a BMP image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"\x1f\x8b", "a gzip file"),
        (b"%PDF", "a PDF document"),
    ];
    if start.is_empty() {
        return "an empty file".into();
    }
    if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP") {
        return "a WebP image".into();
    }
    match known.iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, name)) => (*name).to_owned(),
        None if start.iter().all(is_text) => "text".into(),
        None => "bytes of another kind".into(),
    }
}

fn check_size(width: u32, height: u32) -> Result<(), ImageProblem> {
    if width == 0 || height == 0 {
        return Err(ImageProblem::Empty { width, height });
    }
    if width > MOST_PIXELS_PER_SIDE || height > MOST_PIXELS_PER_SIDE {
        return Err(ImageProblem::TooLarge {
            width,
            height,
            limit: format!("{MOST_PIXELS_PER_SIDE} per side"),
        });
    }
    Ok(())
}
