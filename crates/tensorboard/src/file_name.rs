//! Names of event files: `events.out.tfevents.SECONDS.fireclay.NUMBER.REVISION`.
//!
//! TensorBoard reads every file whose name has `tfevents` in it, in the order of their names. Of the names that TensorFlow
//! gives, the host is left out, as it would only tell whoever is given the file. The number tells runs of one folder and second
//! apart, and the revision how often something was cut out of the file.

use std::path::Path;

const PREFIX: &str = "events.out.tfevents.";
const MIDDLE: &str = ".fireclay.";

/// The parts of a name, in the order in which files are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// When the run began, in seconds since 1970.
    pub seconds: u64,
    pub number: u32,
    pub revision: u32,
}

impl FileName {
    /// The names in a folder, in order.
    pub fn all(folder: &Path) -> std::io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            found.extend(entry?.file_name().to_str().and_then(Self::parse));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn parse(name: &str) -> Option<Self> {
        let (seconds, rest) = name.strip_prefix(PREFIX)?.split_once(MIDDLE)?;
        let (number, revision) = rest.split_once('.')?;
        let found = Self {
            seconds: seconds.parse().ok()?,
            number: number.parse().ok()?,
            revision: revision.parse().ok()?,
        };
        (found.to_string() == name).then_some(found)
    }

    /// Whether both are the file of one run.
    pub fn is_same_run(self, other: Self) -> bool {
        (self.seconds, self.number) == (other.seconds, other.number)
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seconds, number, revision } = self;
        write!(f, "{PREFIX}{seconds:010}{MIDDLE}{number:03}.{revision:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written_and_no_other() {
        let name = FileName { seconds: 1_700_000_000, number: 2, revision: 13 };
        assert_eq!(name.to_string(), "events.out.tfevents.1700000000.fireclay.002.013");
        assert_eq!(FileName::parse(&name.to_string()), Some(name));
        for other in [
            "events.out.tfevents.1700000000.host.1.0",
            "events.out.tfevents.1700000000.fireclay.2.13",
            "events.out.tfevents.1700000000.fireclay.002.+13",
            ".events.out.tfevents.1700000000.fireclay.002.013",
        ] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
