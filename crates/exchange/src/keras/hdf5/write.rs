//! Writes the classic form: superblock 0, groups with one node of symbols, datasets of f32 in one piece.

use std::collections::BTreeMap;

use super::SIGNATURE;

/// A group with what is in it, by name: HDF5 keeps members sorted.
#[derive(Default)]
pub(in crate::keras) struct Tree {
    groups: BTreeMap<String, Tree>,
    datasets: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Tree {
    /// The group at a path, with all groups on the way.
    pub(in crate::keras) fn group(&mut self, path: &str) -> &mut Tree {
        let names = path.split('/').filter(|name| !name.is_empty());
        names.fold(self, |tree, name| tree.groups.entry(name.to_owned()).or_default())
    }

    /// Adds a dataset to this group.
    pub(in crate::keras) fn dataset(&mut self, name: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) {
        self.datasets.insert(name.into(), (shape, values));
    }

    fn largest(&self) -> usize {
        let own = self.groups.len() + self.datasets.len();
        self.groups.values().map(Tree::largest).max().unwrap_or(0).max(own)
    }
}

const UNDEFINED: u64 = u64::MAX;

/// The file's bytes. All members of a group are in one node, whose size the superblock says for the whole file.
pub(in crate::keras) fn write(tree: &Tree) -> Vec<u8> {
    let leaf = u16::try_from(tree.largest().div_ceil(2).max(4)).unwrap_or(u16::MAX);
    let mut out = Out { bytes: vec![0; 96], leaf };
    let root = out.group(tree);
    let end = out.bytes.len() as u64;
    let mut head = Vec::with_capacity(96);
    head.extend(SIGNATURE);
    head.extend([0, 0, 0, 0, 0, 8, 8, 0]);
    head.extend(leaf.to_le_bytes());
    head.extend(16u16.to_le_bytes());
    head.extend(0u32.to_le_bytes());
    [0, UNDEFINED, end, UNDEFINED].iter().for_each(|word| head.extend(word.to_le_bytes()));
    // The root has no name; tree and heap stand in the entry as well.
    [0, root.header].iter().for_each(|word| head.extend(word.to_le_bytes()));
    head.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    [root.tree, root.heap].iter().for_each(|word| head.extend(word.to_le_bytes()));
    out.bytes[..96].copy_from_slice(&head);
    out.bytes
}

struct Out {
    bytes: Vec<u8>,
    /// Half of the symbols for which a node has room.
    leaf: u16,
}

/// Addresses of a group.
struct Group {
    header: u64,
    tree: u64,
    heap: u64,
}

/// A member of a group: its header, and of a group its tree and heap.
type Symbol = (u64, Option<(u64, u64)>);

impl Out {
    fn word(&mut self, word: u64) {
        self.bytes.extend(word.to_le_bytes());
    }

    /// The next address, a multiple of 8.
    fn here(&mut self) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.bytes.len() as u64
    }

    fn group(&mut self, tree: &Tree) -> Group {
        let mut members: BTreeMap<&str, Symbol> = BTreeMap::new();
        for (name, (shape, values)) in &tree.datasets {
            members.insert(name, (self.dataset(shape, values), None));
        }
        for (name, tree) in &tree.groups {
            let group = self.group(tree);
            members.insert(name, (group.header, Some((group.tree, group.heap))));
        }
        let mut names = vec![0; 8];
        let mut offsets = Vec::new();
        for name in members.keys() {
            offsets.push(names.len() as u64);
            names.extend(name.as_bytes());
            names.resize((names.len() + 1).next_multiple_of(8), 0);
        }
        // Sixteen bytes at the end are the list of free places, which ends with 1.
        let free = names.len() as u64;
        names.extend(1u64.to_le_bytes());
        names.extend(16u64.to_le_bytes());
        let heap = self.here();
        self.bytes.extend(b"HEAP\0\0\0\0");
        [names.len() as u64, free, heap + 32].iter().for_each(|word| self.word(*word));
        self.bytes.extend(&names);
        let node = (!members.is_empty()).then(|| self.node(&offsets, members.values()));
        let tree = self.tree(node, offsets.last().copied().unwrap_or(0));
        let header = self.header(&[(0x11, [tree.to_le_bytes(), heap.to_le_bytes()].concat())]);
        Group { header, tree, heap }
    }

    /// The node with all symbols of a group.
    fn node<'a>(&mut self, offsets: &[u64], members: impl Iterator<Item = &'a Symbol>) -> u64 {
        let node = self.here();
        self.bytes.extend(b"SNOD\x01\0");
        self.bytes.extend((offsets.len() as u16).to_le_bytes());
        for (offset, (header, group)) in offsets.iter().zip(members) {
            self.word(*offset);
            self.word(*header);
            self.word(u64::from(group.is_some()));
            let (tree, heap) = group.unwrap_or((0, 0));
            self.word(tree);
            self.word(heap);
        }
        let full = node as usize + 8 + 2 * usize::from(self.leaf) * 40;
        self.bytes.resize(full, 0);
        node
    }

    /// A tree with one node or none; `last` is where the greatest name is.
    fn tree(&mut self, node: Option<u64>, last: u64) -> u64 {
        let tree = self.here();
        self.bytes.extend(b"TREE\0\0");
        self.bytes.extend(u16::from(node.is_some()).to_le_bytes());
        [UNDEFINED, UNDEFINED, 0].iter().for_each(|word| self.word(*word));
        if let Some(node) = node {
            self.word(node);
            self.word(last);
        }
        // Room for 32 children and 33 keys.
        self.bytes.resize(tree as usize + 24 + 32 * 8 + 33 * 8, 0);
        tree
    }

    fn dataset(&mut self, shape: &[usize], values: &[f32]) -> u64 {
        let data = self.here();
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let mut space = vec![1, shape.len() as u8, 0, 0, 0, 0, 0, 0];
        space.extend(shape.iter().flat_map(|size| (*size as u64).to_le_bytes()));
        // Little-endian IEEE single precision, of which the first bit of the mantissa is implied.
        let mut datatype = vec![0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23];
        datatype.extend(127u32.to_le_bytes());
        // Version 2, space allocated at once, written never, none defined.
        let fill = vec![2, 1, 1, 0];
        let mut layout = vec![3, 1];
        layout.extend(if values.is_empty() { UNDEFINED } else { data }.to_le_bytes());
        layout.extend((4 * values.len() as u64).to_le_bytes());
        self.header(&[(0x01, space), (0x03, datatype), (0x05, fill), (0x08, layout)])
    }

    fn header(&mut self, messages: &[(u16, Vec<u8>)]) -> u64 {
        let header = self.here();
        let size: usize = messages.iter().map(|(_, body)| 8 + body.len().next_multiple_of(8)).sum();
        self.bytes.extend([1, 0]);
        self.bytes.extend((messages.len() as u16).to_le_bytes());
        self.bytes.extend(1u32.to_le_bytes());
        self.bytes.extend((size as u32).to_le_bytes());
        self.bytes.extend([0; 4]);
        for (kind, body) in messages {
            let padded = body.len().next_multiple_of(8);
            self.bytes.extend(kind.to_le_bytes());
            self.bytes.extend((padded as u16).to_le_bytes());
            self.bytes.extend([0; 4]);
            self.bytes.extend(body);
            self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        }
        header
    }
}
