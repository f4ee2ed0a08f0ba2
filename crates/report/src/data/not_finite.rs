//! Numbers that may be NaN or infinite. JSON has no word for them, so that writers put `null`, which is read back as NaN.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let read = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
}

pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let read = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

pub fn scores<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let read = Vec::<Option<f32>>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect())
}
