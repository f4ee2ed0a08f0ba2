//! Shared memory where the operating system has none that this crate knows.

use crate::{Group, GroupError, Options, Place, TcpGroup, Traffic};

/// Ranks on one host that share memory; not on this operating system.
pub enum SharedMemoryGroup {}

/// What became of ranks that tried to share memory.
pub(crate) enum Shared {
    /// They do.
    Together(SharedMemoryGroup),
    /// A rank cannot.
    Apart { group: TcpGroup },
}

impl SharedMemoryGroup {
    /// Never starts.
    ///
    /// # Errors
    /// Always [`GroupError::NoEngine`].
    pub fn start(_: &Place, _: &Options) -> Result<Self, GroupError> {
        Err(GroupError::NoEngine { engine: "shared-memory", next: "use tcp, or Linux" })
    }

    pub(crate) fn of_tcp(group: TcpGroup) -> Result<Shared, GroupError> {
        Ok(Shared::Apart { group })
    }
}

impl Group for SharedMemoryGroup {
    fn rank(&self) -> usize {
        match *self {}
    }

    fn size(&self) -> usize {
        match *self {}
    }

    fn sum(&mut self, _: &mut [f32]) -> Result<(), GroupError> {
        match *self {}
    }

    fn sum_f64(&mut self, _: &mut [f64]) -> Result<(), GroupError> {
        match *self {}
    }

    fn gather(&mut self, _: &[u8]) -> Result<Vec<Vec<u8>>, GroupError> {
        match *self {}
    }

    fn broadcast(&mut self, _: usize, _: &mut Vec<u8>) -> Result<(), GroupError> {
        match *self {}
    }

    fn barrier(&mut self) -> Result<(), GroupError> {
        match *self {}
    }

    fn leave(&mut self, _: &str) {
        match *self {}
    }

    fn traffic(&self) -> Traffic {
        match *self {}
    }
}
