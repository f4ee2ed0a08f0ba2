//! What can go wrong before a device is open.

/// Why a device could not be opened or threads could not be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The word names no device that Fireclay knows.
    #[error("no device is called '{name}'; this build has {available}, and Fireclay knows {known}")]
    UnknownDevice {
        /// The word as it was given.
        name: String,
        /// The devices of this build, separated by commas.
        available: String,
        /// Every device name there is, separated by commas.
        known: String,
    },
    /// The device exists, but this build was made without it.
    #[error("this build has no '{name}' device, only {available}; build again with `--features {feature}`")]
    FeatureMissing {
        /// The device that was asked for.
        name: String,
        /// The devices of this build, separated by commas.
        available: String,
        /// The Cargo feature that adds the device.
        feature: &'static str,
    },
    /// The part after the colon is not a number, or the device takes none.
    #[error("'{name}' has the index '{index}'; expected {expected}")]
    Index {
        /// The device name as it was given.
        name: String,
        /// The part after the colon.
        index: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// This machine has GPUs, but none with this index.
    #[error("this machine has no device '{name}', only {found}; use one of these, or another of {available}")]
    NoSuchDevice {
        /// The device that was asked for.
        name: String,
        /// The devices that its runtime finds, separated by commas.
        found: String,
        /// The devices of this build, separated by commas.
        available: String,
    },
    /// The driver found no device at all, or it could not be started.
    #[error("cannot open device '{name}': {reason}; check the driver, or use another of {available}")]
    Open {
        /// The device that was asked for.
        name: String,
        /// What the driver or the runtime said.
        reason: String,
        /// The devices of this build, separated by commas.
        available: String,
    },
    /// The word names no precision.
    #[error("no precision is called '{name}'; use f32 or bf16")]
    UnknownPrecision {
        /// The word as it was given.
        name: String,
    },
    /// `FIRECLAY_SIMD` names instructions that the CPU lacks or that do not exist.
    #[error("FIRECLAY_SIMD={asked}: {reason}; leave it unset or use one of {available}")]
    Instructions {
        /// What the variable says.
        asked: String,
        /// Why it cannot be used.
        reason: &'static str,
        /// The instructions of this CPU, separated by commas.
        available: String,
    },
    /// No threads were asked for, or too many.
    #[error("{asked} threads cannot be used; expected 1 to {most} (this machine has {cores} cores)")]
    Threads {
        /// Threads that were asked for.
        asked: usize,
        /// The most that are accepted.
        most: usize,
        /// Cores that the operating system reports.
        cores: usize,
    },
    /// The thread pool already runs with another number of threads.
    #[error(
        "the thread pool already runs with {running} threads, so it cannot change to {asked}; set the number before the first tensor is made"
    )]
    ThreadsAlreadySet {
        /// Threads of the pool that runs.
        running: usize,
        /// Threads that were asked for.
        asked: usize,
    },
}
