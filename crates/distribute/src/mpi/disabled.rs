//! MPI in a build without the feature `mpi`.

use crate::{Group, GroupError, Place};

/// Starts MPI, which this build does not have.
pub fn start(_: &Place) -> Result<Box<dyn Group>, GroupError> {
    Err(GroupError::NoEngine { engine: "mpi", next: "build it with the feature mpi" })
}
