//! Names in an archive: made comparable, and watched for what would do harm where an archive is unpacked.

use std::collections::{HashMap, HashSet};

use crate::error::ArchiveProblem;

/// No path on any system is longer.
const MOST_BYTES: usize = 4_096;

/// The name without `./`, doubled and trailing `/`; `None` if it is not UTF-8, so that nobody can want it.
pub(super) fn clean(raw: &[u8]) -> Result<Option<String>, ArchiveProblem> {
    let refuse = |reason| {
        let shown = raw.get(..80).unwrap_or(raw);
        ArchiveProblem::Name { name: String::from_utf8_lossy(shown).into_owned(), reason }
    };
    if raw.len() > MOST_BYTES {
        return Err(refuse("has a name of more than 4096 bytes"));
    }
    if raw.starts_with(b"/") {
        return Err(refuse("has an absolute name"));
    }
    let parts = || raw.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    if parts().any(|part| part == b"..") {
        return Err(refuse("leads out of its folder by `..`"));
    }
    let clean: Vec<u8> = parts().collect::<Vec<_>>().join(&b'/');
    Ok(String::from_utf8(clean).ok())
}

/// The names met so far.
#[derive(Default)]
pub(super) struct Names {
    /// Regular files in lower case, and whether one of that name was wanted.
    files: HashMap<String, bool>,
    links: HashSet<String>,
}

impl Names {
    pub(super) fn add_link(&mut self, name: String) {
        self.links.insert(name);
    }

    /// Notes a regular file, and refuses a wanted one that lies below a link or was there before.
    pub(super) fn add_file(&mut self, name: &str, wanted: bool) -> Result<(), ArchiveProblem> {
        if wanted && !self.links.is_empty() {
            let above = name.match_indices('/').map(|(at, _)| &name[..at]);
            if let Some(link) = above.into_iter().find(|folder| self.links.contains(*folder)) {
                return Err(ArchiveProblem::ThroughLink { name: name.to_owned(), link: link.to_owned() });
            }
        }
        let before = self.files.insert(name.to_lowercase(), wanted);
        match before {
            Some(wanted_before) if wanted || wanted_before => {
                Err(ArchiveProblem::Twice { name: name.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_comparable() {
        for (raw, name) in [("a/b", "a/b"), ("./a//b/", "a/b"), ("a/./b", "a/b"), (".", ""), ("a..b", "a..b")]
        {
            assert_eq!(clean(raw.as_bytes()).unwrap().as_deref(), Some(name), "{raw}");
        }
        assert_eq!(clean(b"a/\xff").unwrap(), None);
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for (raw, reason) in [("/a", "absolute"), ("..", "`..`"), ("a/../b", "`..`"), ("../a", "`..`")] {
            let message = clean(raw.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(reason) && message.contains(raw), "{message}");
        }
        let message = clean(&[b'a'; 5_000]).unwrap_err().to_string();
        assert!(message.contains("4096 bytes") && message.len() < 300, "{message}");
    }

    #[test]
    fn a_file_that_nobody_wants_may_be_there_twice() {
        let mut names = Names::default();
        names.add_file("a", false).unwrap();
        names.add_file("A", false).unwrap();
        assert!(names.add_file("a", true).is_err());
        names.add_file("b", true).unwrap();
        assert!(names.add_file("B", false).is_err());
    }
}
