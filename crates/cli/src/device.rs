//! The device and the number of threads, as flags say.

use clap::Args;
use fireclay::backend::{BackendError, Precision, PrecisionScope, in_precision, set_threads, supports};
use fireclay::prelude::{Device, DeviceName};

use crate::exit::UsageError;
use crate::output::Output;

/// Where to compute.
#[derive(Args, Clone, Debug)]
pub struct DeviceArgs {
    /// Device to compute on: flex (CPU), wgpu, vulkan, cuda:1, ... as far as this build has them
    #[arg(long, value_name = "NAME", default_value_t = DeviceName::default(), help_heading = "Device")]
    pub device: DeviceName,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Device")]
    pub threads: Option<usize>,
    /// Numbers in which products are made: f32, or bf16 where the device has it (on GPUs f16 where it has only that)
    #[arg(long, value_name = "NAME", default_value_t = Precision::F32, help_heading = "Device")]
    pub precision: Precision,
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

    /// Answers in the precision that was asked for until the scope is dropped, or says in one line that the device has no such.
    pub fn in_precision(&self, device: &Device, output: &Output) -> PrecisionScope {
        if !supports(device, self.precision) {
            output.warn(format!(
                "note: this device cannot multiply in {}, so the answers are computed in f32",
                self.precision
            ));
        }
        in_precision(self.precision)
    }

    /// `flex with 2 threads`
    pub fn describe(&self) -> String {
        match fireclay::backend::threads() {
            1 => format!("{} with 1 thread", self.device),
            threads => format!("{} with {threads} threads", self.device),
        }
    }
}
