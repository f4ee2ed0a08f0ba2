//! Rows that are empty, that occur more than once, or that contradict each other.

use std::hash::{DefaultHasher, Hasher};

use serde::Serialize;

use crate::Frame;
use crate::number::is_missing;

/// How many rows, or pairs of them, are given as examples.
const EXAMPLES: usize = 5;

/// Rows of which something is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCount {
    /// How many.
    pub rows: usize,
    /// The first of them, by their index.
    pub examples: Vec<usize>,
}

/// Rows that are the same as others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowPairs {
    /// How many.
    pub rows: usize,
    /// A few pairs of them, by their index, the earlier one first.
    pub examples: Vec<(usize, usize)>,
}

impl RowPairs {
    fn add(&mut self, rows: usize, pair: (usize, usize)) {
        self.rows += rows;
        self.examples.push(pair);
    }

    fn finished(mut self) -> Self {
        self.examples.sort_unstable_by_key(|(first, second)| (*second, *first));
        self.examples.truncate(EXAMPLES);
        self.examples.shrink_to_fit();
        self
    }
}

/// Rows without a value in any of `columns`; rows that repeat an earlier one in them and in the target; rows that are the same in
/// them and not in the target. Rows without a value are none of the others.
pub(super) fn find(frame: &Frame, columns: &[usize], target: usize) -> (RowCount, RowPairs, RowPairs) {
    let cells = |row: usize| columns.iter().map(move |column| frame.cell(row, *column));
    let (mut empty, mut repeated, mut conflicting) =
        (RowCount::default(), RowPairs::default(), RowPairs::default());
    if columns.is_empty() {
        return (empty, repeated, conflicting);
    }
    let mut hashes: Vec<(u64, usize)> = Vec::with_capacity(frame.len());
    let mut bytes = Vec::new();
    for row in 0..frame.len() {
        if cells(row).all(is_missing) {
            empty.rows += 1;
            empty.examples.push(row);
            continue;
        }
        bytes.clear();
        for cell in cells(row) {
            bytes.extend_from_slice(cell.as_bytes());
            // No cell holds it, so rows of one value in different columns differ.
            bytes.push(0xff);
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        hashes.push((hasher.finish(), row));
    }
    hashes.sort_unstable();
    for alike in hashes.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        // Rows of one hash are nearly always the same.
        let mut rest: Vec<usize> = alike.iter().map(|(_, row)| *row).collect();
        while let [first, ..] = rest[..] {
            let (same, others) = rest.into_iter().partition(|row| cells(*row).eq(cells(first)));
            of_group(frame, target, same, &mut repeated, &mut conflicting);
            rest = others;
        }
    }
    empty.examples.truncate(EXAMPLES);
    (empty, repeated.finished(), conflicting.finished())
}

/// Rows that are the same but for the target, ascending.
fn of_group(
    frame: &Frame,
    target: usize,
    rows: Vec<usize>,
    repeated: &mut RowPairs,
    conflicting: &mut RowPairs,
) {
    let Some((&first, later)) = rows.split_first() else { return };
    let of = |row: usize| frame.cell(row, target);
    if let Some(other) = later.iter().find(|row| of(**row) != of(first)) {
        conflicting.add(rows.len(), (first, *other));
    }
    let mut by_target: Vec<usize> = rows.clone();
    by_target.sort_by(|a, b| of(*a).cmp(of(*b)).then(a.cmp(b)));
    for same in by_target.chunk_by(|a, b| of(*a) == of(*b)) {
        for row in &same[1..] {
            repeated.add(1, (same[0], *row));
        }
    }
}
