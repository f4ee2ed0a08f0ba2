//! The device and the number of threads, as flags say.

use clap::Args;
use fireclay::backend::{BackendError, Precision, PrecisionScope, in_precision, set_threads, supports};
use fireclay::prelude::{Device, DeviceName};

use serde::{Deserialize, Serialize};

use crate::exit::UsageError;
use crate::output::Output;

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
        "Device to compute on: flex (CPU), wgpu, vulkan, cuda:1, ... as far as this build has them [default: {}]",
        DeviceName::default()
    ))]
    device: Option<DeviceName>,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Device")]
    threads: Option<usize>,
    /// Numbers in which products are made: f32, or bf16 where the device has it (on GPUs f16 where it has only that)
    #[arg(long, value_name = "NAME", default_value_t = Precision::F32, help_heading = "Device")]
    pub precision: Precision,
}

impl DeviceArgs {
    /// The device that was named, or the usual one.
    pub fn device(&self) -> DeviceName {
        self.device.unwrap_or_default()
    }

    /// The number of threads that was named.
    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// Where a training computes from now on; the device is open.
    pub fn computed_on(&self) -> ComputedOn {
        ComputedOn { device: self.device().to_string(), threads: fireclay::backend::threads() }
    }

    /// Takes what was not named from the training that goes on; says so where this machine cannot.
    ///
    /// # Errors
    /// A [`UsageError`] if it ran on a device that this build does not have.
    pub fn go_on(&mut self, before: &ComputedOn, output: &Output) -> anyhow::Result<()> {
        if self.device.is_none() {
            self.device = Some(before.device.parse().map_err(UsageError::of)?);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        match self.threads {
            Some(_) => {}
            None if before.threads <= cores => self.threads = Some(before.threads),
            None => output.note(format!(
                "the training began with {} threads and this machine has {cores} cores, so its numbers will differ in their \
                 last digits; --threads {} keeps them, more slowly",
                before.threads, before.threads
            )),
        }
        Ok(())
    }

    /// Sets the threads and opens the device.
    ///
    /// # Errors
    /// A [`UsageError`] for a number of threads that cannot be, or a device that this build lacks; another error if the driver fails.
    pub fn open(&self) -> anyhow::Result<Device> {
        if let Some(threads) = self.threads {
            set_threads(threads).map_err(UsageError::of)?;
        }
        self.device().open().map_err(|error| match error {
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
            1 => format!("{} with 1 thread", self.device()),
            threads => format!("{} with {threads} threads", self.device()),
        }
    }
}
