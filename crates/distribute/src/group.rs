//! What a training needs of the ranks that it runs on.

use std::time::Duration;

use crate::GroupError;

/// The ranks that train together, as one of them sees them.
///
/// Every call is made by all ranks, in the same order and with values of the same length; a rank that calls something else is
/// found and named. After an error the group is of no use any more.
pub trait Group: Send {
    /// Which rank this is, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// Replaces each value by its sum over all ranks, added in the order of the ranks: all of them have the same bits then.
    ///
    /// # Errors
    /// [`GroupError`] if a rank is lost, ended, or makes another call.
    fn sum(&mut self, values: &mut [f32]) -> Result<(), GroupError>;

    /// The same for numbers of 64 bits: for counts and settings, where [`sum`](Self::sum) is for gradients.
    ///
    /// # Errors
    /// As [`sum`](Self::sum).
    fn sum_f64(&mut self, values: &mut [f64]) -> Result<(), GroupError>;

    /// What each rank gave, in the order of the ranks; they need not be of the same length.
    ///
    /// # Errors
    /// As [`sum`](Self::sum).
    fn gather(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GroupError>;

    /// Replaces the bytes of all ranks by those of one of them.
    ///
    /// # Errors
    /// As [`sum`](Self::sum).
    ///
    /// # Panics
    /// If there is no rank of this number.
    fn broadcast(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<(), GroupError>;

    /// Waits until all ranks are here.
    ///
    /// # Errors
    /// As [`sum`](Self::sum).
    fn barrier(&mut self) -> Result<(), GroupError>;

    /// Tells the others that this rank ends before its time, and why: the call that they wait in, or their next one, ends with
    /// [`GroupError::Ended`]. Nothing may be called afterwards.
    fn leave(&mut self, why: &str);

    /// What was sent so far, and how long it took.
    fn traffic(&self) -> Traffic;

    /// Whether other ranks are threads of this process, so that a rank that waits must hold nothing that they need.
    fn shares_process(&self) -> bool {
        false
    }
}

impl<G: Group + ?Sized> Group for Box<G> {
    fn rank(&self) -> usize {
        (**self).rank()
    }

    fn size(&self) -> usize {
        (**self).size()
    }

    fn sum(&mut self, values: &mut [f32]) -> Result<(), GroupError> {
        (**self).sum(values)
    }

    fn sum_f64(&mut self, values: &mut [f64]) -> Result<(), GroupError> {
        (**self).sum_f64(values)
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GroupError> {
        (**self).gather(bytes)
    }

    fn broadcast(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<(), GroupError> {
        (**self).broadcast(from, bytes)
    }

    fn barrier(&mut self) -> Result<(), GroupError> {
        (**self).barrier()
    }

    fn leave(&mut self, why: &str) {
        (**self).leave(why);
    }

    fn traffic(&self) -> Traffic {
        (**self).traffic()
    }

    fn shares_process(&self) -> bool {
        (**self).shares_process()
    }
}

impl std::ops::Sub for Traffic {
    type Output = Self;

    /// What was added since an earlier time.
    fn sub(self, earlier: Self) -> Self {
        Traffic {
            calls: self.calls.saturating_sub(earlier.calls),
            sent_bytes: self.sent_bytes.saturating_sub(earlier.sent_bytes),
            received_bytes: self.received_bytes.saturating_sub(earlier.received_bytes),
            time: self.time.saturating_sub(earlier.time),
        }
    }
}

impl std::ops::AddAssign for Traffic {
    fn add_assign(&mut self, more: Self) {
        self.calls += more.calls;
        self.sent_bytes += more.sent_bytes;
        self.received_bytes += more.received_bytes;
        self.time += more.time;
    }
}

/// What calls of a group cost one rank so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Calls that were made.
    pub calls: u64,
    /// Bytes that this rank gave to others, with everything that surrounds them: on a network, those on the wire.
    pub sent_bytes: u64,
    /// Bytes that it took from others.
    pub received_bytes: u64,
    /// Time in calls, most of which may be waiting for ranks that came later.
    pub time: Duration,
}
