//! Operators that are used in many places.

use super::attribute::{integer, integers};
use super::graph::Graph;
use crate::onnx::proto::DataType;

impl Graph<'_> {
    /// 0 keeps a size, and one may be -1.
    pub(super) fn reshape(&mut self, value: &str, sizes: &[i64]) -> String {
        let sizes = self.ints(sizes);
        self.add("Reshape", &[value, &sizes], Vec::new())
    }

    pub(super) fn transpose(&mut self, value: &str, order: &[i64]) -> String {
        self.add("Transpose", &[value], vec![integers("perm", order)])
    }

    pub(super) fn squeeze(&mut self, value: &str, axes: &[i64]) -> String {
        let axes = self.ints(axes);
        self.add("Squeeze", &[value, &axes], Vec::new())
    }

    pub(super) fn unsqueeze(&mut self, value: &str, axes: &[i64]) -> String {
        let axes = self.ints(axes);
        self.add("Unsqueeze", &[value, &axes], Vec::new())
    }

    /// The places from `start` to before `end`, of which each is a list with one number.
    pub(super) fn slice(&mut self, value: &str, axis: i64, start: &str, end: &str) -> String {
        let axis = self.ints(&[axis]);
        self.add("Slice", &[value, start, end, &axis], Vec::new())
    }

    /// A size as a list with one number.
    pub(super) fn size(&mut self, value: &str, axis: i64) -> String {
        let attributes = vec![integer("start", axis), integer("end", axis + 1)];
        self.add("Shape", &[value], attributes)
    }

    pub(super) fn cast(&mut self, value: &str, to: DataType) -> String {
        let to = integer("to", i64::from(i32::from(to)));
        self.add("Cast", &[value], vec![to])
    }

    pub(super) fn concat(&mut self, values: &[&str], axis: i64) -> String {
        self.add("Concat", values, vec![integer("axis", axis)])
    }

    /// `count` parts of the same size.
    pub(super) fn split(&mut self, value: &str, axis: i64, count: usize) -> Vec<String> {
        let attributes = vec![integer("axis", axis), integer("num_outputs", count as i64)];
        match count {
            1 => vec![value.to_owned()],
            _ => self.add_many("Split", &[value], count, attributes),
        }
    }

    /// Whole numbers from `start`, or 0, to before `end`, each of which is a list with one number.
    pub(super) fn range(&mut self, start: Option<&str>, end: &str) -> String {
        let key = format!("range {start:?} {end}");
        self.once(&key, |graph| {
            let start = match start {
                Some(start) => graph.squeeze(start, &[0]),
                None => graph.int(0),
            };
            let end = graph.squeeze(end, &[0]);
            let one = graph.int(1);
            graph.add("Range", &[&start, &end, &one], Vec::new())
        })
    }
}
