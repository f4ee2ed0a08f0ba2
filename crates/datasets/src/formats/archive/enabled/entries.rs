//! From one header of a tar archive to the next.

use tar::{EntryType, Header};

use super::extension::{self, Extension};
use super::name::{self, Names};
use super::stream::{BLOCK, Stream};
use super::{ArchiveLimits, Each};
use crate::DatasetsError;
use crate::error::ArchiveProblem;

/// See [`read_archive`](super::read_archive).
pub(super) fn read(
    mut stream: Stream<'_>,
    limits: &ArchiveLimits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut Each<'_>,
) -> Result<(), DatasetsError> {
    let mut names = Names::default();
    let mut extension = Extension::default();
    let mut entries = 0;
    while let Some(header) = next_header(&mut stream)? {
        entries += 1;
        if entries > limits.entries {
            let what = "entries of the archive".into();
            let problem = ArchiveProblem::Limit { what, found: entries, limit: limits.entries };
            return Err(stream.refuse(problem));
        }
        let kind = header.entry_type();
        let size = header.entry_size().map_err(|_| bad_header(&stream, "has a size that is no number"))?;
        if let EntryType::XHeader
        | EntryType::XGlobalHeader
        | EntryType::GNULongName
        | EntryType::GNULongLink = kind
        {
            read_extension(&mut stream, kind, size, &mut extension)?;
            continue;
        }
        let Extension { name, size: extended_size, is_sparse } = std::mem::take(&mut extension);
        let raw_name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let name = name::clean(&raw_name).map_err(|problem| stream.refuse(problem))?;
        if let Some(extended) = extended_size.filter(|extended| *extended != size) {
            let name = name.unwrap_or_default();
            return Err(stream.refuse(ArchiveProblem::Sizes { name, header: size, extended }));
        }
        let Some(name) = name else {
            stream.skip(size)?;
            continue;
        };
        let is_wanted = wanted(&name);
        if let Some(found) = irregular(kind, &raw_name, is_sparse) {
            if is_wanted {
                return Err(stream.refuse(ArchiveProblem::Kind { name, found }));
            }
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                names.add_link(name);
            }
            stream.skip(size)?;
            continue;
        }
        names.add_file(&name, is_wanted).map_err(|problem| stream.refuse(problem))?;
        if !is_wanted {
            stream.skip(size)?;
            continue;
        }
        if size > limits.entry_bytes {
            let what = format!("bytes of the entry {name:?}");
            let problem = ArchiveProblem::Limit { what, found: size, limit: limits.entry_bytes };
            return Err(stream.refuse(problem));
        }
        let content = stream.bytes(size)?;
        each(&name, content)?;
    }
    if !extension.is_empty() {
        return Err(bad_header(&stream, "was promised by an extended header and is missing"));
    }
    stream.finish()
}

/// The next header, its checksum compared; `None` at the zeros that end an archive.
fn next_header(stream: &mut Stream<'_>) -> Result<Option<Header>, DatasetsError> {
    let at = stream.at();
    let Some(block) = stream.block()? else {
        return Err(stream.refuse(match at {
            0 => ArchiveProblem::NotAnArchive { found: "nothing" },
            _ => ArchiveProblem::Cut { at, expected: "the archive's end mark" },
        }));
    };
    if block == [0; BLOCK] {
        return Ok(None);
    }
    let header = Header::from_byte_slice(&block);
    // The sum of all bytes, those of the sum itself counted as spaces.
    let sum = |part: &[u8]| part.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let expected = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    match header.cksum() {
        Ok(found) if found == expected => Ok(Some(header.clone())),
        _ if at == 0 => Err(stream.refuse(ArchiveProblem::NotAnArchive { found: "something else" })),
        _ => Err(stream.refuse(ArchiveProblem::Header { at, what: "has a wrong checksum" })),
    }
}

/// Takes over what an extended header says about the entry after it.
fn read_extension(
    stream: &mut Stream<'_>,
    kind: EntryType,
    size: u64,
    extension: &mut Extension,
) -> Result<(), DatasetsError> {
    if size > extension::MOST_BYTES {
        let what = "bytes of an extended header".into();
        let problem = ArchiveProblem::Limit { what, found: size, limit: extension::MOST_BYTES };
        return Err(stream.refuse(problem));
    }
    let content = stream.bytes(size)?;
    let outcome = match kind {
        EntryType::XHeader => extension.add_pax(&content),
        EntryType::XGlobalHeader => {
            let mut global = Extension::default();
            let outcome = global.add_pax(&content);
            outcome.and_then(|()| match global.is_empty() {
                true => Ok(()),
                false => Err("gives all entries one name or size"),
            })
        }
        EntryType::GNULongName => {
            extension.add_gnu_name(content);
            Ok(())
        }
        // Where a link leads is nobody's concern here.
        _ => Ok(()),
    };
    outcome.map_err(|what| bad_header(stream, what))
}

/// What an entry is, if it is not a regular file.
fn irregular(kind: EntryType, raw_name: &[u8], is_sparse: bool) -> Option<&'static str> {
    Some(match kind {
        // Before tar had types, a folder was a file whose name ended so.
        EntryType::Regular if raw_name.ends_with(b"/") => "a folder",
        EntryType::Regular if is_sparse => "a sparse file",
        EntryType::Regular => return None,
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Directory => "a folder",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of an unknown kind",
    })
}

fn bad_header(stream: &Stream<'_>, what: &'static str) -> DatasetsError {
    let at = stream.at().saturating_sub(BLOCK as u64);
    stream.refuse(ArchiveProblem::Header { at, what })
}
