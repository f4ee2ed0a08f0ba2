//! Which machine this is.

use sha2::{Digest, Sha256};

use crate::GroupError;

/// A machine, as ranks compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name, for people.
    pub name: String,
    /// The same for all processes that may share memory. Containers on one machine differ in it where they have names of their own.
    pub id: [u8; 32],
}

impl Host {
    /// The one that this process runs on.
    pub fn own() -> Result<Self, GroupError> {
        let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
        let name = read("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
        let name = name.unwrap_or_else(|_| "unnamed".into());
        let id = match read("/proc/sys/kernel/random/boot_id") {
            Ok(boot) => Sha256::digest(format!("{boot}\0{name}")).into(),
            // Who cannot tell shares with nobody.
            Err(_) => random()?,
        };
        Ok(Host { name, id })
    }
}

/// Bytes that nobody can guess.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], GroupError> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).map_err(|source| GroupError::Random { source })?;
    Ok(bytes)
}
