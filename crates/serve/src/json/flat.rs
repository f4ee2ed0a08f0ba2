//! The values of a tensor as JSON has them, nested in lists or not.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

/// Numbers, texts, truth values and nulls in their order, without the lists around them.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    pub values: Vec<Value>,
    /// How they were nested; `None` where lists beside each other differ in it.
    nesting: Nesting,
}

type Nesting = Option<Vec<usize>>;

impl Flat {
    /// Whether they lay in one list, or in lists as a tensor of this shape has them, but for axes of size 1: in others their order
    /// may be another.
    pub(crate) fn lies_as(&self, shape: &[usize]) -> bool {
        let wide = |sizes: &[usize]| sizes.iter().copied().filter(|size| *size != 1).collect::<Vec<_>>();
        self.nesting.as_ref().is_some_and(|nesting| nesting.len() <= 1 || wide(nesting) == wide(shape))
    }
}

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut flat = Flat::default();
        flat.nesting = Level(&mut flat.values).deserialize(deserializer)?;
        Ok(flat)
    }
}

struct Level<'a>(&'a mut Vec<Value>);

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Nesting;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Nesting, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Nesting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values, or lists of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Nesting, A::Error> {
        let Some(first) = list.next_element_seed(Level(self.0))? else { return Ok(Some(vec![0])) };
        let (mut count, mut alike) = (1, true);
        while let Some(next) = list.next_element_seed(Level(self.0))? {
            count += 1;
            alike &= next == first;
        }
        Ok(first.filter(|_| alike).map(|inner| [vec![count], inner].concat()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Nesting, E> {
        self.0.push(value.into());
        Ok(Some(Vec::new()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Nesting, E> {
        self.0.push(value.into());
        Ok(Some(Vec::new()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Nesting, E> {
        self.0.push(value.into());
        Ok(Some(Vec::new()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Nesting, E> {
        self.0.push(value.into());
        Ok(Some(Vec::new()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Nesting, E> {
        self.0.push(value.into());
        Ok(Some(Vec::new()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Nesting, E> {
        self.0.push(value.into());
        Ok(Some(Vec::new()))
    }

    fn visit_unit<E: Error>(self) -> Result<Nesting, E> {
        self.0.push(Value::Null);
        Ok(Some(Vec::new()))
    }
}

impl Flat {
    /// The same of JSON that was read already.
    ///
    /// # Errors
    /// What is in it that is no value.
    pub(crate) fn of(value: Value) -> Result<Flat, serde_json::Error> {
        serde_json::from_value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_opened_and_their_order_kept() {
        let flat: Flat = serde_json::from_str(r#"[[1, [2.5, "x"]], [], true, null]"#).unwrap();
        assert_eq!(serde_json::to_string(&flat.values).unwrap(), r#"[1,2.5,"x",true,null]"#);
        assert!(!flat.lies_as(&[5]), "its lists are not alike");
        let lies = |json: &str, shape: &[usize]| serde_json::from_str::<Flat>(json).unwrap().lies_as(shape);
        assert!(
            lies("[[1, 2, 3], [4, 5, 6]]", &[2, 3]) && lies("[1, 2, 3, 4, 5, 6]", &[2, 3]) && lies("7", &[1])
        );
        assert!(lies("[[[1, 2, 3], [4, 5, 6]]]", &[2, 1, 3]));
        assert!(!lies("[[1, 2], [3, 4], [5, 6]]", &[2, 3]) && !lies("[[1, 2, 3, 4], [5, 6]]", &[2, 3]));
        assert!(serde_json::from_str::<Flat>(r#"[{"a": 1}]"#).is_err());
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(serde_json::from_str::<Flat>(&deep).unwrap_err().to_string().contains("recursion limit"));
    }
}
