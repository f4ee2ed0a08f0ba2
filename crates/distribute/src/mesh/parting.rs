//! Why a rank is gone, as others are told.

use std::time::Duration;

use crate::GroupError;
use crate::call::Call;

/// Why a rank is gone, or what it says about another because of which it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The rank that went first.
    pub rank: usize,
    /// Whether it was lost; else it said why it ended.
    pub lost: bool,
    /// What was seen of it, or what it said.
    pub why: String,
}

/// The longest text that is passed on.
const MAX_TEXT: usize = 4096;

impl Cause {
    pub fn lost(rank: usize, why: impl Into<String>) -> Self {
        Cause { rank, lost: true, why: why.into() }
    }

    /// A rank of which nothing comes.
    pub fn silent(rank: usize, silence: Duration) -> Self {
        Self::lost(rank, format!("nothing was heard of it for {:.1} s", silence.as_secs_f64()))
    }

    /// This rank, whose process did not run for so long that the others gave it up.
    pub fn stopped(rank: usize, stop: Duration) -> Self {
        let silent = Self::silent(rank, stop);
        Cause { why: format!("{}, as its process was stopped", silent.why), ..silent }
    }

    /// A rank that does not come to a call.
    pub fn absent(rank: usize, call: Call, waited: Duration) -> Self {
        let waited = waited.as_secs_f64();
        Self::lost(rank, format!("it lives, but has not come to {} for {waited:.0} s", call.as_noun()))
    }

    /// A rank whose channel has failed.
    pub fn of_error(rank: usize, error: &GroupError) -> Self {
        let why = match error {
            GroupError::Closed { .. } => "it has ended without a word".into(),
            GroupError::Connection { source, .. } => format!("its connection has ended ({source})"),
            other => other.to_string(),
        };
        Self::lost(rank, why)
    }

    pub fn into_error(self, size: usize) -> GroupError {
        match self.lost {
            true => GroupError::Lost { rank: self.rank, size, reason: self.why },
            false => GroupError::Ended { rank: self.rank, size, why: self.why },
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut end = self.why.len().min(MAX_TEXT);
        while !self.why.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = vec![u8::from(self.lost)];
        bytes.extend((self.rank as u32).to_le_bytes());
        bytes.extend(&self.why.as_bytes()[..end]);
        bytes
    }

    /// What a rank said when it went.
    pub fn of_bytes(peer: usize, size: usize, bytes: &[u8]) -> Self {
        let Some((&[lost, a, b, c, d], text)) = bytes.split_first_chunk::<5>() else {
            return Self::lost(peer, "it has ended with words that make no sense");
        };
        let rank = u32::from_le_bytes([a, b, c, d]) as usize;
        let text = &text[..text.len().min(MAX_TEXT)];
        let rank = if rank < size { rank } else { peer };
        Cause { rank, lost: lost != 0, why: String::from_utf8_lossy(text).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_passed_on_and_garbage_is_not_believed() {
        let cause = Cause::lost(2, "nothing was heard of it");
        assert_eq!(Cause::of_bytes(1, 3, &cause.bytes()), cause);
        assert_eq!(Cause::of_bytes(1, 2, &cause.bytes()).rank, 1);
        assert_eq!(Cause::of_bytes(1, 2, &[1, 2]).rank, 1);
        let long = Cause { rank: 0, lost: false, why: "ä".repeat(MAX_TEXT) };
        assert_eq!(Cause::of_bytes(1, 2, &long.bytes()).why, "ä".repeat(MAX_TEXT / 2));
    }
}
