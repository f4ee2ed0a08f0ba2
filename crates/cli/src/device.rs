//! The device and the number of threads, as flags say.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use fireclay::backend::{
    BackendError, Precision, PrecisionScope, in_precision, set_threads, speeds_up, supports,
};
use fireclay::prelude::{Device, DeviceName};
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::exit::UsageError;
use crate::output::Output;
use crate::ranks::threads_of_rank;

/// Where a training computes, so that it goes on there: the same bytes come out only on the same device with as many threads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputedOn {
    device: String,
    threads: usize,
}

/// Where to compute.
#[derive(Args, Clone, Debug)]
pub struct DeviceArgs {
    #[arg(long, value_name = "NAME", help_heading = "Device", help = format!(
        "Device to compute on: flex (CPU), wgpu, vulkan, cuda:1, ... as far as this build has them; `train --check` takes several, \
         separated by commas [default: {}]",
        DeviceName::default()
    ))]
    device: Option<DeviceNames>,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Device")]
    threads: Option<usize>,
    /// Numbers in which products are made: f32, or bf16 where the device has it (on GPUs f16 where it has only that)
    #[arg(long, value_name = "NAME", default_value_t = Precision::F32, help_heading = "Device")]
    pub precision: Precision,
}

impl DeviceArgs {
    /// The device that was named, or the usual one.
    pub fn device(&self) -> DeviceNames {
        self.device.clone().unwrap_or_default()
    }

    /// The number of threads that was named.
    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// Where a training computes that begins with these flags.
    pub fn computed_on(&self) -> ComputedOn {
        ComputedOn { device: self.device().to_string(), threads: fireclay::backend::threads() }
    }

    /// Opens the device of a training that goes on from a checkpoint: what was not named is as it was, so that the training ends as
    /// it would have. Says so where that takes longer.
    ///
    /// # Errors
    /// As [`open`](Self::open); of what the checkpoint says, with its path and how to say it anew.
    pub fn open_again(
        &mut self,
        before: &ComputedOn,
        checkpoint: &Path,
        output: &Output,
    ) -> anyhow::Result<Device> {
        let said_there =
            || format!("{} says where it computes; --device and --threads say it anew", checkpoint.display());
        let names_device = self.device.is_some();
        if !names_device {
            self.device = Some(before.device.parse().map_err(UsageError::of).with_context(said_there)?);
        }
        // Ranks share the cores of a host, whatever a training with another number of them did.
        self.threads = self.threads.or_else(threads_of_rank);
        if self.threads.is_some() {
            self.set_threads()?;
        } else {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            if before.threads > cores {
                output.note(format!(
                    "the training began with {} threads and goes on with as many; this machine has {cores} cores, so --threads {cores} is \
                     faster, to numbers that differ in their last digits",
                    before.threads
                ));
            }
            self.threads = Some(before.threads);
            self.set_threads().with_context(said_there)?;
        }
        let device = self.open_named();
        if names_device { device } else { device.with_context(said_there) }
    }

    /// Sets the threads and opens the device.
    ///
    /// # Errors
    /// A [`UsageError`] for a number of threads that cannot be, a device that this build lacks, or several of them; another error if
    /// the driver fails.
    pub fn open(&self) -> anyhow::Result<Device> {
        self.set_threads()?;
        self.open_named()
    }

    fn open_named(&self) -> anyhow::Result<Device> {
        match self.device() {
            DeviceNames(names) if names.len() == 1 => open_device(names[0]),
            names => Err(UsageError::of(CommandError::SeveralDevices { found: names.to_string() })),
        }
    }

    /// Sets the threads, and says which devices are named; they may be opened with `open_device`.
    ///
    /// # Errors
    /// A [`UsageError`] for a number of threads that cannot be.
    pub fn each(&self) -> anyhow::Result<Vec<DeviceName>> {
        self.set_threads()?;
        Ok(self.device().0)
    }

    fn set_threads(&self) -> anyhow::Result<()> {
        match self.threads.or_else(threads_of_rank) {
            Some(threads) => set_threads(threads).map_err(UsageError::of),
            None => Ok(()),
        }
    }

    /// Answers in the precision that was asked for until the scope is dropped, or says in one line that the device has no such or gains
    /// nothing by it.
    pub fn in_precision(&self, device: &Device, output: &Output) -> PrecisionScope {
        let asked = self.precision;
        if !supports(device, asked) {
            output.warn(format!(
                "note: this device cannot multiply in {asked}, so the answers are computed in f32"
            ));
        } else if asked != Precision::F32 && !speeds_up(device, asked) {
            output.warn(format!("note: this CPU multiplies in {asked} no faster than in f32"));
        }
        in_precision(self.precision)
    }

    /// `flex with 2 threads`
    pub fn describe(&self) -> String {
        with_threads(&self.device())
    }
}

/// `flex with 2 threads`
pub fn with_threads(device: &impl fmt::Display) -> String {
    match fireclay::backend::threads() {
        1 => format!("{device} with 1 thread"),
        threads => format!("{device} with {threads} threads"),
    }
}

/// Opens a device.
///
/// # Errors
/// A [`UsageError`] for a device that this build lacks; another error if the driver fails.
pub fn open_device(name: DeviceName) -> anyhow::Result<Device> {
    name.open().map_err(|error| match error {
        BackendError::Open { .. } => error.into(),
        other => UsageError::of(other),
    })
}

/// Names of devices; one, but for what tries several in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceNames(Vec<DeviceName>);

impl Default for DeviceNames {
    fn default() -> Self {
        DeviceNames(vec![DeviceName::default()])
    }
}

impl FromStr for DeviceNames {
    type Err = BackendError;

    fn from_str(names: &str) -> Result<Self, BackendError> {
        names.split(',').map(str::parse).collect::<Result<_, _>>().map(DeviceNames)
    }
}

impl fmt::Display for DeviceNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}
