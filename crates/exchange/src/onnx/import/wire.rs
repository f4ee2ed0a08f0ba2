//! The first look at a file: whether its messages are whole, how deep they go, and how much memory they would take.
//!
//! An empty message is two bytes in a file and hundreds in memory, so that a small file may ask for a lot. Everything is
//! counted here, on the bytes as they are, before anything is made of them.

use super::Problem;

/// Messages inside messages; a graph in a graph takes three of them.
const MOST_DEPTH: usize = 40;

/// The most nodes, those of graphs inside nodes counted as well.
const MOST_NODES: u64 = 100_000;

/// The most other messages: attributes, tensors, values, sizes.
const MOST_MESSAGES: u64 = 600_000;

/// The most texts and numbers that stand by themselves.
const MOST_FIELDS: u64 = 1 << 27;

/// Bytes in memory for a message of any kind, at the most.
const MESSAGE_BYTES: u64 = 1024;

/// Bytes in memory for each byte of a file: a short attribute has about 20 bytes in a file.
const MOST_GROWTH: u64 = 64;

/// What may be taken beyond that.
const SLACK: u64 = 1 << 20;

/// A kind of message that holds others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Value,
    Type,
    TensorType,
    Shape,
    /// A message without messages in it.
    Leaf,
}

impl Kind {
    /// What a field of the message is; `None` for a text, bytes or numbers.
    fn field(self, tag: u64) -> Option<Kind> {
        match (self, tag) {
            (Kind::Model, 7) => Some(Kind::Graph),
            (Kind::Model, 8 | 14) | (Kind::Tensor, 13) | (Kind::Shape, 1) => Some(Kind::Leaf),
            (Kind::Graph, 1) => Some(Kind::Node),
            (Kind::Graph, 5) | (Kind::Attribute, 5) | (Kind::Sparse, 1 | 2) => Some(Kind::Tensor),
            (Kind::Graph, 15) => Some(Kind::Sparse),
            (Kind::Graph, 11..=13) => Some(Kind::Value),
            (Kind::Node, 5) => Some(Kind::Attribute),
            (Kind::Attribute, 6) => Some(Kind::Graph),
            (Kind::Value, 2) => Some(Kind::Type),
            (Kind::Type, 1) => Some(Kind::TensorType),
            (Kind::TensorType, 2) => Some(Kind::Shape),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Counts {
    nodes: u64,
    messages: u64,
    fields: u64,
}

/// Checks a file as a whole.
pub(super) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let mut counts = Counts::default();
    message(bytes, 0, Kind::Model, 0, &mut counts)?;
    let memory = (counts.nodes + counts.messages) * MESSAGE_BYTES + counts.fields * 24;
    let limit = bytes.len() as u64 * MOST_GROWTH + SLACK;
    match memory > limit {
        true => Err(too_large("the memory that its messages would take, in bytes,", memory, limit)),
        false => Ok(()),
    }
}

fn too_large(what: &str, found: u64, limit: u64) -> Problem {
    Problem::TooLarge { what: what.to_owned(), found, limit }
}

impl Counts {
    fn check(&self) -> Result<(), Problem> {
        let limits = [
            ("the number of nodes", self.nodes, MOST_NODES),
            ("the number of messages", self.messages, MOST_MESSAGES),
            ("the number of fields", self.fields, MOST_FIELDS),
        ];
        match limits.into_iter().find(|(_, found, limit)| found > limit) {
            Some((what, found, limit)) => Err(too_large(what, found, limit)),
            None => Ok(()),
        }
    }
}

fn message(bytes: &[u8], start: usize, kind: Kind, depth: usize, counts: &mut Counts) -> Result<(), Problem> {
    let at =
        |place: usize, problem: &str| Problem::Malformed(format!("at byte {}: {problem}", start + place));
    if depth > MOST_DEPTH {
        return Err(too_large("the depth of its messages", depth as u64, MOST_DEPTH as u64));
    }
    match kind {
        Kind::Node => counts.nodes += 1,
        _ => counts.messages += 1,
    }
    counts.check()?;
    let mut place = 0;
    while place < bytes.len() {
        let field_start = place;
        let key =
            varint(bytes, &mut place).ok_or_else(|| at(field_start, "a field's number does not end"))?;
        let (tag, wire) = (key >> 3, key & 7);
        if tag == 0 {
            return Err(at(field_start, "a field has the number 0"));
        }
        let length = match wire {
            0 => {
                varint(bytes, &mut place).ok_or_else(|| at(field_start, "a number does not end"))?;
                counts.fields += 1;
                continue;
            }
            1 => 8,
            2 => varint(bytes, &mut place).ok_or_else(|| at(field_start, "a length does not end"))?,
            5 => 4,
            other => return Err(at(field_start, &format!("a field of kind {other}, which nothing writes"))),
        };
        let left = (bytes.len() - place) as u64;
        if length > left {
            return Err(at(field_start, &format!("a field of {length} bytes, and {left} are left")));
        }
        let end = place + length as usize;
        match kind.field(tag).filter(|_| wire == 2) {
            Some(inner) => message(&bytes[place..end], start + place, inner, depth + 1, counts)?,
            None => counts.fields += 1,
        }
        place = end;
    }
    Ok(())
}

/// A number of variable length, of at most ten bytes.
fn varint(bytes: &[u8], place: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in 0..10 {
        let byte = *bytes.get(*place)?;
        *place += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift * 7)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        match check(bytes).unwrap_err() {
            Problem::Malformed(problem) => problem,
            Problem::TooLarge { what, found, limit } => format!("{what} is {found} of {limit}"),
            Problem::Tensor { .. } => unreachable!("no tensor is looked at"),
        }
    }

    /// A field of bytes.
    fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![tag << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend(bytes);
        out
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert_eq!(refused(&[0x08]), "at byte 0: a number does not end");
        assert_eq!(refused(&[0x3a, 5, 1]), "at byte 0: a field of 5 bytes, and 1 are left");
        assert_eq!(refused(&[0x3b]), "at byte 0: a field of kind 3, which nothing writes");
        assert_eq!(refused(&[0x02]), "at byte 0: a field has the number 0");
        let beyond = [&[0x3a][..], &[0xff; 9], &[1]].concat();
        assert_eq!(refused(&beyond), "at byte 0: a field of 18446744073709551615 bytes, and 0 are left");
        assert_eq!(refused(&[0xff; 12]), "at byte 0: a field's number does not end");
    }

    #[test]
    fn graphs_in_graphs_end_somewhere() {
        let mut graph = Vec::new();
        for _ in 0..30 {
            graph = field(1, &field(5, &field(6, &graph)));
        }
        assert_eq!(refused(&field(7, &graph)), "the depth of its messages is 41 of 40");
    }

    #[test]
    fn many_empty_messages_are_counted_before_they_are_made() {
        let nodes = field(7, &[0x0a, 0].repeat(50_000));
        assert!(
            refused(&nodes).starts_with("the memory that its messages would take"),
            "{}",
            refused(&nodes)
        );
        let nodes = field(7, &[0x0a, 0].repeat(200_000));
        assert_eq!(refused(&nodes), "the number of nodes is 100001 of 100000");
    }
}
