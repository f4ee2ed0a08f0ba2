//! Calls of a group, as ranks compare them.

/// A call, with what must be alike on all ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Sums so many numbers.
    Sum(u64),
    /// Sums so many numbers of 64 bits.
    SumF64(u64),
    /// Shows what each has.
    Gather,
    /// Takes over what this rank has.
    Broadcast(u64),
    /// Waits for all.
    Barrier,
}

impl Call {
    /// Bytes that a call takes.
    pub const BYTES: usize = 9;

    /// As a number and another.
    pub fn code(self) -> (u8, u64) {
        match self {
            Call::Sum(count) => (0, count),
            Call::SumF64(count) => (1, count),
            Call::Gather => (2, 0),
            Call::Broadcast(from) => (3, from),
            Call::Barrier => (4, 0),
        }
    }

    /// The call of these numbers, if there is one.
    pub fn of_code(name: u8, length: u64) -> Option<Self> {
        Some(match name {
            0 => Call::Sum(length),
            1 => Call::SumF64(length),
            2 => Call::Gather,
            3 => Call::Broadcast(length),
            4 => Call::Barrier,
            _ => return None,
        })
    }

    pub fn bytes(self) -> [u8; Self::BYTES] {
        let (name, length) = self.code();
        let mut bytes = [0; Self::BYTES];
        bytes[0] = name;
        bytes[1..].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    /// The call that a message begins with, and what follows.
    pub fn split(message: &[u8]) -> Option<(Self, &[u8])> {
        let (call, rest) = message.split_first_chunk::<{ Self::BYTES }>()?;
        let (name, length) = call.split_first()?;
        let length = u64::from_le_bytes(length.try_into().ok()?);
        Some((Self::of_code(*name, length)?, rest))
    }

    /// What a rank does, after its name.
    pub fn in_words(self) -> String {
        match self {
            Call::Sum(count) => format!("sums {count} numbers"),
            Call::SumF64(count) => format!("sums {count} numbers of 64 bits"),
            Call::Gather => "gathers".into(),
            Call::Broadcast(from) => format!("waits for what rank {from} has"),
            Call::Barrier => "waits for all".into(),
        }
    }

    /// What a rank has not come to.
    pub fn as_noun(self) -> String {
        match self {
            Call::Sum(count) => format!("the sum of {count} numbers"),
            Call::SumF64(count) => format!("the sum of {count} numbers of 64 bits"),
            Call::Gather => "the gathering".into(),
            Call::Broadcast(from) => format!("taking over what rank {from} has"),
            Call::Barrier => "where all wait for each other".into(),
        }
    }
}
