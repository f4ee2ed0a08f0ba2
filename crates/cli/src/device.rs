//! The device and the number of threads, as flags say.

use clap::Args;
use fireclay::backend::{BackendError, set_threads};
use fireclay::prelude::{Device, DeviceName};

use crate::exit::UsageError;

/// Where to compute.
#[derive(Args, Clone, Debug)]
pub struct DeviceArgs {
    /// Device to compute on: flex (CPU), wgpu, vulkan, cuda:1, ... as far as this build has them
    #[arg(long, value_name = "NAME", default_value_t = DeviceName::default(), help_heading = "Device")]
    pub device: DeviceName,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Device")]
    pub threads: Option<usize>,
}

impl DeviceArgs {
    /// Sets the threads and opens the device.
    ///
    /// # Errors
    /// A [`UsageError`] for a number of threads that cannot be, or a device that this build lacks; another error if the driver fails.
    pub fn open(&self) -> anyhow::Result<Device> {
        if let Some(threads) = self.threads {
            set_threads(threads).map_err(UsageError::of)?;
        }
        self.device.open().map_err(|error| match error {
            BackendError::Open { .. } => error.into(),
            other => UsageError::of(other),
        })
    }

    /// `flex with 2 threads`
    pub fn describe(&self) -> String {
        match fireclay::backend::threads() {
            1 => format!("{} with 1 thread", self.device),
            threads => format!("{} with {threads} threads", self.device),
        }
    }
}
