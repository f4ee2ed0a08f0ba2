//! HDF5 as Keras writes it: the classic form that `h5py` has by default, read strictly and written at its smallest.
//!
//! Superblock 0, groups with symbol tables, object headers of version 1, datasets in one piece or in chunks with gzip
//! and shuffle, attributes of text. Whatever else the format knows is refused. There is a reader of our own because no
//! more than this is needed, and because every count, address and size is compared with the file's length before anything
//! is allocated: links, external files, shared messages and user-defined types do not exist here.

mod attribute;
mod bytes;
mod dataset;
mod datatype;
mod group;
mod header;
mod write;

use std::cell::Cell;

use attribute::Attribute;
use bytes::Bytes;
pub(super) use bytes::{Problem, malformed};
pub(super) use dataset::Dataset;
use header::kind;
pub(super) use write::{Tree, write};

/// How a file begins.
pub(super) const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// More groups and datasets than any model here has.
const MOST_OBJECTS: usize = 400_000;

/// Groups inside groups.
const MOST_DEPTH: usize = 64;

/// The attribute of a file with a whole model that holds its description.
const CONFIG: &str = "model_config";

/// A file in memory with its tree of groups and datasets.
pub(super) struct Hdf5 {
    bytes: Vec<u8>,
    objects: Vec<Object>,
    config: Option<String>,
    /// Bytes of datasets that may still be read.
    budget: Cell<u64>,
    /// Bytes that their values may still have.
    unpacked: Cell<u64>,
}

/// A group or a dataset.
#[derive(Default)]
struct Object {
    members: Vec<(String, usize)>,
    dataset: Option<Dataset>,
}

/// A group or a dataset of a file.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    file: &'a Hdf5,
    object: usize,
}

impl Hdf5 {
    /// Reads the tree of a file, and no values yet. `on_disk` is how many bytes it takes there, where it may be packed once more.
    pub(super) fn read(bytes: Vec<u8>, on_disk: u64) -> Result<Self, Problem> {
        let root = superblock(&bytes)?;
        let mut objects = vec![Object::default()];
        let mut visited = std::collections::HashSet::from([root]);
        let mut open = vec![(root, 0, 0)];
        // Each member takes 40 bytes.
        let most = (bytes.len() / 40).min(MOST_OBJECTS);
        let (mut headers, mut config) = (bytes.len(), None);
        while let Some((address, index, depth)) = open.pop() {
            let messages = header::messages(&bytes, address, &mut headers)?;
            let mut object = Object { dataset: Dataset::read(&messages)?, ..Object::default() };
            if let Some(problem) = messages.iter().find_map(link) {
                return malformed(problem);
            }
            for message in &messages {
                match message.kind {
                    kind::SYMBOL_TABLE => {
                        for member in group::members(&bytes, message.body, most)? {
                            if !visited.insert(member.address) {
                                return malformed(format!(
                                    "'{}' is another name of something that has one already",
                                    member.name
                                ));
                            }
                            if objects.len() > most {
                                return Err(Problem::TooLarge {
                                    what: "the number of groups and datasets".into(),
                                    found: objects.len() as u64,
                                    limit: most as u64,
                                });
                            }
                            if depth == MOST_DEPTH {
                                return Err(Problem::TooLarge {
                                    what: "the depth of groups".into(),
                                    found: depth as u64 + 1,
                                    limit: MOST_DEPTH as u64,
                                });
                            }
                            open.push((member.address, objects.len(), depth + 1));
                            object.members.push((member.name, objects.len()));
                            objects.push(Object::default());
                        }
                    }
                    kind::ATTRIBUTE if index == 0 => {
                        let attribute = Attribute::read(message.body)?;
                        if attribute.name == CONFIG {
                            config = attribute.text(&bytes)?;
                        }
                    }
                    kind::LINK | kind::LINK_INFO => return malformed(NEWER_GROUP),
                    _ => {}
                }
            }
            objects[index] = object;
        }
        let budget = Cell::new(bytes.len() as u64);
        let unpacked = Cell::new(on_disk.saturating_mul(dataset::MOST_PER_PACKED_BYTE));
        Ok(Hdf5 { bytes, objects, config, budget, unpacked })
    }

    /// The description of the model, where the file holds a whole one.
    pub(super) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    pub(super) fn root(&self) -> Place<'_> {
        Place { file: self, object: 0 }
    }
}

/// Why a link that is not simply a member is not followed.
fn link(message: &header::Message<'_>) -> Option<String> {
    // Version, flags, and the kind of the link where a flag says that it is given; 64 is a link to another file.
    match message.body {
        [1, flags, 64, ..] if message.kind == kind::LINK && flags & 8 != 0 => {
            Some("a group links to another file, which is not opened".into())
        }
        [1, flags, 1, ..] if message.kind == kind::LINK && flags & 8 != 0 => {
            Some("a group has a link to another place, which is not followed".into())
        }
        _ => None,
    }
}

/// Why a group is not read that keeps its members in messages.
const NEWER_GROUP: &str =
    "a group is of the newer form, which Keras does not write; save the model again with Keras";

/// Where the root group's header is.
fn superblock(file: &[u8]) -> Result<u64, Problem> {
    let mut bytes = Bytes::at(file, 0, "the superblock")?;
    if bytes.take(8)? != SIGNATURE {
        return malformed("the file does not begin as HDF5 does");
    }
    bytes.version(&[0])?;
    bytes.skip(4)?;
    let sizes = [bytes.u8()?, bytes.u8()?];
    if sizes != [8, 8] {
        return malformed(format!(
            "addresses and lengths have {} and {} bytes; expected 8",
            sizes[0], sizes[1]
        ));
    }
    bytes.skip(9)?;
    let (base, _free, end) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
    if base != 0 || end != file.len() as u64 {
        return malformed(format!(
            "the file is said to begin at byte {base} and to end at {end}; it has {} bytes",
            file.len()
        ));
    }
    bytes.skip(16)?;
    bytes.u64()
}

impl<'a> Place<'a> {
    fn object(self) -> &'a Object {
        &self.file.objects[self.object]
    }

    /// A member of a group.
    pub(super) fn member(self, name: &str) -> Option<Place<'a>> {
        let members = &self.object().members;
        members.iter().find(|(own, _)| own == name).map(|(_, object)| Place { object: *object, ..self })
    }

    /// All members of a group.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Place<'a>)> {
        let members = self.object().members.iter();
        members.map(move |(name, object)| (name.as_str(), Place { object: *object, ..self }))
    }

    /// A member of a member, by names between slashes.
    pub(super) fn find(self, path: &str) -> Option<Place<'a>> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(self, |place, name| place.member(name))
    }

    /// The sizes of a dataset; `None` for a group.
    pub(super) fn shape(self) -> Option<&'a [usize]> {
        self.object().dataset.as_ref().map(|dataset| dataset.shape.as_slice())
    }

    /// The values of a dataset, row-major.
    pub(super) fn values(self) -> Result<Vec<f32>, Problem> {
        let Some(dataset) = &self.object().dataset else {
            return malformed("a group was found where values were expected");
        };
        let (bytes, left) = (dataset.byte_count(), self.file.unpacked.get());
        let Some(left) = left.checked_sub(bytes) else {
            return Err(Problem::TooLarge {
                what: "what all values unpack to, in bytes".into(),
                found: bytes,
                limit: left,
            });
        };
        self.file.unpacked.set(left);
        let mut budget = self.file.budget.get();
        let values = dataset.values(&self.file.bytes, &mut budget);
        self.file.budget.set(budget);
        values
    }
}
