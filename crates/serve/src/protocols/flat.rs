//! The values of a tensor as JSON has them, nested in lists or not.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

/// Numbers, texts, truth values and nulls in their order, without the lists around them.
#[derive(Debug, Default)]
pub(crate) struct Flat(pub Vec<Value>);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut flat = Flat::default();
        Level(&mut flat.0).deserialize(deserializer)?;
        Ok(flat)
    }
}

struct Level<'a>(&'a mut Vec<Value>);

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values, or lists of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Level(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.push(value.into());
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.push(value.into());
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.0.push(value.into());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.push(value.into());
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.push(value.into());
        Ok(())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<(), E> {
        self.0.push(value.into());
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.push(Value::Null);
        Ok(())
    }
}

impl Flat {
    /// The same of JSON that was read already.
    ///
    /// # Errors
    /// What is in it that is no value.
    pub(crate) fn of(value: Value) -> Result<Vec<Value>, serde_json::Error> {
        serde_json::from_value::<Flat>(value).map(|flat| flat.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_opened_and_their_order_kept() {
        let flat: Flat = serde_json::from_str(r#"[[1, [2.5, "x"]], [], true, null]"#).unwrap();
        assert_eq!(serde_json::to_string(&flat.0).unwrap(), r#"[1,2.5,"x",true,null]"#);
        assert!(serde_json::from_str::<Flat>(r#"[{"a": 1}]"#).is_err());
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(serde_json::from_str::<Flat>(&deep).unwrap_err().to_string().contains("recursion limit"));
    }
}
